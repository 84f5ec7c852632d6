#pragma once
// What a plan says to people and programs.

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/status/tree.h"

namespace ray_gitops::review {

enum class Change : std::uint8_t { None, Create, Change, Delete };

const char* name_of(Change change);  // "none", "create", ...

// A write to the cluster, or a request that changes something on a Ray head. Without its body,
// which may hold a Secret's values.
using Deed = std::variant<Action, RayRequest>;

struct ObjectPlan {
  status::ObjectStatus now;  // when the first of it is done; without any, as it is left
  Change change = Change::None;
  std::vector<Deed> deeds;  // in the order in which they are done
  // How it is left: where no phase is, it is gone.
  Phase left_in = Phase::Pending;
  std::string left_reason;  // empty: it is gone
  std::string left_message;
  std::size_t restarts = 0;  // pods that are deleted and made again, by group
};

struct Report {
  std::string agent_id;
  std::string subject;          // what was planned: "branch main", ...
  std::string commit;           // empty: files that are no commit
  std::string accepted_commit;  // acted on before; empty: none
  std::string hold_id;
  std::string hold_message;
  std::string problem;  // why the commit cannot be acted on, or empty
  std::vector<Diagnostic> diagnostics;
  std::vector<ObjectPlan> objects;  // in order of key
  std::vector<std::string> unseen;  // what could not be asked, one sentence each
  bool complete = true;             // false: a limit ended the look ahead
};

struct Summary {
  std::size_t creates = 0;  // objects
  std::size_t changes = 0;
  std::size_t deletes = 0;
  std::size_t unchanged = 0;
  std::size_t restarts = 0;   // pods
  std::size_t submitted = 0;  // jobs
  std::size_t stopped = 0;
  std::size_t served = 0;  // Serve configurations that are put
  std::size_t errors = 0;  // diagnostics
};

Summary summarise(const Report& report);

// Files are invalid, an object is Blocked or Held, the commit cannot be acted on, or the look ahead
// was cut off.
bool has_problems(const Report& report);
// Something would be written.
bool has_changes(const Report& report);

// Of one object so many deeds are shown as text, then how many more there are.
inline constexpr std::size_t k_deeds_shown_max = 50;

// The same report gives the same bytes. Safe on a terminal.
std::string render_text(const Report& report, bool colour);
// kind Plan of ray-gitops.io/v1alpha1; every character that is not ASCII is \uXXXX.
std::string render_json(const Report& report);

}  // namespace ray_gitops::review
