#include "tests/simulation/ray_head.h"

#include <array>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/model/declaration.h"

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<const char*, 4> k_kinds{"work", "fail", "flaky", "forever"};
constexpr Duration k_stop_time = seconds(2);

int number_in(std::string_view text) {
  int number = 0;
  static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), number));
  return number;
}

bool is_ready(const Json& pod) {
  if (!pod.contains("status")) return false;
  const Json& status = pod["status"];
  return status.value("phase", "") == "Running" && status.contains("containerStatuses") &&
         status["containerStatuses"][0]["ready"].get<bool>();
}

std::string label_of(const Json& pod, const char* label) {
  const Json& metadata = pod["metadata"];
  return metadata.contains("labels") ? metadata["labels"].value(label, "") : "";
}

Error unavailable(std::string why) { return {ErrorCode::Unavailable, std::move(why), {}}; }

}  // namespace

std::string render_work(const Work& work) {
  return std::string(k_kinds.at(static_cast<std::size_t>(work.kind))) + " " +
         std::to_string(work.seconds);
}

Work parse_work(const std::string& entrypoint) {
  Work work;
  const std::size_t space = entrypoint.find(' ');
  for (std::size_t kind = 0; kind < k_kinds.size(); ++kind)
    if (entrypoint.substr(0, space) == k_kinds.at(kind)) work.kind = static_cast<WorkKind>(kind);
  work.seconds = number_in(std::string_view(entrypoint).substr(space + 1));
  return work;
}

RunKey parse_run_key(const std::string& text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos) return {text, 0};
  return {text.substr(0, dash), number_in(std::string_view(text).substr(dash + 1))};
}

std::optional<RayHeads::Head> RayHeads::find_head(
    const std::function<bool(const Head&)>& is_meant) const {
  for (const Document& object :
       api_.store().list({.type = local_cluster::find_type_by_plural("pods")})) {
    const Json& pod = object.json();
    if (!is_ready(pod)) continue;
    const int restarts = pod["status"]["containerStatuses"][0]["restartCount"].get<int>();
    const Json& metadata = pod["metadata"];
    Head head{metadata["uid"].get<std::string>() + "#" + std::to_string(restarts),
              pod["status"].value("podIP", ""),
              {Kind::RayCluster, metadata["namespace"].get<std::string>(),
               label_of(pod, labels::k_cluster)}};
    if (is_meant(head)) return head;
  }
  return std::nullopt;
}

std::optional<RayHeads::Head> RayHeads::head_at(const std::string& address) const {
  const std::string ip = address.substr(0, address.find(':'));
  return find_head([&](const Head& head) { return head.ip == ip; });
}

std::optional<ObjectKey> RayHeads::cluster_of(const std::string& session) const {
  const auto head = find_head([&](const Head& each) { return each.session == session; });
  return head ? std::optional(head->cluster) : std::nullopt;
}

std::optional<RayHeads::Head> RayHeads::head_of(const ObjectKey& cluster) const {
  const Document pod = api_.store().find({"pods", cluster.ns, head_pod_name(cluster.name)});
  if (pod.is_null() || !is_ready(pod.json())) return std::nullopt;
  return head_at(pod.json()["status"].value("podIP", ""));
}

std::vector<std::string> RayHeads::worker_ips(const ObjectKey& cluster) const {
  std::vector<std::string> ips;
  for (const Document& object :
       api_.store().list({.type = local_cluster::find_type_by_plural("pods"), .ns = cluster.ns})) {
    const Json& pod = object.json();
    const bool is_worker = label_of(pod, labels::k_cluster) == cluster.name &&
                           label_of(pod, labels::k_group) != k_head_group_name;
    if (is_worker && is_ready(pod) && !local_cluster::is_terminating(pod))
      ips.push_back(pod["status"].value("podIP", ""));
  }
  return ips;
}

ServeInfo RayHeads::serve_info(const Head& head, const Serve& serve) const {
  return serve.info(head.ip, worker_ips(head.cluster));
}

std::optional<ServeTruth> RayHeads::serve_of(const ObjectKey& cluster) const {
  const auto head = head_of(cluster);
  if (!head) return std::nullopt;
  const auto life = lives_.find(head->session);
  if (life == lives_.end()) return ServeTruth{};
  return ServeTruth{serve_info(*head, life->second.serve), life->second.serve.config()};
}

RayHeads::Life& RayHeads::life_of(const std::string& session) {
  return lives_.try_emplace(session, core_, session).first->second;
}

