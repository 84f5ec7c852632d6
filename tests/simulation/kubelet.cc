#include "tests/simulation/kubelet.h"

#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using local_cluster::Change;
using local_cluster::ChangeType;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

bool is_foreign(const Json& object) {
  const Json& metadata = object["metadata"];
  return metadata.contains("annotations") && metadata["annotations"].contains(k_foreign_annotation);
}

Json condition(const char* type, bool value) {
  return Json{{"type", type}, {"status", value ? "True" : "False"}};
}

}  // namespace

void Kubelet::on_change(const Change& change) {
  if (change.key.plural != "pods" || change.type == ChangeType::Deleted) return;
  const Json& object = change.object.json();
  if (is_foreign(object)) return;
  const Pod pod{change.key, object["metadata"]["uid"].get<std::string>()};
  if (change.type == ChangeType::Added) {
    Duration delay = core_.random.between(milliseconds(5), milliseconds(500));
    const bool slow = core_.random.chance(core_.faults.pod_slow);
    if (slow) delay += core_.random.between(seconds(5), seconds(90));
    core_.timeline.after(delay, [this, pod] { bind(pod); });
    return;
  }
  const bool was_ending =
      !change.previous.is_null() && local_cluster::is_terminating(change.previous.json());
  if (!local_cluster::is_terminating(object) || was_ending) return;
  const Duration ending = core_.random.between(milliseconds(50), seconds(8));
  core_.timeline.after(ending, [this, pod] {
    api_.mutate([&](local_cluster::Store& store) {
      static_cast<void>(store.finish_pod(pod.key, pod.uid, core_.timeline.now().wall));
    });
  });
}

void Kubelet::restart_heads() {
  std::vector<Pod> heads;
  for (const Document& object :
       api_.store().list({.type = local_cluster::find_type_by_plural("pods")})) {
    const Json& metadata = object.json()["metadata"];
    if (metadata["labels"].value(labels::k_node_type, "") == "head")
      heads.push_back({{"pods", metadata["namespace"], metadata["name"]}, metadata["uid"]});
  }
  for (const Pod& head : heads) restart_container(head);
}

void Kubelet::end(const local_cluster::StoreKey& key, const std::string& uid) {
  const Pod pod{key, uid};
  if (is_running(pod)) set(pod, Stage::Ended);
}

Document Kubelet::live(const Pod& pod) const {
  Document object = api_.store().find(pod.key);
  if (object.is_null() || object.json()["metadata"]["uid"] != pod.uid) return {};
  return object;
}

bool Kubelet::is_running(const Pod& pod) const {
  const Document object = live(pod);
  return !object.is_null() && object.json()["status"].value("phase", "") == "Running" &&
         !local_cluster::is_terminating(object.json());
}

void Kubelet::bind(const Pod& pod) {
  if (live(pod).is_null()) return;
  api_.mutate([&](local_cluster::Store& store) {
    static_cast<void>(store.bind_pod(pod.key, pod.uid, "node-0", core_.timeline.now().wall));
  });
  const Duration delay = core_.random.between(milliseconds(50), seconds(2));
  core_.timeline.after(delay, [this, pod] { start(pod); });
}

void Kubelet::start(const Pod& pod) {
  const Document object = live(pod);
  if (object.is_null() || local_cluster::is_terminating(object.json())) return;
  set(pod, Stage::Running);
  const Duration delay = core_.random.between(milliseconds(100), seconds(5));
  core_.timeline.after(delay, [this, pod] { get_ready(pod); });
  plan_trouble(pod);
}

void Kubelet::get_ready(const Pod& pod) {
  if (is_running(pod)) set(pod, Stage::Ready);
}

void Kubelet::plan_trouble(const Pod& pod) {
  const Duration when = core_.random.between(seconds(1), minutes(3));
  const bool fails = core_.random.chance(core_.faults.pod_fails);
  const bool restarts = core_.random.chance(core_.faults.container_restarts);
  const bool node_lost = core_.random.chance(core_.faults.node_lost);
  core_.timeline.after(when, [this, pod, fails, restarts, node_lost] {
    if (!is_running(pod)) return;
    if (fails)
      set(pod, Stage::Evicted);
    else if (restarts)
      restart_container(pod);
    else if (node_lost)
      lose_node(pod);
  });
}

void Kubelet::restart_container(const Pod& pod) {
  const Json spec = live(pod).json()["spec"];
  if (spec.value("restartPolicy", "Always") == "Never") return set(pod, Stage::Evicted);
  api_.mutate([&](local_cluster::Store& store) {
    Json status = live(pod).json()["status"];
    Json& container = status["containerStatuses"][0];
    container["restartCount"] = container["restartCount"].get<int>() + 1;
    container["ready"] = false;
    container["state"] = {{"running", {{"startedAt", to_rfc3339(core_.timeline.now().wall)}}}};
    status["conditions"] = Json::array({condition("Ready", false)});
    static_cast<void>(store.set_status(pod.key, pod.uid, status, core_.timeline.now().wall));
  });
  const Duration delay = core_.random.between(seconds(1), seconds(10));
  core_.timeline.after(delay, [this, pod] { get_ready(pod); });
}

void Kubelet::lose_node(const Pod& pod) {
  set(pod, Stage::NotReady);
  const Duration delay = core_.random.between(seconds(5), seconds(90));
  core_.timeline.after(delay, [this, pod] { get_ready(pod); });
}

void Kubelet::set(const Pod& pod, Stage stage) {
  api_.mutate([&](local_cluster::Store& store) {
    const Document object = live(pod);
    Json status = object.json().value("status", Json::object());
    const WallTime wall = core_.timeline.now().wall;
    if (stage == Stage::Evicted) {
      status["phase"] = "Failed";
      status["reason"] = "Evicted";
    } else if (stage == Stage::Ended) {
      status["phase"] = "Succeeded";
    } else if (stage == Stage::Running) {
      ++addresses_;
      status["phase"] = "Running";
      status["podIP"] =
          "10.1." + std::to_string(addresses_ / 250) + "." + std::to_string(addresses_ % 250 + 1);
      status["containerStatuses"] =
          Json::array({{{"name", object.json()["spec"]["containers"][0]["name"]},
                        {"restartCount", 0},
                        {"ready", false},
                        {"image", "image"},
                        {"imageID", "image"},
                        {"state", {{"running", {{"startedAt", to_rfc3339(wall)}}}}}}});
    }
    const bool ready = stage == Stage::Ready;
    if (status.contains("containerStatuses")) status["containerStatuses"][0]["ready"] = ready;
    status["conditions"] = Json::array({condition("Ready", ready)});
    static_cast<void>(store.set_status(pod.key, pod.uid, status, wall));
  });
}

}  // namespace ray_gitops::simulation
