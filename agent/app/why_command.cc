#include "agent/app/why_command.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/app/config.h"
#include "agent/app/head_access.h"
#include "agent/app/runtime_options.h"
#include "agent/kubernetes/client.h"
#include "agent/log/log.h"
#include "agent/loop/loop.h"
#include "agent/ray/gcs/client.h"
#include "reconcilers/autoscaler/fleet_round.h"
#include "reconcilers/autoscaler/why.h"
#include "reconcilers/declaration/parse.h"
#include "reconcilers/manifest/anchor.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/raycluster/backoff.h"

namespace ray_gitops::app {
namespace {

constexpr Duration k_time_max = std::chrono::seconds(30);
// A freeze ends after a minute (autoscaler::k_freeze). What the agent remembers is not known here:
// the answer is that of an agent that has run for long.
constexpr Duration k_long_ago = std::chrono::hours(1);

// Lists the agent's anchors and pods, and asks one head.
class WhyRun {
 public:
  explicit WhyRun(RuntimeOptions options)
      : namespaces_(std::move(options.engine.permissions.namespaces)),
        kubernetes_(loop_, options.kubernetes,
                    [this](engine::Event event) { take(std::move(event)); }),
        head_access_(loop_, options.kubernetes),
        gcs_(loop_, head_access_.with_access(std::move(options.gcs)),
             [this](const engine::GcsAnswered& answer) {
               reply_ = answer.reply;
               loop_.stop();
             }) {
    loop_.watch_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) { end("it was interrupted"); });
    loop_.add_timer(k_time_max, [this] { end("no answer within 30 s"); });
  }

  Result<void> list() {
    if (namespaces_.empty()) namespaces_.insert("");  // all of them
    for (const std::string& ns : namespaces_)
      for (const ResourceType type : {ResourceType::ConfigMap, ResourceType::Pod}) {
        kubernetes_.start_list({type, ns});
        ++lists_awaited_;
      }
    loop_.run();
    if (error_) return tl::unexpected(*error_);
    return {};
  }
  Result<GcsReply> ask(const ObjectKey& cluster, const autoscaler::HeadGcs& head) {
    gcs_.ask(
        {1, {to_string(cluster), head.uid, head.address, GetResourceState{}, head.token_secret}});
    loop_.run();
    if (error_) return tl::unexpected(*error_);
    return std::move(reply_);
  }

  const std::vector<ConfigMapView>& anchors() const { return anchors_; }
  const std::vector<PodView>& pods() const { return pods_; }
  Now now() const { return loop_.now(); }

 private:
  void take(engine::Event event) {
    if (const auto* ended = std::get_if<engine::WatchEnded>(&event)) {
      error_ = ended->error;
      return loop_.stop();
    }
    auto* list = std::get_if<engine::ListCompleted>(&event);
    if (list == nullptr) return;
    for (ResourceView& view : list->objects) {
      if (auto* map = std::get_if<ConfigMapView>(&view)) anchors_.push_back(std::move(*map));
      if (auto* pod = std::get_if<PodView>(&view)) pods_.push_back(std::move(*pod));
    }
    if (--lists_awaited_ == 0) loop_.stop();
  }
  void end(const char* why) {
    error_ = Error{ErrorCode::Unavailable, why, ""};
    loop_.stop();
  }

  Loop loop_;
  std::set<std::string> namespaces_;
  kubernetes::KubernetesClient kubernetes_;
  HeadAccess head_access_;
  ray::GcsClient gcs_;
  std::vector<ConfigMapView> anchors_;
  std::vector<PodView> pods_;
  Result<GcsReply> reply_ = fail(ErrorCode::Internal, "nothing was asked");
  std::optional<Error> error_;
  int lists_awaited_ = 0;
};

// Whom the question is about.
struct Subject {
  const ConfigMapView* anchor = nullptr;
  ObjectKey cluster;
  std::string pod;  // empty: the whole cluster
};

// "name" or "namespace/name".
struct Name {
  std::string ns;
  std::string name;
};

