#pragma once
// The status tree read back (docs/formats.md, "Status branch"), for people who ask what it says.
// Anybody who may write to the repository can have written it: every text is printable here
// (model/diagnostic.h), and what is missing or of another type is empty.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/result.h"
#include "reconcilers/status/tree.h"

namespace ray_gitops::status {

struct PublishedSummary {
  std::string agent_id;
  std::string branch;           // watched
  std::string observed_commit;  // newest seen; empty before the first
  std::string accepted_commit;  // acted on
  std::string source_problem;   // why no new commit can be acted on, or empty
  std::string hold_id;          // empty: nothing is held
  std::string hold_message;
  std::int64_t objects = 0;
  std::vector<std::pair<std::string, std::int64_t>> phases;  // counts, by name
  std::int64_t diagnostics = 0;
};

struct PublishedCondition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
};

struct PublishedObject {
  std::string path;  // of its file in the tree
  std::string kind;
  std::string ns;  // empty for a Namespace
  std::string name;
  std::string phase;
  std::string reason;
  std::string message;
  std::string since;
  std::string file;  // where it is declared; empty: nowhere
  std::int64_t line = 0;
  std::string spec_commit;
  std::string applied_commit;
  std::string applied_file;
  std::vector<PublishedCondition> conditions;
  Document ray;  // as it is in the file: not printable
  std::string next;
};

struct PublishedStatus {
  PublishedSummary summary;
  std::vector<PublishedObject> objects;  // those first that need a person, then in order of key
  std::vector<Diagnostic> diagnostics;   // of errors/, in order of path and line
  std::vector<std::string> unreadable;   // object files that cannot be understood
};

inline constexpr const char* k_summary_path = "summary.json";

// The inverse of render_tree. NotFound when there is no summary, InvalidInput when it is none that
// this version understands.
Result<PublishedStatus> read_tree(const Tree& tree);

// The inverse of render_error_file, of the file at this path in the tree. Which of them are
// warnings is not in it.
std::vector<Diagnostic> read_error_file(const std::string& path, const std::string& content);

// "Kind/namespace/name", "Kind/name" or "name", the kind in any case. InvalidInput when it is of
// another form or several objects have the name (they are listed), NotFound when none has.
Result<const PublishedObject*> find_object(const PublishedStatus& status, const std::string& asked);

// "Kind/namespace/name", as find_object takes it.
std::string full_name_of(const PublishedObject& object);

// The runs in the ledger of a RayJob, empty for every other kind and before the first has ended.
// InvalidInput when the ledger cannot be understood.
Result<FinishedRuns> published_runs(const Tree& tree, const PublishedObject& object);

// What is wrong with the file that declares the object.
std::vector<Diagnostic> diagnostics_of(const PublishedStatus& status,
                                       const PublishedObject& object);

// A JSON file of the tree as it is, every character that is not ASCII as \uXXXX: safe on a
// terminal, and the same to a program. Fails where Document::parse does.
Result<std::string> safe_json(const std::string& content);

}  // namespace ray_gitops::status
