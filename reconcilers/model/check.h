#pragma once
// CHECK: for bugs of ours only, in every build. No byte from Git, a cluster, Ray, a webhook or the
// command line may reach a failing CHECK; those are Errors.

namespace ray_gitops {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::ray_gitops::check_failed(#condition, __FILE__, __LINE__))
