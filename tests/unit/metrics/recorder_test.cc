#include "agent/metrics/recorder.h"

#include <numeric>

#include <gtest/gtest.h>

#include "tests/unit/engine/support.h"

namespace ray_gitops::metrics {
namespace {

using engine::test::at;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Counts = std::map<std::pair<Question, Outcome>, std::uint64_t>;

engine::SendWrite write(std::uint64_t id, Verb verb) {
  engine::SendWrite effect;
  effect.write_id = id;
  effect.action.verb = verb;
  effect.action.target = {ResourceType::Pod, "default", "head"};
  return effect;
}

std::uint64_t total(const Latencies& latencies) {
  return std::accumulate(latencies.counts.begin(), latencies.counts.end(), std::uint64_t{0});
}

TEST(Recorder, counts_writes_by_verb_type_and_outcome) {
  Recorder recorder;
  recorder.on(write(1, Verb::Apply), at(seconds(0)));
  recorder.on(write(2, Verb::Apply), at(seconds(0)));
  recorder.on(write(3, Verb::Delete), at(seconds(0)));
  recorder.on(engine::WriteAnswered{2, fail(ErrorCode::Conflict, "")}, at(seconds(1)));
  recorder.on(engine::WriteAnswered{1, std::optional<ResourceView>{}}, at(seconds(2)));
  EXPECT_EQ(recorder.api().counts,
            (Counts{{{{"apply", "Pod"}, "Conflict"}, 1}, {{{"apply", "Pod"}, "Ok"}, 1}}));
  EXPECT_EQ(total(recorder.api().latencies.at("apply")), 2U);
  EXPECT_DOUBLE_EQ(recorder.api().latencies.at("apply").sum, 3.0);
}

TEST(Recorder, counts_an_answer_once_and_none_that_was_not_asked_for) {
  Recorder recorder;
  recorder.on(engine::WriteAnswered{9, std::optional<ResourceView>{}}, at(seconds(0)));
  recorder.on(write(1, Verb::Create), at(seconds(0)));
  recorder.on(engine::WriteAnswered{1, std::optional<ResourceView>{}}, at(seconds(0)));
  recorder.on(engine::WriteAnswered{1, std::optional<ResourceView>{}}, at(seconds(0)));
  EXPECT_EQ(recorder.api().counts, (Counts{{{{"create", "Pod"}, "Ok"}, 1}}));
}

TEST(Recorder, puts_a_time_where_its_upper_end_is) {
  Latencies latencies;
  latencies.add(milliseconds(5));
  latencies.add(milliseconds(6));
  latencies.add(seconds(31));
  EXPECT_EQ(latencies.counts.front(), 1U);
  EXPECT_EQ(latencies.counts[1], 1U);
  EXPECT_EQ(latencies.counts.back(), 1U);
}

TEST(Recorder, tells_a_list_that_failed_from_a_watch_that_ended) {
  Recorder recorder;
  const engine::WatchEnded expired{ResourceType::Pod, {ErrorCode::Expired, "", ""}};
  recorder.on(engine::StartList{ResourceType::Pod}, at(seconds(0)));
  recorder.on(expired, at(seconds(1)));
  EXPECT_EQ(recorder.api().counts, (Counts{{{{"list", "Pod"}, "Expired"}, 1}}));
  EXPECT_TRUE(recorder.watches_ended().empty());
  recorder.on(engine::StartWatch{ResourceType::Pod, "7"}, at(seconds(2)));
  recorder.on(expired, at(seconds(3)));
  EXPECT_EQ(recorder.watches_ended().at({ResourceType::Pod, "Expired"}), 1U);
}

TEST(Recorder, remembers_the_last_poll_that_was_answered_well) {
  Recorder recorder;
  EXPECT_FALSE(recorder.last_poll());
  recorder.on(engine::ListRemote{}, at(seconds(0)));
  recorder.on(engine::RemoteListed{engine::RemoteTips{}}, at(seconds(1)));
  recorder.on(engine::ListRemote{}, at(seconds(10)));
  recorder.on(engine::RemoteListed{fail(ErrorCode::Unavailable, "")}, at(seconds(11)));
  EXPECT_EQ(recorder.last_poll(), at(seconds(1)).wall);
  EXPECT_EQ(recorder.git().counts,
            (Counts{{{{"poll", ""}, "Ok"}, 1}, {{{"poll", ""}, "Unavailable"}, 1}}));
}

TEST(Recorder, counts_refused_pushes_and_heads_that_do_not_answer) {
  Recorder recorder;
  recorder.on(engine::PublishStatus{}, at(seconds(0)));
  recorder.on(engine::StatusPublished{fail(ErrorCode::Rejected, "")}, at(seconds(0)));
  engine::AskRay ask;
  ask.request_id = 4;
  ask.request.verb = RayVerb::SubmitJob;
  recorder.on(ask, at(seconds(0)));
  recorder.on(engine::RayAnswered{4, fail(ErrorCode::Unavailable, "")}, at(seconds(5)));
  EXPECT_EQ(recorder.git().counts, (Counts{{{{"publish status", ""}, "Rejected"}, 1}}));
  EXPECT_EQ(recorder.ray().counts, (Counts{{{{"submit job", ""}, "Unavailable"}, 1}}));
}

}  // namespace
}  // namespace ray_gitops::metrics
