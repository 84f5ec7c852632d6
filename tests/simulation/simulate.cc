// simulate --seed N | --seconds S [--first N] [--verbose]: runs of the simulation by seed. A
// failing one ends with the command that repeats it.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/world.h"

namespace {

using ray_gitops::simulation::Outcome;
using ray_gitops::simulation::run_seed;

struct Options {
  std::optional<std::uint64_t> seed;
  std::uint64_t first = 1;
  std::uint64_t seconds = 10;
  bool verbose = false;
};

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

std::optional<Options> parse_options(int count, char** arguments) {
  Options options;
  for (int index = 1; index < count; ++index) {
    const std::string_view name = arguments[index];
    if (name == "--verbose") {
      options.verbose = true;
      continue;
    }
    std::uint64_t number = 0;
    if (++index == count || !parse_number(arguments[index], number)) return std::nullopt;
    if (name == "--seed")
      options.seed = number;
    else if (name == "--first")
      options.first = number;
    else if (name == "--seconds")
      options.seconds = number;
    else
      return std::nullopt;
  }
  return options;
}

bool run(std::uint64_t seed, bool verbose) {
  const Outcome outcome = run_seed(seed, nullptr, verbose);
  for (const std::string& line : outcome.trace) std::printf("%s\n", line.c_str());
  if (outcome.violations.empty()) return true;
  for (const auto& violation : outcome.violations)
    std::printf("%lld %s: %s\n", static_cast<long long>(violation.when.milliseconds),
                violation.checker.c_str(), violation.what.c_str());
  std::printf("%s --seed %llu\n", SIMULATE_PROGRAM, static_cast<unsigned long long>(seed));
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  const auto options = parse_options(count, arguments);
  if (!options) {
    std::fprintf(stderr, "usage: %s [--seed N | --seconds S [--first N]] [--verbose]\n",
                 arguments[0]);
    return 2;
  }
  if (options->seed) return run(*options->seed, options->verbose) ? 0 : 1;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options->seconds);
  std::uint64_t seed = options->first;
  for (; std::chrono::steady_clock::now() < end; ++seed)
    if (!run(seed, options->verbose)) return 1;
  std::printf("%llu seeds from %llu on, nothing found\n",
              static_cast<unsigned long long>(seed - options->first),
              static_cast<unsigned long long>(options->first));
  return 0;
}
