"""A cluster that scales with what runs on it, for the stories about it."""

import json
import shlex
import subprocess
import urllib.error
import urllib.request

from world import PODS_SECONDS_MAX, PROGRAM, RAY_VERSION, STATUS_SECONDS_MAX, Story, wait_for

ANSWER_SECONDS_MAX = 10
IDLE_SECONDS = 4
JOB_SECONDS_MAX = 240

# Nothing is run again: a task that is lost fails its job.
TASKS = """
import time, ray
run = ray.remote(num_cpus=1, max_retries=0)(lambda seconds: time.sleep(seconds))
ray.get([run.remote({seconds}) for _ in range({count})])
"""


def cluster_yaml(groups, name="elastic"):
    return f"""\
apiVersion: ray.io/v1
kind: RayCluster
metadata:
  name: {name}
spec:
  rayVersion: {RAY_VERSION}
  enableInTreeAutoscaling: true
  autoscalerOptions: {{idleTimeoutSeconds: {IDLE_SECONDS}}}
  headGroupSpec:
    rayStartParams: {{num-cpus: "0"}}
    template:
      spec:
        containers:
          - name: ray-head
            image: rayproject/ray:{RAY_VERSION}
            resources:
              limits: {{cpu: "1", memory: 1Gi}}
  workerGroupSpecs:
{groups}"""


def group_yaml(name, most, params="", least=0, limits='cpu: "1", memory: 512Mi'):
    return f"""\
    - groupName: {name}
      replicas: 0
      minReplicas: {least}
      maxReplicas: {most}
      rayStartParams: {{num-cpus: "1"{params}}}
      template:
        spec:
          containers:
            - name: ray-worker
              image: rayproject/ray:{RAY_VERSION}
              resources:
                limits: {{{limits}}}
"""


class ElasticStory(Story):
    """Clusters of an agent that runs; `elastic`, where a story has one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.start()

    def declare_groups(self, groups, message):
        self.repository.write("clusters/elastic.yaml", cluster_yaml(groups))
        return self.push(message)

    def ask_ray(self, path, body=None, cluster="elastic"):
        ip = self.pods(cluster)[f"{cluster}-head"]["status"]["podIP"]
        request = urllib.request.Request(
            f"http://{ip}:8265/api/jobs/{path}", body and json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:
            return json.load(answer)

    def submit(self, code, cluster="elastic"):
        def submitted():
            try:
                return self.ask_ray("", {"entrypoint": f"python -c {shlex.quote(code)}"}, cluster)
            except (urllib.error.URLError, TimeoutError):
                return None
        return wait_for(submitted, STATUS_SECONDS_MAX, "a head that takes jobs")["submission_id"]

    def succeeds(self, job, cluster="elastic"):
        def ended():
            status = self.ask_ray(job, cluster=cluster)["status"]
            return status if status in ("SUCCEEDED", "FAILED", "STOPPED") else None
        status = wait_for(ended, JOB_SECONDS_MAX, f"the end of {job}")
        self.assertEqual("SUCCEEDED", status, self.ask_ray(f"{job}/logs", cluster=cluster))

    def workers(self, group="small", cluster="elastic"):
        return {name for name, pod in self.pods(cluster).items()
                if f"-{group}-" in name and "deletionTimestamp" not in pod["metadata"]}

    def wait_for_none(self, cluster="elastic"):
        wait_for(lambda: set(self.pods(cluster)) == {f"{cluster}-head"}, PODS_SECONDS_MAX,
                 f"{cluster} without workers")

    def why(self, name):
        done = subprocess.run(
            [PROGRAM, "why", "--config", self.agent.cache.parent / "agent.yaml", name],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return done.stdout

    def group_in_status(self, name):
        groups = self.status("elastic").get("ray", {}).get("autoscaling", {}).get("groups", [])
        return next((group for group in groups if group["name"] == name), {})
