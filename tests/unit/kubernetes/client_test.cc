#include "agent/kubernetes/client.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "agent/kubernetes/requests.h"
#include "agent/kubernetes/sender.h"
#include "agent/kubernetes/watch_stream.h"
#include "tests/unit/loop/loopback_server.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops::kubernetes {
namespace {

using Json = nlohmann::json;
using test::run_until;
using test::SeenRequest;
using ExchangePtr = std::shared_ptr<test::Exchange>;

const ResourceKey k_pod{ResourceType::Pod, "default", "p"};

Json pod(const std::string& name, const std::string& version = "1") {
  return {{"kind", "Pod"},
          {"metadata",
           {{"name", name},
            {"namespace", "default"},
            {"uid", "u-" + name},
            {"resourceVersion", version}}}};
}

Json pod_list(const std::vector<std::string>& names, const std::string& continue_token = {}) {
  Json list{{"kind", "PodList"},
            {"metadata", {{"resourceVersion", "42"}, {"continue", continue_token}}},
            {"items", Json::array()}};
  for (const std::string& name : names) list["items"].push_back(pod(name));
  return list;
}

std::string status(int code, const std::string& reason, const std::string& message = "said so") {
  return Json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}}.dump();
}

std::string event_line(const std::string& type, const Json& object) {
  return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

// A client and the scripted server it talks to.
struct Rig {
  explicit Rig(test::LoopbackServer::Script script) : server(loop, std::move(script)) {
    options.connection.server = server.url();
    options.connection.token = "sesame";
    options.agent_id = "a1";
    options.user_agent = "ray-gitops/test";
  }
  KubernetesClient& api() {
    if (!client)
      client.emplace(loop, options,
                     [this](engine::Event event) { events.push_back(std::move(event)); });
    return *client;
  }
  bool wait_for_events(std::size_t count) {
    return run_until(loop, [&] { return events.size() >= count; });
  }
  template <class T>
  const T& only_event() {
    EXPECT_TRUE(wait_for_events(1));
    EXPECT_EQ(events.size(), 1U);
    return std::get<T>(events.at(0));
  }

  Loop loop;
  test::LoopbackServer server;
  ClientOptions options;
  std::optional<KubernetesClient> client;
  std::vector<engine::Event> events;
};

Action action(Verb verb, Json body = Json(), Preconditions preconditions = {}) {
  Action made;
  made.verb = verb;
  made.target = k_pod;
  made.body = Document{std::move(body)};
  made.preconditions = std::move(preconditions);
  return made;
}

// The answer to a write that the server answers with this status and body.
Result<std::optional<ResourceView>> write_answered(const Action& asked, int code,
                                                   const std::string& body,
                                                   SeenRequest* seen = nullptr) {
  Rig rig{[&](const SeenRequest& request, const ExchangePtr& exchange) {
    if (seen != nullptr) *seen = request;
    exchange->answer(code, body);
  }};
  rig.api().send_write({7, asked});
  const auto& answered = rig.only_event<engine::WriteAnswered>();
  EXPECT_EQ(answered.write_id, 7U);
  return answered.object;
}

Result<std::optional<ResourceView>> read_answered(int code, const std::string& body) {
  Rig rig{[&](const SeenRequest& request, const ExchangePtr& exchange) {
    EXPECT_EQ(request.method + request.target, "GET/api/v1/namespaces/default/pods/p");
    exchange->answer(code, body);
  }};
  rig.api().send_read({k_pod});
  return rig.only_event<engine::ReadAnswered>().object;
}

TEST(List, asks_for_the_agents_objects_of_all_namespaces_with_credentials) {
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->answer(200, pod_list({"a", "b"}).dump());
  }};
  rig.api().start_list({ResourceType::Pod});
  const auto& list = rig.only_event<engine::ListCompleted>();
  EXPECT_EQ(list.objects.size(), 2U);
  EXPECT_EQ(list.resource_version, "42");
  const SeenRequest& seen = rig.server.requests().at(0);
  EXPECT_EQ(seen.target, "/api/v1/pods?labelSelector=ray-gitops.io%2Fagent%3Da1&limit=500");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer sesame");
  EXPECT_EQ(seen.headers.at("user-agent"), "ray-gitops/test");
}

