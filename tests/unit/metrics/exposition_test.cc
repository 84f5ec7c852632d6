#include "agent/metrics/exposition.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/unit/engine/support.h"

namespace ray_gitops::metrics {
namespace {

using engine::test::at;
using std::chrono::milliseconds;
using std::chrono::seconds;

engine::Summary busy() {
  engine::Summary summary;
  summary.readiness = engine::Readiness::Ready;
  summary.lease_held = true;
  summary.diagnostics = 2;
  summary.objects = {{{Kind::RayCluster, Phase::Ready}, 3}, {{Kind::RayJob, Phase::Failed}, 1}};
  summary.reconciles = {{Kind::RayCluster, 40}};
  summary.watched = {{ResourceType::Pod, 12}};
  summary.writes_under_way = 1;
  return summary;
}

void record_some(Recorder& recorder) {
  engine::SendWrite write;
  write.write_id = 1;
  write.action.verb = Verb::Apply;
  write.action.target = {ResourceType::Pod, "team", "secret-name"};
  recorder.on(write, at(seconds(0)));
  recorder.on(engine::WriteAnswered{1, fail(ErrorCode::Rejected, "quota of secret-name")},
              at(milliseconds(30)));
  recorder.on(engine::ListRemote{}, at(seconds(0)));
  recorder.on(engine::RemoteListed{engine::RemoteTips{}}, at(seconds(1)));
  recorder.on(engine::WatchEnded{ResourceType::Pod, {ErrorCode::Unavailable, "", ""}},
              at(seconds(2)));
  recorder.on(engine::WriteLog{engine::LogLevel::Warning, "object", {}}, at(seconds(2)));
  engine::AskRay ask;
  ask.request_id = 2;
  recorder.on(ask, at(seconds(2)));
  recorder.on(engine::RayAnswered{2, fail(ErrorCode::Unavailable, "")}, at(seconds(60)));
}

std::string rendered() {
  Recorder recorder;
  record_some(recorder);
  return render_metrics({"prod", "0.1.0"}, busy(), recorder,
                        {.cpu_seconds = 1.5,
                         .children_cpu_seconds = 0.25,
                         .resident_bytes = 1024,
                         .open_files = 9,
                         .start_time_seconds = 1000});
}

TEST(Exposition, is_what_the_golden_file_says) {
  ray_gitops::test::expect_golden("tests/unit/metrics/golden/metrics.txt", rendered());
}

TEST(Exposition, names_no_object) { EXPECT_EQ(rendered().find("secret-name"), std::string::npos); }

// Prometheus' naming rules: counters end in _total, times in seconds.
TEST(Exposition, names_its_series_as_prometheus_asks) {
  std::istringstream lines(rendered());
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, type, name, kind;
    if (!(words >> hash >> type >> name >> kind) || type != "TYPE") continue;
    EXPECT_TRUE(names.insert(name).second) << name << " is there twice";
    EXPECT_EQ(kind == "counter", name.ends_with("_total")) << name;
    EXPECT_EQ(name.find("millisecond"), std::string::npos) << name;
  }
  EXPECT_GE(names.size(), 20U);
}

TEST(ProcessFacts, say_what_this_process_uses) {
  const ProcessFacts facts = read_process_facts();
  EXPECT_GT(facts.cpu_seconds, 0);
  EXPECT_GT(facts.resident_bytes, 1'000'000U);
  EXPECT_GE(facts.open_files, 3U);
  EXPECT_GT(facts.start_time_seconds, 1.7e9);
}

}  // namespace
}  // namespace ray_gitops::metrics
