"""How the agent talks to an API server: one connection, HTTP/2, TLS 1.2 or newer."""

import pathlib
import re
import socket
import ssl
import subprocess
import threading
import urllib.parse

from world import PROGRAM, STATUS_SECONDS_MAX, Story, cluster_yaml, group_yaml, the_world, wait_for

ANSWER_SECONDS_MAX = 20


class Listener:
    """Shakes hands as an API server that speaks these versions of TLS, and ends the connection."""

    def __init__(self, folder, newest):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
                       check=True, capture_output=True, timeout=ANSWER_SECONDS_MAX)
        self.seen = []  # (version, protocol) of each handshake that both sides finished
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_ciphers("ALL:@SECLEVEL=0")  # what old versions need
        self._context.minimum_version = ssl.TLSVersion.TLSv1
        self._context.maximum_version = newest
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(f"""\
apiVersion: v1
kind: Config
current-context: c
clusters:
- name: c
  cluster:
    server: https://127.0.0.1:{self._socket.getsockname()[1]}
    certificate-authority: {folder / "tls.crt"}
users: [{{name: c, user: {{token: nobody-asks}}}}]
contexts: [{{name: c, context: {{cluster: c, user: c}}}}]
""", "utf-8")
        self.kubeconfig.chmod(0o600)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            connection.settimeout(ANSWER_SECONDS_MAX)
            try:
                with self._context.wrap_socket(connection, server_side=True) as tls:
                    self.seen.append((tls.version(), tls.selected_alpn_protocol()))
            except OSError:
                connection.close()

    def close(self):
        self._socket.close()


class Connection(Story):
    agent_id = "connection"

    def shake_hands(self, newest):
        folder = the_world().folder / f"tls-{newest.name}"
        folder.mkdir()
        listener = Listener(folder, newest)
        self.addCleanup(listener.close)
        config = folder / "agent.yaml"
        config.write_text(f"""\
apiVersion: ray-gitops.io/v1alpha1
kind: AgentConfig
agentId: hands
repository: {{url: "https://git.example.com/clusters.git"}}
cluster: {{kubeconfig: "{listener.kubeconfig}"}}
""", "utf-8")
        done = subprocess.run([PROGRAM, "check", "--config", str(config)], capture_output=True,
                              text=True, check=False, timeout=ANSWER_SECONDS_MAX)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        return listener.seen, done.stdout + done.stderr

    def test_the_newest_tls_and_http_2_are_taken(self):
        seen, _ = self.shake_hands(ssl.TLSVersion.TLSv1_3)
        self.assertEqual({("TLSv1.3", "h2")}, set(seen))

    def test_tls_1_2_will_do(self):
        seen, _ = self.shake_hands(ssl.TLSVersion.TLSv1_2)
        self.assertEqual({("TLSv1.2", "h2")}, set(seen))

    def test_older_tls_is_refused(self):
        seen, said = self.shake_hands(ssl.TLSVersion.TLSv1_1)
        self.assertEqual([], seen)
        self.assertRegex(said, "(?i)tls|ssl")

    def test_watches_and_writes_share_one_connection(self):
        self.agent.start()
        self.repository.write("clusters/ray.yaml", cluster_yaml("ray", group_yaml("w", 4)))
        commit = self.push("Four workers")
        self.wait_for_pods("ray", 4)
        self.wait_for_status("ray", "Ready", commit)
        wait_for(lambda: self.connections() == 1, STATUS_SECONDS_MAX, "one connection")

    def connections(self):
        """Established TCP connections of the agent to the API server, as Linux counts them."""
        server = re.search(r"server: (\S+)", self.cluster.kubeconfig.read_text("utf-8")).group(1)
        port = f"{urllib.parse.urlsplit(server).port:04X}"
        process = pathlib.Path(f"/proc/{self.agent.pid}")
        mine = set()
        for descriptor in (process / "fd").iterdir():
            try:
                mine.add(descriptor.readlink().name)
            except OSError:
                continue  # closed meanwhile
        rows = [line.split() for line in (process / "net/tcp").read_text("ascii").split("\n")[1:-1]]
        return sum(row[2].endswith(f":{port}") and row[3] == "01" and f"socket:[{row[9]}]" in mine
                   for row in rows)