TEST(List, of_leases_goes_to_their_api_group_and_may_be_empty) {
  Rig rig{[](const SeenRequest& request, const ExchangePtr& exchange) {
    EXPECT_TRUE(request.target.starts_with("/apis/coordination.k8s.io/v1/leases?"));
    exchange->answer(200,
                     R"({"kind":"LeaseList","metadata":{"resourceVersion":"1"},"items":null})");
  }};
  rig.api().start_list({ResourceType::Lease});
  EXPECT_TRUE(rig.only_event<engine::ListCompleted>().objects.empty());
}

TEST(List, of_one_namespace_says_so_in_its_answer_as_its_watch_does) {
  Rig rig{[](const SeenRequest& request, const ExchangePtr& exchange) {
    EXPECT_TRUE(request.target.starts_with("/api/v1/namespaces/blue/pods?")) << request.target;
    if (request.target.find("&watch=1") == std::string::npos)
      return exchange->answer(200, pod_list({"a"}).dump());
    exchange->answer(200, event_line("ADDED", pod("a")));
  }};
  rig.api().start_list({ResourceType::Pod, "blue"});
  EXPECT_EQ(rig.only_event<engine::ListCompleted>().ns, "blue");
  rig.events.clear();
  rig.api().start_watch({ResourceType::Pod, "4", "blue"});
  ASSERT_TRUE(rig.wait_for_events(2));
  EXPECT_EQ(std::get<engine::WatchChanged>(rig.events[0]).ns, "blue");
  EXPECT_EQ(std::get<engine::WatchEnded>(rig.events[1]).ns, "blue");
}

TEST(List, follows_its_pages) {
  Rig rig{[](const SeenRequest& request, const ExchangePtr& exchange) {
    const bool first = request.target.find("&continue=") == std::string::npos;
    EXPECT_TRUE(first || request.target.ends_with("&continue=a%2Fb%3D"));
    exchange->answer(200, (first ? pod_list({"a"}, "a/b=") : pod_list({"b"})).dump());
  }};
  rig.api().start_list({ResourceType::Pod});
  EXPECT_EQ(rig.only_event<engine::ListCompleted>().objects.size(), 2U);
}

TEST(List, is_never_partial) {
  const std::vector<std::string> bad_pages = {
      status(500, "InternalError"),
      "{}",
      pod_list({"b"}).dump().substr(0, 60),
      "null",
      R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}]})",
      R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":"x"})",
      R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[3]})",
      R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":{"a":{}}})",
      R"({"kind":"PodList","metadata":{},"items":[]})",
      R"({"kind":"SecretList","metadata":{"resourceVersion":"1"},"items":[]})"};
  for (const std::string& second : bad_pages) {
    Rig rig{[&](const SeenRequest& request, const ExchangePtr& exchange) {
      const bool first = request.target.find("&continue=") == std::string::npos;
      const bool is_error = !first && second.find("InternalError") != std::string::npos;
      exchange->answer(is_error ? 500 : 200, first ? pod_list({"a"}, "more").dump() : second);
    }};
    rig.api().start_list({ResourceType::Pod});
    EXPECT_EQ(rig.only_event<engine::WatchEnded>().error.code, ErrorCode::Unavailable) << second;
  }
}

