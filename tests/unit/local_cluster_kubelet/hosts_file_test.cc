#include "agent/local_cluster/kubelet/hosts_file.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "agent/local_cluster/kubelet/process.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

json pod_of(const std::string& name, const std::string& address, bool ready) {
  return {
      {"metadata", {{"name", name}, {"namespace", "team"}, {"labels", {{"app", "head"}}}}},
      {"status",
       {{"phase", "Running"},
        {"podIP", address},
        {"conditions", json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})}}}};
}

json service_of(bool publishes_unready) {
  return {
      {"metadata", {{"name", "svc"}, {"namespace", "team"}}},
      {"spec", {{"selector", {{"app", "head"}}}, {"publishNotReadyAddresses", publishes_unready}}}};
}

std::string render(const json& viewer, const json& service, const std::vector<json>& pods) {
  std::vector<Document> documents;
  for (const json& pod : pods) documents.emplace_back(pod);
  return render_hosts_file(viewer, "10.88.0.9", {Document(service)}, documents);
}

const char* const k_own_lines =
    "127.0.0.1 localhost\n::1 localhost ip6-localhost\n10.88.0.9 viewer\n";

TEST(HostsFile, names_services_of_the_own_namespace_also_without_it) {
  const json viewer = {{"metadata", {{"name", "viewer"}, {"namespace", "team"}}}};
  EXPECT_EQ(render(viewer, service_of(false), {pod_of("a", "10.88.0.2", true)}),
            std::string(k_own_lines) +
                "10.88.0.2 svc.team.svc.cluster.local svc.team.svc svc.team svc\n");
  const json stranger = {{"metadata", {{"name", "viewer"}, {"namespace", "other"}}}};
  EXPECT_EQ(
      render(stranger, service_of(false), {pod_of("a", "10.88.0.2", true)}),
      std::string(k_own_lines) + "10.88.0.2 svc.team.svc.cluster.local svc.team.svc svc.team\n");
}

TEST(HostsFile, names_the_address_of_a_service_that_has_one) {
  const json viewer = {{"metadata", {{"name", "viewer"}, {"namespace", "team"}}}};
  json service = service_of(true);
  service["spec"]["clusterIP"] = "10.96.0.1";
  const std::string expected =
      std::string(k_own_lines) + "10.96.0.1 svc.team.svc.cluster.local svc.team.svc svc.team svc\n";
  EXPECT_EQ(render(viewer, service, {pod_of("a", "10.88.0.2", true)}), expected);
  EXPECT_EQ(render(viewer, service, {}), expected);
  service["spec"]["clusterIP"] = "None";
  EXPECT_NE(render(viewer, service, {pod_of("a", "10.88.0.2", true)}), expected);
}

TEST(HostsFile, leaves_out_pods_that_are_not_ready_unless_they_are_published) {
  const json viewer = {{"metadata", {{"name", "viewer"}, {"namespace", "other"}}}};
  const std::vector<json> pods = {pod_of("a", "10.88.0.2", false)};
  EXPECT_EQ(render(viewer, service_of(false), pods), k_own_lines);
  EXPECT_NE(render(viewer, service_of(true), pods), k_own_lines);
}

TEST(HostsFile, leaves_out_pods_that_end_or_have_no_address_or_other_labels) {
  const json viewer = {{"metadata", {{"name", "viewer"}, {"namespace", "team"}}}};
  json ending = pod_of("a", "10.88.0.2", true);
  ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  json over = pod_of("b", "10.88.0.3", true);
  over["status"]["phase"] = "Failed";
  json other = pod_of("c", "10.88.0.4", true);
  other["metadata"]["labels"]["app"] = "else";
  json elsewhere = pod_of("d", "10.88.0.5", true);
  elsewhere["metadata"]["namespace"] = "other";
  EXPECT_EQ(
      render(viewer, service_of(true), {ending, over, other, elsewhere, pod_of("e", "", true)}),
      k_own_lines);
}

TEST(HostsFile, is_changed_in_place) {
  std::string path = testing::TempDir() + "rg-kubelet-hosts-XXXXXX";
  const FileDescriptor file(mkstemp(path.data()));
  ASSERT_TRUE(write_in_place(path, "a long first content\n"));
  ASSERT_TRUE(write_in_place(path, "short\n"));
  EXPECT_EQ(read_file("/proc/self/fd/" + std::to_string(file.get()), 100).value(), "short\n");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace ray_gitops::local_cluster
