// What of Ray's texts reaches Git.

#include "reconcilers/rayjob/failure_text.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ray_gitops::rayjob {
namespace {

RayJobInfo failed(std::string message) {
  RayJobInfo info;
  info.status = RayJobStatus::Failed;
  info.message = std::move(message);
  return info;
}

TEST(FailureText, names_type_exit_code_and_the_last_exception) {
  RayJobInfo info = failed(
      "Job entrypoint command failed with exit code 1, last available logs:\n"
      "password=hunter2\nKeyError: 'first'\nTraceback (most recent call last):\n"
      "  File \"train.py\", line 3, in <module>\nValueError: no such column\nbye\n");
  info.error_type = "JOB_ENTRYPOINT_COMMAND_ERROR";
  info.driver_exit_code = 1;
  EXPECT_EQ(failure_sentence(info),
            "Ray reports FAILED (JOB_ENTRYPOINT_COMMAND_ERROR, exit code 1): "
            "ValueError: no such column");
}

TEST(FailureText, knows_exceptions_by_their_names) {
  for (const char* line : {"ray.exceptions.RayTaskError(KeyError): ray::f()", "KeyboardInterrupt",
                           "my_package.OddException: x", "SystemExit: 3"})
    EXPECT_EQ(failure_sentence(failed(std::string("log\n") + line + "\nmore log")),
              std::string("Ray reports FAILED: ") + line);
  for (const char* line : {"token: abc", "  ValueError: indented", "Errors: 3", "an Error: x", ""})
    EXPECT_EQ(failure_sentence(failed(line)), "Ray reports FAILED") << line;
}

TEST(FailureText, has_no_escape_sequences) {
  EXPECT_EQ(failure_sentence(failed("\x1b[36mValueError: x\x1b[0m")),
            "Ray reports FAILED: ValueError: x");
}

TEST(FailureText, ignores_an_error_type_that_is_none) {
  RayJobInfo info = failed("");
  info.error_type = "a type\nwith lines";
  EXPECT_EQ(failure_sentence(info), "Ray reports FAILED");
}

TEST(FailureText, of_any_bytes_is_one_line) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(failure_sentence(failed("E: " + bytes)).find('\n') == std::string::npos);
  }));
}

}  // namespace
}  // namespace ray_gitops::rayjob