TEST(List, starts_again_when_the_server_forgot_the_page) {
  int expired = 0;
  Rig rig{[&](const SeenRequest& request, const ExchangePtr& exchange) {
    const bool first = request.target.find("&continue=") == std::string::npos;
    if (first) return exchange->answer(200, pod_list({"a"}, "more").dump());
    if (++expired <= 2) return exchange->answer(410, status(410, "Expired"));
    exchange->answer(200, pod_list({"b"}).dump());
  }};
  rig.api().start_list({ResourceType::Pod});
  EXPECT_EQ(rig.only_event<engine::ListCompleted>().objects.size(), 2U);
}

TEST(List, gives_up_on_a_server_that_always_forgets) {
  Rig rig{[](const SeenRequest& request, const ExchangePtr& exchange) {
    const bool first = request.target.find("&continue=") == std::string::npos;
    if (first) return exchange->answer(200, pod_list({"a"}, "more").dump());
    exchange->answer(410, status(410, "Expired"));
  }};
  rig.api().start_list({ResourceType::Pod});
  EXPECT_EQ(rig.only_event<engine::WatchEnded>().error.code, ErrorCode::Expired);
  EXPECT_EQ(rig.server.requests().size(), 2U * (k_list_restarts_max + 1));
}

TEST(Watch, gives_events_also_when_lines_are_cut_anywhere) {
  const std::string text = event_line("ADDED", pod("a", "5")) +
                           event_line("DELETED", pod("a", "6")) +
                           event_line("BOOKMARK", {{"metadata", {{"resourceVersion", "9"}}}});
  Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->begin(200);
    for (std::size_t from = 0; from < text.size(); from += 7) exchange->piece(text.substr(from, 7));
    exchange->end();
  }};
  rig.api().start_watch({ResourceType::Pod, "4"});
  ASSERT_TRUE(rig.wait_for_events(4));
  const auto& added = std::get<engine::WatchChanged>(rig.events[0]);
  EXPECT_FALSE(added.deleted);
  EXPECT_EQ(meta_of(added.object).resource_version, "5");
  EXPECT_TRUE(std::get<engine::WatchChanged>(rig.events[1]).deleted);
  EXPECT_EQ(std::get<engine::WatchBookmark>(rig.events[2]).resource_version, "9");
  EXPECT_EQ(std::get<engine::WatchEnded>(rig.events[3]).error.code, ErrorCode::Unavailable);
  EXPECT_EQ(rig.server.requests().at(0).target,
            "/api/v1/pods?labelSelector=ray-gitops.io%2Fagent%3Da1&watch=1"
            "&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=4");
}

TEST(Watch, delivers_an_event_before_the_stream_goes_on) {
  ExchangePtr open;
  Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->begin(200);
    open = exchange;
  }};
  rig.api().start_watch({ResourceType::Pod, "4"});
  ASSERT_TRUE(run_until(rig.loop, [&] { return open != nullptr; }));
  open->piece(event_line("ADDED", pod("a")) + R"({"type":"ADD)");
  ASSERT_TRUE(rig.wait_for_events(1));
  open->cut();
  ASSERT_TRUE(rig.wait_for_events(2));
  EXPECT_EQ(std::get<engine::WatchEnded>(rig.events[1]).error.code, ErrorCode::Unavailable);
}

TEST(Watch, that_is_too_old_is_expired_both_ways) {
  for (const bool as_event : {true, false}) {
    Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
      const std::string expired = status(410, "Expired", "too old resource version");
      if (as_event)
        exchange->answer(200, R"({"type":"ERROR","object":)" + expired + "}\n");
      else
        exchange->answer(410, expired);
    }};
    rig.api().start_watch({ResourceType::Pod, "1"});
    const auto& ended = rig.only_event<engine::WatchEnded>();
    EXPECT_EQ(ended.error.code, ErrorCode::Expired);
    EXPECT_EQ(ended.error.message, "too old resource version");
    EXPECT_EQ(ended.error.where, "pods");
  }
}

