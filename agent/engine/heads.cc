#include "agent/engine/heads.h"

#include <algorithm>
#include <utility>

namespace ray_gitops::engine {
namespace {

constexpr Duration k_first_retry = std::chrono::seconds(1);
constexpr Duration k_longest_retry = std::chrono::seconds(30);

bool is_write(RayVerb verb) { return verb == RayVerb::SubmitJob || verb == RayVerb::StopJob; }

}  // namespace

void Heads::send(const ObjectKey& job, const RayRequest& request, Now now, Effects& effects) {
  Talk& talk = talks_[job];
  const bool same = talk.answers.head_uid == request.head_uid &&
                    talk.answers.submission_id == request.submission_id;
  // A talk under way is heard out first: its answer is about the head that it was sent to.
  if (talk.under_way != 0) return;
  if (!same) {
    talk = Talk{};
    talk.answers.head_uid = request.head_uid;
    talk.answers.submission_id = request.submission_id;
  }
  if (*may_send_at(job, request) > now.monotonic) return;
  if (is_write(request.verb)) {
    talk.answers.job.reset();
    talk.answers.refused.reset();
    talk.write_again_at = now.monotonic + k_write_pause;
  }
  talk.under_way = next_id_++;
  talk.verb = request.verb;
  under_way_[talk.under_way] = job;
  effects.push_back(AskRay{talk.under_way, request});
}

std::optional<ObjectKey> Heads::on(const RayAnswered& event, Now now, Effects& effects) {
  const auto asked = under_way_.extract(event.request_id);
  if (asked.empty()) return std::nullopt;
  const ObjectKey& job = asked.mapped();
  const auto found = talks_.find(job);
  if (found == talks_.end() || found->second.under_way != event.request_id) return std::nullopt;
  Talk& talk = found->second;
  talk.under_way = 0;
  const bool refused = !event.reply && event.reply.error().code == ErrorCode::Rejected &&
                       talk.verb == RayVerb::SubmitJob;
  if (event.reply || refused) {
    talk.silences = 0;
    talk.answers.silence.clear();
    if (refused)
      talk.answers.refused = event.reply.error();
    else
      learn(talk, *event.reply, now);
    return job;
  }
  if (talk.silences == 0)
    log(effects, LogLevel::Warning, "a Ray head does not answer",
        {{"object", to_string(job)}, {"error", describe(event.reply.error())}});
  talk.answers.silence = describe(event.reply.error());
  talk.answers.session.reset();
  talk.retry_at = now.monotonic + backoff(k_first_retry, k_longest_retry, ++talk.silences);
  return job;
}

void Heads::learn(Talk& talk, const RayReply& reply, Now now) {
  switch (talk.verb) {
    case RayVerb::GetVersion:
      talk.answers.session = reply.session;
      talk.answers.refused.reset();
      break;
    case RayVerb::GetJob:
      talk.answers.job = reply.job;
      talk.answers.job_answered_at = now.monotonic;
      if (!reply.job) talk.answers.session.reset();
      break;
    case RayVerb::SubmitJob:
    case RayVerb::StopJob:
      break;
  }
}

HeadAnswers Heads::answers_of(const ObjectKey& job) const {
  const auto found = talks_.find(job);
  return found == talks_.end() ? HeadAnswers{} : found->second.answers;
}

Deadline Heads::may_send_at(const ObjectKey& job, const RayRequest& request) const {
  const auto found = talks_.find(job);
  if (found == talks_.end()) return Instant{};
  const Talk& talk = found->second;
  if (talk.under_way != 0) return std::nullopt;
  return is_write(request.verb) ? std::max(talk.retry_at, talk.write_again_at) : talk.retry_at;
}

}  // namespace ray_gitops::engine
