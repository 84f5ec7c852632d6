"""Wraps a layer into an archive, as `docker save` writes it (Docker Image Specification v1.2).

    image_archive.py NAME LAYER.tar OUT.tar
"""

import hashlib
import io
import json
import sys
import tarfile

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def configuration(layer_digest):
    return {
        "architecture": "amd64",
        "os": "linux",
        # What pods run says its own command; a sandbox does not, and only has to stay.
        "config": {"Cmd": ["sleep", "infinity"], "WorkingDir": "/",
                   "Env": [f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8",
                           "RAY_USAGE_STATS_ENABLED=0"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
    }


def add(archive, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def main(name, layer, out):
    with open(layer, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = json.dumps(configuration(digest)).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(out, "w") as archive:
        add(archive, config_name, config)
        add(archive, "manifest.json", json.dumps(manifest).encode())
        archive.add(layer, "layer.tar")


if __name__ == "__main__":
    main(*sys.argv[1:])
