#pragma once
// What of Ray's texts may be published. They hold the job's log, which may hold anything.

#include <cstddef>
#include <string>

#include "reconcilers/model/ray_head.h"

namespace ray_gitops::rayjob {

// Of a text that came from Ray.
inline constexpr std::size_t k_ray_text_bytes_max = 300;

// One line of printable UTF-8 of at most k_ray_text_bytes_max: without terminal escape sequences,
// and with "***" for the credentials of URLs ("scheme://***@host").
std::string publishable(const std::string& text);

// "Ray reports FAILED (<error type>, exit code <code>): <last exception line>", with what is known.
// Of the message only a line of the form "<Name>Error: ..." is used, never another line of the log.
std::string failure_sentence(const RayJobInfo& info);

}  // namespace ray_gitops::rayjob
