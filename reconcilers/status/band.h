#pragma once
// In which order people look at objects.

#include <array>
#include <cstdint>

#include "reconcilers/model/plan.h"

namespace ray_gitops::status {

// What needs a person comes first and what is over last: a long table is cut.
enum class Band : std::uint8_t { NeedsPerson, Lives, Over };

inline constexpr std::array k_bands{Band::NeedsPerson, Band::Lives, Band::Over};

Band band_of(Phase phase);

}  // namespace ray_gitops::status
