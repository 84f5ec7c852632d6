#pragma once

namespace ray_gitops::app {

// As CMakeLists.txt has it: "0.1.0".
inline constexpr const char* k_version = RAY_GITOPS_VERSION;

}  // namespace ray_gitops::app
