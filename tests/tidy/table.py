"""Who may include whom, as data: the table of ARCHITECTURE.md, and the ratchets' numbers.

A room is a folder. `ours` are the rooms that it may include besides itself, `libraries` the names of
LIBRARIES, `pure` says that it decides: no clock, file, thread, randomness or operating system.
"""

# Library -> the beginnings of its headers' names.
LIBRARIES = {
    "expected": ("tl/expected.hpp",),
    "json": ("nlohmann/",),
    "openssl": ("openssl/",),
    "zlib": ("zlib.h",),
    "re2": ("re2/",),
    "yaml-cpp": ("yaml-cpp/",),
    "valijson": ("valijson/",),
    "date-tz": ("date/",),
    "curl": ("curl/",),
    "git2": ("git2",),
    "spdlog": ("spdlog/",),
    "cli11": ("CLI/",),
    "libevent": ("event2/",),
    "microhttpd": ("microhttpd.h",),
    "prometheus": ("prometheus/",),
    "sqlite": ("sqlite3.h",),
    "protobuf": ("google/protobuf/", "gcs.pb.h"),  # and what protoc made of gcs.proto
    "gtest": ("gtest/", "gmock/"),
    "rapidcheck": ("rapidcheck",),
}

# Slow to compile: in source files only, never in a header.
HEAVY_LIBRARIES = ("spdlog", "cli11", "valijson", "libevent", "curl", "git2", "sqlite",
                   "microhttpd", "prometheus")

# Standard headers that a pure room has no use for.
IMPURE_STANDARD = (
    "atomic", "condition_variable", "csignal", "ctime", "filesystem", "fstream", "future",
    "iostream", "mutex", "random", "semaphore", "shared_mutex", "stop_token", "thread",
)


def pure(ours=(), libraries=(), source_only=()):
    """`source_only`: libraries that its source files may use, and its headers may not."""
    return {"pure": True, "ours": ours, "libraries": libraries, "source_only": source_only}


def adapter(ours=(), libraries=()):
    return {"pure": False, "ours": ours, "libraries": libraries, "source_only": ()}


MODEL = "reconcilers/model"
MANIFEST = "reconcilers/manifest"
SCHEDULE = "reconcilers/schedule"
PARENT = "reconcilers/parent"  # of the kinds that own clusters
ENGINE = "agent/engine"
LOOP = "agent/loop"
LOG = "agent/log"
GIT = "agent/git"
GCS = "agent/ray/gcs"
STORE = "agent/local_cluster/store"
KINDS = tuple("reconcilers/" + kind
              for kind in ("raycluster", "rayjob", "rayservice", "raycronjob", "policy"))
ALL_RECONCILERS = (MODEL, MANIFEST, SCHEDULE, PARENT, *KINDS, "reconcilers/declaration",
                   "reconcilers/autoscaler", "reconcilers/sync", "reconcilers/status")
ADAPTERS = (LOOP, LOG, GIT, "agent/source", "agent/report", "agent/review", "agent/kubernetes",
            "agent/ray", GCS, "agent/metrics", "agent/web", "agent/cli", STORE,
            "agent/local_cluster/server", "agent/local_cluster/kubelet")

