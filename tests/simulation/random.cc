#include "tests/simulation/random.h"

#include <bit>

namespace ray_gitops::simulation {
namespace {

// SplitMix64: spreads a seed over the state.
std::uint64_t spread(std::uint64_t& seed) {
  seed += 0x9e3779b97f4a7c15U;
  std::uint64_t value = seed;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = spread(seed);
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::int64_t Random::below(std::int64_t bound) {
  return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(bound));
}

std::int64_t Random::between(std::int64_t least, std::int64_t most) {
  return least + below(most - least + 1);
}

Duration Random::between(Duration least, Duration most) {
  return Duration{between(least.count(), most.count())};
}

bool Random::chance(int per_mille) { return below(1000) < per_mille; }

}  // namespace ray_gitops::simulation
