#include "agent/engine/heads.h"

#include <algorithm>
#include <utility>

namespace ray_gitops::engine {
namespace {

constexpr Duration k_first_retry = std::chrono::seconds(1);
constexpr Duration k_longest_retry = std::chrono::seconds(30);

bool is_about_serve(RayVerb verb) { return verb == RayVerb::GetServe || verb == RayVerb::PutServe; }

}  // namespace

ObjectKey Heads::topic_of(const ObjectKey& object, const RayRequest& request) {
  return is_about_serve(request.verb) ? ObjectKey{Kind::RayCluster, object.ns, request.cluster}
                                      : object;
}

void Heads::send(const ObjectKey& topic, const RayRequest& request, Now now, Effects& effects) {
  Talk& talk = talks_[topic];
  const bool same = talk.answers.head_uid == request.head_uid &&
                    talk.answers.submission_id == request.submission_id;
  // A talk under way is heard out first: its answer is about the head that it was sent to.
  if (talk.under_way != 0) return;
  if (!same) {
    const std::optional<Instant> serving_at = talk.answers.serving_at;
    talk = Talk{};
    talk.answers.serving_at = serving_at;
    talk.answers.head_uid = request.head_uid;
    talk.answers.submission_id = request.submission_id;
  }
  if (*may_send_at(topic, request) > now.monotonic) return;
  begin(talk, request, now);
  talk.under_way = next_id_++;
  under_way_[talk.under_way] = topic;
  effects.push_back(AskRay{talk.under_way, request});
}

// What a write may change is not known any more.
void Heads::begin(Talk& talk, const RayRequest& request, Now now) {
  talk.verb = request.verb;
  talk.config_digest = request.config_digest;
  if (!is_write(request.verb)) return;
  talk.answers.job.reset();
  talk.answers.serve.reset();
  talk.answers.refused.reset();
  if (request.verb == RayVerb::PutServe) talk.answers.config_digest.clear();
  talk.write_again_at = now.monotonic + k_write_pause;
}

std::optional<ObjectKey> Heads::on(const RayAnswered& event, Now now, Effects& effects) {
  const auto asked = under_way_.extract(event.request_id);
  if (asked.empty()) return std::nullopt;
  const ObjectKey& topic = asked.mapped();
  const auto found = talks_.find(topic);
  if (found == talks_.end() || found->second.under_way != event.request_id) return std::nullopt;
  Talk& talk = found->second;
  talk.under_way = 0;
  if (event.reply || is_refusal(talk, event)) {
    talk.silences = 0;
    talk.answers.silence.clear();
    if (event.reply) {
      learn(talk, *event.reply, now);
    } else {
      talk.answers.refused = event.reply.error();
      talk.answers.refused_digest = talk.config_digest;
    }
    return topic;
  }
  if (talk.silences == 0)
    log(effects, LogLevel::Warning, "a Ray head does not answer",
        {{"object", to_string(topic)}, {"error", describe(event.reply.error())}});
  talk.answers.silence = describe(event.reply.error());
  talk.answers.session.reset();
  talk.retry_at = now.monotonic + backoff(k_first_retry, k_longest_retry, ++talk.silences);
  return topic;
}

bool Heads::is_refusal(const Talk& talk, const RayAnswered& event) {
  return !event.reply && event.reply.error().code == ErrorCode::Rejected &&
         (talk.verb == RayVerb::SubmitJob || talk.verb == RayVerb::PutServe);
}

void Heads::learn(Talk& talk, const RayReply& reply, Now now) {
  HeadAnswers& answers = talk.answers;
  switch (talk.verb) {
    case RayVerb::GetVersion:
      answers.session = reply.session;
      answers.refused.reset();
      break;
    case RayVerb::GetJob:
      answers.job = reply.job;
      answers.job_answered_at = now.monotonic;
      if (!reply.job) answers.session.reset();
      break;
    case RayVerb::GetServe:
      answers.serve = reply.serve;
      answers.serve_answered_at = now.monotonic;
      if (reply.serve && is_serving(*reply.serve)) answers.serving_at = now.monotonic;
      break;
    case RayVerb::PutServe:
      answers.config_digest = talk.config_digest;
      break;
    case RayVerb::SubmitJob:
    case RayVerb::StopJob:
      break;
  }
}

HeadAnswers Heads::answers_of(const ObjectKey& topic) const {
  const auto found = talks_.find(topic);
  return found == talks_.end() ? HeadAnswers{} : found->second.answers;
}

Deadline Heads::may_send_at(const ObjectKey& topic, const RayRequest& request) const {
  const auto found = talks_.find(topic);
  if (found == talks_.end()) return Instant{};
  const Talk& talk = found->second;
  if (talk.under_way != 0) return std::nullopt;
  return is_write(request.verb) ? std::max(talk.retry_at, talk.write_again_at) : talk.retry_at;
}

}  // namespace ray_gitops::engine
