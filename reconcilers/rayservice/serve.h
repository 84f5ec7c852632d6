#pragma once
// What a head's answers about Serve mean for one cluster of a service, and what to ask it next.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/service_state.h"
#include "reconcilers/model/time.h"
#include "reconcilers/rayservice/observed.h"

namespace ray_gitops::rayservice {

// A configuration that a head has taken and does not show is put again no sooner.
inline constexpr Duration k_put_again_pause = std::chrono::seconds(5);

// What is known of one cluster of a service. It refers to what it was made from.
struct ClusterNews {
  const ServingCluster& entry;
  const ClusterFacts& facts;   // empty ones while it has no anchor
  const HeadAnswers& answers;  // of its present head; empty ones before that was asked
  // When all was well, whichever head said so.
  std::optional<Instant> serving_at;
  // It gets the file's configuration. Another one keeps what it has.
  bool is_wanted = false;
};

ClusterNews news_of(const ServingCluster& entry,
                    const std::map<std::string, ServiceCluster>& clusters, bool is_wanted);

// How far a cluster is from serving: the first of these that is true.
enum class ServeStage : std::uint8_t {
  HeadNotReady,  // there is nobody to ask
  Refused,       // Ray refuses the configuration
  NotTaken,      // the head has not taken the configuration
  Silent,        // the last request was not answered
  NotHeard,      // what runs there is not known
  Deploying,     // applications come up, change or leave
  Missing,       // the head has taken an application and does not know it
  Failed,        // an application is DEPLOY_FAILED
  Unhealthy,     // an application is UNHEALTHY
  NoEndpoint,    // all applications run, and no pod that is Ready serves
  Serving
};

ServeStage read_stage(const ClusterNews& news, const RayServiceSpec& spec);

// Requests to this pod reach Serve, by Serve's word in the last answer. Only with an answer.
bool can_serve(const ClusterPod& pod, const ServeInfo& serve, const RayServiceSpec& spec);
// Pods that are Ready and have the label: what the serve Service leads to.
int count_endpoints(const ClusterFacts& facts);
// The first application that the stage is about, by name; empty without one.
std::string application_in(const ClusterNews& news, const RayServiceSpec& spec, ServeStage stage);

struct ServeAsk {
  RayVerb verb = RayVerb::GetServe;
  std::optional<Instant> from;  // nullopt: now
  const char* reason = "";
};

std::optional<ServeAsk> next_request(const ClusterNews& news, ServeStage stage);

}  // namespace ray_gitops::rayservice
