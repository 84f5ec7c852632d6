#include "reconcilers/model/service_state.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/view.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Declaration some_service() {
  Declaration declaration;
  declaration.key = {Kind::RayService, "team", "fruit"};
  declaration.document = Document(Json{{"spec", {{"suspend", false}}}});
  declaration.provenance = {.commit = "c0ffee", .path = "fruit.yaml", .line = 3};
  declaration.spec_hash = "v1:abc";
  return declaration;
}

// What a cluster serves of an object that we wrote.
ConfigMapView live(const Document& body) {
  Json json = body.json();
  json["metadata"]["uid"] = "u1";
  json["metadata"]["resourceVersion"] = "7";
  return std::get<ConfigMapView>(parse_view(ResourceType::ConfigMap, json).value());
}

ConfigMapView anchor_of(const ServiceState& state) {
  return live(service_anchor_body(some_service(), state, "prod").value());
}

ServiceState some_state() {
  ServiceState state;
  state.active = "fruit-00001";
  state.made = 2;
  state.clusters = {{.name = "fruit-00001",
                     .head_hash = "v1:a",
                     .group_hashes = {{"small", "v1:b"}, {"big", "v1:c"}},
                     .head_uid = "u9",
                     .config_digest = "v1:d",
                     .leaves_at = WallTime{1'700'000'000'000}},
                    {.name = "fruit-00002",
                     .head_hash = "v1:e",
                     .group_hashes = {},
                     .head_uid = {},
                     .config_digest = {},
                     .leaves_at = {}}};
  return state;
}

TEST(ServiceAnchor, gives_back_what_it_was_made_from) {
  const Declaration service = some_service();
  const ConfigMapView anchor = anchor_of(some_state());
  EXPECT_EQ(anchored_document(anchor).value(), service.document);
  EXPECT_EQ(anchored_key(anchor).value(), service.key);
  EXPECT_EQ(anchor.meta.key, (ResourceKey{ResourceType::ConfigMap, "team", "rayservice.fruit"}));
  EXPECT_EQ(anchored_provenance(anchor).path, "fruit.yaml");
  EXPECT_EQ(anchored_parent(anchor), std::nullopt);
}

TEST(ServiceState, is_read_back_as_it_was_written) {
  for (const ServiceState& state : {some_state(), ServiceState{}})
    EXPECT_EQ(anchored_service_state(anchor_of(state)).value(), state);
}

// Names of its members are read by later releases, and by people.
TEST(ServiceState, is_written_as_the_formats_say) {
  EXPECT_EQ(anchor_of(some_state()).state,
            R"({"active":"fruit-00001","clusters":[)"
            R"({"configDigest":"v1:d","groupHashes":{"big":"v1:c","small":"v1:b"},)"
            R"("headHash":"v1:a","headUid":"u9","leavesAt":"2023-11-14T22:13:20Z",)"
            R"("name":"fruit-00001"},)"
            R"({"configDigest":"","groupHashes":{},"headHash":"v1:e","headUid":"",)"
            R"("leavesAt":"","name":"fruit-00002"}],"made":2})");
}

bool is_readable(const Json& state) {
  ConfigMapView anchor = anchor_of({});
  anchor.state = state.dump();
  return anchored_service_state(anchor).has_value();
}

// Which cluster serves would be forgotten, and a new one made beside it.
TEST(ServiceState, that_does_not_say_all_is_refused) {
  ConfigMapView anchor = anchor_of(some_state());
  const Json good = Json::parse(anchor.state);
  ASSERT_TRUE(is_readable(good));
  for (const char* text : {"", "{", "null", "[]", "7", "{}"}) {
    anchor.state = text;
    EXPECT_FALSE(anchored_service_state(anchor)) << text;
  }
  const std::vector<Json> wrong{Json(), Json(true), Json::array({7}), Json{{"a", 7}}};
  for (const char* member : {"active", "made", "clusters"})
    for (const Json& value : wrong) {
      Json state = good;
      state[member] = value;
      EXPECT_FALSE(is_readable(state)) << member << " " << value;
    }
  for (const char* member :
       {"name", "headHash", "groupHashes", "headUid", "configDigest", "leavesAt"})
    for (const Json& value : wrong) {
      Json state = good;
      state["clusters"][1][member] = value;
      EXPECT_FALSE(is_readable(state)) << member << " " << value;
    }
}

