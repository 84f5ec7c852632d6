"""A Kubernetes API server whose network and whose answers fail, in front of one that works.

It listens on loopback only, in clear text, and speaks HTTP/1.1. What happens to a request is drawn
from a seed; a watch may be cut at any moment.
"""

import collections
import http.client
import http.server
import random
import re
import socket
import threading
import time
import urllib.parse

from kubernetes import Kubernetes

# Before the request reaches the server, and after: then it has taken effect.
BEFORE = ("cut", "429", "500", "503")
AFTER = ("answer lost", "answer truncated")
PIECE_BYTES = 64 * 1024
WATCH_SECONDS_MAX = 20  # of one that is to be cut
UPSTREAM_SECONDS_MAX = 400  # longer than the server lets a watch be
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive", "host",
              "accept-encoding")


class FaultProxy:
    """`rate` of the requests fail, all take `latency` seconds more; in an outage all are cut."""

    def __init__(self, kubeconfig, folder, seed):
        self.rate = 0.0
        self.latency = 0.0
        self.given = collections.Counter()  # faults, by what happened
        self.requests = 0
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._is_out = False
        self._open = set()  # sockets of both sides
        text = kubeconfig.read_text("utf-8")
        server = re.search(r"^\s*server: (\S+)", text, re.MULTILINE).group(1)
        self._upstream = urllib.parse.urlsplit(server)
        self._tls = Kubernetes(kubeconfig).tls
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.kubeconfig = folder / "faulty.kubeconfig"
        address = f"http://127.0.0.1:{self._server.server_port}"
        token = re.search(r"^\s*token: (\S+)", text, re.MULTILINE).group(1)
        self.kubeconfig.write_text(f"""\
apiVersion: v1
kind: Config
current-context: faulty
clusters: [{{name: faulty, cluster: {{server: "{address}"}}}}]
users: [{{name: faulty, user: {{token: {token}}}}}]
contexts: [{{name: faulty, context: {{cluster: faulty, user: faulty}}}}]
""", "utf-8")
        self.kubeconfig.chmod(0o600)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self.cut_all()

    def cut_all(self):
        with self._lock:
            sockets = list(self._open)
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def set_outage(self, is_out):
        self._is_out = is_out
        if is_out:
            self.cut_all()

    def draw(self):
        """What is to go wrong with the next request, or None; and when a watch is cut."""
        with self._lock:
            self.requests += 1
            fails = self._random.random() < self.rate
            kind = self._random.choice(BEFORE + AFTER)
            seconds = self._random.uniform(0, WATCH_SECONDS_MAX)
        if self._is_out:
            return "cut", 0
        return (kind if fails else None), seconds

    def connect(self):
        host, port = self._upstream.hostname, self._upstream.port
        if self._upstream.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=UPSTREAM_SECONDS_MAX)
        return http.client.HTTPSConnection(host, port, timeout=UPSTREAM_SECONDS_MAX,
                                           context=self._tls)

    def opened(self, one, is_open):
        with self._lock:
            (self._open.add if is_open else self._open.discard)(one)

    def _handler(self):
        class Handler(_Handler):
            proxy = self
        return Handler


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy = None

    def setup(self):
        super().setup()
        self.proxy.opened(self.connection, True)

    def finish(self):
        self.proxy.opened(self.connection, False)
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *_):
        """Says nothing."""

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def answer(self, status, headers, body, length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def cut(self):
        self.close_connection = True

    def pass_on(self):
        fault, watch_seconds = self.proxy.draw()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.proxy.latency)
        is_watch = "watch=" in self.path
        if fault:
            what = "watch" if is_watch else self.command
            self.proxy.given[f"{what} {fault}"] += 1
        if fault == "cut":
            return self.cut()
        if fault in BEFORE:
            headers = [("Retry-After", "1")] if fault == "429" else []
            return self.answer(int(fault), headers, b"planted\n")
        upstream = self.proxy.connect()
        try:
            upstream.request(self.command, self.path, body or None, {
                name: value for name, value in self.headers.items()
                if name.lower() not in HOP_BY_HOP})
            answer = upstream.getresponse()
            if is_watch and answer.status == 200:
                return self.pass_watch(answer, upstream, watch_seconds if fault else None)
            return self.pass_answer(answer, fault)
        finally:
            upstream.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    def pass_answer(self, answer, fault):
        body = answer.read()
        headers = [(name, value) for name, value in answer.getheaders()
                   if name.lower() not in HOP_BY_HOP + ("date", "server")]
        if fault == "answer lost":
            return self.cut()
        if fault == "answer truncated":
            self.answer(answer.status, headers, body[:len(body) // 2], len(body))
            return self.cut()
        return self.answer(answer.status, headers, body)

    def pass_watch(self, answer, upstream, cut_after):
        """Until the server ends it, or it is cut, in the middle of a line where there is one."""
        self.cut()  # its end is the connection's
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.proxy.opened(upstream.sock, True)
        timer = None
        if cut_after is not None:
            timer = threading.Timer(cut_after, upstream.sock.shutdown, [socket.SHUT_RDWR])
            timer.start()
        try:
            while piece := answer.read1(PIECE_BYTES):
                self.wfile.write(piece)
                self.wfile.flush()
        finally:
            self.proxy.opened(upstream.sock, False)
            if timer:
                timer.cancel()
