#pragma once
// Images are not pulled: the Ray version in an image's tag selects a Python environment of the
// host.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

// Ray version -> directory whose bin/ has `ray` and `python`.
using RayEnvironments = std::map<std::string, std::string>;

// "2.60.0" of "rayproject/ray:2.60.0-py311-gpu", also behind a registry's name and with a digest;
// nullopt when the last path component does not start with "ray" or the tag with a version.
std::optional<std::string> parse_ray_version(std::string_view image);

// The environment for an image. NotFound says which versions there are.
Result<std::string> choose_environment(std::string_view image, const RayEnvironments& environments);

// Reads the version that is installed in a Python environment. NotFound when there is no Ray in it.
Result<std::string> read_installed_ray_version(const std::string& directory);
// `directory`, if it is a Python environment with Ray in it, and every subdirectory of it that is
// one. A directory that does not exist has none.
RayEnvironments read_ray_environments(const std::string& directory);

}  // namespace ray_gitops::local_cluster
