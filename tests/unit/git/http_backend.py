"""Serves the repositories below a folder over http, with Git's own git-http-backend.

Arguments: the folder. Prints the port. /auth/... asks for credentials, /moved/... redirects here,
/away/... to another host, /busy/... is unavailable, /cut/... does
what it is asked for with a POST, but hangs up instead of answering. Ends when its
standard input does."""

import http.server
import os
import socket
import subprocess
import sys
import threading


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
        if self.path.startswith("/auth/"):
            return self.answer(401, [("WWW-Authenticate", "Basic realm=x")], b"")
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
            "GIT_PROJECT_ROOT": sys.argv[1],
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


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
