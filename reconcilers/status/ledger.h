#pragma once
// The job ledger: which runs of a job have ended, one file a job (docs/formats.md, "Runs of a
// job"). It outlives the job's file and everything in the cluster.

#include <string>
#include <string_view>

#include "reconcilers/model/job_run.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::status {

// "ledger/<namespace>/<name>.json", escaped as in object_path.
std::string ledger_path(const ObjectKey& job);
bool is_ledger_path(std::string_view path);

// The newest run stands last; texts are cut to k_message_bytes_max and made printable.
std::string render_ledger(const ObjectKey& job, const FinishedRuns& runs);

// InvalidInput when any of it cannot be understood: what has run is then unknown.
Result<FinishedRuns> read_ledger(const std::string& content);

}  // namespace ray_gitops::status
