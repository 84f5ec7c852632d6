#include "agent/ray/answers.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/ray/serve.h"
#include "agent/ray/text.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::ray {
namespace {

using Json = nlohmann::json;

constexpr std::string_view k_job_exists = "Please use a different submission_id";

tl::unexpected<Error> no_answer(std::string message) {
  return fail(ErrorCode::Unavailable, std::move(message));
}

bool is_plain_text(const HttpResponse& response) {
  const auto type = response.headers.find("content-type");
  return type != response.headers.end() && type->second.starts_with("text/plain");
}

bool is_no_such_job(const RayRequest& request, const HttpResponse& response) {
  const std::string sentence = "Job " + request.submission_id + " does not exist";
  return response.status == 404 && response.body == sentence;
}

Result<RayReply> parse_failure(const RayRequest& request, const HttpResponse& response) {
  const bool is_about_job = request.verb == RayVerb::GetJob || request.verb == RayVerb::StopJob;
  if (is_about_job && is_no_such_job(request, response)) return RayReply{};
  if (request.verb == RayVerb::SubmitJob && response.status == 500 &&
      response.body.find(k_job_exists) != std::string::npos)
    return RayReply{};
  if (response.status == 400) {
    const std::string refusal = refusal_of(response.body);
    return fail(ErrorCode::Rejected, refusal.empty() ? "Ray refuses the request" : refusal);
  }
  const std::string line = last_line(response.body);
  const std::string status = "the head answered with status " + std::to_string(response.status);
  return no_answer(is_plain_text(response) && !line.empty() ? status + ": " + line : status);
}

std::optional<RayJobStatus> parse_status(const std::string& name) {
  for (const RayJobStatus status :
       {RayJobStatus::Pending, RayJobStatus::Running, RayJobStatus::Stopped,
        RayJobStatus::Succeeded, RayJobStatus::Failed})
    if (name == name_of(status)) return status;
  return std::nullopt;
}

Result<RayReply> parse_job(const RayRequest& request, const Json& answer) {
  // A job that a driver began on its own has no submission id, and may be found by its job id.
  if (text_of(member(answer, "submission_id")) != request.submission_id)
    return no_answer("the head answered about another job");
  const std::string status_name = text_of(member(answer, "status"));
  const auto status = parse_status(status_name);
  if (!status)
    return no_answer("the head answered with the unknown job status \"" +
                     printable(status_name, k_quoted_bytes_max) + "\"");
  RayJobInfo job;
  job.status = *status;
  const Json& metadata = member(answer, "metadata");
  if (metadata.is_object()) job.run = text_of(member(metadata, labels::k_run));
  job.error_type = text_of(member(answer, "error_type"));
  const Json& exit_code = member(answer, "driver_exit_code");
  if (exit_code.is_number_integer()) job.driver_exit_code = exit_code.get<std::int64_t>();
  job.message = end_of(text_of(member(answer, "message")));
  return RayReply{.session = {}, .job = std::move(job), .serve = {}};
}

Result<RayReply> parse_version(const Json& answer) {
  RayReply reply{.session = text_of(member(answer, "session_name")), .job = {}, .serve = {}};
  if (reply.session.empty()) return no_answer("the head answered without its session's name");
  return reply;
}

// Ray's answer to a configuration that it takes has no body.
Result<RayReply> parse_taken(const HttpResponse& response) {
  if (response.body.empty()) return RayReply{};
  return no_answer("the head did not answer as Ray does when it takes a Serve configuration");
}

}  // namespace

Result<RayReply> parse_reply(const RayRequest& request, const HttpResponse& response) {
  if (response.status != 200) return parse_failure(request, response);
  if (request.verb == RayVerb::PutServe) return parse_taken(response);
  const Result<Document> answer = Document::parse(response.body);
  if (!answer || !answer->json().is_object())
    return no_answer("the head answered with something that is not a JSON object");
  const Json& object = answer->json();
  switch (request.verb) {
    case RayVerb::GetVersion:
      return parse_version(object);
    case RayVerb::GetJob:
      return parse_job(request, object);
    case RayVerb::SubmitJob:
      if (text_of(member(object, "submission_id")) == request.submission_id) return RayReply{};
      return no_answer("the head answered about another job");
    case RayVerb::StopJob:
      if (member(object, "stopped").is_boolean()) return RayReply{};
      return no_answer("the head did not answer whether it stops the job");
    case RayVerb::GetServe:
      return RayReply{.session = {}, .job = {}, .serve = TRY(parse_serve(object))};
    case RayVerb::PutServe:  // above
      break;
  }
  return no_answer("the head answered to something that was not asked");
}

}  // namespace ray_gitops::ray
