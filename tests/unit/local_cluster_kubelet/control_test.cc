#include "agent/local_cluster/kubelet/control.h"

#include <gtest/gtest.h>

namespace ray_gitops::local_cluster {
namespace {

TEST(Control, reads_the_requests_and_answers_that_it_writes) {
  const ControlRequest request{ControlVerb::Exec, "main", "", 0, {"echo", "a\nb"}, Duration{1500}};
  const std::string line = render_request(request);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto read = parse_request(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->verb, ControlVerb::Exec);
  EXPECT_EQ(read->container, "main");
  EXPECT_EQ(read->command, request.command);
  EXPECT_EQ(read->timeout, Duration{1500});
  const auto answer = parse_answer(render_answer({true, 7, "out"}));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ok);
  EXPECT_EQ(answer->exit_code, 7);
  EXPECT_EQ(answer->output, "out");
}

TEST(Control, refuses_what_is_no_request) {
  for (const char* line : {"", "{}", "[]", "{\"verb\":9}", "{\"verb\":-1}", "{\"verb\":2}",
                           "{\"verb\":\"0\"}", "nonsense"}) {
    EXPECT_FALSE(parse_request(line)) << line;
  }
}

}  // namespace
}  // namespace ray_gitops::local_cluster
