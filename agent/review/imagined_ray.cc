#include "agent/review/imagined_ray.h"

#include <nlohmann/json.hpp>

#include "agent/review/imagined_cluster.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"

namespace ray_gitops::review {

ImaginedRay::Question ImaginedRay::question_of(const RayRequest& request) {
  const bool about_a_job = request.verb == RayVerb::GetJob;
  return {request.verb, request.head_uid, about_a_job ? request.submission_id : std::string{}};
}

void ImaginedRay::learn(const RayRequest& request, const Result<RayReply>& reply) {
  learned_.insert_or_assign(question_of(request), reply);
}

std::optional<Result<RayReply>> ImaginedRay::answer(const RayRequest& request,
                                                    const std::set<std::string>& addresses) {
  if (is_write(request.verb)) {
    take(request);
    return RayReply{};
  }
  RayReply reply;
  const auto job = jobs_.find({request.head_uid, request.submission_id});
  if (request.verb == RayVerb::GetJob && job != jobs_.end()) {
    reply.job = job->second;
    return reply;
  }
  const auto serve = serve_.find(request.head_uid);
  if (request.verb == RayVerb::GetServe && serve != serve_.end()) {
    reply.serve = serve->second;
    reply.serve->proxies = addresses;
    return reply;
  }
  return recall(request);
}

std::optional<Result<RayReply>> ImaginedRay::recall(const RayRequest& request) const {
  if (!is_imagined(request.head_uid)) {
    const auto known = learned_.find(question_of(request));
    if (known == learned_.end()) return std::nullopt;
    return known->second;
  }
  RayReply nothing_yet;
  if (request.verb == RayVerb::GetVersion) nothing_yet.session = request.head_uid;
  if (request.verb == RayVerb::GetServe) nothing_yet.serve = ServeInfo{};
  return nothing_yet;
}

void ImaginedRay::take(const RayRequest& request) {
  if (request.verb == RayVerb::SubmitJob) submit(request);
  if (request.verb == RayVerb::StopJob) stop(request);
  if (request.verb == RayVerb::PutServe) put(request);
}

void ImaginedRay::submit(const RayRequest& request) {
  RayJobInfo& job = jobs_[{request.head_uid, request.submission_id}];
  job.status = RayJobStatus::Running;
  job.run = text_of(member(request.body.json(), "metadata", labels::k_run));
}

// It was there, or it would not have been stopped.
void ImaginedRay::stop(const RayRequest& request) {
  const std::pair key{request.head_uid, request.submission_id};
  const auto known = learned_.find({RayVerb::GetJob, request.head_uid, request.submission_id});
  if (!jobs_.contains(key) && known != learned_.end() && known->second && known->second->job)
    jobs_[key] = *known->second->job;
  jobs_[key].status = RayJobStatus::Stopped;
}

void ImaginedRay::put(const RayRequest& request) {
  ServeInfo& serve = serve_[request.head_uid];
  serve.applications.clear();
  const nlohmann::json& applications = member(request.body.json(), "applications");
  if (!applications.is_array()) return;
  for (const nlohmann::json& application : applications) {
    const std::string name = text_of(member(application, "name"));
    serve.applications[name.empty() ? "default" : name].status = ServeApplicationStatus::Running;
  }
}

}  // namespace ray_gitops::review
