#!/usr/bin/env python3
"""The heads of many Ray clusters, as far as an autoscaler sees them, in one gRPC server.

    fake_heads.py NAMESPACE     inside kubetest, with Python of ensure_ray in scripts/lib.sh

Each head answers at the address of its pod, so pods need loopback addresses (kubetest's -pod-cidr).
A pod becomes a Ray node when it runs; tasks of one CPU each wait for room on a node, run for their
time, and keep it busy. As in Ray 2.60, busy nodes refuse to be drained as idle, and a drained node
takes no task and dies when its last one ends. Every pod that comes or goes is checked.

Each line of standard input is a command, [name, argument...] in JSON; see class Heads. Each has a
line for its answer.
"""

import collections
import concurrent.futures
import hashlib
import json
import os
import random
import socket
import ssl
import sys
import threading
import time
import urllib.request

import grpc
from ray.core.generated import autoscaler_pb2 as pb, autoscaler_pb2_grpc as rpc

PORT = 6379
# Ray keeps more of them; a few show whether they are told from the living.
DEAD_NODES_MAX = 20
# The agent may hear of a head's pod before this does.
HEAD_SECONDS_MAX = 2
THREADS = 16
REFUSAL = "The node to be idle terminated is no longer idle."


class Node:
    """One Ray node and the tasks that run on it."""

    def __init__(self, pod, joins_at):
        self.name = pod["metadata"]["name"]
        self.uid = pod["metadata"]["uid"]
        self.group = pod["metadata"]["labels"]["ray.io/group"]
        self.is_head = pod["metadata"]["labels"]["ray.io/node-type"] == "head"
        self.ip = pod["status"]["podIP"]
        limits = pod["spec"]["containers"][0]["resources"]["limits"]
        self.cpus = 0 if self.is_head else int(limits["cpu"])
        self.id = hashlib.sha224(self.uid.encode()).digest()
        self.joins_at = joins_at
        self.idle_since = joins_at
        self.draining = self.dead = False
        self.ends = []  # of its tasks

    def end_tasks(self, now):
        """How many have ended."""
        ended = [end for end in self.ends if end <= now]
        if ended:
            self.ends = [end for end in self.ends if end > now]
            self.idle_since = max(ended)
        if self.draining and not self.ends:
            self.dead = True
        return len(ended)

    def room(self, now):
        joined = self.joins_at <= now and not self.draining
        return self.cpus - len(self.ends) if joined else 0

    def total(self):
        total = {f"node:{self.ip}": 1.0}
        if self.is_head:
            total["node:__internal_head__"] = 1.0
        if self.cpus:
            total["CPU"] = float(self.cpus)
        return total

    def state(self, now):
        state = pb.NodeState(node_id=self.id, instance_id=self.name,
                             ray_node_type_name=self.group, node_ip_address=self.ip)
        if self.dead:
            state.status = pb.NodeStatus.DEAD
            return state
        total = self.total()
        state.total_resources.update(total)
        if self.cpus == len(self.ends):
            total.pop("CPU", None)  # of what is used up nothing is said
        else:
            total["CPU"] = float(self.cpus - len(self.ends))
        state.available_resources.update(total)
        if self.draining:
            state.status = pb.NodeStatus.DRAINING
        elif self.ends:
            state.status = pb.NodeStatus.RUNNING
        else:
            state.status = pb.NodeStatus.IDLE
            state.idle_duration_ms = max(1, int(1000 * (now - self.idle_since)))
        if self.ends:
            state.node_activity.append("Resource: CPU currently in use.")
        return state


class Cluster:
    """A head, what it is asked to run, and what has become of its worker pods."""

    def __init__(self):
        self.session = ""
        self.version = 0
        self.nodes = {}  # by uid; not the dead ones
        self.seen = set()  # uids of all that were there
        self.dead = collections.deque(maxlen=DEAD_NODES_MAX)
        self.waiting = collections.deque()  # seconds of each task
        self.requested = 0  # CPUs, by request_resources()
        self.pods = set()  # uids of workers
        self.pods_max = None
        self.refuses = 0.0  # share of drains of idle nodes
        self.demanded_at = None
        self.created = []  # seconds since then

    def pass_time(self, now):
        """How many tasks have ended."""
        ended = 0
        for node in list(self.nodes.values()):
            ended += node.end_tasks(now)
            if node.dead:
                self.dead.append(self.nodes.pop(node.uid))
                continue
            while self.waiting and node.room(now) > 0:
                node.ends.append(now + self.waiting.popleft())
        return ended

    def state(self, now):
        self.version += 1
        state = pb.ClusterResourceState(cluster_resource_state_version=self.version,
                                        cluster_session_name=self.session)
        joined = [node for node in self.nodes.values() if node.joins_at <= now]
        state.node_states.extend(node.state(now) for node in (*joined, *self.dead))
        one = pb.ResourceRequest(resources_bundle={"CPU": 1.0})
        if self.waiting:
            state.pending_resource_requests.add(request=one, count=len(self.waiting))
        if self.requested:
            constraint = state.cluster_resource_constraints.add()
            constraint.resource_requests.add(request=one, count=self.requested)
        return state

    def drain(self, request):
        """None, or why it is refused. Of nodes that it does not know Ray accepts any drain."""
        node = next((node for node in self.nodes.values() if node.id == request.node_id), None)
        if node is None or node.draining:
            return None
        if request.reason == pb.DRAIN_NODE_REASON_IDLE_TERMINATION:
            if node.ends or random.random() < self.refuses:
                return REFUSAL
        node.draining = True
        return None


