#pragma once
// What of Ray's word on a failed job may be published. Its message holds the job's log.

#include <string>

#include "reconcilers/model/ray_head.h"

namespace ray_gitops::rayjob {

// "Ray reports FAILED (<error type>, exit code <code>): <last exception line>", with what is known.
// Of the message only a line of the form "<Name>Error: ..." is used, never another line of the log.
std::string failure_sentence(const RayJobInfo& info);

}  // namespace ray_gitops::rayjob
