#pragma once
// The one source of chance of a run: xoshiro256** (Blackman and Vigna) with our own distributions,
// because the standard ones differ between libraries. Draw into a named local, one draw a
// statement: the order in which arguments are evaluated differs between compilers.

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "reconcilers/model/time.h"

namespace ray_gitops::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t next();
  // 0 <= result < bound; bound is at least 1.
  std::int64_t below(std::int64_t bound);
  // Both ends are among the results.
  std::int64_t between(std::int64_t least, std::int64_t most);
  Duration between(Duration least, Duration most);
  bool chance(int per_mille);

  template <class Container>
  const auto& pick(const Container& container) {
    auto at = container.begin();
    std::advance(at, below(static_cast<std::int64_t>(container.size())));
    return *at;
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace ray_gitops::simulation
