// Pods of a cluster that asks for a token are made while its Secret is there, and in the end all
// know the one that is there: others could not join.
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

bool asks_for_token(const Document& pod) {
  for (const auto& entry : pod.json()["spec"]["containers"][0]["env"])
    if (entry["name"] == "RAY_AUTH_TOKEN") return true;
  return false;
}

class Token : public Checker {
 public:
  explicit Token(const Scene& scene) : Checker(scene, "token") {}

  void on_write(const WriteSeen& write) override {
    if (!write.before.is_null() || write.after.is_null()) return;
    const auto view = view_of(write.after);
    const auto* pod = view ? std::get_if<PodView>(&*view) : nullptr;
    if (pod == nullptr || !asks_for_token(write.after)) return;
    const std::string secret = secret_of(*pod);
    if (secret.empty()) fail(to_string(pod->meta.key) + " is made before its cluster's token");
    known_[pod->meta.uid] = secret;
  }

  void at_end() override {
    for (const ObjectKey& cluster : scene().truth.anchored())
      for (const PodView& pod : scene().truth.pods(cluster))
        if (known_.contains(pod.meta.uid) && known_.at(pod.meta.uid) != secret_of(pod))
          fail(to_string(pod.meta.key) + " knows another token than its cluster's");
  }

 private:
  // The uid of the Secret that the pod's owner owns; empty: there is none.
  std::string secret_of(const PodView& pod) const {
    const auto secret = scene().truth.find({ResourceType::Secret, pod.meta.key.ns, pod.cluster});
    const bool is_its_own = secret && meta_of(*secret).owner_uid == pod.meta.owner_uid;
    return is_its_own ? meta_of(*secret).uid : std::string{};
  }

  std::map<std::string, std::string> known_;  // by pod's uid
};

}  // namespace

std::unique_ptr<Checker> make_token_checker(const Scene& scene) {
  return std::make_unique<Token>(scene);
}

}  // namespace ray_gitops::simulation
