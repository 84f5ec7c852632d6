"""A job reaches its cluster's head by a real API server's proxy. The pods are fake, so the head
is one of ours, at an address that the pod is given."""

import http.server
import json
import os
import subprocess
import threading

from jobs_test import job_yaml
from world import PODS_SECONDS_MAX, STATUS_SECONDS_MAX, Story, wait_for

# On the loopback device, but no loopback address: to those the API server passes nothing on.
ADDRESS = "10.77.77.1"
DASHBOARD_PORT = 8265


def ip_address(verb):
    subprocess.run(["ip", "address", verb, f"{ADDRESS}/32", "dev", "lo"], check=True)


class Dashboard:
    """As much of a Ray head as a job needs: it runs one at once, and remembers who asked."""

    def __init__(self):
        dashboard, self.jobs, self.asked = self, {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, body, content_type="application/json"):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def note(self):
                dashboard.asked.append((f"{self.command} {self.path}", dict(self.headers)))

            def do_GET(self):
                self.note()
                name = self.path.rsplit("/", 1)[1]
                if self.path == "/api/version":
                    self.answer(200, '{"session_name": "session-1"}')
                elif name in dashboard.jobs:
                    self.answer(200, json.dumps({**dashboard.jobs[name], "status": "SUCCEEDED",
                                                 "driver_exit_code": 0}))
                else:
                    self.answer(404, f"Job {name} does not exist", "text/plain")

            def do_POST(self):
                self.note()
                job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                dashboard.jobs[job["submission_id"]] = job
                self.answer(200, json.dumps({"submission_id": job["submission_id"]}))

            def log_message(self, format, *args):  # it has nothing to say
                pass

        self._server = http.server.ThreadingHTTPServer((ADDRESS, DASHBOARD_PORT), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class RayAccess(Story):
    agent_id = "ray-access"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ip_address("add")
        cls.addClassCleanup(ip_address, "del")
        cls.dashboard = Dashboard()
        cls.addClassCleanup(cls.dashboard.close)
        config = cls.agent.cache.parent / "agent.yaml"
        config.write_text(config.read_text("utf-8").replace(
            "  kubeconfig:", "  rayAccess: apiserver-proxy\n  kubeconfig:"), "utf-8")
        cls.agent.start()

    def job_status(self):
        return self.repository.status_json(f"objects/{self.namespace}/rayjob/count.json") or {}

    def test_a_job_runs_by_the_api_servers_proxy(self):
        self.repository.write("clusters/job.yaml", job_yaml("count", "python count.py"))
        self.push("A job")
        head, = wait_for(lambda: self.api.list("pods", self.namespace), PODS_SECONDS_MAX,
                         "a head")
        wait_for(lambda: "a Ray head does not answer" in self.agent.log(), STATUS_SECONDS_MAX,
                 "the agent to say that nobody answers there")
        status = {"podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}
        subprocess.run([os.environ["RAY_GITOPS_KUBECTL"], "patch", "pod",
                        head["metadata"]["name"], "-n", self.namespace, "--subresource=status",
                        "--type=merge", "-p", json.dumps({"status": status})],
                       check=True, stdout=subprocess.DEVNULL)
        wait_for(lambda: self.job_status().get("phase") == "Succeeded", PODS_SECONDS_MAX,
                 f"the job's success: {self.job_status()}")
        self.assertEqual(1, len(self.dashboard.jobs))
        submission, = (headers for line, headers in self.dashboard.asked
                       if line == "POST /api/jobs/")
        self.assertIn("X-Forwarded-Uri", submission, "it came by the proxy")
        self.assertNotIn("Authorization", submission, "the head does not get the agent's token")
