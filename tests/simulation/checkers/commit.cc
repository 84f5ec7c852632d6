// A status commit says something new, carries its trailers, and is not one of a flood.
#include <deque>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

constexpr std::size_t k_burst = 31;
constexpr Duration k_window = std::chrono::minutes(10);

class Commit : public Checker {
 public:
  explicit Commit(const Scene& scene) : Checker(scene, "commit") {}

  void on_status(const StatusCommit& commit) override {
    const StatusCommit* parent = commit.parent ? scene().git.status(*commit.parent) : nullptr;
    if (parent != nullptr && parent->files == commit.files)
      fail("a status commit says what its parent says");
    if (commit.message.find("\nIntent-Id: ") == std::string::npos)
      fail("a status commit has no Intent-Id");
  }

  // One agent keeps to its rate; another one begins with a full burst.
  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    if (!std::holds_alternative<engine::PublishStatus>(effect)) return;
    if (agent.client() != last_client_) times_.clear();
    last_client_ = agent.client();
    times_.push_back(now());
    while (now() - times_.front() > k_window) times_.pop_front();
    constexpr std::size_t k_rate = 10;  // in the window, beside the burst
    if (times_.size() > k_burst + k_rate) fail(agent.client() + " floods the status branch");
  }

 private:
  std::string last_client_;
  std::deque<Instant> times_;
};

}  // namespace

std::unique_ptr<Checker> make_commit_checker(const Scene& scene) {
  return std::make_unique<Commit>(scene);
}

}  // namespace ray_gitops::simulation
