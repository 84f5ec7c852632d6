#include "agent/ray/gcs/decode.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include <gcs.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::ray {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::size_t k_session_bytes_max = 200;

tl::unexpected<Error> not_understood(const std::string& what) {
  return fail(ErrorCode::Unavailable, "the answer's " + what + " is not understood");
}

Result<void> check_limit(const std::string& what, std::size_t count, std::size_t count_max) {
  if (count <= count_max) return {};
  return fail(ErrorCode::LimitExceeded,
              "the answer has more " + what + " than " + std::to_string(count_max));
}

// It writes of broken text to the standard error stream.
void silence_protobuf() {
  static auto* const before = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(before);
}

template <class Message>
Result<Message> parse(std::string_view bytes, std::size_t bytes_max, const std::string& what) {
  TRY(check_limit("bytes of a " + what, bytes.size(), bytes_max));
  silence_protobuf();
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return not_understood(what);
  return message;
}

std::string hexadecimal(const std::string& bytes) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text;
  for (const char letter : bytes) {
    const auto byte = static_cast<unsigned char>(letter);
    text += {k_digits[byte >> 4U], k_digits[byte & 0xFU]};
  }
  return text;
}

template <class Map>
ResourceAmounts amounts_of(const Map& resources) {
  ResourceAmounts amounts;
  for (const auto& [name, amount] : resources) amounts[name] = to_units(amount);
  return amounts;
}

LabelSelector value_of(const wire::LabelSelector& selector) {
  LabelSelector value;
  for (const auto& constraint : selector.label_constraints()) {
    LabelConstraint& added = value.emplace_back();
    added.key = constraint.label_key();
    const int number = constraint.operator_();
    if (number >= 0 && number <= static_cast<int>(LabelOperator::NotIn))
      added.op = static_cast<LabelOperator>(number);
    added.values = {constraint.label_values().begin(), constraint.label_values().end()};
  }
  std::sort(value.begin(), value.end());
  return value;
}

LabelPair value_of(const wire::LabelPair& pair) { return {pair.label_name(), pair.label_value()}; }

ResourceRequest value_of(const wire::ResourceRequest& request) {
  ResourceRequest value;
  value.bundle = amounts_of(request.resources_bundle());
  for (const auto& constraint : request.placement_constraints()) {
    PlacementConstraint& added = value.placement.emplace_back();
    if (constraint.has_anti_affinity()) added.anti_affinity = value_of(constraint.anti_affinity());
    if (constraint.has_affinity()) added.affinity = value_of(constraint.affinity());
  }
  for (const auto& selector : request.label_selectors())
    value.selectors.push_back(value_of(selector));
  const bool asks_for_nothing = value.selectors.size() == 1 && value.selectors[0].empty();
  if (asks_for_nothing) value.selectors.clear();
  return value;
}

void add(DemandCounts& demand, const wire::ResourceRequestByCount& entry) {
  if (entry.count() <= 0) return;
  std::int64_t& count = demand[value_of(entry.request())];
  const std::int64_t room = std::numeric_limits<std::int64_t>::max() - count;
  count += std::min(room, entry.count());
}

GangRequest value_of(const wire::GangResourceRequest& gang) {
  GangRequest value;
  value.details = gang.details();
  for (const auto& request : gang.requests()) value.requests.push_back(value_of(request));
  for (const auto& selector : gang.bundle_selectors()) {
    auto& added = value.bundle_selectors.emplace_back();
    for (const auto& request : selector.resource_requests()) added.push_back(value_of(request));
  }
  return value;
}

std::size_t bundles_of(const wire::GangResourceRequest& gang) {
  auto count = static_cast<std::size_t>(gang.requests_size());
  for (const auto& selector : gang.bundle_selectors())
    count = std::max(count, static_cast<std::size_t>(selector.resource_requests_size()));
  return count;
}

RayNodeStatus status_of(int number) {
  if (number < 0 || number > static_cast<int>(RayNodeStatus::Draining))
    return RayNodeStatus::Unspecified;
  return static_cast<RayNodeStatus>(number);
}

Result<RayNode> value_of(const wire::NodeState& node) {
  RayNode value;
  value.node_id = hexadecimal(node.node_id());
  if (!is_node_id(value.node_id)) return not_understood("node id");
  value.instance_id = node.instance_id();
  value.group = node.ray_node_type_name();
  value.status = status_of(node.status());
  value.total = amounts_of(node.total_resources());
  value.available = amounts_of(node.available_resources());
  value.labels = {node.labels().begin(), node.labels().end()};
  value.dynamic_labels = {node.dynamic_labels().begin(), node.dynamic_labels().end()};
  if (value.status == RayNodeStatus::Idle)
    value.idle = Duration{std::max(node.idle_duration_ms(), std::int64_t{0})};
  value.ip = node.node_ip_address();
  value.activity = {node.node_activity().begin(), node.node_activity().end()};
  return value;
}

// One field of a message that is read field by field.
struct Field {
  int number = 0;           // 0: of a type that we have no use for
  std::uint64_t value = 0;  // of a number
  std::string_view bytes;   // of anything else
};

bool take_bytes(CodedInputStream& input, std::string_view& bytes) {
  std::uint32_t length = 0;
  if (!input.ReadVarint32(&length)) return false;
  if (length == 0) return true;
  const void* data = nullptr;
  int size = 0;
  if (!input.GetDirectBufferPointer(&data, &size)) return false;
  if (static_cast<std::uint32_t>(size) < length) return false;
  bytes = {static_cast<const char*>(data), length};
  return input.Skip(static_cast<int>(length));
}

