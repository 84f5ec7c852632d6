#!/usr/bin/env python3
"""Runs a command beside a Kubernetes with one real node: containerd, runc, kubelet, kube-proxy and
CoreDNS, and kubetest's control plane. Needs root.

    real_node.py --kubetest PATH --node PATH --image TAR --store FOLDER -- COMMAND...

COMMAND gets KUBECONFIG, KUBETEST_DIR, and E2E_HOST_ADDRESS, at which pods reach it. All of it lives
in namespaces of its own (network, mounts, processes), on a bridge there, and ends with COMMAND, or
with this process. What stays is FOLDER, in which containerd keeps the image.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from kubernetes import Kubernetes, is_ready  # noqa: E402


# The bridge's address is the node's, the API's, the DNS server's and the pods' gateway: a loopback
# address would be refused as a node's.
BRIDGE = "k8s0"
ADDRESS = "10.99.0.1"
SUBNET = "10.99.0.0/24"
API_PORT = "16443"
NODE = "real-1"

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10
# The kubelet sets them, and they are the whole machine's.
SYSCTLS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
CGROUPS = ("kubepods", "k8s.io")


def containerd_config(folder, store, sandbox_image):
    # restrict_oom_score_adj: where CAP_SYS_RESOURCE is missing, no sandbox would start otherwise.
    return f"""\
version = 2
root = "{store}"
state = "{folder}/containerd"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{sandbox_image}"
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def network_config(folder):
    ranges = [[{"subnet": SUBNET, "rangeStart": "10.99.0.10", "gateway": ADDRESS}]]
    return json.dumps({"cniVersion": "0.4.0", "name": BRIDGE, "plugins": [{
        "type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True,
        "ipam": {"type": "host-local", "dataDir": f"{folder}/addresses", "ranges": ranges,
                 "routes": [{"dst": "0.0.0.0/0"}]}}]})


def kubelet_config(folder):
    return json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        # The machine's own processes stay where they are.
        "enforceNodeAllocatable": [], "makeIPTablesUtilChains": False,
        "podLogsDir": f"{folder}/pod-logs", "volumePluginDir": f"{folder}/volume-plugins",
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%",
                         "imagefs.available": "1%"},
        "healthzBindAddress": "127.0.0.1", "nodeStatusUpdateFrequency": "2s",
        "clusterDNS": [ADDRESS], "clusterDomain": "cluster.local", "resolvConf": ""})


# Pods ask for a core each, and there may be two: they share what there is. Their limits stay.
LOWER_REQUESTS = "lower-requests"


def lower_requests_policy():
    requests = "object.spec.containers[0].?resources.?requests"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": LOWER_REQUESTS},
        "spec": {
            "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": ["pods"]}]},
            "matchConditions": [{"name": "asks", "expression": f"{requests}[?'cpu'].hasValue()"}],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": (
                '[JSONPatch{op: "replace", path: "/spec/containers/0/resources/requests/cpu", '
                'value: "50m"}]')}}]}}


def lower_requests_binding():
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": LOWER_REQUESTS}, "spec": {"policyName": LOWER_REQUESTS}}


def dns_config(kubeconfig):
    return f"""\
.:53 {{
  bind {ADDRESS}
  errors
  kubernetes cluster.local {{
    kubeconfig {kubeconfig}
    ttl 1
  }}
}}
"""


