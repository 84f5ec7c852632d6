#include "agent/ray/gcs/encode.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <variant>

#include <gcs.pb.h>

#include "agent/ray/requests.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::ray {
namespace {

constexpr std::int64_t k_milliseconds_per_second = 1'000;

std::int32_t saturated(std::int64_t count) {
  constexpr std::int64_t k_max = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp(count, std::int64_t{0}, k_max));
}

std::int64_t seconds_of(WallTime time) { return time.milliseconds / k_milliseconds_per_second; }

unsigned nibble(char digit) {
  return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

std::string bytes_of(const std::string& hexadecimal) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hexadecimal.size(); at += 2)
    bytes += static_cast<char>(nibble(hexadecimal[at]) << 4U | nibble(hexadecimal[at + 1]));
  return bytes;
}

void fill(wire::LabelPair& to, const LabelPair& from) {
  to.set_label_name(from.name);
  to.set_label_value(from.value);
}

void fill(wire::LabelSelector& to, const LabelSelector& from) {
  for (const LabelConstraint& constraint : from) {
    wire::LabelSelectorConstraint& added = *to.add_label_constraints();
    added.set_label_key(constraint.key);
    added.set_operator_(static_cast<int>(constraint.op));
    for (const std::string& value : constraint.values) added.add_label_values(value);
  }
}

void fill(wire::ResourceRequest& to, const ResourceRequest& from) {
  for (const auto& [name, units] : from.bundle)
    (*to.mutable_resources_bundle())[name] = from_units(units);
  for (const PlacementConstraint& constraint : from.placement) {
    wire::PlacementConstraint& added = *to.add_placement_constraints();
    if (constraint.anti_affinity) fill(*added.mutable_anti_affinity(), *constraint.anti_affinity);
    if (constraint.affinity) fill(*added.mutable_affinity(), *constraint.affinity);
  }
  for (const LabelSelector& selector : from.selectors) fill(*to.add_label_selectors(), selector);
}

void fill(wire::GangResourceRequest& to, const GangRequest& from) {
  for (const ResourceRequest& request : from.requests) fill(*to.add_requests(), request);
  to.set_details(from.details);
  for (const auto& selector : from.bundle_selectors) {
    wire::BundleSelector& added = *to.add_bundle_selectors();
    for (const ResourceRequest& request : selector) fill(*added.add_resource_requests(), request);
  }
}

void fill(wire::ClusterResourceConstraint& to, const ClusterConstraint& from) {
  for (const auto& [request, count] : from) {
    wire::ResourceRequestByCount& added = *to.add_resource_requests();
    fill(*added.mutable_request(), request);
    added.set_count(count);
  }
}

void fill(wire::PendingInstanceRequest& to, const PendingGroupRequest& from) {
  to.set_ray_node_type_name(from.group);
  to.set_count(saturated(from.count));
  to.set_request_ts(seconds_of(from.requested_at));
}

void fill(wire::PendingInstance& to, const PendingPod& from) {
  to.set_ray_node_type_name(from.group);
  to.set_instance_id(from.pod);
  to.set_ip_address(from.ip);
  to.set_details(from.details);
}

void fill(wire::FailedInstanceRequest& to, const FailedGroupRequest& from) {
  to.set_ray_node_type_name(from.group);
  to.set_count(saturated(from.count));
  to.set_reason(from.reason);
  to.set_start_ts(seconds_of(from.started_at));
  to.set_failed_ts(seconds_of(from.failed_at));
}

Result<std::string> encoded(const GetResourceState&) { return std::string{}; }

Result<std::string> encoded(const AutoscalingReport& report) {
  wire::ReportAutoscalingStateRequest message;
  wire::AutoscalingState& state = *message.mutable_autoscaling_state();
  state.set_last_seen_cluster_resource_state_version(report.seen_version);
  state.set_autoscaler_state_version(report.state_version);
  for (const auto& request : report.pending_requests)
    fill(*state.add_pending_instance_requests(), request);
  for (const auto& pod : report.pending_pods) fill(*state.add_pending_instances(), pod);
  for (const auto& failed : report.failed_requests)
    fill(*state.add_failed_instance_requests(), failed);
  for (const auto& request : report.infeasible_requests)
    fill(*state.add_infeasible_resource_requests(), request);
  for (const auto& gang : report.infeasible_gangs)
    fill(*state.add_infeasible_gang_resource_requests(), gang);
  for (const auto& constraint : report.infeasible_constraints)
    fill(*state.add_infeasible_cluster_resource_constraints(), constraint);
  return message.SerializeAsString();
}

Result<std::string> encoded(const ClusterShape& shape) {
  wire::ReportClusterConfigRequest message;
  for (const ClusterShape::Group& group : shape.groups) {
    wire::NodeGroupConfig& added = *message.mutable_cluster_config()->add_node_group_configs();
    for (const auto& [name, units] : group.resources)
      (*added.mutable_resources())[name] =
          static_cast<std::uint64_t>(std::max(units, ResourceUnits{0}) / k_units_per_whole);
    added.set_min_count(static_cast<std::uint32_t>(saturated(group.pods_min)));
    added.set_max_count(saturated(group.pods_max));
    added.set_name(group.name);
  }
  return message.SerializeAsString();
}

Result<std::string> encoded(const DrainRequest& drain) {
  if (!is_node_id(drain.node_id))
    return fail(ErrorCode::InvalidInput, "is no node id", printable(drain.node_id));
  wire::DrainNodeRequest message;
  message.set_node_id(bytes_of(drain.node_id));
  message.set_reason(static_cast<int>(drain.reason));
  message.set_reason_message(drain.message);
  if (drain.deadline) message.set_deadline_timestamp_ms(drain.deadline->milliseconds);
  return message.SerializeAsString();
}

std::string framed(const std::string& message) {
  std::string frame(1, '\0');  // not compressed
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    frame += static_cast<char>(message.size() >> shift & 0xFFU);
  return frame + message;
}

}  // namespace

Result<std::string> encode(const GcsRequest& request) {
  return std::visit([](const auto& body) { return encoded(body); }, request.body);
}

Result<HttpRequest> render_call(const GcsRequest& request, Duration time_max,
                                const std::string& token) {
  HttpRequest call;
  call.method = "POST";
  call.http2 = true;
  call.url = TRY(render_origin(request.address)) + "/ray.rpc.autoscaler.AutoscalerStateService/" +
             method_of(request);
  call.headers = {{"Content-Type", "application/grpc"},
                  {"TE", "trailers"},
                  {"grpc-accept-encoding", "identity"},
                  {"grpc-timeout", std::to_string(time_max.count()) + "m"}};
  if (!token.empty()) call.headers["Authorization"] = "Bearer " + token;
  call.body = framed(TRY(encode(request)));
  call.deadline = time_max;
  return call;
}

}  // namespace ray_gitops::ray
