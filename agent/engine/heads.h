#pragma once
// Conversations with Ray heads, and what was answered: one for each job, about it; one for each
// cluster of a service, about Serve. In each there is one request at a time.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/engine/event.h"
#include "agent/engine/parts.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/ray_head.h"

namespace ray_gitops::engine {

class Heads {
 public:
  // The same head is not told to do something again sooner, whatever it answers.
  static constexpr Duration k_write_pause = std::chrono::seconds(1);

  // Whose conversation a request belongs to: the cluster's for Serve, else the object's own.
  static ObjectKey topic_of(const ObjectKey& object, const RayRequest& request);

  // Sends the request unless its conversation has one under way or waits.
  void send(const ObjectKey& topic, const RayRequest& request, Now now, Effects& effects);
  // The conversation that went on, or nullopt when nobody waits for the answer any more.
  std::optional<ObjectKey> on(const RayAnswered& event, Now now, Effects& effects);

  HeadAnswers answers_of(const ObjectKey& topic) const;
  // When this request may be sent; nullopt while an answer is awaited.
  Deadline may_send_at(const ObjectKey& topic, const RayRequest& request) const;
  void forget(const ObjectKey& topic) { talks_.erase(topic); }

 private:
  struct Talk {
    HeadAnswers answers;
    std::uint64_t under_way = 0;         // 0: nothing
    RayVerb verb = RayVerb::GetVersion;  // of the last request
    std::string config_digest;           // of the last PutServe
    int silences = 0;                    // in a row
    Instant retry_at;
    Instant write_again_at;
  };

  static void begin(Talk& talk, const RayRequest& request, Now now);
  static void learn(Talk& talk, const RayReply& reply, Now now);
  static bool is_refusal(const Talk& talk, const RayAnswered& event);

  std::uint64_t next_id_ = 1;
  std::map<ObjectKey, Talk> talks_;
  std::map<std::uint64_t, ObjectKey> under_way_;
};

}  // namespace ray_gitops::engine
