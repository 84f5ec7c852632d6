#include "agent/local_cluster/kubelet/log_file.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/pod_directory.h"

namespace ray_gitops::local_cluster {
namespace {

struct LogFileTest : testing::Test {
  LogFileTest() {
    std::string pattern = testing::TempDir() + "rg-kubelet-log-XXXXXX";
    directory.path = mkdtemp(pattern.data());
    std::filesystem::create_directories(directory.logs("main"));
  }
  ~LogFileTest() override { std::filesystem::remove_all(directory.path); }

  PodDirectory directory;
};

TEST_F(LogFileTest, keeps_the_newest_output_within_twice_its_bound) {
  LogFile log(directory.log("main", 0), 10);
  for (const char* line : {"first..\n", "second.\n", "third..\n"}) log.write(line);
  EXPECT_EQ(read_file(directory.log("main", 0), 100).value(), "third..\n");
  EXPECT_EQ(read_file(directory.log("main", 0) + ".1", 100).value(), "second.\n");
}

TEST_F(LogFileTest, is_found_by_run) {
  EXPECT_EQ(find_log(directory, "main", false).error().code, ErrorCode::NotFound);
  const LogFile first(directory.log("main", 9));
  EXPECT_EQ(find_log(directory, "main", true).error().code, ErrorCode::NotFound);
  const LogFile second(directory.log("main", 10));
  EXPECT_EQ(find_log(directory, "main", false).value(), directory.log("main", 10));
  EXPECT_EQ(find_log(directory, "main", true).value(), directory.log("main", 9));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
