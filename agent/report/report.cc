#include "agent/report/report.h"

#include <utility>

namespace ray_gitops::report {

ReportOptions default_report_options(const std::string& agent_id) {
  return {.branch = "ray-status/" + agent_id,
          .author_name = "Ray GitOps " + agent_id,
          .author_email = "ray-gitops+" + agent_id + "@users.noreply.localhost"};
}

Report::Report(Loop& loop, git::GitWorker& worker, ReportOptions options,
               std::function<void(engine::Event)> emit)
    : loop_(loop), worker_(worker), options_(std::move(options)), emit_(std::move(emit)) {}

void Report::load_status(const engine::LoadStatus& effect) {
  worker_.submit(git::LoadStatusRequest{options_.branch, effect.tip},
                 [emit = emit_](Result<engine::StatusTree> tree) {
                   emit(engine::StatusLoaded{std::move(tree)});
                 });
}

void Report::publish_status(const engine::PublishStatus& effect) {
  git::PublishRequest request{.branch = options_.branch,
                              .expected_tip = effect.expected_tip,
                              .files = effect.files,
                              .message = effect.message,
                              .author_name = options_.author_name,
                              .author_email = options_.author_email,
                              .time = loop_.now().wall,
                              .not_after = effect.not_after};
  worker_.submit(std::move(request), [emit = emit_](Result<std::string> tip) {
    emit(engine::StatusPublished{std::move(tip)});
  });
}

}  // namespace ray_gitops::report
