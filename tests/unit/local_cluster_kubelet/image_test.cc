#include "agent/local_cluster/kubelet/image.h"

#include <gtest/gtest.h>

namespace ray_gitops::local_cluster {
namespace {

TEST(Image, tells_the_ray_version_of_its_tag) {
  EXPECT_EQ(parse_ray_version("rayproject/ray:2.60.0"), "2.60.0");
  EXPECT_EQ(parse_ray_version("rayproject/ray:2.60.0-py311-gpu"), "2.60.0");
  EXPECT_EQ(parse_ray_version("registry.example.com:5000/mirror/ray-ml:2.9.3"), "2.9.3");
  EXPECT_EQ(parse_ray_version("rayproject/ray:2.60.0@sha256:0123"), "2.60.0");
}

TEST(Image, has_no_version_without_one_in_its_tag) {
  for (const char* image : {"", "rayproject/ray", "rayproject/ray:latest", "rayproject/ray:nightly",
                            "rayproject/ray:2.60", "rayproject/ray:2.60.", "rayproject/ray:2..0",
                            "rayproject/ray:2.60.0x", "busybox:1.36.0", "host:5000/busybox"}) {
    EXPECT_EQ(parse_ray_version(image), std::nullopt) << image;
  }
}

TEST(Image, without_an_environment_names_those_there_are) {
  const RayEnvironments environments = {{"2.53.0", "/opt/a"}, {"2.60.0", "/opt/b"}};
  EXPECT_EQ(choose_environment("rayproject/ray:2.60.0", environments).value(), "/opt/b");
  EXPECT_EQ(describe(choose_environment("rayproject/ray:2.9.0", environments).error()),
            "rayproject/ray:2.9.0: no environment with Ray 2.9.0; Ray environments of this host: "
            "2.53.0, 2.60.0");
  EXPECT_EQ(describe(choose_environment("busybox", {}).error()),
            "busybox: the local cluster pulls no images and runs only rayproject/ray:<version>; "
            "Ray environments of this host: none");
}

}  // namespace
}  // namespace ray_gitops::local_cluster
