#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "agent/ray/gcs/decode.h"
#include "agent/ray/gcs/encode.h"

namespace ray_gitops::ray {
namespace {

const std::string k_id(56, '1');

std::string bytes_of(const std::string& hexadecimal) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hexadecimal.size(); at += 2)
    bytes += static_cast<char>(std::stoi(hexadecimal.substr(at, 2), nullptr, 16));
  return bytes;
}

// Version 7; one IDLE node; three times {CPU: 1} pending; session "s".
const std::string k_state =
    bytes_of("0a6908071a4c0a1c" + k_id +
             "1203702d311a0167220e0a0343505511000000000000f03f2a0e0a0343505511000000000000f03f4003"
             "48c8dc0322140a100a0e0a0343505511000000000000f03f10033a0173");

template <class Body>
GcsRequest request_of(Body body) {
  GcsRequest request;
  request.address = "10.0.0.7:6379";
  request.body = std::move(body);
  return request;
}

Result<GcsReply> decode_state(std::string_view message) {
  return decode(request_of(GetResourceState{}), message);
}

// A field of bytes, as protobuf writes it.
std::string field(unsigned number, const std::string& bytes) {
  std::string text;
  const auto varint = [&](std::size_t value) {
    for (; value > 127; value >>= 7U) text += static_cast<char>((value & 127U) | 128U);
    text += static_cast<char>(value);
  };
  varint(number << 3U | 2U);
  varint(bytes.size());
  return text + bytes;
}

std::string repeated(unsigned number, const std::string& bytes, std::size_t count) {
  std::string one = field(number, bytes);
  std::string all;
  all.reserve(one.size() * count);
  for (std::size_t index = 0; index < count; ++index) all += one;
  return all;
}

std::string node_with_id(std::size_t index) {
  std::string id(k_node_id_bytes, 'x');
  for (std::size_t at = 0; at < sizeof(index); ++at) id[at] = static_cast<char>(index >> 8U * at);
  return field(1, id);
}

ErrorCode code_of(const std::string& cluster_state) {
  const auto reply = decode_state(field(1, cluster_state));
  return reply ? ErrorCode::Internal : reply.error().code;
}

