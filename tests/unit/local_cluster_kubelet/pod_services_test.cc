// Addresses of Services: from this host and from pods through to real pods.
#include <filesystem>

#include "agent/local_cluster/kubelet/process.h"
#include "pod_fixture.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

class ServiceTest : public PodTest {
 protected:
  // A pod of the Service `web` that answers with its name on the port it calls `http`.
  void create_server(const std::string& name, int port) {
    json pod = Host::pod(name, "mkdir /tmp/web; cd /tmp/web; echo " + name +
                                   " > name; exec python3 -m http.server " + std::to_string(port));
    pod["metadata"]["labels"] = {{"app", "web"}};
    pod["spec"]["containers"][0]["ports"] =
        json::array({{{"name", "http"}, {"containerPort", port}}});
    pod["spec"]["containers"][0]["readinessProbe"] = {
        {"httpGet", {{"path", "/name"}, {"port", port}}}, {"periodSeconds", 1}};
    host_->create(pod);
    ASSERT_TRUE(host_->wait_until([&] { return host_->is_ready(name); }));
  }

  // It answers soon after it was created, not at once.
  void create_service(const std::string& type) {
    host_->create({{"kind", "Service"},
                   {"apiVersion", "v1"},
                   {"metadata", {{"name", "web"}, {"namespace", "default"}}},
                   {"spec",
                    {{"type", type},
                     {"selector", {{"app", "web"}}},
                     {"ports", json::array({{{"port", 80}, {"targetPort", "http"}}})}}}});
    ASSERT_TRUE(host_->wait_until([&] { return run(fetch_name("http://10.96.0.1")) != "none\n"; }));
  }

  // What the shell command writes, run on this host while the loop turns; "?" when it takes too
  // long.
  std::string run(const std::string& command) {
    const std::string output = directory_ + "/output";
    std::filesystem::remove(output);
    EXPECT_TRUE(run_program({"sh", "-c",
                             "(" + command + "; mv " + output + ".new " + output + ") > " + output +
                                 ".new 2>&1 < /dev/null &"}));
    const bool ended = host_->wait_until([&] { return std::filesystem::exists(output); });
    return ended ? read_file(output, 1 << 20).value() : "?";
  }

  static std::string fetch_name(const std::string& url) {
    return "wget -q -t 1 -T 5 -O - " + url + "/name || echo none";
  }
  // Of four requests, one after the other.
  static std::string fetch_names(const std::string& url) {
    return "for i in 1 2 3 4; do " + fetch_name(url) + "; done | sort";
  }
};

TEST_F(ServiceTest, answers_on_the_host_and_in_pods_through_to_ready_pods) {
  create_server("a", 8001);
  create_server("b", 8002);
  create_service("NodePort");
  const json spec = host_->get("services", "web")["spec"];
  EXPECT_EQ(spec["clusterIP"], "10.96.0.1");
  EXPECT_EQ(run(fetch_names("http://10.96.0.1")), "a\na\nb\nb\n");
  EXPECT_EQ(run(fetch_names("http://127.0.0.1:" + spec["ports"][0]["nodePort"].dump())),
            "a\na\nb\nb\n");
  host_->create(Host::pod("client", fetch_names("http://web.default.svc.cluster.local") +
                                        "; getent hosts web | cut -d' ' -f1"));
  ASSERT_TRUE(host_->wait_for_phase("client", "Succeeded"));
  EXPECT_EQ(host_->log("client"), "a\na\nb\nb\n10.96.0.1\n");
  host_->remove_pod("a");
  ASSERT_TRUE(host_->wait_until([&] { return host_->phase("a") == "gone"; }));
  EXPECT_EQ(run(fetch_names("http://10.96.0.1")), "b\nb\nb\nb\n");
  host_->remove_pod("b");
  ASSERT_TRUE(host_->wait_until([&] { return host_->phase("b") == "gone"; }));
  EXPECT_EQ(run("bash -c '</dev/tcp/10.96.0.1/80' 2>&1 | grep -o refused | sort -u"), "refused\n");
}

TEST_F(ServiceTest, that_is_deleted_answers_no_longer) {
  create_server("a", 8001);
  create_service("ClusterIP");
  ASSERT_EQ(run(fetch_names("http://10.96.0.1")), "a\na\na\na\n");
  host_->remove_service("web");
  EXPECT_EQ(run(fetch_names("http://10.96.0.1")), "none\nnone\nnone\nnone\n");
}

TEST_F(ServiceTest, answers_again_after_its_kubelet_came_back) {
  create_server("a", 8001);
  create_service("ClusterIP");
  host_->drop_kubelet();
  ASSERT_TRUE(host_->start_kubelet());
  // The pod has been Ready all the time: that says nothing of the new kubelet.
  ASSERT_TRUE(
      host_->wait_until([&] { return run(fetch_names("http://10.96.0.1")) == "a\na\na\na\n"; }));
}

TEST_F(ServiceTest, does_not_answer_other_machines) {
  create_server("a", 8001);
  create_service("ClusterIP");
  ASSERT_EQ(run(fetch_names("http://10.96.0.1")), "a\na\na\na\n");
  const OtherMachine machine;
  // Its packets do reach the Service's address: it is let in by the kernel and sent away by us.
  ASSERT_EQ(run(machine.inside("timeout 5 bash -c '</dev/tcp/10.96.0.1/80' && echo reached")),
            "reached\n");
  EXPECT_EQ(run(machine.inside(fetch_name("http://10.96.0.1"))), "none\n");
}

}  // namespace
}  // namespace ray_gitops::local_cluster
