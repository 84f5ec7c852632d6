#include "agent/local_cluster/kubelet/supervisor.h"

int main(int argc, char** argv) {
  return argc == 2 ? ray_gitops::local_cluster::supervise({argv[1]}) : 1;
}
