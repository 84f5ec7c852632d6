#pragma once
// Conversations with Ray heads: one request at a time for each job, and what was answered.

#include <cstdint>
#include <map>
#include <optional>

#include "agent/engine/event.h"
#include "agent/engine/parts.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/rayjob/observed.h"

namespace ray_gitops::engine {

class Heads {
 public:
  // The same job is not submitted or stopped again sooner, whatever the head answers.
  static constexpr Duration k_write_pause = std::chrono::seconds(1);

  // Sends the request unless the job has one under way or waits.
  void send(const ObjectKey& job, const RayRequest& request, Now now, Effects& effects);
  // The job whose situation changed, or nullopt when nobody waits for the answer any more.
  std::optional<ObjectKey> on(const RayAnswered& event, Now now, Effects& effects);

  HeadAnswers answers_of(const ObjectKey& job) const;
  // When this request may be sent; nullopt while an answer is awaited.
  Deadline may_send_at(const ObjectKey& job, const RayRequest& request) const;
  void forget(const ObjectKey& job) { talks_.erase(job); }

 private:
  struct Talk {
    HeadAnswers answers;
    std::uint64_t under_way = 0;  // 0: nothing
    RayVerb verb = RayVerb::GetVersion;
    int silences = 0;  // in a row
    Instant retry_at;
    Instant write_again_at;
  };

  static void learn(Talk& talk, const RayReply& reply, Now now);

  std::uint64_t next_id_ = 1;
  std::map<ObjectKey, Talk> talks_;
  std::map<std::uint64_t, ObjectKey> under_way_;
};

}  // namespace ray_gitops::engine
