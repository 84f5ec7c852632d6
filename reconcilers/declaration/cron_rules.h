#pragma once
// What is written about when something begins.

#include <string>

#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/path.h"

namespace ray_gitops {

void check_cron(const std::string& text, const Path& path, Findings& findings);
// Empty is UTC.
void check_time_zone(const std::string& name, const Path& path, Findings& findings);

}  // namespace ray_gitops