class Heads:
    """All of them. Its commands are the public functions that do not begin with `on_`."""

    def __init__(self):
        self._changed = threading.Condition()
        self._clusters = collections.defaultdict(Cluster)
        self._by_address = {}
        self._join_seconds_max = 0.0
        self._counts = collections.Counter()
        self._violations = []
        self._silent = []  # sockets

    # --- commands ---

    def tasks(self, name, seconds):
        """Tasks of so many seconds each, from now on."""
        with self._changed:
            cluster = self._clusters[name]
            cluster.waiting.extend(seconds)
            cluster.demanded_at, cluster.created = time.monotonic(), []

    def request(self, name, cpus):
        with self._changed:
            self._clusters[name].requested = cpus

    def limit(self, name, pods_max):
        """No worker may be made beyond so many."""
        with self._changed:
            self._clusters[name].pods_max = pods_max

    def refuse(self, name, share):
        """Of drains of idle nodes."""
        with self._changed:
            self._clusters[name].refuses = share

    def join_within(self, seconds):
        """What a pod takes at most, once it runs, until it is a Ray node."""
        self._join_seconds_max = seconds

    def fall_silent(self, name, drops):
        """The head accepts connections and says nothing; or nothing gets through to it."""
        with self._changed:
            address, = (address for address, each in self._by_address.items() if each == name)
        listener = socket.socket()
        # One address is preferred to all of them, at which the server listens.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address, PORT))
        listener.listen(0 if drops else socket.SOMAXCONN)
        self._silent.append(listener)
        while drops:
            # What is not accepted fills the queue, and further connections are dropped.
            filler = socket.socket()
            self._silent.append(filler)
            filler.settimeout(0.2)
            try:
                filler.connect((address, PORT))
            except TimeoutError:
                return

    def busy(self):
        """A worker pod with a task that will not end soon, or None."""
        with self._changed:
            ends = [(node.ends[-1], node.name) for cluster in self._clusters.values()
                    for node in cluster.nodes.values() if node.ends and not node.draining]
            return max(ends, default=(0, None))[1]

    def figures(self):
        with self._changed:
            for cluster in self._clusters.values():
                self._pass_time(cluster)
            clusters = {name: {"created": len(cluster.created), "workers": len(cluster.pods),
                               "first": cluster.created[0] if cluster.created else None,
                               "last": cluster.created[-1] if cluster.created else None,
                               "nodes": sum(1 for node in cluster.nodes.values()
                                            if not node.is_head),
                               "waiting": len(cluster.waiting)}
                        for name, cluster in self._clusters.items()}
            return {"clusters": clusters, "counts": self._counts, "heads": len(self._by_address),
                    "violations": self._violations,
                    "running": sum(len(node.ends) for cluster in self._clusters.values()
                                   for node in cluster.nodes.values())}

    # --- what happens ---

    def on_pod(self, kind, pod):
        """An event of the watch."""
        labels = pod["metadata"]["labels"]
        if "ray-gitops.io/agent" not in labels:
            return  # the bare creator's
        with self._changed:
            cluster, name = self._clusters[labels["ray.io/cluster"]], labels["ray.io/cluster"]
            uid = pod["metadata"]["uid"]
            is_worker = labels["ray.io/node-type"] == "worker"
            if is_worker and kind == "ADDED":
                self._on_created(name, cluster, pod)
            if kind == "DELETED" or "deletionTimestamp" in pod["metadata"]:
                self._on_leaving(name, cluster, pod)
            elif pod.get("status", {}).get("phase") == "Running" and uid not in cluster.seen:
                self._on_running(name, cluster, pod)
            if is_worker and kind == "DELETED":
                self._counts["deleted"] += 1
                cluster.pods.discard(uid)

    def _on_created(self, name, cluster, pod):
        cluster.pods.add(pod["metadata"]["uid"])
        self._counts["created"] += 1
        if cluster.demanded_at:
            cluster.created.append(time.monotonic() - cluster.demanded_at)
        if cluster.pods_max is not None and len(cluster.pods) > cluster.pods_max:
            self._violate("above max", f"{name} has {len(cluster.pods)} workers of "
                          f"{cluster.pods_max}: {pod['metadata']['name']}")

    def _on_running(self, name, cluster, pod):
        node = Node(pod, time.monotonic())
        if node.is_head:
            cluster.session = f"session_{node.uid}"
            self._by_address[node.ip] = name
        else:
            node.joins_at += random.uniform(0, self._join_seconds_max)
        node.idle_since = node.joins_at
        cluster.nodes[node.uid] = node
        cluster.seen.add(node.uid)
        self._changed.notify_all()

    def _on_leaving(self, name, cluster, pod):
        """Of a node that is not dead yet: it dies with its pod."""
        self._pass_time(cluster)
        node = cluster.nodes.pop(pod["metadata"]["uid"], None)
        if node is None:
            return  # dead, or none yet
        if not node.is_head and node.joins_at <= time.monotonic():
            if not node.draining:
                self._violate("not drained", f"{name}: {node.name}")
            if node.ends:
                self._violate("had work", f"{name}: {node.name}, {len(node.ends)} tasks")
        node.dead = True
        cluster.dead.append(node)

    def _violate(self, kind, what):
        self._violations.append([kind, what])

    def _pass_time(self, cluster):
        self._counts["tasks done"] += cluster.pass_time(time.monotonic())

    def _cluster_called(self, context):
        """By the address that was called."""
        self._counts["calls"] += 1
        if not context.peer().startswith("ipv4:127."):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "for this machine only")
        # grpcio says :authority nowhere else.
        event = context._rpc_event  # pylint: disable=protected-access
        address = event.call_details.host.decode().partition(":")[0]
        if not self._changed.wait_for(lambda: address in self._by_address, HEAD_SECONDS_MAX):
            context.abort(grpc.StatusCode.UNAVAILABLE, f"there is no head at {address}")
        cluster = self._clusters[self._by_address[address]]
        self._pass_time(cluster)
        return cluster

    def on_state_wanted(self, context):
        with self._changed:
            return self._cluster_called(context).state(time.monotonic())

    def on_report(self, context):
        with self._changed:
            self._cluster_called(context)

    def on_drain(self, request, context):
        with self._changed:
            why = self._cluster_called(context).drain(request)
            self._counts["drains refused" if why else "drains accepted"] += 1
            return why