TEST(Watch, ends_at_what_is_no_event) {
  for (const std::string line : {"{\"type\":\"ADDED\",\"object\":{}}\n", "garbage\n", "<html>\n"}) {
    Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
      exchange->begin(200);
      exchange->piece(line + event_line("ADDED", pod("a")));
    }};
    rig.api().start_watch({ResourceType::Pod, "1"});
    EXPECT_EQ(rig.only_event<engine::WatchEnded>().error.code, ErrorCode::Unavailable) << line;
  }
}

TEST(Watch, ends_at_a_line_over_the_limit) {
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->begin(200);
    exchange->piece(std::string(k_watch_line_bytes_max + 1, 'x'));
  }};
  rig.api().start_watch({ResourceType::Pod, "1"});
  EXPECT_EQ(rig.only_event<engine::WatchEnded>().error.code, ErrorCode::LimitExceeded);
}

TEST(Write, creates_with_a_post_to_the_collection) {
  SeenRequest seen;
  const auto answer =
      write_answered(action(Verb::Create, pod("p")), 201, pod("p", "8").dump(), &seen);
  ASSERT_TRUE(answer && answer->has_value());
  EXPECT_EQ(meta_of(**answer).resource_version, "8");
  EXPECT_EQ(seen.method + seen.target,
            "POST/api/v1/namespaces/default/pods?fieldManager=ray-gitops");
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  EXPECT_EQ(Json::parse(seen.body), pod("p"));
}

TEST(Write, applies_with_our_field_manager_and_without_force) {
  SeenRequest seen;
  EXPECT_TRUE(write_answered(action(Verb::Apply, pod("p")), 200, pod("p").dump(), &seen));
  EXPECT_EQ(seen.method + seen.target,
            "PATCH/api/v1/namespaces/default/pods/p?fieldManager=ray-gitops");
  EXPECT_EQ(seen.headers.at("content-type"), "application/apply-patch+yaml");
}

TEST(Write, replaces_only_the_version_it_knows) {
  SeenRequest seen;
  Json body = pod("p");
  body["metadata"].erase("uid");
  body["metadata"].erase("resourceVersion");
  EXPECT_TRUE(write_answered(action(Verb::Replace, body, {.uid = "u9", .resource_version = "77"}),
                             200, pod("p").dump(), &seen));
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(Json::parse(seen.body)["metadata"]["resourceVersion"], "77");
  EXPECT_EQ(Json::parse(seen.body)["metadata"]["uid"], "u9");
}

TEST(Write, deletes_with_preconditions_in_the_background) {
  SeenRequest seen;
  const Action asked = action(Verb::Delete, Json(), {.uid = "u9", .resource_version = "77"});
  const auto gone = write_answered(asked, 200, status(200, "").c_str(), &seen);
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->has_value());
  EXPECT_EQ(seen.method + seen.target, "DELETE/api/v1/namespaces/default/pods/p");
  EXPECT_EQ(Json::parse(seen.body), Json::parse(R"({"apiVersion":"v1","kind":"DeleteOptions",
              "preconditions":{"uid":"u9","resourceVersion":"77"},
              "propagationPolicy":"Background"})"));
  Json going = pod("p");
  going["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z";
  const auto leaving = write_answered(asked, 200, going.dump());
  ASSERT_TRUE(leaving && leaving->has_value());
  EXPECT_TRUE(meta_of(**leaving).terminating);
}

