#pragma once
// What the agent's configuration lets files hold.

#include <set>
#include <string>

#include "reconcilers/model/object_key.h"

namespace ray_gitops {

struct Permissions {
  std::set<Kind> refused_kinds;      // companion kinds (KindNotAllowed)
  std::set<std::string> namespaces;  // of objects (NamespaceNotAllowed); empty: all
};

}  // namespace ray_gitops