Name parse_name(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

bool is_named(const Name& name, const std::string& ns, const std::string& candidate) {
  return candidate == name.name && (name.ns.empty() || ns == name.ns);
}

std::vector<Subject> subjects_of(const WhyRun& run, const Name& name) {
  std::vector<Subject> found;
  for (const ConfigMapView& anchor : run.anchors()) {
    const Result<ObjectKey> key = anchored_key(anchor);
    if (!key || key->kind != Kind::RayCluster) continue;
    if (is_named(name, key->ns, key->name)) found.push_back({&anchor, *key, ""});
    for (const PodView& pod : run.pods())
      if (pod.meta.owner_uid == anchor.meta.uid &&
          is_named(name, pod.meta.key.ns, pod.meta.key.name))
        found.push_back({&anchor, *key, pod.meta.key.name});
  }
  return found;
}

Result<Subject> choose_subject(const WhyRun& run, const std::string& text) {
  const std::vector<Subject> found = subjects_of(run, parse_name(text));
  if (found.size() == 1) return found.front();
  if (found.empty()) return fail(ErrorCode::NotFound, "the agent has no such cluster or pod", text);
  std::string names;
  for (const Subject& subject : found)
    names += (names.empty() ? "" : ", ") + subject.cluster.ns + "/" + parse_name(text).name;
  return fail(ErrorCode::InvalidInput, "there are several: " + names, text);
}

std::vector<PodView> pods_of(const WhyRun& run, const ConfigMapView& anchor) {
  std::vector<PodView> pods;
  for (const PodView& pod : run.pods())
    if (pod.meta.owner_uid == anchor.meta.uid) pods.push_back(pod);
  return pods;
}

Fact<RayResourceState> ask_head(WhyRun& run, const Subject& subject, const RayClusterSpec& spec,
                                const std::vector<PodView>& pods) {
  const auto head = autoscaler::head_gcs(spec, pods, *subject.anchor);
  if (!head || head->address.empty()) return Unknown{"the cluster has no head that runs"};
  const Result<GcsReply> reply = run.ask(subject.cluster, *head);
  if (!reply) return Unknown{"its head does not answer: " + describe(reply.error())};
  return Known<RayResourceState>{std::get<RayResourceState>(*reply)};
}

// InvalidInput also for one that was edited into another object's.
Result<Declaration> anchored_declaration(const ConfigMapView& anchor) {
  const ObjectKey key = TRY(anchored_key(anchor));
  const Document document = TRY(anchored_document(anchor));
  Declaration declaration = TRY(parse_document(document, anchored_provenance(anchor)));
  if (declaration.key == key) return declaration;
  return fail(ErrorCode::InvalidInput, "the anchor holds another object's document",
              to_string(anchor.meta.key));
}

void note_cluster(autoscaler::Fleet& fleet, const WhyRun& run, const ConfigMapView& anchor,
                  const Declaration& declaration) {
  const auto& spec = std::get<RayClusterSpec>(declaration.spec);
  const std::vector<PodView> pods = pods_of(run, anchor);
  if (!spec.autoscaling || spec.suspend) return autoscaler::note_fixed(fleet, declaration, pods);
  autoscaler::RoundInput input;
  input.spec = &spec;
  input.saved = autoscaler::saved_state(anchor);
  input.pods = autoscaler::worker_pods(pods, anchor.meta.uid, anchored_state(anchor).incarnation);
  input.now = run.now();
  autoscaler::prepare_within(fleet, declaration, input);
}

// What clusters other than the subject's have, and what policies say of all; what the others would
// like to have is not known here, and counts as nothing.
autoscaler::Fleet fleet_around(const WhyRun& run, const ObjectKey& subject) {
  autoscaler::Fleet fleet;
  std::vector<std::pair<const ConfigMapView*, Declaration>> clusters;
  for (const ConfigMapView& anchor : run.anchors()) {
    const Result<ObjectKey> key = anchored_key(anchor);
    if (!key || *key == subject) continue;
    if (key->kind != Kind::RayCluster && key->kind != Kind::AutoscalerPolicy) continue;
    Result<Declaration> declaration = anchored_declaration(anchor);
    if (!declaration || declaration->blocked) continue;
    if (key->kind == Kind::AutoscalerPolicy)
      fleet.set_policy(*declaration);
    else
      clusters.emplace_back(&anchor, std::move(*declaration));
  }
  for (const auto& [anchor, declaration] : clusters) note_cluster(fleet, run, *anchor, declaration);
  return fleet;
}

std::string explain(WhyRun& run, const Subject& subject, const Declaration& declaration) {
  const auto& spec = std::get<RayClusterSpec>(declaration.spec);
  const std::string name = to_string(subject.cluster);
  if (!spec.autoscaling)
    return name + " has as many workers as its file says: enableInTreeAutoscaling is not set\n";
  ClusterObserved observed;
  observed.pods = Known<std::vector<PodView>>{pods_of(run, *subject.anchor)};
  autoscaler::RoundInput input;
  input.spec = &spec;
  input.saved = autoscaler::saved_state(*subject.anchor);
  input.pods = autoscaler::worker_pods(observed.pods.value(), subject.anchor->meta.uid,
                                       anchored_state(*subject.anchor).incarnation);
  input.state = ask_head(run, subject, spec, observed.pods.value());
  input.now = run.now();
  input.troubles = raycluster::groups_in_trouble(declaration.key, spec, observed, input.now);
  input.state_seen_at = input.now.monotonic;
  input.plans = true;
  input.guard.agent_started_at = input.now.monotonic + (Duration{0} - k_long_ago);
  input.guard.session_seen_at = input.guard.agent_started_at;
  autoscaler::Fleet fleet = fleet_around(run, subject.cluster);
  autoscaler::prepare_within(fleet, declaration, input);
  const autoscaler::Round round = autoscaler::decide_within(fleet, declaration, input).round;
  const std::string lines = autoscaler::render_why(input, round, subject.pod);
  return lines.empty() ? name + ": " + subject.pod + " is no worker that scales\n"
                       : name + "\n" + lines;
}

// Line by line: what others wrote must not reach the terminal as it is.
void print(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    std::printf("%s\n", printable(text.substr(begin, end - begin)).c_str());
    begin = end + 1;
  }
}

}  // namespace

int run_why(const cli::WhyCommand& command) {
  log::configure(log::Level::Error, log::Format::Human);
  const Result<AgentConfig> config = load_config(command.config);
  if (!config) {
    complain(config.error(), "see docs/agent.md for what it may hold");
    return cli::k_exit_usage;
  }
  Result<kubernetes::Connection> connection = connect_to_cluster(*config);
  if (!connection) return complain(connection.error(), k_connect_hint);
  WhyRun run(runtime_options(*config, "why", "", std::move(*connection)));
  if (const Result<void> listed = run.list(); !listed)
    return complain(listed.error(), "is the cluster running, and can it be reached from here?");
  const Result<Subject> subject = choose_subject(run, command.object);
  if (!subject)
    return complain(subject.error(), "name a RayCluster or one of its pods: NAMESPACE/NAME");
  const Result<Declaration> declaration = anchored_declaration(*subject->anchor);
  if (!declaration) return complain(declaration.error(), "the agent says more in its status");
  print(explain(run, *subject, *declaration));
  return cli::k_exit_ok;
}

}  // namespace ray_gitops::app