TEST(GcsCodec, reads_the_state_that_ray_sends) {
  const auto reply = decode_state(k_state);
  ASSERT_TRUE(reply) << describe(reply.error());
  RayResourceState expected;
  expected.session = "s";
  expected.version = 7;
  RayNode node;
  node.node_id = k_id;
  node.instance_id = "p-1";
  node.group = "g";
  node.status = RayNodeStatus::Idle;
  node.total = node.available = {{"CPU", k_units_per_whole}};
  node.idle = Duration{61'000};
  expected.nodes = {node};
  expected.pending[{{{"CPU", k_units_per_whole}}, {}, {}}] = 3;
  EXPECT_EQ(std::get<RayResourceState>(*reply), expected);
}

TEST(GcsCodec, writes_the_requests_that_ray_reads) {
  EXPECT_EQ(encode(request_of(GetResourceState{})).value(), "");
  DrainRequest drain;
  drain.node_id = k_id;
  drain.message = "idle";
  EXPECT_EQ(encode(request_of(drain)).value(), bytes_of("0a1c" + k_id + "10011a0469646c65"));
  AutoscalingReport report;
  report.seen_version = 7;
  report.state_version = 9;
  report.pending_requests = {{"g", 2, {}}};
  report.infeasible_requests = {{{{"GPU", 8 * k_units_per_whole}}, {}, {}}};
  EXPECT_EQ(encode(request_of(report)).value(),
            bytes_of("0a1d080710091a05120167180222100a0e0a03475055110000000000002040"));
  const ClusterShape shape{{{"g", {{"CPU", 2 * k_units_per_whole}}, 1, 3}}};
  EXPECT_EQ(encode(request_of(shape)).value(),
            bytes_of("0a121a100a070a0343505510021001180322") + bytes_of("0167"));
}

TEST(GcsCodec, asks_for_no_drain_of_what_is_no_node_id) {
  for (const std::string& id : {std::string{}, k_id + "11", std::string(56, 'g')}) {
    DrainRequest drain;
    drain.node_id = id;
    EXPECT_EQ(encode(request_of(drain)).error().code, ErrorCode::InvalidInput);
  }
}

TEST(GcsCodec, frames_a_call) {
  const HttpRequest call = render_call(request_of(GetResourceState{}), Duration{5'000}).value();
  EXPECT_EQ(call.method + " " + call.url,
            "POST http://10.0.0.7:6379/ray.rpc.autoscaler.AutoscalerStateService/"
            "GetClusterResourceState");
  EXPECT_EQ(call.body, std::string(5, '\0'));
  EXPECT_TRUE(call.http2);
  EXPECT_EQ(call.headers.at("TE"), "trailers") << "Ray refuses a call without it";
  EXPECT_EQ(call.headers.at("Content-Type"), "application/grpc");
  EXPECT_EQ(call.headers.at("grpc-timeout"), "5000m");
  EXPECT_EQ(call.deadline, Duration{5'000});
  DrainRequest drain;
  drain.node_id = k_id;
  const HttpRequest framed = render_call(request_of(drain), Duration{5'000}).value();
  EXPECT_EQ(framed.body.substr(0, 5), std::string("\0\0\0\0\x20", 5));
  EXPECT_EQ(framed.body.size(), 5U + 0x20);
}

TEST(GcsCodec, shows_the_token_where_there_is_one) {
  const auto header = [](const std::string& token) {
    const auto call = render_call(request_of(GetResourceState{}), Duration{5'000}, token).value();
    const auto found = call.headers.find("Authorization");
    return found == call.headers.end() ? std::string("none") : found->second;
  };
  EXPECT_EQ(header(""), "none");
  EXPECT_EQ(header("sesame"), "Bearer sesame");
}

TEST(GcsCodec, reads_the_answer_to_a_drain) {
  const auto drain = request_of(DrainRequest{});
  EXPECT_EQ(std::get<DrainReply>(decode(drain, bytes_of("0801")).value()), (DrainReply{true, {}}));
  EXPECT_EQ(std::get<DrainReply>(decode(drain, bytes_of("12026e6f")).value()),
            (DrainReply{false, "no"}));
  EXPECT_EQ(std::get<DrainReply>(decode(drain, "").value()), DrainReply{});
  EXPECT_FALSE(decode(drain, "\x12\x7f"));
}

TEST(GcsCodec, takes_an_empty_answer_to_a_report) {
  for (const GcsRequest& request : {request_of(AutoscalingReport{}), request_of(ClusterShape{})})
    EXPECT_TRUE(std::holds_alternative<std::monostate>(decode(request, "").value()));
}

TEST(GcsCodec, reads_selectors_and_leaves_out_those_that_ask_for_nothing) {
  const std::string zone = field(1, field(1, "zone") + "\x10\x01" + field(3, "b"));
  const std::string bundle = field(1, field(1, "CPU"));
  std::string state;
  for (const std::string& selectors : {std::string{}, field(3, ""), field(3, zone) + field(3, "")})
    state += field(4, field(1, bundle + selectors) + "\x10\x02");
  const auto demand = std::get<RayResourceState>(decode_state(field(1, state)).value()).pending;
  const ResourceRequest plain{{{"CPU", 0}}, {}, {}};
  const ResourceRequest chosen{
      {{"CPU", 0}}, {}, {{{"zone", LabelOperator::In, {"b"}}}, LabelSelector{}}};
  EXPECT_EQ(demand, (DemandCounts{{plain, 4}, {chosen, 2}}));
}

TEST(GcsCodec, leaves_out_demand_for_nothing_and_skips_what_it_does_not_know) {
  const std::string request = field(1, field(1, field(1, "CPU")));
  const std::string state =
      field(4, request) + field(4, request + "\x10\xff\xff\xff\xff\xff\xff" + "\xff\xff\xff\x01") +
      field(5, field(2, "a1:PACK|PENDING")) + field(6, "") + field(99, "later") + "\x9d\x06" +
      "abcd";
  const auto reply = decode_state(field(1, state) + field(2, "later"));
  ASSERT_TRUE(reply) << describe(reply.error());
  EXPECT_EQ(std::get<RayResourceState>(*reply), RayResourceState{});
}

TEST(GcsCodec, reads_gangs_from_both_places) {
  const std::string request = field(1, field(1, "CPU"));
  const std::string apart = field(1, request + field(2, field(1, field(1, "_PG_a1"))));
  const std::string gang = apart + apart + field(2, "a1:STRICT_SPREAD|PENDING") +
                           field(3, field(1, request) + field(1, request));
  const auto state = std::get<RayResourceState>(decode_state(field(1, field(5, gang))).value());
  ASSERT_EQ(state.gangs.size(), 1U);
  EXPECT_EQ(state.gangs[0].details, "a1:STRICT_SPREAD|PENDING");
  ASSERT_EQ(state.gangs[0].requests.size(), 2U);
  EXPECT_EQ(state.gangs[0].requests[0].placement.at(0).anti_affinity, (LabelPair{"_PG_a1", ""}));
  ASSERT_EQ(state.gangs[0].bundle_selectors.size(), 1U);
  EXPECT_EQ(state.gangs[0].bundle_selectors[0].size(), 2U);
}

TEST(GcsCodec, does_not_depend_on_the_order_of_nodes) {
  const std::string one = field(3, node_with_id(1));
  const std::string two = field(3, node_with_id(2));
  EXPECT_EQ(std::get<RayResourceState>(decode_state(field(1, one + two)).value()),
            std::get<RayResourceState>(decode_state(field(1, two) + field(1, one)).value()));
  EXPECT_EQ(code_of(one + two + one), ErrorCode::Unavailable);
  EXPECT_EQ(code_of(field(3, field(1, "short"))), ErrorCode::Unavailable);
}

TEST(GcsCodec, refuses_an_answer_with_more_than_its_limits) {
  std::string nodes;
  for (std::size_t index = 0; index <= k_ray_nodes_max; ++index)
    nodes += field(3, node_with_id(index));
  EXPECT_EQ(code_of(nodes), ErrorCode::LimitExceeded);
  std::string shapes;
  for (std::size_t index = 0; index <= k_demand_shapes_max; ++index)
    shapes += field(4, field(1, field(1, field(1, std::to_string(index)))) + "\x10\x01");
  EXPECT_EQ(code_of(shapes), ErrorCode::LimitExceeded);
  const std::string bundle = field(1, field(1, "CPU"));
  const std::string gang = field(1, bundle);
  EXPECT_EQ(code_of(repeated(5, gang, k_gangs_max + 1)), ErrorCode::LimitExceeded);
  EXPECT_EQ(code_of(field(5, repeated(1, bundle, k_gang_bundles_max + 1))),
            ErrorCode::LimitExceeded);
  const std::string large = field(5, repeated(1, bundle, k_gang_bundles_max));
  EXPECT_EQ(code_of(repeated(1, "", 0) + large + large + large + large + large + large + large +
                    large + large + large + large),
            ErrorCode::LimitExceeded);
  const std::string constraint = field(1, field(1, bundle) + "\x10\x01");
  EXPECT_EQ(code_of(repeated(6, constraint, k_constraints_max + 1)), ErrorCode::LimitExceeded);
}

TEST(GcsCodec, refuses_an_entry_that_is_too_long) {
  const auto padding = [](std::size_t bytes) { return field(99, std::string(bytes, 'a')); };
  EXPECT_EQ(code_of(field(3, node_with_id(1) + padding(k_node_bytes_max))),
            ErrorCode::LimitExceeded);
  EXPECT_EQ(code_of(field(4, padding(k_demand_bytes_max))), ErrorCode::LimitExceeded);
  EXPECT_EQ(code_of(field(5, padding(k_gang_bytes_max))), ErrorCode::LimitExceeded);
  EXPECT_EQ(code_of(field(6, padding(k_constraint_bytes_max))), ErrorCode::LimitExceeded);
}

TEST(GcsCodec, survives_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    static_cast<void>(decode_state(bytes));
    static_cast<void>(decode_state(field(1, bytes)));
    for (const unsigned number : {3U, 4U, 5U, 6U})
      static_cast<void>(decode_state(field(1, field(number, bytes))));
    static_cast<void>(decode(request_of(DrainRequest{}), bytes));
  }));
}

TEST(GcsCodec, survives_a_changed_state_and_takes_no_part_of_one) {
  EXPECT_TRUE(rc::check([] {
    std::string bytes = k_state;
    const auto at = *rc::gen::inRange<std::size_t>(1, bytes.size());
    RC_ASSERT(!decode_state(bytes.substr(0, at)));
    for (int changes = *rc::gen::inRange(1, 4); changes > 0; --changes)
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    const auto reply = decode_state(bytes);
    if (!reply) return;
    for (const RayNode& node : std::get<RayResourceState>(*reply).nodes)
      RC_ASSERT(is_node_id(node.node_id));
  }));
}

TEST(GcsCodec, drains_the_node_that_is_named) {
  EXPECT_TRUE(rc::check([] {
    DrainRequest drain;
    for (std::size_t index = 0; index < 2 * k_node_id_bytes; ++index)
      drain.node_id += *rc::gen::elementOf(std::string("0123456789abcdef"));
    const std::string message = encode(request_of(drain)).value();
    RC_ASSERT(message.substr(2, k_node_id_bytes) == bytes_of(drain.node_id));
  }));
}

}  // namespace
}  // namespace ray_gitops::ray
