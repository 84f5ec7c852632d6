#!/usr/bin/env python3
"""Ray's own v2 scheduler on the autoscaler's inputs: are its decisions the same, and how fast?

    autoscaler_ray.py [--program autoscaler-planner] [--random N] [--seed S] [--times]

Decides every case of tests/golden/autoscaler/scheduler and N random ones with both schedulers and
compares launches, terminations with their causes, and what has no place. With --times it also
prints, for the sizes of `autoscaler-planner`, both times and their ratio, from this one run.
Wants Python with Ray: $(ensure_ray 2.60.0)/bin/python of scripts/lib.sh.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "tests/golden/autoscaler/scheduler"

# pylint: disable=wrong-import-position
from ray.autoscaler.v2 import scheduler  # noqa: E402
from ray.autoscaler.v2.instance_manager.config import NodeTypeConfig  # noqa: E402
from ray.autoscaler.v2.schema import AutoscalerInstance  # noqa: E402
from ray.core.generated import autoscaler_pb2 as pb  # noqa: E402
from ray.core.generated import common_pb2, instance_manager_pb2 as im  # noqa: E402


def request_of(case):
    request = pb.ResourceRequest(resources_bundle=case["bundle"])
    for kind in ("anti_affinity", "affinity"):
        if kind in case:
            constraint = getattr(request.placement_constraints.add(), kind)
            constraint.label_name, constraint.label_value = case[kind]
    for selector in case.get("selectors", []):
        added = request.label_selectors.add()
        for each in selector:
            wanted = "in" in each
            added.label_constraints.add(
                label_key=each["key"],
                operator=(common_pb2.LABEL_OPERATOR_IN if wanted
                          else common_pb2.LABEL_OPERATOR_NOT_IN),
                label_values=sorted(each["in" if wanted else "not_in"]))
    return request


def requests_of(cases):
    return [pb.ResourceRequestByCount(request=request_of(each), count=each.get("count", 1))
            for each in cases]


def gang_of(case):
    bundles = [request_of(each) for each in case["requests"]]
    gang = pb.GangResourceRequest(requests=bundles, details=case.get("details", ""))
    if case.get("bundle_selectors"):
        gang.bundle_selectors.add().resource_requests.extend(bundles)
    return gang


def instance_of(case):
    running = case["status"] == "RAY_RUNNING"
    instance = im.Instance(
        instance_id=case["id"], instance_type=case["type"],
        status=im.Instance.InstanceStatus.Value(case["status"]),
        node_kind=im.NodeKind.HEAD if case.get("head") else im.NodeKind.WORKER,
        node_id=case["id"] if running else "")
    node = None
    if running:
        node = pb.NodeState(
            node_id=case["id"].encode(), ray_node_type_name=case["type"],
            total_resources=case["total"], available_resources=case["available"],
            labels=case.get("labels", {}), dynamic_labels=case.get("dynamic_labels", {}),
            idle_duration_ms=case.get("idle_ms", 0))
    return AutoscalerInstance(im_instance=instance, ray_node=node, cloud_instance_id=case["id"])


def scheduling_request(case):
    types = {
        each["name"]: NodeTypeConfig(
            name=each["name"], min_worker_nodes=each["min"], max_worker_nodes=each["max"],
            idle_timeout_s=each.get("idle_s"), priority=each.get("priority", 0),
            resources={name: float(amount) for name, amount in each["resources"].items()},
            labels=each.get("labels", {}))
        for each in case["types"]}
    constraint = case.get("constraint")
    return scheduler.SchedulingRequest(
        disable_launch_config_check=True, node_type_configs=types,
        max_num_nodes=case.get("max_nodes"), idle_timeout_s=case.get("idle_s"),
        resource_requests=requests_of(case.get("requests", [])),
        gang_resource_requests=[gang_of(each) for each in case.get("gangs", [])],
        cluster_resource_constraints=[] if constraint is None else [
            pb.ClusterResourceConstraint(resource_requests=requests_of(constraint))],
        current_instances=[instance_of(each) for each in case.get("nodes", [])],
        cloud_resource_availabilities={
            each["name"]: each["availability"] for each in case["types"]
            if "availability" in each})


def shape_text(bundle):
    parts = []
    for name in sorted(bundle):
        whole = f"{bundle[name]:.4f}".rstrip("0")
        parts.append(f"'{name}': {whole}{'0' if whole.endswith('.') else ''}")
    return "{" + ", ".join(parts) + "}"


def decision_of(reply):
    infeasible = {}
    for each in reply.infeasible_resource_requests:
        shape = shape_text(dict(each.resources_bundle))
        infeasible[shape] = infeasible.get(shape, 0) + 1
    # A termination without an instance is of a node that the same pass wanted and does not launch.
    return {
        "launch": {each.instance_type: each.count for each in reply.to_launch},
        "terminate": {each.instance_id: im.TerminationRequest.Cause.Name(each.cause)
                      for each in reply.to_terminate if each.instance_id},
        "infeasible": infeasible,
        "gangs": sorted(each.details for each in reply.infeasible_gang_resource_requests),
        "constraint": bool(reply.infeasible_cluster_resource_constraints)}


def decide(case):
    scheduler.AUTOSCALER_CONSERVE_GPU_NODES = case.get("conserve_gpu", True)
    return decision_of(scheduler.ResourceDemandScheduler(None).schedule(scheduling_request(case)))


def random_bundle(dice):
    bundle = {"CPU": dice.choice([0, 0.5, 1, 1, 2, 3, 4])}
    if dice.random() < 0.3:
        bundle["GPU"] = dice.choice([0.5, 1, 2])
    if dice.random() < 0.2:
        bundle["memory"] = dice.choice([1, 2, 4]) * 2**30
    if dice.random() < 0.1:
        bundle["custom"] = 1
    return bundle


def random_request(dice):
    request = {"bundle": random_bundle(dice), "count": dice.randint(1, 6)}
    if dice.random() < 0.2:
        operator = dice.choice(["in", "not_in"])
        request["selectors"] = [[{"key": "zone", operator: [dice.choice("abc")]}]
                                for _ in range(dice.randint(1, 2))]
    return request


def random_gang(dice, name):
    kind = dice.choice(["PACK", "STRICT_SPREAD", "STRICT_PACK"])
    bundle = random_bundle(dice)
    requests = []
    for _ in range(dice.randint(1, 4)):
        request = {"bundle": bundle}
        if kind == "STRICT_SPREAD":
            request["anti_affinity"] = ["_PG_" + name, ""]
        if kind == "STRICT_PACK":
            request["affinity"] = ["_PG_" + name, ""]
        requests.append(request)
    return {"details": f"{name}:{kind}|PENDING", "requests": requests}


def random_type(dice, index):
    resources = {"CPU": dice.choice([1, 2, 4, 8]), "memory": dice.choice([2, 4, 8]) * 2**30}
    if dice.random() < 0.4:
        resources["GPU"] = dice.choice([1, 2, 4])
    if dice.random() < 0.2:
        resources["custom"] = 2
    low = dice.choice([0, 0, 1, 2])
    each = {"name": f"type-{index}", "resources": resources, "min": low,
            "max": low + dice.choice([0, 1, 3, 20]), "labels": {"zone": dice.choice("abc")},
            "priority": dice.choice([0, 0, 1])}
    if dice.random() < 0.3:
        each["idle_s"] = dice.choice([1, 30])
    return each


def random_node(dice, index, types):
    of = dice.choice(types)
    node = {"id": f"node-{index:03}", "type": of["name"],
            "status": dice.choice(["RAY_RUNNING", "RAY_RUNNING", "REQUESTED", "ALLOCATED",
                                   "RAY_STOP_REQUESTED", "TERMINATING"])}
    if node["status"] != "RAY_RUNNING":
        return node
    total = dict(of["resources"], **{f"node:10.0.0.{index}": 1})
    node.update(total=total, available=dict(total), labels=dict(of["labels"]),
                idle_ms=dice.choice([5000, 40000, 90000]))
    if dice.random() < 0.6:
        node["available"]["CPU"] = dice.choice([0, total["CPU"] / 2])
        node["idle_ms"] = 0
    return node


def random_case(dice):
    types = [random_type(dice, index) for index in range(dice.randint(1, 5))]
    case = {"name": "random", "types": types, "idle_s": 60,
            "nodes": [random_node(dice, index, types) for index in range(dice.randint(0, 12))],
            "requests": [random_request(dice) for _ in range(dice.randint(0, 5))],
            "gangs": [random_gang(dice, f"pg{index}") for index in range(dice.randint(0, 3))]}
    if dice.random() < 0.3:
        case["max_nodes"] = dice.randint(1, 20)
        # Ray's nodes for one minimum are one object: the cluster's maximum terminates all of them
        # where it means one (never with KubeRay, where that maximum is the sum of the groups').
        for each in types:
            each["min"] = 0
    if dice.random() < 0.3:
        case["constraint"] = [random_request(dice)]
    # Ray leaves the order of equals to its input; ours is by content, so give them in that order.
    case["gangs"].sort(key=lambda gang: gang["details"])
    return case


def scenario_cases():
    cases = []
    for path in sorted(SCENARIOS.glob("*.json")):
        for case in json.loads(path.read_text()):
            cases.append(dict(case, name=f"{path.stem}: {case['name']}"))
    return cases


def decided_by(program, cases):
    out = subprocess.run([program, "decide"], input=json.dumps(cases), capture_output=True,
                         text=True, check=True, timeout=600).stdout
    return json.loads(out)


def compare(program, cases):
    different = 0
    for case, ours in zip(cases, decided_by(program, cases)):
        try:
            theirs = decide(case)
        except AssertionError as error:
            print(f"Ray fails on {case['name']}: {error}", file=sys.stderr)
            continue
        if ours == theirs:
            continue
        different += 1
        print(f"{case['name']}\n  ray:  {json.dumps(theirs, sort_keys=True)}"
              f"\n  ours: {json.dumps(ours, sort_keys=True)}")
        if case["name"].startswith("random"):
            print("  case: " + json.dumps(case))
    print(f"{len(cases)} cases, {different} decided otherwise than by Ray")
    return different


def print_times(program):
    ours = [json.loads(line) for line in subprocess.run(
        [program], capture_output=True, text=True, check=True, timeout=600).stdout.splitlines()]
    cases = json.loads(subprocess.run([program, "cases"], capture_output=True, text=True,
                                      check=True, timeout=60).stdout)
    for size, case in zip(ours, cases):
        if not size.pop("ray"):
            print(json.dumps(size, sort_keys=True), flush=True)
            continue
        request = scheduling_request(case)
        begin = time.monotonic()
        scheduler.ResourceDemandScheduler(None).schedule(request)
        size["ray_ms"] = round((time.monotonic() - begin) * 1000, 1)
        size["ray_times_ours"] = round(size["ray_ms"] / size["median_ms"])
        print(json.dumps(size, sort_keys=True), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program",
                        default=str(ROOT / "build/release/tests/benchmark/autoscaler-planner"))
    parser.add_argument("--random", type=int, default=500, help="random cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", action="store_true", help="measure instead of comparing")
    options = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if options.times:
        print_times(options.program)
        return 0
    dice = random.Random(options.seed)
    cases = scenario_cases()
    for index in range(options.random):
        cases.append(dict(random_case(dice), name=f"random {options.seed}/{index}"))
    return 1 if compare(options.program, cases) else 0


if __name__ == "__main__":
    sys.exit(main())