class Service(rpc.AutoscalerStateServiceServicer):
    """The methods that an autoscaler calls."""

    def __init__(self, heads):
        self._heads = heads

    def GetClusterResourceState(self, _request, context):
        return pb.GetClusterResourceStateReply(
            cluster_resource_state=self._heads.on_state_wanted(context))

    def ReportAutoscalingState(self, _request, context):
        self._heads.on_report(context)
        return pb.ReportAutoscalingStateReply()

    def ReportClusterConfig(self, _request, context):
        self._heads.on_report(context)
        return pb.ReportClusterConfigReply()

    def DrainNode(self, request, context):
        why = self._heads.on_drain(request, context)
        return pb.DrainNodeReply(is_accepted=why is None, rejection_reason_message=why or "")


class Pods:
    """A watch of a namespace's pods of Ray clusters."""

    def __init__(self, namespace):
        self._url = (f"{os.environ['KUBETEST_URL']}/api/v1/namespaces/{namespace}/pods"
                     "?labelSelector=ray.io/cluster")
        self._headers = {"Authorization": "Bearer " + os.environ["KUBETEST_TOKEN"]}
        self._tls = ssl.create_default_context(cafile=os.environ["KUBETEST_CA"])
        with self._open("") as answer:
            self._version = json.load(answer)["metadata"]["resourceVersion"]

    def _open(self, query):
        return urllib.request.urlopen(urllib.request.Request(
            self._url + query, headers=self._headers), context=self._tls)

    def follow(self, on_pod):
        """For ever; there were no pods before."""
        while True:
            with self._open(f"&watch=1&resourceVersion={self._version}") as events:
                for line in events:
                    event = json.loads(line)
                    self._version = event["object"]["metadata"]["resourceVersion"]
                    on_pod(event["type"], event["object"])


def main(namespace):
    heads = Heads()
    pods = Pods(namespace)
    threading.Thread(target=pods.follow, args=(heads.on_pod,), daemon=True).start()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(THREADS))
    rpc.add_AutoscalerStateServiceServicer_to_server(Service(heads), server)
    server.add_insecure_port(f"0.0.0.0:{PORT}")
    server.start()
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(heads, name)(*arguments)), flush=True)
    server.stop(None)


if __name__ == "__main__":
    main(sys.argv[1])
