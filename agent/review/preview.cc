#include "agent/review/preview.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace ray_gitops::review {
namespace {

using engine::Effect;
using engine::Event;

// Answers are taken in in this order, whichever came first.
std::tuple<std::size_t, std::uint64_t> place_of(const Event& event) {
  std::uint64_t place = 0;
  if (const auto* list = std::get_if<engine::ListCompleted>(&event))
    place = static_cast<std::uint64_t>(list->type);
  if (const auto* ended = std::get_if<engine::WatchEnded>(&event))
    place = static_cast<std::uint64_t>(ended->type);
  if (const auto* answer = std::get_if<engine::RayAnswered>(&event)) place = answer->request_id;
  return {event.index(), place};
}

engine::EngineOptions without_waits(engine::EngineOptions options) {
  options.status.debounce = Duration{0};
  options.status.longest_wait = Duration{0};
  return options;
}

}  // namespace

Preview::Preview(engine::EngineOptions options, Now now, LookAhead look_ahead)
    : look_ahead_(look_ahead),
      engine_(without_waits(std::move(options))),
      now_(now),
      began_(now.monotonic),
      active_at_(now.monotonic) {}

bool Preview::can_do_without(const engine::WatchEnded& list) {
  static const std::set<ResourceType> k_needed{ResourceType::Namespace, ResourceType::ConfigMap,
                                               ResourceType::Secret,    ResourceType::Service,
                                               ResourceType::Pod,       ResourceType::Lease};
  const bool is_sure =
      list.error.code == ErrorCode::Forbidden || list.error.code == ErrorCode::NotFound;
  return is_sure && !k_needed.contains(list.type);
}

engine::Effects Preview::start() { return go_on(); }

engine::Effects Preview::deliver(Event event) {
  arrived_.push_back(std::move(event));
  if (--awaited_ > 0) return {};
  std::vector<Event> events = std::exchange(arrived_, {});
  std::sort(events.begin(), events.end(),
            [](const Event& left, const Event& right) { return place_of(left) < place_of(right); });
  for (Event& each : events) learn(each);
  active_at_ = now_.monotonic;
  for (Event& each : events) feed(std::move(each));
  return go_on();
}

// Time passes in thought, and only while nothing is awaited.
engine::Effects Preview::go_on() {
  const Instant end = began_ + look_ahead_.time_max;
  while (!done_) {
    const Instant next = std::min(engine_.next_deadline().value_or(end), end);
    const bool later = next > now_.monotonic;
    if (later && !asked_.empty()) break;
    const bool quiet = later && next > active_at_ + look_ahead_.quiet;
    if (quiet || next >= end || steps_ >= look_ahead_.steps_max) {
      finish(quiet);
      break;
    }
    if (later) {
      now_.wall = now_.wall + (next - now_.monotonic);
      now_.monotonic = next;
    }
    feed(engine::Tick{});
    take_lease();
    if (recorder_.wants_statuses()) recorder_.note_statuses(engine_.facts(now_));
  }
  awaited_ = asked_.size();
  return std::exchange(asked_, {});
}

void Preview::finish(bool complete) {
  const status::StatusFacts facts = engine_.facts(now_);
  report_ = recorder_.finish(facts, cluster_);
  report_.accepted_commit = accepted_before_;
  report_.complete = complete;
  for (const auto& [head, why] : silent_) {
    report_.unseen.push_back(head);
    report_.unseen.back().append(" does not answer from here: ").append(why);
  }
  for (const auto& [list, error] : unlisted_)
    report_.unseen.push_back(std::string(plural_of(list.first)) +
                             (list.second.empty() ? "" : " in namespace " + list.second) +
                             " cannot be listed: " + error.message);
  done_ = true;
}

void Preview::feed(Event event) {
  queue_.push_back(std::move(event));
  while (!queue_.empty() && steps_ < look_ahead_.steps_max) {
    ++steps_;
    Event next = std::move(queue_.front());
    queue_.pop_front();
    for (Effect& effect : engine_.step(std::move(next), now_)) take(effect);
  }
}

void Preview::learn(Event& event) {
  if (auto* list = std::get_if<engine::ListCompleted>(&event)) {
    cluster_.learn(*list);
    recorder_.begin(cluster_);
  }
  if (const auto* listed = std::get_if<engine::RemoteListed>(&event); listed && listed->tips)
    tips_ = *listed->tips;
  if (std::holds_alternative<engine::CommitLoaded>(event)) commit_read_ = true;
  if (const auto* ended = std::get_if<engine::WatchEnded>(&event))
    unlisted_.insert_or_assign({ended->type, ended->ns}, ended->error);
  const auto* answer = std::get_if<engine::RayAnswered>(&event);
  if (answer == nullptr) return;
  const RayRequest& request = requests_.at(answer->request_id);
  ray_.learn(request, answer->reply);
  const ResourceView* head = cluster_.find_uid(request.head_uid);
  if (!answer->reply && head != nullptr)
    silent_.try_emplace(to_string(meta_of(*head).key), describe(answer->reply.error()));
}

