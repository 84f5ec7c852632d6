#include "reconcilers/rayservice/serve.h"

#include <algorithm>

#include "reconcilers/rayservice/reconcile.h"

namespace ray_gitops::rayservice {
namespace {

bool has_taken(const ClusterNews& news, const RayServiceSpec& spec) {
  return news.entry.head_uid == news.facts.head_uid &&
         news.entry.config_digest == spec.serve_config_digest;
}

std::string first_with(const ServeInfo& serve, ServeApplicationStatus status) {
  for (const auto& [name, application] : serve.applications)
    if (application.status == status) return name;
  return {};
}

std::string first_unsettled(const ServeInfo& serve) {
  for (const auto& [name, application] : serve.applications)
    if (application.status != ServeApplicationStatus::Running) return name;
  return {};
}

// One that keeps its old configuration misses something only when nothing is left of it.
std::string first_missing(const ClusterNews& news, const RayServiceSpec& spec) {
  const auto& known = news.answers.serve->applications;
  if (!news.is_wanted && !known.empty()) return {};
  for (const std::string& name : spec.applications)
    if (!known.contains(name)) return name;
  return {};
}

bool is_refused(const ClusterNews& news, const RayServiceSpec& spec) {
  return news.answers.refused && news.answers.refused_digest == spec.serve_config_digest;
}

bool has_endpoint(const ClusterNews& news, const RayServiceSpec& spec) {
  return std::any_of(news.facts.pods.begin(), news.facts.pods.end(), [&](const ClusterPod& pod) {
    return pod.ready && pod.serves && can_serve(pod, *news.answers.serve, spec);
  });
}

ServeStage read_answer(const ClusterNews& news, const RayServiceSpec& spec) {
  const ServeInfo& serve = *news.answers.serve;
  if (!first_missing(news, spec).empty())
    return is_refused(news, spec) ? ServeStage::Refused : ServeStage::Missing;
  if (!first_with(serve, ServeApplicationStatus::DeployFailed).empty()) return ServeStage::Failed;
  if (!first_with(serve, ServeApplicationStatus::Unhealthy).empty()) return ServeStage::Unhealthy;
  if (!is_serving(serve)) return ServeStage::Deploying;
  return has_endpoint(news, spec) ? ServeStage::Serving : ServeStage::NoEndpoint;
}

std::optional<Instant> after_answer(const ClusterNews& news, Duration pause) {
  if (!news.answers.serve) return std::nullopt;
  return news.answers.serve_answered_at + pause;
}

// A head that has taken nothing yet, of a cluster that keeps its configuration, was replaced.
std::optional<Instant> put_again_at(const ClusterNews& news) {
  const bool was_put =
      news.entry.head_uid == news.facts.head_uid || !news.answers.config_digest.empty();
  return was_put ? after_answer(news, k_put_again_pause) : std::nullopt;
}

}  // namespace

ClusterNews news_of(const ServingCluster& entry,
                    const std::map<std::string, ServiceCluster>& clusters, bool is_wanted) {
  static const ClusterFacts k_no_facts;
  static const HeadAnswers k_no_answers;
  const auto found = clusters.find(entry.name);
  if (found == clusters.end()) return {entry, k_no_facts, k_no_answers, std::nullopt, is_wanted};
  const ServiceCluster& cluster = found->second;
  const bool is_its_head =
      !cluster.facts.head_uid.empty() && cluster.head.head_uid == cluster.facts.head_uid;
  return {entry, cluster.facts, is_its_head ? cluster.head : k_no_answers, cluster.head.serving_at,
          is_wanted};
}

ServeStage read_stage(const ClusterNews& news, const RayServiceSpec& spec) {
  const HeadAnswers& answers = news.answers;
  if (!news.facts.head_ready || news.facts.head_uid.empty() || news.facts.head_address.empty())
    return ServeStage::HeadNotReady;
  if (news.is_wanted && is_refused(news, spec)) return ServeStage::Refused;
  if (news.is_wanted && !has_taken(news, spec)) return ServeStage::NotTaken;
  if (!answers.silence.empty()) return ServeStage::Silent;
  if (answers.serve) return read_answer(news, spec);
  return answers.config_digest.empty() ? ServeStage::NotHeard : ServeStage::Deploying;
}

bool can_serve(const ClusterPod& pod, const ServeInfo& serve, const RayServiceSpec& spec) {
  if (pod.is_head && spec.exclude_head) return false;
  return !pod.ip.empty() && serve.proxies.contains(pod.ip);
}

int count_endpoints(const ClusterFacts& facts) {
  return static_cast<int>(
      std::count_if(facts.pods.begin(), facts.pods.end(),
                    [](const ClusterPod& pod) { return pod.ready && pod.serves; }));
}

std::string application_in(const ClusterNews& news, const RayServiceSpec& spec, ServeStage stage) {
  if (!news.answers.serve) return {};
  const ServeInfo& serve = *news.answers.serve;
  if (stage == ServeStage::Missing) return first_missing(news, spec);
  if (stage == ServeStage::Failed) return first_with(serve, ServeApplicationStatus::DeployFailed);
  if (stage == ServeStage::Unhealthy) return first_with(serve, ServeApplicationStatus::Unhealthy);
  if (stage == ServeStage::Deploying) return first_unsettled(serve);
  return {};
}

std::optional<ServeAsk> next_request(const ClusterNews& news, ServeStage stage) {
  const char* how = "how is it going?";
  switch (stage) {
    case ServeStage::HeadNotReady:
      return std::nullopt;
    case ServeStage::NotTaken:
      return ServeAsk{RayVerb::PutServe, std::nullopt, "the head has not taken it yet"};
    case ServeStage::Missing:
      return ServeAsk{RayVerb::PutServe, put_again_at(news), "an application is missing there"};
    case ServeStage::Silent:
    case ServeStage::NotHeard:
      return ServeAsk{RayVerb::GetServe, std::nullopt, "what runs there?"};
    case ServeStage::Refused:
    case ServeStage::Failed:
    case ServeStage::Serving:
      return ServeAsk{RayVerb::GetServe, after_answer(news, k_calm_poll_interval), how};
    case ServeStage::Deploying:
    case ServeStage::Unhealthy:
    case ServeStage::NoEndpoint:
      break;
  }
  return ServeAsk{RayVerb::GetServe, after_answer(news, k_busy_poll_interval), how};
}

}  // namespace ray_gitops::rayservice
