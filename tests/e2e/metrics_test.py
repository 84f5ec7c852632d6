"""Metrics and probes of a running agent: they move with what happens."""

import re
import socket
import urllib.error
import urllib.request

from world import STATUS_SECONDS_MAX, Story, cluster_yaml, stays, wait_for

FILE = "clusters/ray.yaml"
ANSWER_SECONDS_MAX = 5
# Longer than a poll, shorter than a watch.
QUIET_SECONDS = 5
# Of them, before the silence is measured.
QUIET_SCRAPES = 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serve_on(agent, port):
    """Writes metrics.address into an agent's configuration."""
    config = agent.cache.parent / "agent.yaml"
    config.write_text(config.read_text("utf-8") +
                      f"metrics:\n  address: 127.0.0.1:{port}\n", "utf-8")


def get(port, path):
    """Status and text; None while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}",
                                    timeout=ANSWER_SECONDS_MAX) as answer:
            return answer.status, answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8")
    except OSError:
        return None


def series(text):
    """Value by name with its labels, as it stands in the line."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? \S+', line), line
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


class Metrics(Story):
    agent_id = "metrics"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = free_port()
        serve_on(cls.agent, cls.port)

    def scrape(self):
        status, text = get(self.port, "metrics")
        self.assertEqual(200, status)
        return series(text)

    def ready(self, port=None):
        return get(port or self.port, "readyz")

    def test_1_is_ready_once_cluster_and_repository_are_read(self):
        self.repository.write(FILE, cluster_yaml("ray"))
        Metrics.commit = self.push("A cluster")
        self.agent.start()
        wait_for(lambda: self.ready() == (200, "the agent is at work\n"), STATUS_SECONDS_MAX,
                 "the agent to be ready")
        self.assertEqual(200, get(self.port, "healthz")[0])
        self.assertEqual(404, get(self.port, "nothing")[0])

    def test_2_values_move(self):
        self.wait_for_pods("ray")
        self.wait_for_status("ray", "Ready", self.commit)
        ready = 'ray_gitops_objects{kind="RayCluster",phase="Ready"}'
        values = wait_for(lambda: (now := self.scrape()).get(ready) == 1 and now,
                          STATUS_SECONDS_MAX, "a Ready cluster in the metrics")
        self.assertEqual(1, values["ray_gitops_lease_held"])
        self.assertEqual(1, values['ray_gitops_watched_objects{type="Pod"}'])
        wrote = 'ray_gitops_api_requests_total{verb="create",outcome="Ok",type="Pod"}'
        self.assertEqual(1, values[wrote])
        self.repository.remove(FILE)
        self.repository.write("clusters/two.yaml",
                              cluster_yaml("one") + "---\n" + cluster_yaml("two"))
        commit = self.push("Two others")
        self.wait_for_status("two", "Ready", commit)
        after = wait_for(lambda: (now := self.scrape()).get(ready) == 2 and now,
                         STATUS_SECONDS_MAX, "two Ready clusters in the metrics")
        self.assertEqual(3, after[wrote])
        for name in ('ray_gitops_reconciles_total{kind="RayCluster"}',
                     'ray_gitops_watch_events_total{type="Pod"}',
                     'ray_gitops_git_operations_total{operation="fetch",outcome="Ok"}',
                     'ray_gitops_git_operations_total{operation="publish status",outcome="Ok"}',
                     "process_cpu_seconds_total"):
            self.assertGreater(after[name], values[name], name)

    def test_3_only_polls_and_renewals_move_when_nothing_happens(self):
        def busy():
            return {name: value for name, value in self.scrape().items()
                    if name.startswith(("ray_gitops_reconciles", "ray_gitops_watch_events",
                                        "ray_gitops_objects", "ray_gitops_log_records"))
                    or 'type="Pod"' in name}
        seen = []

        def is_quiet():
            seen.append(busy())
            return len(seen) > QUIET_SCRAPES and seen[-1] == seen[-QUIET_SCRAPES]
        wait_for(is_quiet, STATUS_SECONDS_MAX, "a quiet moment")
        before = busy()
        polls = 'ray_gitops_git_operations_total{operation="poll",outcome="Ok"}'
        polled = self.scrape()[polls]
        stays(lambda: busy() == before, QUIET_SECONDS, "no plan, no write, no change")
        self.assertGreater(self.scrape()[polls], polled)

    def test_4_a_second_agent_stands_by(self):
        second = self.world.agent(self.agent_id, self.world.folder / "standby", self.repository)
        port = free_port()
        serve_on(second, port)
        self.addCleanup(second.stop)
        second.start()
        wait_for(lambda: (answer := self.ready(port)) and "another agent" in answer[1]
                 and answer[0] == 200, STATUS_SECONDS_MAX, "the second agent to stand by")
        held = series(get(port, "metrics")[1])["ray_gitops_lease_held"]
        self.assertEqual(0, held)

    def test_5_is_not_ready_without_its_repository(self):
        self.agent.stop()
        moved = self.repository.path.with_name("moved")
        self.repository.path.rename(moved)
        try:
            self.agent.start()
            answer = wait_for(lambda: (got := self.ready()) and "repository" in got[1] and got,
                              STATUS_SECONDS_MAX, "the agent to say what it waits for")
            self.assertEqual(503, answer[0])
            self.assertEqual(200, get(self.port, "healthz")[0])
            self.assertEqual(0, self.scrape()["ray_gitops_source_readable"])
        finally:
            moved.rename(self.repository.path)

    def test_6_a_port_that_is_taken_is_said_at_once(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            other = self.world.agent("metrics-two", self.world.folder / "taken", self.repository)
            serve_on(other, taken.getsockname()[1])
            other.start()
            wait_for(lambda: not other.is_running(), STATUS_SECONDS_MAX, "it to end")
        self.assertIn("in use", other.log())
        self.assertIn("metrics.address", other.log())
