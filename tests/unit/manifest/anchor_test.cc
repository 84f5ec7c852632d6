#include "reconcilers/manifest/anchor.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "reconcilers/manifest/compression.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/view.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Declaration declaration_of(Json document) {
  Declaration declaration;
  declaration.key = {Kind::RayCluster, "team", "demo"};
  declaration.document = Document(std::move(document));
  declaration.provenance = {.commit = "c0ffee", .path = "clusters/demo.yaml", .line = 3};
  declaration.spec_hash = "v1:abc";
  return declaration;
}

// What a cluster serves of an object that we wrote.
ConfigMapView live(const Document& body) {
  Json json = body.json();
  json["metadata"]["uid"] = "u1";
  json["metadata"]["resourceVersion"] = "7";
  return std::get<ConfigMapView>(parse_view(ResourceType::ConfigMap, json).value());
}

TEST(Anchor, gives_back_what_it_was_made_from) {
  const Declaration declaration = declaration_of({{"spec", {{"rayVersion", "2.53.0"}}}});
  const ClusterState state{.incarnation = 4,
                           .scaling = Document{{{"targets", {{"small", {{"replicas", 2}}}}}}}};
  const ConfigMapView anchor = live(anchor_body(declaration, state, "prod").value());
  EXPECT_EQ(anchored_document(anchor).value(), declaration.document);
  EXPECT_EQ(anchored_key(anchor).value(), declaration.key);
  EXPECT_EQ(anchored_provenance(anchor).commit, "c0ffee");
  EXPECT_EQ(anchored_provenance(anchor).path, "clusters/demo.yaml");
  EXPECT_EQ(anchored_state(anchor), state);
  EXPECT_EQ(anchor.spec_hash, "v1:abc");
  EXPECT_EQ(anchor.meta.agent, "prod");
  EXPECT_EQ(anchor.meta.key, anchor_key(declaration.key));
}

TEST(Anchor, is_the_same_bytes_for_the_same_declaration) {
  const Declaration declaration = declaration_of({{"spec", {{"rayVersion", "2.53.0"}}}});
  EXPECT_EQ(anchor_body(declaration, {}, "prod")->canonical(),
            anchor_body(declaration, {}, "prod")->canonical());
}

std::string noise(std::size_t bytes) {
  std::string text;
  std::uint32_t seed = 1;
  while (text.size() < bytes) {
    seed = seed * 1664525U + 1013904223U;
    text += static_cast<char>('0' + (seed >> 24U) % 75U);
  }
  return text;
}

TEST(Anchor, refuses_a_document_that_it_cannot_hold) {
  EXPECT_TRUE(anchor_body(declaration_of({{"text", std::string(4000000, 'x')}}), {}, "prod"));
  const auto body =
      anchor_body(declaration_of({{"text", noise(2 * k_anchor_document_bytes_max)}}), {}, "prod");
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().code, ErrorCode::LimitExceeded);
  EXPECT_EQ(body.error().where, "RayCluster/team/demo");
}

TEST(Anchor, that_was_edited_into_something_else_has_no_document) {
  ConfigMapView anchor = live(anchor_body(declaration_of({{"a", 1}}), {}, "prod").value());
  for (const std::string& bytes : {std::string(), std::string("{}"), compress("not json"),
                                   compress("{\"a\":"), compress(std::string(9000000, ' '))}) {
    anchor.document = bytes;
    EXPECT_FALSE(anchored_document(anchor)) << bytes.size();
  }
}

TEST(Anchor, whose_labels_and_name_disagree_has_no_key) {
  const ConfigMapView good = live(anchor_body(declaration_of({}), {}, "prod").value());
  ConfigMapView other_kind = good;
  other_kind.anchor_kind = "RayJob";
  ConfigMapView no_kind = good;
  no_kind.anchor_kind = "Deployment";
  ConfigMapView other_name = good;
  other_name.anchor_name = "other";
  for (const ConfigMapView& anchor : {other_kind, no_kind, other_name}) {
    const auto key = anchored_key(anchor);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::InvalidInput);
  }
}

