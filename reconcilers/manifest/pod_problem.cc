#include <nlohmann/json.hpp>

#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr std::size_t k_pod_problem_bytes_max = 300;

std::string with_detail(const std::string& text, const std::string& detail) {
  return detail.empty() ? text : text + ": " + detail;
}

std::string evicted_or_lost(const Json& status) {
  const std::string reason = text_of(member(status, "reason"));
  if (reason.empty()) return {};
  return with_detail("the pod was ended with reason " + reason, text_of(member(status, "message")));
}

std::string unschedulable(const Json& status) {
  const Json& scheduled = element_with(member(status, "conditions"), "type", "PodScheduled");
  if (member(scheduled, "status") != "False") return {};
  return with_detail("no node takes the pod", text_of(member(scheduled, "message")));
}

// Between two attempts to pull an image its reason alternates; the sentence does not.
bool is_image_problem(const std::string& reason) {
  return reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "InvalidImageName" ||
         reason == "ErrImageNeverPull" || reason == "ImageInspectError";
}

std::string ended(const std::string& container, const Json& terminated) {
  std::string text = container + " ended with exit code " +
                     std::to_string(integer_of(member(terminated, "exitCode")));
  const std::string reason = text_of(member(terminated, "reason"));
  if (!reason.empty() && reason != "Error" && reason != "Completed") text += " (" + reason + ")";
  return text;
}

std::string waiting_problem(const std::string& container, const Json& status) {
  const std::string reason = text_of(member(status, "state", "waiting", "reason"));
  if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") return {};
  if (is_image_problem(reason))
    return "the image " + text_of(member(status, "image")) + " of " + container +
           " cannot be pulled";
  const Json& last = member(status, "lastState", "terminated");
  if (reason == "CrashLoopBackOff" && last.is_object())
    return ended(container, last) + " and waits to be restarted (CrashLoopBackOff)";
  if (reason == "CrashLoopBackOff") return container + " keeps ending (CrashLoopBackOff)";
  return with_detail(container + " waits with reason " + reason,
                     text_of(member(status, "state", "waiting", "message")));
}

std::string container_problem(const std::string& container, const Json& status, bool ends_well) {
  if (std::string waiting = waiting_problem(container, status); !waiting.empty()) return waiting;
  const Json& terminated = member(status, "state", "terminated");
  if (terminated.is_object()) {
    if (ends_well && integer_of(member(terminated, "exitCode")) == 0) return {};
    return ended(container, terminated);
  }
  const Json& last = member(status, "lastState", "terminated");
  const bool up = is_true(member(status, "ready"));
  return last.is_object() && !up ? ended(container, last) + " and was restarted" : std::string{};
}

std::string first_problem(const Json& statuses, const std::string& what, bool ends_well) {
  if (!statuses.is_array()) return {};
  for (const Json& status : statuses) {
    const std::string container = what + text_of(member(status, "name"));
    std::string problem = container_problem(container, status, ends_well);
    if (!problem.empty()) return problem;
  }
  return {};
}

}  // namespace

std::string pod_problem(const nlohmann::json& pod) {
  const Json& status = member(pod, "status");
  if (member(element_with(member(status, "conditions"), "type", "Ready"), "status") == "True")
    return {};
  std::string problem = evicted_or_lost(status);
  if (problem.empty()) problem = unschedulable(status);
  if (problem.empty())
    problem = first_problem(member(status, "initContainerStatuses"), "init container ", true);
  if (problem.empty())
    problem = first_problem(member(status, "containerStatuses"), "container ",
                            member(status, "phase") == "Succeeded");
  return printable(problem, k_pod_problem_bytes_max);
}

}  // namespace ray_gitops
