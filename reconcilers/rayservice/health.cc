#include "reconcilers/rayservice/health.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/parent/ray_text.h"
#include "reconcilers/rayservice/reconcile.h"

namespace ray_gitops::rayservice {
namespace {

using parent::publishable;
using parent::Words;

constexpr const char* k_ready_reason = "NonZeroServeEndpoints";

// What is wrong with one that serves, or keeps one from it that never has.
Phase wrong(bool has_served) { return has_served ? Phase::Degraded : Phase::Failed; }
Phase unwell(bool has_served) { return has_served ? Phase::Degraded : Phase::Progressing; }

std::string describe_application(const ClusterNews& news, const RayServiceSpec& spec,
                                 ServeStage stage) {
  const std::string name = application_in(news, spec, stage);
  const std::string where = " on RayCluster " + news.entry.name;
  if (name.empty()) return "its applications are coming up" + where;
  const std::string title = "application " + publishable(name);
  if (stage == ServeStage::Missing)
    return title + " is missing" + where + "; the Serve configuration is put there again";
  const ServeApplication& application = news.answers.serve->applications.at(name);
  const std::string sentence = title + " is " + name_of(application.status) + where;
  const std::string exception = parent::last_exception(application.message);
  return exception.empty() ? sentence : sentence + ": " + exception;
}

Words words_without_head(const ClusterNews& news, bool has_served) {
  const std::string name = "RayCluster " + news.entry.name;
  const std::string why = news.facts.message.empty() ? "" : ": " + news.facts.message;
  if (has_served)
    return {Phase::Degraded, "HeadPodNotReady", "the head of " + name + " is not Ready" + why};
  return {Phase::Progressing, "WaitingForCluster", name + " is coming up" + why};
}

Words words_before_taken(const ClusterNews& news, const RayServiceSpec& spec, bool has_served) {
  const std::string name = "RayCluster " + news.entry.name;
  const std::string& silence = news.answers.silence;
  const std::string why =
      silence.empty() ? "" : "; its head does not answer: " + publishable(silence);
  // What ran there went with the head before it.
  if (has_served && news.entry.config_digest == spec.serve_config_digest)
    return {
        Phase::Degraded, "HeadLost",
        "the head of " + name + " was lost; the Serve configuration is put to the new one" + why};
  return {Phase::Progressing, "PuttingServeConfig",
          "the Serve configuration is put to " + name + why};
}

// Labels follow in the next rounds where Serve says that a pod can serve.
Words words_without_endpoint(const ClusterNews& news, const RayServiceSpec& spec, bool has_served) {
  const std::string name = "RayCluster " + news.entry.name;
  const bool is_labelled_next =
      std::any_of(news.facts.pods.begin(), news.facts.pods.end(), [&](const ClusterPod& pod) {
        return pod.ready && !pod.serves && can_serve(pod, *news.answers.serve, spec);
      });
  const std::string message =
      "all applications run on " + name + "; no pod of it that is Ready serves yet";
  return {is_labelled_next ? Phase::Progressing : unwell(has_served), "ZeroServeEndpoints",
          message};
}

nlohmann::json application_facts(const ServeApplication& application) {
  nlohmann::json deployments = nlohmann::json::object();
  for (const auto& [name, deployment] : application.deployments) {
    nlohmann::json replicas = nlohmann::json::object();
    for (const auto& [state, count] : deployment.replicas) replicas[publishable(state)] = count;
    deployments[publishable(name)] = {{"status", publishable(deployment.status)},
                                      {"replicas", std::move(replicas)}};
  }
  return {{"status", name_of(application.status)}, {"deployments", std::move(deployments)}};
}

}  // namespace

Words words_for(const ClusterNews& news, const RayServiceSpec& spec, ServeStage stage,
                bool has_served) {
  const std::string name = "RayCluster " + news.entry.name;
  switch (stage) {
    case ServeStage::HeadNotReady:
      return words_without_head(news, has_served);
    case ServeStage::Refused:
      return {wrong(has_served), "ServeConfigRefused",
              "Ray refuses the Serve configuration on " + name + ": " +
                  publishable(news.answers.refused->message)};
    case ServeStage::NotTaken:
      return words_before_taken(news, spec, has_served);
    case ServeStage::Silent:
      return {unwell(has_served), "HeadSilent",
              "the head of " + name + " does not answer: " + publishable(news.answers.silence)};
    case ServeStage::NotHeard:
      return {Phase::Progressing, "ServeUnknown", "the head of " + name + " is asked what runs"};
    case ServeStage::Deploying:
      return {Phase::Progressing, "Deploying", describe_application(news, spec, stage)};
    case ServeStage::Missing:
      return {unwell(has_served), "ApplicationMissing", describe_application(news, spec, stage)};
    case ServeStage::Failed:
      return {wrong(has_served), "ApplicationFailed", describe_application(news, spec, stage)};
    case ServeStage::Unhealthy:
      return {unwell(has_served), "ApplicationUnhealthy", describe_application(news, spec, stage)};
    case ServeStage::NoEndpoint:
      return words_without_endpoint(news, spec, has_served);
    case ServeStage::Serving:
      break;
  }
  return {Phase::Ready, k_ready_reason, "all applications run on " + name};
}

std::optional<Instant> well_until(const ClusterNews& news, const RayServiceSpec& spec,
                                  ServeStage stage) {
  const bool has_lost_head =
      stage == ServeStage::NotTaken && news.entry.config_digest == spec.serve_config_digest;
  if (!news.serving_at) return std::nullopt;
  // All applications ran, but nothing led to them.
  const bool needs_endpoint = stage == ServeStage::Silent || stage == ServeStage::Unhealthy;
  if (needs_endpoint && count_endpoints(news.facts) == 0) return std::nullopt;
  if (stage == ServeStage::Silent) return *news.serving_at + k_silence_patience;
  if (stage == ServeStage::HeadNotReady || stage == ServeStage::Unhealthy || has_lost_head)
    return *news.serving_at + k_health_patience;
  return std::nullopt;
}

Words words_for_upgrade(const std::string& active, const Words& old, const Words& next) {
  const bool next_is_wrong = next.phase == Phase::Degraded || next.phase == Phase::Failed;
  Words words{Phase::Progressing, "UpgradeInProgress",
              "RayCluster " + active + " serves until another takes its place: " + next.message};
  if (next_is_wrong) words = {Phase::Degraded, next.reason, std::move(words.message)};
  if (old.phase != Phase::Degraded) return words;
  return {old.phase, old.reason, old.message + "; another is to take its place: " + next.message};
}

std::vector<Condition> conditions_of(const Plan& plan, const Words* active, bool is_upgrading) {
  std::vector<Condition> conditions;
  const bool serves = active != nullptr && active->phase == Phase::Ready;
  if (active == nullptr)
    conditions.push_back({"Ready", false, plan.reason, plan.message});
  else
    conditions.push_back({"Ready", serves, active->reason, active->message});
  const char* type = "UpgradeInProgress";
  if (is_upgrading)
    conditions.push_back({type, true, "BothActivePendingClustersExist", plan.message});
  else if (active == nullptr)
    conditions.push_back({type, false, "NoActiveCluster", "no cluster is known to serve"});
  else
    conditions.push_back(
        {type, false, "NoPendingCluster", "no other cluster is to take its place"});
  return conditions;
}

Document ray_facts(const ClusterNews& news, const std::string& upgrading_to) {
  nlohmann::json facts{{"cluster", news.entry.name}, {"servingPods", count_endpoints(news.facts)}};
  if (!upgrading_to.empty()) facts["upgradingTo"] = upgrading_to;
  nlohmann::json applications = nlohmann::json::object();
  if (news.answers.serve)
    for (const auto& [name, application] : news.answers.serve->applications)
      applications[publishable(name)] = application_facts(application);
  facts["applications"] = std::move(applications);
  return Document{std::move(facts)};
}

}  // namespace ray_gitops::rayservice
