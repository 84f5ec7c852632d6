#pragma once
// The pass's own form of amounts, requests and nodes: names as small numbers, short sorted lists.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "reconcilers/autoscaler/scheduler.h"

namespace ray_gitops::autoscaler {

using ResourceId = std::uint32_t;
inline constexpr ResourceId k_gpu = 0;  // the first name of every vocabulary
using Amounts = std::vector<std::pair<ResourceId, ResourceUnits>>;  // sorted by id
using Labels = std::map<std::string, std::string>;
using SharedLabels = std::shared_ptr<const Labels>;

// More equal requests than this count as this many.
inline constexpr std::int64_t k_equal_requests_max = 1'000'000'000;

// One kind of request, in the form that packing reads.
struct Shape {
  const ResourceRequest* request = nullptr;
  Amounts needs;  // without zeros
  bool mentions_gpu = false;
  std::int64_t count = 0;
};

// Names that the pass's requests mention. Other labels, and the names of other "node:<ip>"
// resources, make no difference to it, and are left out so that equal nodes compare equal.
class Vocabulary {
 public:
  Vocabulary() { id_of("GPU"); }
  void mention(const ResourceRequest& request);
  ResourceId id_of(const std::string& resource);
  Amounts amounts(const ResourceAmounts& from);
  SharedLabels labels(const Labels& from);
  // Requests of one list in the order in which Ray places them.
  std::vector<Shape> shapes(const DemandCounts& requests);
  // What a node that does not name it has of a resource: 1 of an implicit one, else nothing.
  ResourceUnits unnamed(ResourceId id) const { return implicit_[id] ? k_units_per_whole : 0; }

 private:
  std::unordered_map<std::string, ResourceId> ids_;
  std::vector<bool> implicit_;
  std::unordered_set<std::string> mentioned_resources_;
  std::unordered_set<std::string> mentioned_labels_;
};

// Ray's two views of a node: what is free now, and what is there (for request_resources).
enum class Source : std::uint8_t { Demand, Constraint };

// What a pass has placed on a node from one source.
struct Placed {
  std::vector<ResourceId> resources;  // needed more than 0 of, sorted
  bool mentions_gpu = false;
  int label_rank = 0;  // of the first request with label selectors
  const ResourceRequest* first = nullptr;
  std::int64_t count = 0;
};

enum class NodeFate : std::uint8_t { Stays, Launched, Terminates };

struct Node {
  std::int64_t input = -1;  // index in the input's nodes; -1 of launched ones
  int type = -1;            // index in the input's types; -1 of an unknown one
  NodeStage stage = NodeStage::Pending;
  NodeFate fate = NodeFate::Stays;
  bool head = false;
  bool takes_requests = true;
  Duration idle{0};
  Amounts total;
  Amounts available[2];  // by Source
  SharedLabels labels;
  Placed placed[2];  // by Source
};

const ResourceUnits* find_amount(const Amounts& amounts, ResourceId id);
// Index of the first selector that the labels satisfy, or -1. No selector at all: -1.
int matching_selector(const std::vector<LabelSelector>& selectors, const Labels& labels);
// The node has a label that the request must not meet.
bool is_repelled(const ResourceRequest& request, const Labels& labels);

}  // namespace ray_gitops::autoscaler