TEST(ClusterState, is_the_initial_one_when_it_cannot_be_read) {
  ConfigMapView anchor = live(anchor_body(declaration_of({}), {}, "prod").value());
  for (const char* state : {"", "{", "null", "7", "[]", "{}", R"({"incarnation":"2"})",
                            R"({"incarnation":2.5})", R"({"incarnation":-3})",
                            R"({"incarnation":0})", R"({"incarnation":18446744073709551615})"}) {
    anchor.state = state;
    EXPECT_EQ(anchored_state(anchor), ClusterState{}) << state;
  }
}

TEST(ClusterState, can_always_be_counted_on) {
  ConfigMapView anchor = live(anchor_body(declaration_of({}), {}, "prod").value());
  anchor.state = R"({"incarnation":9223372036854775807})";
  EXPECT_LT(anchored_state(anchor).incarnation, std::numeric_limits<std::int64_t>::max());
}

AgentState some_state() {
  AgentState state;
  state.repository = "https://git.example/team/ray.git#main";
  state.accepted_commit = std::string(40, 'a');
  state.hold_id = "0123456789ab";
  state.held = {{Kind::RayCluster, "a", "one"}, {Kind::RayCluster, "a", "two"}};
  state.removals = {{Kind::RayCluster, "b", "three"}};
  state.companions = {{Kind::Namespace, "", "a"}, {Kind::ConfigMap, "a", "code"}};
  return state;
}

TEST(AgentState, is_read_back_as_it_was_written) {
  const ResourceKey key = agent_anchor_key("system", "prod");
  for (const AgentState& state : {some_state(), AgentState{}}) {
    const ConfigMapView anchor = live(agent_anchor_body(key, state, "prod"));
    EXPECT_EQ(agent_state(anchor).value(), state);
    EXPECT_EQ(anchor.anchor_kind, "Agent");
    EXPECT_EQ(anchor.meta.key, key);
  }
}

// What was accepted would be forgotten, and with it the guard against going back.
TEST(AgentState, that_does_not_say_what_was_accepted_is_refused) {
  ConfigMapView anchor = live(agent_anchor_body(agent_anchor_key("s", "p"), some_state(), "p"));
  const Json good = Json::parse(anchor.state);
  for (const char* text : {"", "{", "null", "[]", "7", "{}"}) {
    anchor.state = text;
    EXPECT_FALSE(agent_state(anchor)) << text;
  }
  for (const char* member :
       {"repository", "acceptedCommit", "holdId", "held", "removals", "companions"})
    for (const Json& wrong : {Json(), Json(7), Json("x"), Json::object(), Json::array({7}),
                              Json::array({Json{{"kind", "Deployment"}}})}) {
      Json state = good;
      if (state[member].type() == wrong.type() && !wrong.is_array()) continue;
      state[member] = wrong;
      anchor.state = state.dump();
      EXPECT_FALSE(agent_state(anchor)) << member << " " << wrong;
    }
}

TEST(AgentState, with_a_companion_that_is_none_is_refused) {
  AgentState state = some_state();
  state.companions = {{Kind::RayCluster, "a", "one"}};
  EXPECT_FALSE(agent_state(live(agent_anchor_body(agent_anchor_key("s", "p"), state, "p"))));
}

TEST(AgentState, gives_an_answer_for_any_bytes) {
  ConfigMapView anchor = live(agent_anchor_body(agent_anchor_key("s", "p"), some_state(), "p"));
  EXPECT_TRUE(rc::check([&anchor](const std::string& state, const std::string& document) {
    anchor.state = state;
    anchor.document = document;
    static_cast<void>(agent_state(anchor));
    static_cast<void>(anchored_state(anchor));
    static_cast<void>(anchored_document(anchor));
  }));
}

}  // namespace
}  // namespace ray_gitops
