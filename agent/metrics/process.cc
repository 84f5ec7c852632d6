#include "agent/metrics/process.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace ray_gitops::metrics {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds_of(int who) {
  rusage usage{};
  if (getrusage(who, &usage) != 0) return 0;
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

// Field `number` of /proc/self/stat, counted from 1 as proc(5) does; the second one, which may hold
// spaces, ends at the last parenthesis.
std::uint64_t stat_field(int number) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto end = line.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream fields(line.substr(end + 1));
  std::string field;
  for (int at = 3; at <= number; ++at) fields >> field;
  std::istringstream text(field);
  std::uint64_t value = 0;
  text >> value;
  return value;
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  double seconds = 0;
  while (file >> word)
    if (word == "btime" && file >> seconds) return seconds;
  return 0;
}

std::uint64_t count_open_files() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::uint64_t count = 0;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return count;
}

}  // namespace

ProcessFacts read_process_facts() {
  constexpr int k_start_time = 22;
  constexpr int k_resident_pages = 24;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  ProcessFacts facts;
  facts.cpu_seconds = cpu_seconds_of(RUSAGE_SELF);
  facts.children_cpu_seconds = cpu_seconds_of(RUSAGE_CHILDREN);
  facts.resident_bytes =
      stat_field(k_resident_pages) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  facts.open_files = count_open_files();
  facts.start_time_seconds =
      boot_time_seconds() + static_cast<double>(stat_field(k_start_time)) / ticks;
  return facts;
}

}  // namespace ray_gitops::metrics