TEST(Write, tells_errors_apart) {
  struct Case {
    int code;
    std::string body;
    ErrorCode expected;
  };
  const std::vector<Case> cases{
      {400, status(400, "BadRequest"), ErrorCode::Rejected},
      {401, status(401, "Unauthorized"), ErrorCode::Unauthenticated},
      {403, status(403, "Forbidden"), ErrorCode::Forbidden},
      {404, status(404, "NotFound"), ErrorCode::NotFound},
      {404, "404 page not found", ErrorCode::Unavailable},
      {409, status(409, "AlreadyExists"), ErrorCode::AlreadyExists},
      {409, status(409, "Conflict"), ErrorCode::Conflict},
      {409, "", ErrorCode::Conflict},
      {410, status(410, "Gone"), ErrorCode::Rejected},  // Expired: not sent
      {422, status(422, "Invalid"), ErrorCode::Rejected},
      {429, status(429, "TooManyRequests"), ErrorCode::TooManyRequests},
      {500, status(500, "InternalError"), ErrorCode::Unavailable},
      {500, status(500, "", "failed to create typed patch object (x): .spec.y: field not declared"),
       ErrorCode::Rejected},
      {503, "<html>", ErrorCode::Unavailable},
      {301, "", ErrorCode::Unavailable},
      {200, "", ErrorCode::Unavailable},
      {200, pod("p").dump().substr(0, 40), ErrorCode::Unavailable},
      {200, "{}", ErrorCode::Unavailable}};
  for (const Case& each : cases) {
    const auto answer = write_answered(action(Verb::Apply, pod("p")), each.code, each.body);
    ASSERT_FALSE(answer) << each.code << each.body;
    EXPECT_EQ(answer.error().code, each.expected) << each.code << each.body;
    EXPECT_EQ(answer.error().where, "Pod/default/p");
    const bool is_told = each.body.find("said so") != std::string::npos;
    EXPECT_EQ(answer.error().message == "said so", is_told) << answer.error().message;
  }
}

TEST(Write, meant_for_an_object_that_is_gone_is_a_conflict) {
  HttpResponse response;
  response.status = 422;
  response.body = R"({"kind": "Status", "reason": "Invalid", "message": "field is immutable",
                      "details": {"causes": [{"field": "metadata.uid"}]}})";
  EXPECT_EQ(parse_error(response, ResourceType::Pod).code, ErrorCode::Conflict);
}

TEST(Write, of_a_secret_does_not_repeat_what_the_server_quotes) {
  HttpResponse response;
  response.status = 422;
  response.body = status(422, "Invalid", "data.password: Invalid value: \"hunter2\"");
  const Error error = parse_error(response, ResourceType::Secret);
  EXPECT_EQ(error.code, ErrorCode::Rejected);
  EXPECT_EQ(error.message, "the server answers 422 Invalid");
}

TEST(Write, whose_answer_is_lost_is_unavailable) {
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->send_bytes("HTTP/1.1 201 -\r\nContent-Length: 900\r\n\r\n{\"kind\"");
    exchange->cut();
  }};
  rig.api().send_write({1, action(Verb::Create, pod("p"))});
  const auto& answered = rig.only_event<engine::WriteAnswered>();
  ASSERT_FALSE(answered.object);
  EXPECT_EQ(answered.object.error().code, ErrorCode::Unavailable);
}

TEST(Write, to_no_valid_place_is_refused_without_a_request) {
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) { exchange->answer(200, "{}"); }};
  std::uint64_t id = 0;
  for (const ResourceKey& key :
       {ResourceKey{ResourceType::Pod, "", "p"}, ResourceKey{ResourceType::Pod, "..", "p"},
        ResourceKey{ResourceType::Pod, "default", ""}, ResourceKey{ResourceType::Pod, "d", ".."}}) {
    Action asked = action(Verb::Delete);
    asked.target = key;
    rig.api().send_write({++id, asked});
    rig.api().send_read({key});
    EXPECT_TRUE(rig.events.empty()) << "answered from within the call";
    ASSERT_TRUE(rig.wait_for_events(2));
    EXPECT_EQ(std::get<engine::WriteAnswered>(rig.events[0]).object.error().code,
              ErrorCode::InvalidInput);
    EXPECT_FALSE(std::get<engine::ReadAnswered>(rig.events[1]).object);
    rig.events.clear();
  }
  EXPECT_TRUE(rig.server.requests().empty());
}

TEST(Write, encodes_names_so_that_they_stay_one_part_of_the_path) {
  const auto request = render_read({ResourceType::Pod, "a/../b", "c?d#e f"});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->target, "/api/v1/namespaces/a%2F..%2Fb/pods/c%3Fd%23e%20f");
}

