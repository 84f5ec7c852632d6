// Real pods: processes in namespaces, through the kubelet and its supervisors.
#include <filesystem>

#include <sys/stat.h>

#include "agent/local_cluster/kubelet/process.h"
#include "pod_fixture.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

json exec_probe(const std::string& script) {
  return {{"exec", {{"command", {"/bin/sh", "-c", script}}}}, {"periodSeconds", 1}};
}

TEST_F(PodTest, runs_to_its_end_and_tells_exit_code_and_output) {
  host_->create(Host::pod("p", "echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(host_->wait_for_phase("p", "Failed"));
  EXPECT_EQ(host_->log("p"), "out\nerr\n");
  EXPECT_EQ(host_->state("p")["terminated"]["exitCode"], 3);
  EXPECT_EQ(host_->state("p")["terminated"]["reason"], "Error");
  host_->create(Host::pod("q", "true"));
  EXPECT_TRUE(host_->wait_for_phase("q", "Succeeded"));
  EXPECT_EQ(host_->get("nodes", "local")["status"]["conditions"][0]["status"], "True");
}

TEST_F(PodTest, is_an_unprivileged_user_alone_in_its_namespaces) {
  host_->create(Host::pod("alone", R"sh(
      id -u; hostname; ls -d /proc/[0-9]* | wc -l | grep -qx '[1-9]' && echo few
      grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status | tr '\t' ' '
      touch /usr/x /etc/x /x 2>/dev/null || echo sealed
      ls -A /root /run /home/ray | grep -v : | tr -d '\n'; pwd; echo $HOME)sh"));
  ASSERT_TRUE(host_->wait_for_phase("alone", "Succeeded"));
  EXPECT_EQ(host_->log("alone"),
            "1000\nalone\nfew\nCapEff: 0000000000000000\nCapBnd: 00000000a00425fb\nNoNewPrivs: 1\n"
            "sealed\n/home/ray\n/home/ray\n");
}

TEST_F(PodTest, as_root_still_changes_nothing_of_the_host) {
  json pod = Host::pod("root", "id -u; ls " + directory_ + R"sh( 2>/dev/null && echo seen
      mount -t tmpfs t /mnt 2>/dev/null && echo mounted
      mknod /tmp/disk b 8 0 2>/dev/null && echo made
      echo 1 2>/dev/null > /proc/sys/kernel/panic && echo wrote
      ip link add x type dummy 2>/dev/null && echo linked
      touch /usr/x 2>/dev/null && echo touched
      exit 0)sh");
  pod["spec"]["securityContext"] = {{"runAsUser", 0}, {"runAsGroup", 0}};
  host_->create(pod);
  ASSERT_TRUE(host_->wait_for_phase("root", "Succeeded"));
  EXPECT_EQ(host_->log("root"), "0\n");
}

TEST_F(PodTest, mounts_config_maps_secrets_and_empty_dirs) {
  host_->create({{"kind", "ConfigMap"},
                 {"apiVersion", "v1"},
                 {"metadata", {{"name", "code"}, {"namespace", "default"}}},
                 {"data", {{"a.py", "A"}, {"b.py", "B"}}}});
  host_->create({{"kind", "Secret"},
                 {"apiVersion", "v1"},
                 {"metadata", {{"name", "key"}, {"namespace", "default"}}},
                 {"data", {{"token", "c2VjcmV0"}}}});
  json pod = Host::pod("mounts", R"sh(
      cat /srv/samples/a.py /opt/made/b.txt /etc/made/key/token /data/from-init /data/sub/x
      stat -c ' %a %U' /etc/made/key/token; touch /srv/samples/x 2>/dev/null || echo sealed
      df --output=size -k /dev/shm | tail -1 | tr -d ' '; test -d /etc/ssl && echo host)sh");
  pod["spec"]["volumes"] = json::parse(R"([
      {"name": "code", "configMap": {"name": "code"}},
      {"name": "key", "secret": {"secretName": "key", "defaultMode": 292}},
      {"name": "data", "emptyDir": {}},
      {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Mi"}}])");
  pod["spec"]["containers"][0]["volumeMounts"] = json::parse(R"([
      {"name": "code", "mountPath": "/srv/samples"},
      {"name": "code", "mountPath": "/opt/made/b.txt", "subPath": "b.py"},
      {"name": "key", "mountPath": "/etc/made/key"},
      {"name": "data", "mountPath": "/data"},
      {"name": "shm", "mountPath": "/dev/shm"}])");
  pod["spec"]["initContainers"] = json::array(
      {{{"name", "first"},
        {"image", k_test_image},
        {"command",
         {"/bin/sh", "-c", "echo -n 1 > /made/from-init; mkdir /made/sub; touch /tmp/t"}},
        {"volumeMounts", json::array({{{"name", "data"}, {"mountPath", "/made"}}})}},
       {{"name", "second"},
        {"image", k_test_image},
        {"command", {"/bin/sh", "-c", "cat /sub/../from-init; echo -n 2 > /sub/x; ls /tmp"}},
        {"volumeMounts",
         json::array({{{"name", "data"}, {"mountPath", "/sub"}, {"subPath", "sub"}}})}}});
  host_->create(pod);
  ASSERT_TRUE(host_->wait_until([&] { return host_->phase("mounts") != "Pending"; }));
  ASSERT_TRUE(host_->wait_for_phase("mounts", "Succeeded")) << host_->log("mounts");
  EXPECT_EQ(host_->log("mounts"), "ABsecret12 444 root\nsealed\n2048\nhost\n");
  EXPECT_EQ(host_->log("mounts", false, "second"),
            "cat: /sub/../from-init: No such file or directory\n");
}

TEST_F(PodTest, failing_init_container_ends_a_pod_that_never_restarts) {
  json pod = Host::pod("p", "echo never");
  pod["spec"]["initContainers"] =
      json::array({{{"name", "init"}, {"image", k_test_image}, {"command", {"/bin/false"}}}});
  host_->create(pod);
  ASSERT_TRUE(host_->wait_for_phase("p", "Failed"));
  EXPECT_EQ(host_->state("p")["waiting"]["reason"], "PodInitializing");
  EXPECT_EQ(host_->log("p"), "");
}

TEST_F(PodTest, restarts_by_its_policy_and_keeps_the_log_before) {
  json pod = Host::pod("p", "echo run; touch /tmp/mark; ls /tmp; exit 1");
  pod["spec"]["restartPolicy"] = "Always";
  host_->create(pod);
  ASSERT_TRUE(host_->wait_until([&] {
    return host_->state("p").contains("waiting") &&
           host_->state("p")["waiting"]["reason"] == "CrashLoopBackOff";
  }));
  EXPECT_EQ(host_->phase("p"), "Running");
  EXPECT_EQ(host_->status("p")["containerStatuses"][0]["restartCount"], 1);
  EXPECT_EQ(host_->log("p"), "run\nmark\n") << "each run begins with an empty /tmp";
  EXPECT_EQ(host_->log("p", true), "run\nmark\n");
}

TEST_F(PodTest, says_why_its_command_does_not_start) {
  json pod = Host::pod("p", "");
  pod["spec"]["containers"][0]["command"] = {"/no/such/program"};
  host_->create(pod);
  ASSERT_TRUE(host_->wait_for_phase("p", "Failed"));
  EXPECT_EQ(host_->state("p")["terminated"]["reason"], "StartError");
  EXPECT_EQ(host_->state("p")["terminated"]["message"],
            "/no/such/program: No such file or directory");
}

TEST_F(PodTest, waits_for_its_image_and_starts_when_its_secret_comes) {
  json pod = Host::pod("image", "true");
  pod["spec"]["containers"][0]["image"] = "rayproject/ray:2.9.0";
  host_->create(pod);
  json late = Host::pod("late", "echo $S");
  late["spec"]["containers"][0]["env"] = json::parse(
      R"([{"name": "S", "valueFrom": {"secretKeyRef": {"name": "late", "key": "s"}}}])");
  host_->create(late);
  ASSERT_TRUE(host_->wait_until([&] {
    return host_->state("image").contains("waiting") && host_->state("late").contains("waiting");
  }));
  EXPECT_EQ(host_->state("image")["waiting"]["reason"], "ImageNotAvailable");
  EXPECT_EQ(host_->state("late")["waiting"]["reason"], "CreateContainerConfigError");
  host_->create({{"kind", "Secret"},
                 {"apiVersion", "v1"},
                 {"metadata", {{"name", "late"}, {"namespace", "default"}}},
                 {"data", {{"s", "aGk="}}}});
  ASSERT_TRUE(host_->wait_for_phase("late", "Succeeded"));
  EXPECT_EQ(host_->log("late"), "hi\n");
}

TEST_F(PodTest, is_ready_when_its_probes_say_so_and_restarted_when_they_give_up) {
  json pod = Host::pod("p", "echo run; touch /tmp/alive; sleep 1000");
  pod["spec"]["restartPolicy"] = "Always";
  pod["spec"]["containers"][0]["readinessProbe"] = exec_probe("test -e /tmp/ready");
  pod["spec"]["containers"][0]["livenessProbe"] = exec_probe("test -e /tmp/alive");
  pod["spec"]["containers"][0]["livenessProbe"]["failureThreshold"] = 1;
  pod["spec"]["terminationGracePeriodSeconds"] = 1;
  host_->create(pod);
  ASSERT_TRUE(host_->wait_for_phase("p", "Running"));
  EXPECT_FALSE(host_->is_ready("p"));
  const std::string tmp = host_->pod_directory("p") + "/containers/main/tmp/";
  ASSERT_TRUE(write_file(tmp + "ready", ""));
  ASSERT_EQ(chmod((tmp + "ready").c_str(), 0644), 0);
  ASSERT_TRUE(host_->wait_until([&] { return host_->is_ready("p"); }));
  std::filesystem::remove(tmp + "alive");
  ASSERT_TRUE(host_->wait_until(
      [&] { return host_->status("p")["containerStatuses"][0]["restartCount"] == 1; }));
  const json last = host_->status("p")["containerStatuses"][0]["lastState"]["terminated"];
  EXPECT_TRUE(last["message"].get<std::string>().starts_with("liveness probe failed: exit code 1"));
}

TEST_F(PodTest, answers_probes_and_other_pods_on_its_own_address) {
  json server = Host::pod("server", "cd /usr/share; exec python3 -m http.server 80");
  server["spec"]["containers"][0]["readinessProbe"] = {{"httpGet", {{"path", "/"}, {"port", 80}}},
                                                       {"periodSeconds", 1}};
  server["spec"]["securityContext"] = {{"runAsUser", 0}};
  host_->create(server);
  host_->create({{"kind", "Service"},
                 {"apiVersion", "v1"},
                 {"metadata", {{"name", "web"}, {"namespace", "default"}}},
                 {"spec",
                  {{"clusterIP", "None"},
                   {"selector", {{"app", "server"}}},
                   {"ports", json::array({{{"port", 80}}})}}}});
  // Starts before the server is ready: its hosts file changes while it runs.
  host_->create(Host::pod("client", R"sh(
      until getent hosts web.default.svc.cluster.local >/dev/null; do sleep 0.1; done
      wget -q -O /dev/null http://web/ && echo reached)sh"));
  ASSERT_TRUE(host_->wait_for_phase("client", "Succeeded"));
  EXPECT_EQ(host_->log("client"), "reached\n");
  EXPECT_TRUE(host_->is_ready("server"));
}

TEST_F(PodTest, cannot_be_reached_from_another_machine) {
  host_->create(Host::pod("p", "exec python3 -m http.server 8000"));
  ASSERT_TRUE(host_->wait_for_phase("p", "Running"));
  const std::string address = host_->status("p")["podIP"];
  const std::string probe = "exec 3<>/dev/tcp/" + address + "/8000";
  ASSERT_TRUE(host_->wait_until([&] { return run_program({"bash", "-c", probe}).has_value(); }));
  const OtherMachine machine;
  const auto reach_pod = [&] {
    return run_program({"sh", "-c", machine.inside("timeout 3 bash -c '" + probe + "'")})
        .has_value();
  };
  EXPECT_FALSE(reach_pod());
  // That is the kubelet's doing: without its routing rules this host would forward.
  ASSERT_TRUE(run_program({"sh", "-c",
                           "ip rule show | grep unreachable | cut -d: -f1 | "
                           "while read number; do ip rule del pref $number; done"}));
  EXPECT_TRUE(reach_pod());
}

TEST_F(PodTest, deleted_pod_is_asked_to_stop_and_leaves_nothing) {
  host_->create(Host::pod("p", "trap 'exit 0' TERM; echo up; sleep 1000 & wait"));
  ASSERT_TRUE(host_->wait_until([&] { return host_->log("p") == "up\n"; }));
  const std::string directory = host_->pod_directory("p");
  const auto before = std::chrono::steady_clock::now();
  host_->remove_pod("p");
  ASSERT_TRUE(host_->wait_until([&] { return host_->phase("p") == "gone"; }));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(4));
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_EQ(count_processes(directory), 0);
}

TEST_F(PodTest, pod_that_does_not_stop_is_killed_after_its_grace_period) {
  json pod = Host::pod("p", "trap '' TERM; echo up; while :; do sleep 0.1; done");
  pod["spec"]["containers"][0]["lifecycle"] = {
      {"preStop", {{"exec", {{"command", {"/bin/sh", "-c", "touch /tmp/asked"}}}}}}};
  host_->create(pod);
  ASSERT_TRUE(host_->wait_until([&] { return host_->log("p") == "up\n"; }));
  const std::string asked = host_->pod_directory("p") + "/containers/main/tmp/asked";
  host_->remove_pod("p");
  ASSERT_TRUE(host_->wait_until([&] { return std::filesystem::exists(asked); }));
  host_->remove_pod("p", 1);
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(host_->wait_until([&] { return host_->phase("p") == "gone"; }));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(4));
}

TEST_F(PodTest, force_deleted_pod_is_killed_at_once) {
  host_->create(Host::pod("p", "trap '' TERM; echo up; sleep 1000 & wait; wait"));
  ASSERT_TRUE(host_->wait_until([&] { return host_->log("p") == "up\n"; }));
  const std::string directory = host_->pod_directory("p");
  host_->remove_pod("p", 0);
  EXPECT_TRUE(host_->wait_until([&] { return !std::filesystem::exists(directory); }));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
