"""A repository that is served over http or https, by a server that behaves as it is told."""

import pathlib
import subprocess
import sys

from repository import Repository

BACKEND = pathlib.Path(__file__).resolve().parents[1] / "unit/git/http_backend.py"
AUTHORITY = """
set -e
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=authority -keyout ca.key -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request.pem
echo subjectAltName=DNS:localhost > names
openssl x509 -req -days 1 -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial \\
  -extfile names -out certificate.pem
cat key.pem certificate.pem > server.pem
"""


class ServedRepository(Repository):
    def __init__(self, folder, status_branch, secure=False):
        super().__init__(folder, status_branch)
        (self.path / "config").open("a", encoding="ascii").write("[http]\n\treceivepack = true\n")
        self._folder = folder
        self._secure = secure
        self._server = None
        self._port = 0
        self.token_file = folder / "token"
        if secure:
            subprocess.run(["sh", "-c", AUTHORITY], cwd=folder, capture_output=True, check=True)
        self.behave("/auth")
        self.give_token("good-token")
        self.know("good-token")
        self.serve()

    @property
    def settings(self):
        transport = (f"  certificateAuthorityFile: {self._folder}/ca.pem" if self._secure
                     else "  allowInsecureTransport: true")
        return f"""\
  url: {self.url}
{transport}
  credentials:
    username: robot
    tokenFile: {self.token_file}"""

    @property
    def url(self):
        base = "https://localhost" if self._secure else "http://127.0.0.1"
        return f"{base}:{self._port}/now/{self.path.name}"

    def serve(self):
        """At the port of the first time."""
        certificate = ["--certificate", self._folder / "server.pem"] if self._secure else []
        self._server = subprocess.Popen(
            [sys.executable, BACKEND, self._folder, "--port", str(self._port), *certificate],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._port = int(self._server.stdout.readline())

    def go_away(self):
        self._server.kill()
        self._server.wait()
        self._server.stdin.close()
        self._server.stdout.close()

    def behave(self, how):
        """As the backend says, from the next request on."""
        (self._folder / "now").write_text(how, encoding="ascii")

    def know(self, token):
        (self._folder / "credentials").write_text(f"robot:{token}", encoding="ascii")

    def give_token(self, token):
        """To the agent."""
        self.token_file.unlink(missing_ok=True)
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(token + "\n", encoding="ascii")

    def authorized_hosts(self):
        """Where the agent sent credentials to."""
        lines = (self._folder / "authorizations").read_text("ascii").splitlines()
        return {line.split()[0] for line in lines}
