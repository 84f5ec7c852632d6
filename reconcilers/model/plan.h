#pragma once
// What a decision says: actions to take now, and what to tell people.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/document.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

enum class Verb : std::uint8_t {
  Create,   // POST: AlreadyExists when the name is taken
  Apply,    // server-side apply with our field manager
  Replace,  // PUT with the resource version in the preconditions (compare-and-swap)
  Delete    // DELETE with preconditions, background propagation
};

const char* name_of(Verb verb);

// Empty members are not checked. Every Delete carries a uid.
struct Preconditions {
  std::string uid;
  std::string resource_version;
};

// One write to the cluster. Repeating it is harmless: names are deterministic and what destroys is
// guarded by preconditions.
struct Action {
  Verb verb = Verb::Apply;
  ResourceKey target;
  Document body;  // the whole object; null for Delete
  Preconditions preconditions;
  int wave = 0;        // lower waves are sent first
  std::string reason;  // the sentence shown in plan, log and status
  // Of an Apply: fields that another manager took are taken back. Only of fields that we owned.
  bool force = false;
  // Of a Create of a Secret: every empty value of its `data` becomes a token of 32 random bytes, as
  // base64 text, when it is sent. No decision knows it.
  bool makes_token = false;
};

enum class Phase : std::uint8_t {
  Pending,      // accepted, nothing done yet
  Applying,     // writes are on their way
  Progressing,  // written, the cluster is working on it
  Ready,
  Running,    // a job that Ray is running
  Succeeded,  // a job that has run
  Degraded,   // was Ready; part of it is missing
  Failed,
  Blocked,  // we refuse to act; the reason says what to do
  Suspended,
  Removing,  // its file is gone; its objects are being deleted
  Held       // what its commit asks for waits for a release
};

const char* name_of(Phase phase);

struct Condition {
  std::string type;  // CamelCase
  bool status = false;
  std::string reason;   // CamelCase
  std::string message;  // one sentence
  friend bool operator==(const Condition&, const Condition&) = default;
};

// A cluster that was made for a job or a service and is not wanted any more: its objects leave as
// those of a cluster whose file is gone do, then its anchor. It is said in every plan until then.
struct Retirement {
  ObjectKey cluster;
  std::string reason;
};

struct Plan {
  std::vector<Action> actions;  // sorted by wave, then target
  std::vector<Retirement> retirements;
  // Which of the clusters leave cannot be told now: what earlier plans said of them stands.
  bool clusters_undecided = false;
  std::vector<RayRequest> ray_requests;  // at most one to each head
  Phase phase = Phase::Pending;
  std::string reason;   // CamelCase
  std::string message;  // one sentence
  std::vector<Condition> conditions;
  Document ray;                         // facts of this kind for the status file, or null
  std::optional<Instant> next_look_at;  // when the answer may change by time alone
};

// Stable text, shared by the command line, golden tests, the log and pull-request comments:
// one line of phase and message, then one line an action.
std::string render(const Plan& plan);

}  // namespace ray_gitops