bool take_field(CodedInputStream& input, std::uint32_t tag, Field& field) {
  field = {};
  const auto type = WireFormatLite::GetTagWireType(tag);
  if (type != WireFormatLite::WIRETYPE_VARINT && type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED)
    return WireFormatLite::SkipField(&input, tag);
  field.number = WireFormatLite::GetTagFieldNumber(tag);
  return type == WireFormatLite::WIRETYPE_VARINT ? input.ReadVarint64(&field.value)
                                                 : take_bytes(input, field.bytes);
}

// Calls `take` with each field.
template <class Take>
Result<void> for_each_field(std::string_view message, Take take) {
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(message.data()),
                         static_cast<int>(message.size()));
  Field field;
  while (const std::uint32_t tag = input.ReadTag()) {
    if (!take_field(input, tag, field)) return not_understood("wire format");
    TRY(take(field));
  }
  if (!input.ConsumedEntireMessage()) return not_understood("wire format");
  return {};
}

class StateReader {
 public:
  Result<void> take(std::string_view cluster_resource_state) {
    return for_each_field(cluster_resource_state,
                          [this](const Field& field) { return take_field(field); });
  }
  Result<RayResourceState> finish();

 private:
  Result<void> take_field(const Field& field);
  Result<void> take_node(std::string_view bytes);
  Result<void> take_demand(std::string_view bytes);
  Result<void> take_gang(std::string_view bytes);
  Result<void> take_constraint(std::string_view bytes);

  RayResourceState state_;
  std::size_t bundles_ = 0;  // of all gangs
};

// ClusterResourceState's numbers.
Result<void> StateReader::take_field(const Field& field) {
  switch (field.number) {
    case 1:
      state_.version = static_cast<std::int64_t>(field.value);
      return {};
    case 3:
      return take_node(field.bytes);
    case 4:
      return take_demand(field.bytes);
    case 5:
      return take_gang(field.bytes);
    case 6:
      return take_constraint(field.bytes);
    case 7:
      state_.session = printable(std::string(field.bytes), k_session_bytes_max);
      return {};
    default:
      return {};
  }
}

Result<void> StateReader::take_node(std::string_view bytes) {
  const auto node = TRY(parse<wire::NodeState>(bytes, k_node_bytes_max, "node"));
  state_.nodes.push_back(TRY(value_of(node)));
  return check_limit("nodes", state_.nodes.size(), k_ray_nodes_max);
}

Result<void> StateReader::take_demand(std::string_view bytes) {
  add(state_.pending,
      TRY(parse<wire::ResourceRequestByCount>(bytes, k_demand_bytes_max, "request")));
  return check_limit("shapes of requests", state_.pending.size(), k_demand_shapes_max);
}

Result<void> StateReader::take_gang(std::string_view bytes) {
  const auto gang = TRY(parse<wire::GangResourceRequest>(bytes, k_gang_bytes_max, "gang"));
  const std::size_t bundles = bundles_of(gang);
  if (bundles == 0) return {};
  bundles_ += bundles;
  TRY(check_limit("bundles of one gang", bundles, k_gang_bundles_max));
  TRY(check_limit("bundles", bundles_, k_all_gang_bundles_max));
  state_.gangs.push_back(value_of(gang));
  return check_limit("gangs", state_.gangs.size(), k_gangs_max);
}

Result<void> StateReader::take_constraint(std::string_view bytes) {
  const auto constraint = TRY(
      parse<wire::ClusterResourceConstraint>(bytes, k_constraint_bytes_max, "cluster constraint"));
  ClusterConstraint value;
  for (const auto& entry : constraint.resource_requests()) add(value, entry);
  TRY(check_limit("shapes of a cluster constraint", value.size(), k_demand_shapes_max));
  if (!value.empty()) state_.constraints.push_back(std::move(value));
  return check_limit("cluster constraints", state_.constraints.size(), k_constraints_max);
}

Result<RayResourceState> StateReader::finish() {
  const auto by_id = [](const RayNode& left, const RayNode& right) {
    return left.node_id < right.node_id;
  };
  std::sort(state_.nodes.begin(), state_.nodes.end(), by_id);
  const auto twice = std::adjacent_find(
      state_.nodes.begin(), state_.nodes.end(),
      [](const RayNode& left, const RayNode& right) { return left.node_id == right.node_id; });
  if (twice != state_.nodes.end()) return not_understood("list of nodes (one is there twice)");
  std::sort(state_.gangs.begin(), state_.gangs.end());
  return std::move(state_);
}

Result<GcsReply> decoded(const GetResourceState&, std::string_view message) {
  StateReader reader;
  // GetClusterResourceStateReply: 1 is the state.
  TRY(for_each_field(message, [&](const Field& field) {
    return field.number == 1 ? reader.take(field.bytes) : Result<void>{};
  }));
  return GcsReply{TRY(reader.finish())};
}

Result<GcsReply> decoded(const AutoscalingReport&, std::string_view) {
  return GcsReply{std::monostate{}};
}

Result<GcsReply> decoded(const ClusterShape&, std::string_view) {
  return GcsReply{std::monostate{}};
}

Result<GcsReply> decoded(const DrainRequest&, std::string_view message) {
  const auto reply = TRY(parse<wire::DrainNodeReply>(message, k_demand_bytes_max, "drain reply"));
  return GcsReply{DrainReply{reply.is_accepted(), printable(reply.rejection_reason_message())}};
}

}  // namespace

Result<GcsReply> decode(const GcsRequest& request, std::string_view message) {
  return std::visit([&](const auto& body) { return decoded(body, message); }, request.body);
}

}  // namespace ray_gitops::ray