ROOMS = {
    MODEL: pure(libraries=("expected",), source_only=("json", "openssl")),
    "reconcilers/declaration": pure(ours=(MODEL, MANIFEST, SCHEDULE, "schemas"),
                                    libraries=("json", "yaml-cpp", "valijson", "re2")),
    MANIFEST: pure(ours=(MODEL,), libraries=("json", "zlib", "openssl", "re2")),
    PARENT: pure(ours=(MODEL, MANIFEST), libraries=("json",)),
    SCHEDULE: pure(ours=(MODEL, MANIFEST), libraries=("json", "date-tz")),
    "reconcilers/autoscaler": pure(ours=(MODEL, MANIFEST, SCHEDULE), libraries=("json",)),
    "reconcilers/sync": pure(ours=(MODEL, MANIFEST, *KINDS), libraries=("json",)),
    "reconcilers/status": pure(ours=(MODEL, MANIFEST), libraries=("json",)),
    ENGINE: pure(ours=ALL_RECONCILERS, libraries=("json",)),
    LOOP: adapter(ours=(MODEL, LOG), libraries=("curl",)),
    LOG: adapter(ours=(MODEL,), libraries=("json", "spdlog")),
    GIT: adapter(ours=(MODEL, MANIFEST, ENGINE, LOOP, LOG), libraries=("git2",)),
    # The manifest room is here for what objects mean: views, labels, their JSON.
    "agent/kubernetes": adapter(ours=(MODEL, MANIFEST, ENGINE, LOOP, LOG),
                                libraries=("json", "yaml-cpp")),
    "agent/ray": adapter(ours=(MODEL, MANIFEST, ENGINE, LOOP, LOG), libraries=("json",)),
    GCS: adapter(ours=(MODEL, "agent/ray", ENGINE, LOOP, LOG), libraries=("protobuf",)),
    "agent/source": adapter(ours=(MODEL, ENGINE, GIT, LOOP, LOG)),
    "agent/report": adapter(ours=(MODEL, ENGINE, GIT, LOOP, LOG)),
    "agent/review": pure(ours=(MODEL, MANIFEST, "reconcilers/status", ENGINE),
                         libraries=("json",)),
    STORE: pure(ours=(MODEL,), libraries=("json", "expected")),
    "agent/local_cluster/server": adapter(ours=(MODEL, STORE, LOOP, LOG),
                                          libraries=("json", "libevent", "openssl",
                                                     "sqlite")),
    "agent/local_cluster/kubelet": adapter(ours=(MODEL, STORE, LOOP, LOG),
                                           libraries=("json", "libevent", "expected")),
    "agent/metrics": adapter(ours=(MODEL, ENGINE), libraries=("prometheus",)),
    "agent/web": adapter(ours=(MODEL, LOOP), libraries=("microhttpd",)),
    "agent/cli": adapter(ours=(MODEL,), libraries=("cli11",)),
    "agent/app": adapter(ours=(*ALL_RECONCILERS, ENGINE, *ADAPTERS),
                         libraries=("json", "curl", "git2", "libevent")),
    "agent": adapter(ours=("agent/app",)),  # main.cc
    # The simulation runs what is shipped, with nothing real beneath it.
    "tests/simulation": adapter(ours=(*ALL_RECONCILERS, ENGINE, STORE, "tests/support"),
                                libraries=("json", "gtest", "rapidcheck", "expected")),
}
for kind in KINDS:
    ROOMS[kind] = pure(ours=(MODEL, MANIFEST, SCHEDULE), libraries=("json",))
for kind in ("rayjob", "rayservice", "policy"):
    ROOMS["reconcilers/" + kind] = pure(ours=(MODEL, MANIFEST, PARENT), libraries=("json",))

# Of a room in `ours`, only these files: narrower than the room.
ONLY_FILES = {
    ("agent/kubernetes", MANIFEST): tuple(
        f"reconcilers/manifest/{name}.h"
        for name in ("compression", "json_members", "labels", "view")),
    (GIT, MANIFEST): ("reconcilers/manifest/compression.h",),
    (GCS, "agent/ray"): ("agent/ray/head_tokens.h", "agent/ray/requests.h"),
    ("agent/ray", MANIFEST): tuple(
        f"reconcilers/manifest/{name}.h"
        for name in ("compression", "json_members", "labels", "names")),
}

FILE_LINES_MAX = 500
LINE_COLUMNS_MAX = 100

# Files with an adapter function around a library that throws.
MAY_CATCH = (
    "agent/cli/command_line.cc",
    "agent/kubernetes/yaml.cc",
    "reconcilers/declaration/schema_validator.cc",
    "reconcilers/declaration/yaml_reader.cc",
    "reconcilers/schedule/time_zone.cc",
)
