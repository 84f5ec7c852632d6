#include "agent/engine/heads.h"

#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const ObjectKey k_job{Kind::RayJob, "default", "count"};

class HeadsTest : public testing::Test {
 protected:
  RayRequest request(RayVerb verb, const std::string& head = "head-1") const {
    RayRequest made;
    made.verb = verb;
    made.head_uid = head;
    made.submission_id = "count-1";
    return made;
  }
  // The id under which it was sent; 0 when it was not.
  std::uint64_t send(const RayRequest& asked) {
    Effects effects;
    heads.send(k_job, asked, at(since), effects);
    return effects.empty() ? 0 : std::get<AskRay>(effects.front()).request_id;
  }
  void answer(std::uint64_t id, Result<RayReply> reply) {
    Effects effects;
    EXPECT_EQ(heads.on({id, std::move(reply)}, at(since), effects), k_job);
  }
  void ask(RayVerb verb, const Result<RayReply>& reply) {
    since += seconds(1);
    const std::uint64_t id = send(request(verb));
    ASSERT_NE(id, 0U);
    answer(id, reply);
  }
  static RayReply session(const std::string& name) {
    return {.session = name, .job = {}, .serve = {}};
  }
  static RayReply serving(ServeApplicationStatus status) {
    RayReply reply;
    reply.serve = ServeInfo{};
    reply.serve->applications["app"].status = status;
    return reply;
  }
  static RayReply job(RayJobStatus status) {
    RayReply reply;
    reply.job = RayJobInfo{};
    reply.job->status = status;
    return reply;
  }
  HeadAnswers answers() const { return heads.answers_of(k_job); }

  Heads heads;
  Duration since{0};
};

TEST_F(HeadsTest, has_one_request_of_a_job_under_way) {
  const std::uint64_t id = send(request(RayVerb::GetJob));
  ASSERT_NE(id, 0U);
  EXPECT_EQ(send(request(RayVerb::GetJob)), 0U);
  EXPECT_FALSE(heads.may_send_at(k_job, request(RayVerb::GetJob)));
  answer(id, job(RayJobStatus::Running));
  EXPECT_NE(send(request(RayVerb::GetJob)), 0U);
}

TEST_F(HeadsTest, believes_no_session_that_is_older_than_no_such_job) {
  ask(RayVerb::GetVersion, session("s1"));
  EXPECT_EQ(answers().session, "s1");
  ask(RayVerb::GetJob, RayReply{});
  EXPECT_FALSE(answers().session);
  ASSERT_TRUE(answers().job);
  EXPECT_FALSE(*answers().job);
}

TEST_F(HeadsTest, believes_no_session_that_is_older_than_a_silence) {
  ask(RayVerb::GetVersion, session("s1"));
  ask(RayVerb::GetJob, failed(ErrorCode::Unavailable));
  EXPECT_FALSE(answers().session);
  EXPECT_NE(answers().silence, "");
}

TEST_F(HeadsTest, waits_longer_after_each_silence) {
  ask(RayVerb::GetJob, failed(ErrorCode::Unavailable));
  EXPECT_EQ(send(request(RayVerb::GetJob)), 0U);
  ask(RayVerb::GetJob, failed(ErrorCode::Unavailable));
  since += seconds(1);
  EXPECT_EQ(send(request(RayVerb::GetJob)), 0U);
  ask(RayVerb::GetJob, job(RayJobStatus::Running));
  EXPECT_EQ(answers().silence, "");
}

TEST_F(HeadsTest, forgets_what_it_knew_of_a_job_when_it_is_submitted_or_stopped) {
  for (const RayVerb verb : {RayVerb::SubmitJob, RayVerb::StopJob}) {
    ask(RayVerb::GetJob, job(RayJobStatus::Running));
    ask(verb, RayReply{});
    EXPECT_FALSE(answers().job);
  }
}

TEST_F(HeadsTest, does_not_repeat_a_write_at_once) {
  ask(RayVerb::SubmitJob, RayReply{});
  since += milliseconds(10);
  EXPECT_EQ(send(request(RayVerb::SubmitJob)), 0U);
  EXPECT_EQ(send(request(RayVerb::StopJob)), 0U);
  EXPECT_NE(send(request(RayVerb::GetJob)), 0U);
}

TEST_F(HeadsTest, remembers_a_refusal_until_the_head_is_met_anew) {
  ask(RayVerb::SubmitJob, failed(ErrorCode::Rejected));
  EXPECT_TRUE(answers().refused);
  EXPECT_EQ(answers().silence, "");
  ask(RayVerb::GetVersion, session("s1"));
  EXPECT_FALSE(answers().refused);
}

TEST_F(HeadsTest, talks_about_serve_apart_for_each_cluster) {
  RayRequest about_serve = request(RayVerb::GetServe);
  about_serve.cluster = "web-1";
  const ObjectKey service{Kind::RayService, "default", "web"};
  EXPECT_EQ(Heads::topic_of(service, about_serve),
            (ObjectKey{Kind::RayCluster, "default", "web-1"}));
  EXPECT_EQ(Heads::topic_of(k_job, request(RayVerb::StopJob)), k_job);
}

TEST_F(HeadsTest, knows_which_configuration_a_head_has_taken) {
  for (const bool taken : {true, false}) {
    since += seconds(2);
    RayRequest put = request(RayVerb::PutServe);
    put.config_digest = taken ? "first" : "second";
    const std::uint64_t id = send(put);
    answer(id, taken ? Result<RayReply>(RayReply{}) : failed(ErrorCode::Rejected));
    EXPECT_EQ(answers().config_digest, taken ? "first" : "");
  }
  EXPECT_EQ(answers().config_digest, "");
  EXPECT_EQ(answers().refused_digest, "second");
  EXPECT_TRUE(answers().refused);
}

TEST_F(HeadsTest, remembers_through_a_new_configuration_when_all_was_well) {
  ask(RayVerb::GetServe, serving(ServeApplicationStatus::Running));
  const auto well = answers().serving_at;
  EXPECT_EQ(well, at(since).monotonic);
  ask(RayVerb::PutServe, RayReply{});
  EXPECT_FALSE(answers().serve);
  ask(RayVerb::GetServe, serving(ServeApplicationStatus::Unhealthy));
  EXPECT_EQ(answers().serving_at, well);
  EXPECT_EQ(answers().serve_answered_at, at(since).monotonic);
}

TEST_F(HeadsTest, remembers_through_another_head_when_all_was_well) {
  ask(RayVerb::GetServe, serving(ServeApplicationStatus::Running));
  const auto well = answers().serving_at;
  since += seconds(1);
  EXPECT_NE(send(request(RayVerb::GetServe, "head-2")), 0U);
  EXPECT_EQ(answers().serving_at, well);
  EXPECT_FALSE(answers().serve);
}

TEST_F(HeadsTest, begins_anew_with_another_head) {
  ask(RayVerb::GetVersion, session("s1"));
  EXPECT_NE(send(request(RayVerb::GetVersion, "head-2")), 0U);
  EXPECT_EQ(answers().head_uid, "head-2");
  EXPECT_FALSE(answers().session);
}

TEST_F(HeadsTest, hears_nothing_of_a_job_that_is_forgotten) {
  const std::uint64_t id = send(request(RayVerb::GetJob));
  heads.forget(k_job);
  Effects effects;
  EXPECT_FALSE(heads.on({id, job(RayJobStatus::Running)}, at(since), effects));
}

}  // namespace
}  // namespace ray_gitops::engine::test