class RealNode:
    """The processes, in the folder of a run. Use it in the namespaces that main() makes."""

    def __init__(self, folder, arguments):
        self.folder = pathlib.Path(folder)
        self.arguments = arguments
        self.kubeconfig = self.folder / "plane" / "pki" / "admin.kubeconfig"
        self._running = []

    def start(self):
        for each in (self.folder / "log", self.folder / "cni"):
            each.mkdir()
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{ADDRESS}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        # Addresses of Services are nobody's: to be rewritten, a packet needs a way to go.
        run("ip", "route", "add", "default", "dev", BRIDGE)
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1", "ascii")
        self._start_containerd()
        self._start("kubetest", self.arguments.kubetest, "up", "-dir", self.folder / "plane",
                    "-host", ADDRESS, "-port", API_PORT, "-nodes", "0", "-gpu-nodes", "0")
        self._wait("the control plane", lambda: b"READY" in self._log("kubetest").read_bytes())
        self._start_node()
        self._wait("the node", self._is_ready)
        self._lower_requests()

    def _start_containerd(self):
        (self.folder / "cni" / "10.conflist").write_text(network_config(self.folder), "utf-8")
        config = self.folder / "containerd.toml"
        image = image_name(self.arguments.image)
        config.write_text(containerd_config(self.folder, self.arguments.store, image), "utf-8")
        self._start("containerd", "containerd", "-c", config)
        self._wait("containerd", lambda: self._ctr("version").returncode == 0)
        self._remove_leftovers()
        if image not in self._lines("images", "ls", "-q"):
            checked(self._ctr("images", "import", self.arguments.image))

    def _remove_leftovers(self):
        """Of a run that was killed: nobody knows those containers any more."""
        for container in self._lines("containers", "ls", "-q"):
            checked(self._ctr("containers", "rm", container))

    def _ctr(self, *arguments):
        return subprocess.run(["ctr", "-a", f"{self.folder}/containerd.sock", "-n", "k8s.io",
                               *map(str, arguments)], capture_output=True, check=False)

    def _lines(self, *arguments):
        return checked(self._ctr(*arguments)).stdout.decode().split()

    def _start_node(self):
        (self.folder / "kubelet.json").write_text(kubelet_config(self.folder), "utf-8")
        (self.folder / "Corefile").write_text(dns_config(self.kubeconfig), "utf-8")
        self._start("kubelet", self.arguments.node, "kubelet",
                    f"--config={self.folder}/kubelet.json", f"--kubeconfig={self.kubeconfig}",
                    f"--root-dir={self.folder}/kubelet", f"--hostname-override={NODE}",
                    f"--node-ip={ADDRESS}", f"--cert-dir={self.folder}/plane/pki")
        self._start("kube-proxy", self.arguments.node, "kube-proxy",
                    f"--kubeconfig={self.kubeconfig}", "--proxy-mode=nftables",
                    f"--hostname-override={NODE}", f"--cluster-cidr={SUBNET}",
                    "--conntrack-max-per-core=0", "--conntrack-min=0",
                    "--healthz-bind-address=127.0.0.1:10256",
                    "--metrics-bind-address=127.0.0.1:10249")
        self._start("coredns", self.arguments.node, "coredns", "-conf", self.folder / "Corefile")

    @property
    def api(self):
        return Kubernetes(self.kubeconfig)

    def _is_ready(self):
        node = self.api.get(f"/api/v1/nodes/{NODE}")
        return node is not None and is_ready(node)

    def _lower_requests(self):
        path = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolic"
        self.api.request("POST", f"{path}ies", lower_requests_policy())
        self.api.request("POST", f"{path}ybindings", lower_requests_binding())
        self._wait("lower requests", self._requests_are_lowered)

    def _requests_are_lowered(self):
        container = {"name": "try", "image": "try", "resources": {"limits": {"cpu": "1"}}}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "try"},
               "spec": {"containers": [container]}}
        try:
            made = self.api.request("POST", "/api/v1/namespaces/default/pods?dryRun=All", pod)
        except urllib.error.HTTPError:
            return False  # the namespace has no service account yet
        return made["spec"]["containers"][0]["resources"]["requests"]["cpu"] != "1"

    def _log(self, name):
        return self.folder / "log" / f"{name}.log"

    def _start(self, name, *command):
        with open(self._log(name), "ab") as log:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, cwd=self.folder,
                                       start_new_session=True)
        self._running.append((name, process))

    def _wait(self, what, condition):
        deadline = time.monotonic() + START_SECONDS_MAX
        while not condition():
            for name, process in self._running:
                if process.poll() is not None:
                    sys.exit(f"{name} ended: see {self._log(name)}")
            if time.monotonic() > deadline:
                sys.exit(f"waited in vain for {what}: see {self.folder}/log")
            time.sleep(0.05)

    def stop(self):
        """Pods first: their mounts and cgroups are the kubelet's and containerd's to remove."""
        if self.kubeconfig.exists():
            with contextlib.suppress(OSError):
                self._delete_pods()
        for name, process in reversed(self._running):
            process.terminate()
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _delete_pods(self):
        for pod in self.api.list("pods"):
            with contextlib.suppress(urllib.error.HTTPError):  # it has gone meanwhile
                self.api.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"],
                                grace=0)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while self._lines("tasks", "ls", "-q") and time.monotonic() < deadline:
            time.sleep(0.1)


def image_name(archive):
    with tarfile.open(archive) as tar:
        return json.load(tar.extractfile("manifest.json"))[0]["RepoTags"][0]


def run(*command):
    subprocess.run(command, check=True)


def checked(done):
    if done.returncode != 0:
        sys.exit(f"{' '.join(done.args)}: {done.stderr.decode()}")
    return done


def inside(folder, arguments):
    """In the namespaces, as their first process: what it leaves behind ends with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node = RealNode(folder, arguments)
    try:
        node.start()
        environment = os.environ | {"KUBECONFIG": str(node.kubeconfig),
                                    "KUBETEST_DIR": str(node.folder / "plane"),
                                    "E2E_HOST_ADDRESS": ADDRESS}
        return subprocess.run(arguments.command, env=environment, check=False).returncode
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        node.stop()


@contextlib.contextmanager
def machine_restored():
    paths = [pathlib.Path("/proc/sys") / name for name in SYSCTLS]
    before = [path.read_text("ascii") for path in paths]
    try:
        yield
    finally:
        for path, value in zip(paths, before):
            path.write_text(value, "ascii")
        remove_cgroups()


def remove_cgroups():
    top = pathlib.Path("/sys/fs/cgroup")
    for root in (top, *top.glob("*/")):  # version 2, or one folder for each controller
        for name in CGROUPS:
            for folder, _, _ in os.walk(root / name, topdown=False):
                with contextlib.suppress(OSError):  # somebody's process is in it
                    os.rmdir(folder)


def in_namespaces(folder):
    """This program again. SIGTERM and SIGINT reach it too: unshare takes no notice of them. When
    this process is killed, all ends at once."""
    command = ["setpriv", "--pdeathsig", "KILL",
               "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
               sys.executable, __file__, "--folder", folder, *sys.argv[1:]]
    with subprocess.Popen(command) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            for child in children_of(process.pid):
                os.kill(child, signal.SIGTERM)
            return process.wait()


def children_of(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("kubetest", "node", "image", "store"):
        parser.add_argument(f"--{name}", type=os.path.abspath, required=True)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    if arguments.folder:
        return inside(arguments.folder, arguments)
    if shutil.which("containerd") is None:
        sys.exit("containerd is missing: `scripts/test containers` installs what is needed")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = tempfile.mkdtemp(prefix="real-node-")
    with machine_restored():
        code = in_namespaces(folder)
    if code == 0:
        shutil.rmtree(folder)
    else:
        print(f"the logs are in {folder}/log", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
