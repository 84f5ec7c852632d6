#pragma once
// The files of a folder on this machine that an agent would read, were they committed.

#include <string>
#include <vector>

#include "agent/engine/event.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::app {

// Below a folder, or the file itself: links are not followed, hidden folders are left out, the
// order is that of the bytes of the path. NotFound when there is no such file or folder.
Result<std::vector<std::string>> find_yaml_files(const std::string& path);

// The watched folder of the working copy at `root`, as if it were a commit with this id that
// follows the accepted one.
Result<engine::SourceTree> read_working_copy(const std::string& root, const std::string& folder,
                                             const std::string& commit);

}  // namespace ray_gitops::app
