"""Serves the repositories below a folder over http, with Git's own git-http-backend.

Prints the port. What a path begins with says how the server behaves; what comes after it may be
another of these, or a repository:

/auth/ serves whoever knows the credentials, user:token or what the folder's file "credentials"
says. /echo/ asks for credentials and answers with them. /forbidden/ forbids. /moved/ redirects to
the rest of the path here, /away/ at another host. /busy/ is unavailable. /cut/ does what it is
asked for with a POST, but hangs up instead of answering. /endless/ answers with
references without an end, /trickle/ with a byte at a time, /silent/ never. /now/ is what the
folder's file "now" says.

What was sent as authorization, and to which host, is in the folder's file "authorizations". Ends
when its standard input does.
"""

import argparse
import base64
import http.server
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time


def packet(content):
    return f"{len(content) + 4:04x}".encode() + content


def expected_authorization():
    file = FOLDER / "credentials"
    known = file.read_bytes() if file.exists() else b"user:token"
    return "Basic " + base64.b64encode(known).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, first, part, pause=0.0):
        """Never ends, but with the connection."""
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.send_header("Content-Length", str(2**40))
        self.end_headers()
        try:
            self.wfile.write(first)
            while True:
                self.wfile.write(part)
                time.sleep(pause)
        except OSError:
            self.close_connection = True

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_GET(self):
        body = self.read_body()
        if self.path.startswith("/now/"):
            self.path = (FOLDER / "now").read_text("utf-8") + self.path.removeprefix("/now")
        sent = self.headers.get("Authorization", "")
        if sent:
            with open(FOLDER / "authorizations", "a", encoding="utf-8") as file:
                file.write(f"{self.headers['Host'].split(':')[0]} {sent}\n")
        if self.path.startswith("/auth/"):
            if sent != expected_authorization():
                return self.answer(401, [("WWW-Authenticate", "Basic realm=x")], b"")
            self.path = self.path.removeprefix("/auth")
        if self.path.startswith("/silent/"):
            return self.rfile.read(1)
        if self.path.startswith("/echo/"):
            if not sent:
                return self.answer(401, [("WWW-Authenticate", "Basic realm=x")], b"")
            return self.answer(200, [("Content-Type", f"text/{sent} user:token")], b"")
        if self.path.startswith("/forbidden/"):
            return self.answer(403, [], b"")
        if self.path.startswith("/page/"):
            return self.answer(200, [("Content-Type", "text/html")], b"<html>Log in</html>")
        if self.path.startswith("/endless/"):
            reference = packet(b"1" * 40 + b" refs/heads/" + b"a" * 10000 + b"\n")
            return self.stream(packet(b"# service=git-upload-pack\n") + b"0000", reference * 10)
        if self.path.startswith("/trickle/"):
            return self.stream(b"fff0# service=git-upload-pack", b"x", 0.05)
        if self.path.startswith("/moved/"):
            return self.answer(302, [("Location", self.path[len("/moved"):])], b"")
        if self.path.startswith("/away/"):
            away = f"http://localhost:{self.server.server_address[1]}{self.path[len('/away'):]}"
            return self.answer(302, [("Location", away)], b"")
        if self.path.startswith("/busy/"):
            return self.answer(503, [], b"")
        path, _, query = self.path.removeprefix("/cut").partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROJECT_ROOT": str(FOLDER),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
        }
        output = subprocess.run(["git", "http-backend"], input=body, env=environment,
                                stdout=subprocess.PIPE, check=False).stdout
        if self.path.startswith("/cut/") and self.command == "POST":
            return self.connection.shutdown(socket.SHUT_RDWR)
        head, _, content = output.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((value for name, value in headers if name == "Status"), "200")
        self.answer(int(status.split()[0]), [h for h in headers if h[0] != "Status"], content)

    do_POST = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that hang up


parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--certificate", help="for https: a file with a key and its certificate")
arguments = parser.parse_args()
FOLDER = arguments.folder
server = Server(("127.0.0.1", arguments.port), Handler)
if arguments.certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