void Preview::take(Effect& effect) {
  if (const auto* list = std::get_if<engine::ListRemote>(&effect)) return take(*list);
  if (const auto* load = std::get_if<engine::LoadStatus>(&effect)) return take(*load);
  if (auto* publish = std::get_if<engine::PublishStatus>(&effect)) return take(*publish);
  if (const auto* read = std::get_if<engine::SendRead>(&effect)) return take(*read);
  if (const auto* write = std::get_if<engine::SendWrite>(&effect)) return take(*write);
  if (const auto* ask = std::get_if<engine::AskRay>(&effect)) return take(*ask);
  if (const auto* list = std::get_if<engine::StartList>(&effect)) return take(*list);
  if (const auto* load = std::get_if<engine::LoadCommit>(&effect)) {
    accepted_before_ = load->accepted;
    asked_.push_back(std::move(effect));
  }
}

// What cannot be listed is not asked for again: the answer would be the same.
void Preview::take(const engine::StartList& list) {
  const auto unlisted = unlisted_.find({list.type, list.ns});
  if (unlisted == unlisted_.end())
    asked_.push_back(list);
  else
    queue_.push_back(engine::WatchEnded{list.type, unlisted->second, list.ns});
}

// The repository stands still, but for what is published in thought.
void Preview::take(const engine::ListRemote& list) {
  if (!tips_) {
    asked_.push_back(list);
    return;
  }
  engine::RemoteTips tips = *tips_;
  if (published_) tips.status = published_->tip;
  queue_.push_back(engine::RemoteListed{std::move(tips)});
}

void Preview::take(const engine::LoadStatus& load) {
  if (!published_) {
    asked_.push_back(load);
    return;
  }
  queue_.push_back(engine::StatusLoaded{*published_});
}

void Preview::take(engine::PublishStatus& publish) {
  active_at_ = now_.monotonic;
  published_ = engine::StatusTree{.tip = k_imagined + std::to_string(steps_),
                                  .files = std::move(publish.files),
                                  .lease_epoch = 0};
  queue_.push_back(engine::StatusPublished{*published_->tip});
}

// The Lease is nobody's in thought. Without it nothing is written: it is had once the commit has
// been read, so that nothing is done before.
void Preview::take(const engine::SendRead& read) {
  if (read.key.type == ResourceType::Lease && !commit_read_) {
    lease_ = read.key;
    return;
  }
  const ResourceView* view = cluster_.find(read.key);
  queue_.push_back(engine::ReadAnswered{
      read.key, view == nullptr ? std::optional<ResourceView>{} : std::optional(*view)});
}

void Preview::take(const engine::SendWrite& write) {
  const ResourceView* live = cluster_.find(write.action.target);
  std::optional<ResourceView> view = live == nullptr ? std::nullopt : std::optional(*live);
  std::optional<ObjectKey> subject = view ? cluster_.subject_of(*view) : std::nullopt;
  std::vector<Event> told;
  Result<std::optional<ResourceView>> object = cluster_.carry_out(write.action, told);
  if (object && *object) {
    if (!subject) subject = cluster_.subject_of(**object);
    view = **object;
  }
  const bool is_lease = write.action.target.type == ResourceType::Lease;
  if (object && !is_lease) active_at_ = now_.monotonic;
  if (object && subject && view) recorder_.note_write(*subject, write.action, *view);
  queue_.push_back(engine::WriteAnswered{write.write_id, std::move(object)});
  for (Event& event : told) queue_.push_back(std::move(event));
}

void Preview::take(const engine::AskRay& ask) {
  const RayRequest& request = ask.request;
  if (is_write(request.verb)) {
    active_at_ = now_.monotonic;
    if (const auto subject = subject_of(request)) recorder_.note_request(*subject, request);
  }
  const bool about_serve = request.verb == RayVerb::GetServe;
  const std::set<std::string> addresses =
      about_serve ? cluster_.addresses_beside(request.head_uid) : std::set<std::string>{};
  if (auto reply = ray_.answer(request, addresses)) {
    queue_.push_back(engine::RayAnswered{ask.request_id, std::move(*reply)});
    return;
  }
  requests_[ask.request_id] = request;
  asked_.push_back(ask);
}

void Preview::take_lease() {
  if (!commit_read_ || !lease_) return;
  const ResourceKey key = *std::exchange(lease_, std::nullopt);
  feed(engine::ReadAnswered{key, std::optional<ResourceView>{}});
}

// A job works on clusters that are not its own, too.
std::optional<ObjectKey> Preview::subject_of(const RayRequest& request) const {
  if (!request.submission_id.empty())
    if (const auto job = cluster_.submitter_of(request.submission_id)) return job;
  const ResourceView* head = cluster_.find_uid(request.head_uid);
  return head == nullptr ? std::nullopt : cluster_.subject_of(*head);
}

}  // namespace ray_gitops::review