TEST(ServiceState, with_values_that_cannot_be_is_refused) {
  const Json good = Json::parse(anchor_of(some_state()).state);
  const auto with = [&good](const Json& patch) {
    Json state = good;
    state.merge_patch(patch);
    return is_readable(state);
  };
  EXPECT_TRUE(with({{"made", 0}}));
  for (const Json& made : {Json(-1), Json(2.5), Json(1'000'000'001), Json("2")})
    EXPECT_FALSE(with({{"made", made}})) << made;
  Json twice = good;
  twice["clusters"][1]["name"] = "fruit-00001";
  EXPECT_FALSE(is_readable(twice));
  Json unnamed = good;
  unnamed["clusters"][1]["name"] = "";
  EXPECT_FALSE(is_readable(unnamed));
  Json late = good;
  late["clusters"][1]["leavesAt"] = "tomorrow";
  EXPECT_FALSE(is_readable(late));
}

TEST(ServiceState, of_too_many_clusters_is_refused) {
  ServiceState state;
  for (std::size_t number = 0; number <= k_serving_clusters_max; ++number)
    state.clusters.push_back({.name = "c" + std::to_string(number),
                              .head_hash = {},
                              .group_hashes = {},
                              .head_uid = {},
                              .config_digest = {},
                              .leaves_at = {}});
  EXPECT_FALSE(anchored_service_state(anchor_of(state)));
  state.clusters.pop_back();
  EXPECT_EQ(anchored_service_state(anchor_of(state)).value(), state);
}

TEST(ServiceState, of_any_content_is_read_back) {
  EXPECT_TRUE(rc::check([] {
    ServiceState state;
    state.made = *rc::gen::inRange<std::int64_t>(0, 1'000'000'001);
    const auto count = *rc::gen::inRange<std::size_t>(0, k_serving_clusters_max + 1);
    for (std::size_t number = 0; number < count; ++number) {
      ServingCluster cluster;
      cluster.name = "c" + std::to_string(number);
      const auto letters = rc::gen::container<std::string>(rc::gen::inRange('a', 'z'));
      cluster.head_hash = *letters;
      cluster.head_uid = *letters;
      cluster.group_hashes =
          *rc::gen::container<std::map<std::string, std::string>>(letters, letters);
      if (*rc::gen::arbitrary<bool>())
        cluster.leaves_at = WallTime{1000 * *rc::gen::inRange<std::int64_t>(1, 4'000'000'000)};
      state.clusters.push_back(std::move(cluster));
    }
    RC_ASSERT(anchored_service_state(anchor_of(state)).value() == state);
  }));
}

TEST(ServiceState, gives_an_answer_for_any_bytes) {
  ConfigMapView anchor = anchor_of(some_state());
  const std::string good = anchor.state;
  EXPECT_TRUE(rc::check([&] {
    std::string bytes = good;
    const auto start = *rc::gen::inRange<std::size_t>(0, good.size());
    const auto length = *rc::gen::inRange<std::size_t>(0, 40);
    bytes.replace(start, length, *rc::gen::string<std::string>());
    anchor.state = bytes;
    static_cast<void>(anchored_service_state(anchor));
    static_cast<void>(anchored_job_state(anchor));
  }));
}

TEST(AnchoredParent, is_the_job_or_service_that_the_owners_name_says) {
  ConfigMapView anchor = anchor_of({});
  anchor.owner_name = "rayservice.fruit";
  EXPECT_EQ(anchored_parent(anchor), std::nullopt) << "no owner";
  anchor.meta.owner_uid = "u1";
  EXPECT_EQ(anchored_parent(anchor), (ObjectKey{Kind::RayService, "team", "fruit"}));
  anchor.owner_name = "rayjob.train";
  EXPECT_EQ(anchored_parent(anchor), (ObjectKey{Kind::RayJob, "team", "train"}));
  for (const char* name : {"raycluster.a", "rayservice", "ray-gitops.prod", "", "RayJob.a"}) {
    anchor.owner_name = name;
    EXPECT_EQ(anchored_parent(anchor), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace ray_gitops
