#pragma once
// The clocks of this host, as values.

#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

Now read_clocks();

}  // namespace ray_gitops::local_cluster