// What has reached a head takes effect in that life of it or never.
void RayHeads::ask(const engine::AskRay& effect, const Deliver& deliver) {
  const Faults& faults = core_.faults;
  const auto answer_after = [this, deliver, id = effect.request_id](Duration delay,
                                                                    Result<RayReply> reply) {
    core_.timeline.after(delay, [deliver, id, reply = std::move(reply)] {
      deliver(engine::RayAnswered{id, reply});
    });
  };
  const Duration there = core_.random.between(milliseconds(1), milliseconds(30));
  const Duration back = core_.random.between(milliseconds(1), milliseconds(30));
  const Duration patience = core_.random.between(milliseconds(50), seconds(15));
  const Duration late = core_.random.between(seconds(1), seconds(14));
  const bool effect_late = core_.random.chance(faults.ray_effect_late);
  const bool answer_lost = core_.random.chance(faults.ray_answer_lost);
  const bool answer_late = core_.random.chance(faults.ray_answer_late);
  if (core_.random.chance(faults.ray_request_lost))
    return answer_after(patience, fail(ErrorCode::Unavailable, "no connection"));
  const Instant asked = core_.timeline.instant();
  core_.timeline.after(there, [=, this, request = effect.request] {
    const auto head = head_at(request.address);
    if (!head) return answer_after(back, fail(ErrorCode::Unavailable, "connection refused"));
    if (effect_late) {
      answer_after(patience, fail(ErrorCode::Unavailable, "timed out"));
      return core_.timeline.after(patience + late, [=, this] {
        const auto still = head_at(request.address);
        if (still && still->session == head->session)
          static_cast<void>(carry_out(*still, request, asked));
      });
    }
    Result<RayReply> reply = carry_out(*head, request, asked);
    if (answer_lost) reply = tl::unexpected<Error>(unavailable("the connection broke"));
    answer_after(answer_late ? late : back, std::move(reply));
  });
}

Result<RayReply> RayHeads::carry_out(const Head& head, const RayRequest& request, Instant asked) {
  Life& life = life_of(head.session);
  switch (request.verb) {
    case RayVerb::GetVersion:
      return RayReply{.session = head.session, .job = {}, .serve = {}};
    case RayVerb::GetJob: {
      const auto found = life.jobs.find(request.submission_id);
      if (found == life.jobs.end()) return RayReply{};
      return RayReply{.session = {}, .job = found->second.info, .serve = {}};
    }
    case RayVerb::SubmitJob:
      return submit(life, request, asked);
    case RayVerb::StopJob:
      stop(life, request.submission_id);
      return RayReply{};
    case RayVerb::PutServe: {
      core_.note("head " + life.session + " is told to serve " + request.config_digest);
      Result<RayReply> reply = life.serve.put(request.body, asked);
      if (on_serve) on_serve(head.cluster);
      return reply;
    }
    case RayVerb::GetServe:
      if (on_serve) on_serve(head.cluster);
      return RayReply{.session = {}, .job = {}, .serve = serve_info(head, life.serve)};
  }
  return RayReply{};
}

Result<RayReply> RayHeads::submit(Life& life, const RayRequest& request, Instant asked) {
  if (life.jobs.contains(request.submission_id)) return RayReply{};
  const Json& body = request.body.json();
  const std::string text = body["metadata"].value(labels::k_run, "");
  const RunKey run = parse_run_key(text);
  if (core_.random.chance(core_.faults.ray_rejects)) {
    if (on_disturbance) on_disturbance(run);
    return fail(ErrorCode::Rejected, "the head answers 400");
  }
  const std::string head_uid = life.session.substr(0, life.session.find('#'));
  core_.note("head " + life.session + " takes " + request.submission_id + " " + text);
  Job& job = life.jobs[request.submission_id];
  job.run = run;
  job.info.run = text;
  if (on_execution) on_execution({run, request.submission_id, head_uid, asked});
  Work work = parse_work(body["entrypoint"].get<std::string>());
  if (work.kind == WorkKind::Flaky) work.kind = run.attempt == 1 ? WorkKind::Fail : WorkKind::Work;
  this->run(life.session, request.submission_id, work);
  return RayReply{};
}

void RayHeads::run(const std::string& session, const std::string& id, const Work& work) {
  const Duration pending = core_.random.between(milliseconds(50), seconds(3));
  become(session, id, RayJobStatus::Running, pending);
  if (work.kind == WorkKind::Forever) return;
  const auto last = work.kind == WorkKind::Fail ? RayJobStatus::Failed : RayJobStatus::Succeeded;
  become(session, id, last, pending + seconds(work.seconds));
}

void RayHeads::stop(Life& life, const std::string& id) {
  const auto found = life.jobs.find(id);
  if (found == life.jobs.end() || has_ended(found->second.info.status)) return;
  if (on_disturbance) on_disturbance(found->second.run);
  become(life.session, id, RayJobStatus::Stopped, k_stop_time);
}

void RayHeads::become(const std::string& session, const std::string& id, RayJobStatus status,
                      Duration delay) {
  core_.timeline.after(delay, [this, session, id, status] {
    RayJobInfo& info = lives_.at(session).jobs.at(id).info;
    if (has_ended(info.status)) return;
    info.status = status;
    if (status != RayJobStatus::Failed) return;
    info.error_type = "JOB_ENTRYPOINT_COMMAND_ERROR";
    info.driver_exit_code = 1;
  });
}

}  // namespace ray_gitops::simulation
