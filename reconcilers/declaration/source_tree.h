#pragma once
// Where in a file each key and value of a YAML document stands.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reconcilers/declaration/path.h"

namespace ray_gitops {

struct Position {
  int line = 0;    // 1-based
  int column = 0;  // 1-based, in bytes
};

struct SourceNode;
using SourceNodePtr = std::shared_ptr<const SourceNode>;

struct SourceMember {
  Position key;
  SourceNodePtr node;
};

// Has the shape of the JSON value it belongs to. What an alias stands for is shared.
struct SourceNode {
  Position start;
  std::string text;  // of a plain scalar that is no string, as written: "2.50", "yes" has none
  std::map<std::string, SourceMember, std::less<>> members;
  std::vector<SourceNodePtr> items;
};

// What stands at the end of a path, or the last part of the path that exists.
struct Location {
  Position key;                      // of the member's key or the list's item
  const SourceNode* node = nullptr;  // never null
};

Location locate(const SourceNode& root, const Path& path);

}  // namespace ray_gitops
