// Only what agents made is written to or deleted by agents. What people made stays as they made it,
// to the byte.
#include <nlohmann/json.hpp>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Ownership : public Checker {
 public:
  explicit Ownership(const Scene& scene) : Checker(scene, "ownership") {}

  void on_write(const WriteSeen& write) override {
    if (write.before.is_null() || write.before == write.after) return;
    const std::string uid = write.before.json()["metadata"]["uid"];
    if (!scene().api.made().contains(uid))
      fail(write.agent + " wrote to " + to_string(write.action->target) +
           ", which it did not make");
  }

  void at_end() override {
    for (const auto& [key, object] : scene().user.foreign())
      if (!(scene().api.store().find(key) == object))
        fail(key.plural + " " + key.name + " of the people is not as they made it");
  }
};

}  // namespace

std::unique_ptr<Checker> make_ownership_checker(const Scene& scene) {
  return std::make_unique<Ownership>(scene);
}

}  // namespace ray_gitops::simulation
