// What the views say of who owns an object and whether a pod serves.

#include "reconcilers/manifest/view.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Json live_object() {
  return {{"metadata",
           {{"name", "a"}, {"namespace", "team"}, {"uid", "u1"}, {"resourceVersion", "7"}}}};
}

template <class View>
View view_of(ResourceType type, const Json& object) {
  return std::get<View>(parse_view(type, object).value());
}

TEST(PodView, serves_when_its_label_says_true_and_only_then) {
  Json pod = live_object();
  EXPECT_FALSE(view_of<PodView>(ResourceType::Pod, pod).serves);
  for (const Json& value : {Json("false"), Json("True"), Json(""), Json(true), Json()}) {
    pod["metadata"]["labels"]["ray.io/serve"] = value;
    EXPECT_FALSE(view_of<PodView>(ResourceType::Pod, pod).serves) << value;
  }
  pod["metadata"]["labels"]["ray.io/serve"] = "true";
  EXPECT_TRUE(view_of<PodView>(ResourceType::Pod, pod).serves);
}

TEST(ServiceView, names_its_controller_and_no_other_owner) {
  Json service = live_object();
  EXPECT_EQ(view_of<ServiceView>(ResourceType::Service, service).owner_name, "");
  service["metadata"]["ownerReferences"] = {
      {{"name", "other"}, {"uid", "u2"}},
      {{"name", "rayservice.fruit"}, {"uid", "u3"}, {"controller", true}}};
  const ServiceView view = view_of<ServiceView>(ResourceType::Service, service);
  EXPECT_EQ(view.owner_name, "rayservice.fruit");
  EXPECT_EQ(view.meta.owner_uid, "u3");
  for (const Json& owners : {Json(), Json("x"), Json{{"controller", true}}, Json::array({7})}) {
    service["metadata"]["ownerReferences"] = owners;
    EXPECT_EQ(view_of<ServiceView>(ResourceType::Service, service).owner_name, "") << owners;
  }
}

}  // namespace
}  // namespace ray_gitops