TEST(Read, tells_an_object_its_absence_and_not_knowing_apart) {
  const auto found = read_answered(200, pod("p").dump());
  ASSERT_TRUE(found && found->has_value());
  const auto absent = read_answered(404, status(404, "NotFound"));
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent->has_value());
  EXPECT_FALSE(read_answered(404, "404 page not found"));
  EXPECT_FALSE(read_answered(403, status(403, "Forbidden")));
  EXPECT_FALSE(read_answered(500, ""));
}

TEST(Requests, in_flight_are_bounded_and_leases_go_first) {
  std::vector<ExchangePtr> open;
  Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) { open.push_back(exchange); }};
  for (std::size_t i = 0; i < k_requests_in_flight_first + 3; ++i) rig.api().send_read({k_pod});
  ASSERT_TRUE(run_until(rig.loop, [&] { return open.size() == k_requests_in_flight_first; }));
  rig.api().send_read({{ResourceType::Lease, "default", "leader"}});
  rig.api().start_watch({ResourceType::Pod, "1"});
  ASSERT_TRUE(run_until(rig.loop, [&] { return open.size() == k_requests_in_flight_first + 2; }));
  for (const ExchangePtr& exchange : std::vector(open)) exchange->answer(200, pod("p").dump());
  EXPECT_TRUE(run_until(rig.loop, [&] { return open.size() == k_requests_in_flight_first + 5; }));
}

TEST(Requests, beyond_the_queue_are_refused) {
  Rig rig{[](const SeenRequest&, const ExchangePtr&) {}};
  for (std::size_t i = 0; i < k_requests_waiting_max + 1; ++i) rig.api().send_read({k_pod});
  ASSERT_TRUE(rig.wait_for_events(1));
  EXPECT_EQ(std::get<engine::ReadAnswered>(rig.events[0]).object.error().code,
            ErrorCode::LimitExceeded);
  EXPECT_EQ(rig.events.size(), 1U);
}

TEST(Requests, carry_the_token_that_is_in_its_file_now) {
  std::string name = std::filesystem::temp_directory_path() / "rg-token-XXXXXX";
  const std::filesystem::path folder = mkdtemp(name.data());
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->answer(200, pod("p").dump());
  }};
  rig.options.connection.token.clear();
  rig.options.connection.token_file = folder / "token";
  rig.api().send_read({k_pod});
  ASSERT_TRUE(rig.wait_for_events(1));
  EXPECT_EQ(std::get<engine::ReadAnswered>(rig.events[0]).object.error().code,
            ErrorCode::Unauthenticated);
  for (const std::string token : {"first", "second"}) {
    std::ofstream{folder / "token"} << token << "\n";
    rig.api().send_read({k_pod});
    ASSERT_TRUE(rig.wait_for_events(rig.events.size() + 1));
    EXPECT_EQ(rig.server.requests().back().headers.at("authorization"), "Bearer " + token);
  }
  std::filesystem::remove_all(folder);
}

TEST(Client, may_go_while_everything_is_pending) {
  std::size_t arrived = 0;
  Rig rig{[&](const SeenRequest&, const ExchangePtr&) { ++arrived; }};
  rig.api().start_list({ResourceType::Pod});
  rig.api().start_watch({ResourceType::Pod, "1"});
  ASSERT_TRUE(run_until(rig.loop, [&] { return arrived == 2; }));
  rig.api().send_read({k_pod});
  rig.api().send_read({{ResourceType::Pod, "", ""}});
  rig.client.reset();
  bool later = false;
  rig.loop.add_timer(Duration{20}, [&] { later = true; });
  ASSERT_TRUE(run_until(rig.loop, [&] { return later; }));
  EXPECT_TRUE(rig.events.empty());
}

}  // namespace
}  // namespace ray_gitops::kubernetes
