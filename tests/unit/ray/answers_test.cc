#include "agent/ray/answers.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/ray/text.h"

namespace ray_gitops::ray {
namespace {

using Json = nlohmann::json;

HttpResponse response(int status, const std::string& body,
                      const std::string& type = "text/plain; charset=utf-8") {
  return {.status = status, .headers = {{"content-type", type}}, .body = body};
}

Result<RayReply> reply(RayVerb verb, int status, const std::string& body) {
  RayRequest request;
  request.verb = verb;
  request.submission_id = "j1";
  return parse_reply(request, response(status, body));
}

// As Ray 2.60 answers about a job whose entrypoint was "exit 7".
Json failed_job() {
  return {{"type", "SUBMISSION"},
          {"job_id", nullptr},
          {"submission_id", "j1"},
          {"driver_info", nullptr},
          {"status", "FAILED"},
          {"entrypoint", "exit 7"},
          {"message", "Job entrypoint command failed with exit code 7"},
          {"error_type", "JOB_ENTRYPOINT_COMMAND_ERROR"},
          {"start_time", 1'700'000'000'000},
          {"end_time", 1'700'000'002'000},
          {"metadata", {{"ray-gitops.io/run", "12345678-2"}, {"team", "blue"}}},
          {"runtime_env", Json::object()},
          {"driver_agent_http_address", "http://10.88.0.2:52365"},
          {"driver_node_id", "ab"},
          {"driver_exit_code", 7}};
}

Result<RayReply> job_reply(const Json& job) { return reply(RayVerb::GetJob, 200, job.dump()); }

const std::string k_traceback =
    "Traceback (most recent call last):\n  File \"job_head.py\", line 412, in submit_job\n";

TEST(Version, is_the_sessions_name) {
  const auto answered =
      reply(RayVerb::GetVersion, 200,
            R"({"version":"4","ray_version":"2.60.0","session_name":"session_2026-01-02_1"})");
  ASSERT_TRUE(answered) << describe(answered.error());
  EXPECT_EQ(answered->session, "session_2026-01-02_1");
  EXPECT_FALSE(answered->job);
  for (const char* body : {R"({"version":"4"})", R"({"session_name":null})", "[]", "", "success"})
    EXPECT_EQ(reply(RayVerb::GetVersion, 200, body).error().code, ErrorCode::Unavailable) << body;
}

TEST(Job, is_read_with_what_tells_its_outcome) {
  const auto answered = job_reply(failed_job());
  ASSERT_TRUE(answered && answered->job);
  EXPECT_EQ(answered->job->status, RayJobStatus::Failed);
  EXPECT_EQ(answered->job->run, "12345678-2");
  EXPECT_EQ(answered->job->error_type, "JOB_ENTRYPOINT_COMMAND_ERROR");
  EXPECT_EQ(answered->job->driver_exit_code, 7);
  EXPECT_EQ(answered->job->message, "Job entrypoint command failed with exit code 7");
}

TEST(Job, has_each_of_rays_statuses_and_no_other) {
  const std::vector<std::pair<std::string, RayJobStatus>> known{
      {"PENDING", RayJobStatus::Pending},
      {"RUNNING", RayJobStatus::Running},
      {"STOPPED", RayJobStatus::Stopped},
      {"SUCCEEDED", RayJobStatus::Succeeded},
      {"FAILED", RayJobStatus::Failed}};
  Json job = failed_job();
  for (const auto& [name, status] : known) {
    job["status"] = name;
    const auto answered = job_reply(job);
    ASSERT_TRUE(answered && answered->job) << name;
    EXPECT_EQ(answered->job->status, status);
  }
  for (const Json& unknown : {Json("PAUSED\x1b[31m"), Json("running"), Json(), Json(3)}) {
    job["status"] = unknown;
    const auto answered = job_reply(job);
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(answered.error().message.find('\x1b'), std::string::npos);
  }
}

TEST(Job, may_leave_out_everything_but_id_and_status) {
  const Json shortest{{"submission_id", "j1"}, {"status", "PENDING"}};
  Json nulls = failed_job();
  for (const char* name : {"message", "error_type", "driver_exit_code", "metadata"})
    nulls[name] = nullptr;
  nulls["status"] = "PENDING";
  for (const Json& job : {shortest, nulls}) {
    const auto answered = job_reply(job);
    ASSERT_TRUE(answered && answered->job);
    EXPECT_EQ(answered->job->run + answered->job->error_type + answered->job->message, "");
    EXPECT_FALSE(answered->job->driver_exit_code);
  }
}

TEST(Job, of_another_id_is_no_answer) {
  Json job = failed_job();
  for (const Json& id : {Json("j2"), Json()}) {
    job["submission_id"] = id;
    EXPECT_EQ(job_reply(job).error().code, ErrorCode::Unavailable);
  }
}

TEST(Job, keeps_the_end_of_a_long_message_from_a_whole_character_on) {
  Json job = failed_job();
  const std::string end = "ValueError: no such bucket";
  std::string log;
  while (log.size() < 3 * k_message_bytes_max) log += "\u20ac";
  job["message"] = log + end;
  const auto answered = job_reply(job);
  ASSERT_TRUE(answered && answered->job);
  const std::string& message = answered->job->message;
  EXPECT_LE(message.size(), k_message_bytes_max);
  EXPECT_GT(message.size(), k_message_bytes_max - 3);
  EXPECT_TRUE(message.starts_with("\u20ac"));
  EXPECT_TRUE(message.ends_with(end));
}

TEST(Job, that_the_head_does_not_know_is_an_answer) {
  const auto absent = reply(RayVerb::GetJob, 404, "Job j1 does not exist");
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent->job);
  EXPECT_TRUE(reply(RayVerb::StopJob, 404, "Job j1 does not exist"));
}

TEST(Job, that_something_else_than_ray_does_not_know_may_exist) {
  for (const char* body : {"404: Not Found", "Job j2 does not exist", "", "404 page not found",
                           "<html>Job j1 does not exist</html>"}) {
    EXPECT_EQ(reply(RayVerb::GetJob, 404, body).error().code, ErrorCode::Unavailable) << body;
    EXPECT_EQ(reply(RayVerb::StopJob, 404, body).error().code, ErrorCode::Unavailable) << body;
  }
  EXPECT_FALSE(reply(RayVerb::SubmitJob, 404, "Job j1 does not exist"));
}

TEST(Submission, succeeds_once_and_again) {
  EXPECT_TRUE(reply(RayVerb::SubmitJob, 200, R"({"job_id":"j1","submission_id":"j1"})"));
  EXPECT_TRUE(reply(RayVerb::SubmitJob, 500,
                    k_traceback + "ValueError: Job with submission_id j1 already exists. Please "
                                  "use a different submission_id.\n"));
  EXPECT_FALSE(reply(RayVerb::SubmitJob, 200, R"({"job_id":"j2","submission_id":"j2"})"));
}

TEST(Submission, that_ray_refuses_says_why_in_one_line) {
  const auto refused = reply(RayVerb::SubmitJob, 400,
                             k_traceback +
                                 "TypeError: \x1b[31mentrypoint\x1b[0m must be a string, "
                                 "got <class 'int'>\x07\n\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Rejected);
  EXPECT_EQ(refused.error().message,
            "TypeError: entrypoint must be a string, got <class 'int'>\\x07");
  const auto lengthy = reply(RayVerb::SubmitJob, 400, std::string(9000, 'x'));
  EXPECT_LE(lengthy.error().message.size(), k_quoted_bytes_max);
  EXPECT_EQ(reply(RayVerb::SubmitJob, 400, "").error().code, ErrorCode::Rejected);
  EXPECT_FALSE(reply(RayVerb::SubmitJob, 400, "").error().message.empty());
}

TEST(Stop, succeeds_whether_or_not_the_job_has_ended) {
  EXPECT_TRUE(reply(RayVerb::StopJob, 200, R"({"stopped":true})"));
  EXPECT_TRUE(reply(RayVerb::StopJob, 200, R"({"stopped":false})"));
  EXPECT_FALSE(reply(RayVerb::StopJob, 200, "{}"));
}

TEST(Failure, is_silence_with_the_status_and_a_plain_texts_last_line) {
  struct Case {
    int status;
    std::string body;
    std::string type;
    std::string message;
  };
  const std::vector<Case> cases{
      {500, "No available agent to submit job, please try again later.", "text/plain",
       "the head answered with status 500: No available agent to submit job, please try again "
       "later."},
      {401, "Unauthorized: Missing authentication token", "text/plain; charset=utf-8",
       "the head answered with status 401: Unauthorized: Missing authentication token"},
      {500,
       k_traceback + "RuntimeError: Request failed with status code 500: " + k_traceback +
           "FileNotFoundError: no such file\n.\n",
       "text/plain", "the head answered with status 500: FileNotFoundError: no such file"},
      {502, "<html>\n</html>", "text/html", "the head answered with status 502"},
      {503, "", "text/plain", "the head answered with status 503"},
      {201, "{}", "application/json", "the head answered with status 201"},
      {302, "", "text/plain", "the head answered with status 302"}};
  for (const Case& each : cases)
    for (const RayVerb verb : {RayVerb::GetVersion, RayVerb::GetJob, RayVerb::SubmitJob,
                               RayVerb::StopJob, RayVerb::GetServe, RayVerb::PutServe}) {
      RayRequest request;
      request.verb = verb;
      const auto answered = parse_reply(request, response(each.status, each.body, each.type));
      ASSERT_FALSE(answered);
      EXPECT_EQ(answered.error().code, ErrorCode::Unavailable);
      EXPECT_EQ(answered.error().message, each.message);
    }
}

TEST(Garbage, is_no_answer) {
  std::string deep(100'000, '[');
  for (const std::string& body :
       {std::string(), std::string("not json"), std::string("null"), std::string("{\"status\":"),
        std::string("{\"submission_id\":\"j1\",\"status\":\"\xff\"}"), deep})
    for (const RayVerb verb :
         {RayVerb::GetVersion, RayVerb::GetJob, RayVerb::SubmitJob, RayVerb::StopJob}) {
      const auto answered = reply(verb, 200, body);
      ASSERT_FALSE(answered) << body.substr(0, 40);
      EXPECT_EQ(answered.error().code, ErrorCode::Unavailable);
    }
}

}  // namespace
}  // namespace ray_gitops::ray
