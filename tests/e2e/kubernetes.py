"""A small Kubernetes client for tests: what the cluster holds, read from its API."""

import base64
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request

REQUEST_SECONDS_MAX = 10
# What the agent and the local cluster write, but for the Lease.
TYPES = ("namespaces", "configmaps", "secrets", "services", "pods")


class Kubernetes:
    def __init__(self, kubeconfig):
        text = kubeconfig.read_text(encoding="utf-8")
        self._server = re.search(r"^\s*server: (\S+)", text, re.MULTILINE).group(1)
        self._token = re.search(r"^\s*token: (\S+)", text, re.MULTILINE).group(1)
        self.tls = None
        if data := re.search(r"^\s*certificate-authority-data: (\S+)", text, re.MULTILINE):
            self.tls = ssl.create_default_context(
                cadata=base64.b64decode(data.group(1)).decode())
        elif file := re.search(r"^\s*certificate-authority: (\S+)", text, re.MULTILINE):
            self.tls = ssl.create_default_context(cafile=file.group(1))

    def request(self, method, path, body=None, content_type="application/json"):
        """The answer's JSON. HTTPError as urllib raises it."""
        request = urllib.request.Request(
            self._server + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + self._token,
                     "Content-Type": content_type, "Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS_MAX,
                                    context=self.tls) as answer:
            return json.loads(answer.read())

    def get(self, path):
        """The object, or None where there is none."""
        try:
            return self.request("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def list(self, plural, namespace=None, selector=""):
        where = f"/namespaces/{namespace}" if namespace else ""
        query = "?labelSelector=" + urllib.parse.quote(selector) if selector else ""
        return self.request("GET", f"/api/v1{where}/{plural}{query}")["items"]

    def object(self, plural, namespace, name):
        return self.get(f"/api/v1/namespaces/{namespace}/{plural}/{name}")

    def create(self, plural, namespace, body):
        return self.request("POST", f"/api/v1/namespaces/{namespace}/{plural}", body)

    def delete(self, plural, namespace, name, grace=None):
        body = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        self.request("DELETE", f"/api/v1/namespaces/{namespace}/{plural}/{name}", body)

    def remove(self, plural, namespace, name):
        """Deletes what may be gone meanwhile, as what a deleted object owned."""
        try:
            self.delete(plural, namespace, name)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def patch(self, path, manager, body):
        """A merge patch by this field manager."""
        return self.request("PATCH", f"{path}?fieldManager={manager}", body,
                            "application/merge-patch+json")

    def advertise(self, resource, amount):
        """Lets each node have so much of an extended resource."""
        for node in self.list("nodes"):
            self.patch(f"/api/v1/nodes/{node['metadata']['name']}/status", "administrator",
                       {"status": {"capacity": {resource: str(amount)}}})

    def pods(self, namespace, cluster):
        """Pods of a Ray cluster by name."""
        pods = self.list("pods", namespace, f"ray.io/cluster={cluster}")
        return {pod["metadata"]["name"]: pod for pod in pods}

    def lease(self, namespace, name):
        return self.get(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")

    def versions(self):
        """Resource version of everything that a converged agent has no business writing."""
        return {(plural, item["metadata"].get("namespace", ""), item["metadata"]["name"]):
                item["metadata"]["resourceVersion"]
                for plural in TYPES for item in self.list(plural)}

    def versions_in(self, namespace):
        return {key: version for key, version in self.versions().items() if key[1] == namespace}

    def owned_by(self, agent_id):
        """What carries the agent's label, without what differs from run to run."""
        return sorted(
            (plural, item["metadata"].get("namespace", ""), lasting_name(item["metadata"]),
             item["metadata"].get("annotations", {}).get("ray-gitops.io/template-hash", ""))
            for plural in TYPES
            for item in self.list(plural, selector=f"ray-gitops.io/agent={agent_id}"))


def lasting_name(metadata):
    """A worker is known by its group: its slot depends on who was leaving when it came."""
    return metadata.get("labels", {}).get("ray.io/group") or metadata["name"]


def is_ready(pod):
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def uids(pods):
    return {name: pod["metadata"]["uid"] for name, pod in pods.items()}
