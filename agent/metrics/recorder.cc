#include "agent/metrics/recorder.h"

#include <algorithm>
#include <variant>

namespace ray_gitops::metrics {
namespace {

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

constexpr const char* k_poll = "poll";
constexpr const char* k_fetch = "fetch";
constexpr const char* k_read_status = "read status";
constexpr const char* k_publish_status = "publish status";

template <class T>
Outcome outcome_of(const Result<T>& result) {
  return result ? "Ok" : name_of(result.error().code);
}

}  // namespace

void Latencies::add(Duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  const auto bound = std::lower_bound(k_latency_bounds.begin(), k_latency_bounds.end(), seconds);
  ++counts[static_cast<std::size_t>(bound - k_latency_bounds.begin())];
  sum += seconds;
}

template <class Key>
void Recorder::ask(Pending<Key>& pending, const Key& key, Question question, Now now) {
  pending.insert_or_assign(key, Asked{std::move(question), now.monotonic});
}

template <class Key>
void Recorder::answer(Pending<Key>& pending, const Key& key, const Outcome& outcome, Now now,
                      Answers& answers) {
  const auto asked = pending.extract(key);
  if (asked.empty()) return;
  const Question& question = asked.mapped().question;
  ++answers.counts[{question, outcome}];
  answers.latencies[question.first].add(now.monotonic - asked.mapped().at);
}

void Recorder::on(const engine::Effect& effect, Now now) {
  const auto ask_git = [&](const char* operation) {
    ask(git_operations_, std::string(operation), {operation, ""}, now);
  };
  std::visit(
      Overload{
          [&](const engine::ListRemote&) { ask_git(k_poll); },
          [&](const engine::LoadCommit&) { ask_git(k_fetch); },
          [&](const engine::LoadStatus&) { ask_git(k_read_status); },
          [&](const engine::PublishStatus&) { ask_git(k_publish_status); },
          [&](const engine::StartList& list) {
            ask(lists_, {list.type, list.ns}, {"list", kind_of(list.type)}, now);
          },
          [](const engine::StartWatch&) {},
          [](const engine::HoldLease&) {},
          [&](const engine::SendWrite& write) {
            const Action& action = write.action;
            ask(writes_, write.write_id, {name_of(action.verb), kind_of(action.target.type)}, now);
          },
          [&](const engine::SendRead& read) {
            ask(reads_, read.key, {"get", kind_of(read.key.type)}, now);
          },
          [&](const engine::AskRay& request) {
            ask(head_requests_, request.request_id, {name_of(request.request.verb), ""}, now);
          },
          [&](const engine::AskGcs& request) {
            ask(gcs_requests_, request.request_id, {method_of(request.request), ""}, now);
          },
          [&](const engine::WriteLog& record) { ++log_records_[record.level]; },
          [](const engine::Exit&) {},
      },
      effect);
}

void Recorder::on(const engine::Event& event, Now now) {
  std::visit(
      Overload{
          [&](const engine::RemoteListed& listed) {
            answer_git(k_poll, outcome_of(listed.tips), now);
            if (listed.tips) last_poll_ = now.wall;
          },
          [&](const engine::CommitLoaded& loaded) {
            answer_git(k_fetch, outcome_of(loaded.tree), now);
          },
          [&](const engine::StatusLoaded& loaded) {
            answer_git(k_read_status, outcome_of(loaded.tree), now);
          },
          [&](const engine::StatusPublished& published) {
            answer_git(k_publish_status, outcome_of(published.tip), now);
          },
          [&](const engine::ListCompleted& list) {
            answer(lists_, {list.type, list.ns}, "Ok", now, api_);
          },
          [&](const engine::WatchChanged& change) { ++watch_events_[change.type]; },
          [&](const engine::WatchEnded& ended) { end_watch(ended, now); },
          [&](const engine::WriteAnswered& written) {
            answer(writes_, written.write_id, outcome_of(written.object), now, api_);
          },
          [&](const engine::ReadAnswered& read) {
            answer(reads_, read.key, outcome_of(read.object), now, api_);
          },
          [&](const engine::RayAnswered& answered) {
            answer(head_requests_, answered.request_id, outcome_of(answered.reply), now, ray_);
          },
          [&](const engine::GcsAnswered& answered) {
            answer(gcs_requests_, answered.request_id, outcome_of(answered.reply), now, ray_);
          },
          [](const auto&) {},
      },
      event);
}

void Recorder::answer_git(const char* operation, const Outcome& outcome, Now now) {
  answer(git_operations_, std::string(operation), outcome, now, git_);
}

// The end of a list that was not completed, or of a watch.
void Recorder::end_watch(const engine::WatchEnded& ended, Now now) {
  const Outcome outcome = name_of(ended.error.code);
  if (lists_.contains({ended.type, ended.ns}))
    return answer(lists_, {ended.type, ended.ns}, outcome, now, api_);
  ++watches_ended_[{ended.type, outcome}];
}

}  // namespace ray_gitops::metrics
