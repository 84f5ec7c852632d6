#include "agent/ray/serve.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/ray/answers.h"
#include "agent/ray/text.h"

namespace ray_gitops::ray {
namespace {

using Json = nlohmann::json;
using Replicas = std::map<std::string, int>;

HttpResponse response(int status, const std::string& body) {
  return {.status = status, .headers = {{"content-type", "text/plain"}}, .body = body};
}

Result<RayReply> reply(RayVerb verb, int status, const std::string& body) {
  RayRequest request;
  request.verb = verb;
  return parse_reply(request, response(status, body));
}

Result<RayReply> serve_reply(const Json& answer) {
  return reply(RayVerb::GetServe, 200, answer.dump());
}

ServeInfo info_of(const Json& answer) {
  const auto answered = serve_reply(answer);
  EXPECT_TRUE(answered) << describe(answered.error());
  EXPECT_TRUE(answered && answered->serve);
  return answered && answered->serve ? *answered->serve : ServeInfo{};
}

Error error_of(const Json& answer) {
  const auto answered = serve_reply(answer);
  EXPECT_FALSE(answered) << answer.dump().substr(0, 200);
  return answered ? Error{} : answered.error();
}

// As Ray 2.60 answers, without what is of no use here.

Json before_the_first_configuration() {
  return Json::parse(
      R"({"controller_info":{},"proxies":{},"applications":{},"target_capacity":null})");
}

Json proxy(const std::string& ip, const std::string& status) {
  return {{"node_id", "7248"},
          {"node_ip", ip},
          {"actor_name", "SERVE_PROXY_ACTOR-7248"},
          {"log_file_path", "/serve/proxy_" + ip + ".log"},
          {"status", status}};
}

Json replica(const std::string& state) {
  return {{"node_ip", "10.93.0.11"},
          {"actor_name", "SERVE_REPLICA::hello#Hello#eg6rvah2"},
          {"replica_id", "eg6rvah2"},
          {"state", state},
          {"pid", 25431},
          {"start_time_s", 1'795'549'544.268}};
}

Json application(const std::string& status, const std::string& message, const Json& deployments) {
  return {{"name", "hello"},
          {"route_prefix", "/"},
          {"docs_path", nullptr},
          {"status", status},
          {"message", message},
          {"last_deployed_time_s", 1'795'549'542.9},
          {"deployed_app_config", {{"name", "hello"}, {"import_path", "app:app"}}},
          {"source", "declarative"},
          {"deployments", deployments},
          {"deployment_topology", nullptr}};
}

// Two nodes, a second replica on its way, and with it the proxy of its node.
Json deploying() {
  const Json hello{{"name", "Hello"},
                   {"status", "UPDATING"},
                   {"status_trigger", "CONFIG_UPDATE_STARTED"},
                   {"message", ""},
                   {"deployment_config", {{"num_replicas", "auto"}}},
                   {"target_num_replicas", 2},
                   {"replicas", {replica("RUNNING"), replica("STARTING")}},
                   {"recent_dead_replicas", {replica("STOPPED")}}};
  return {{"controller_info", {{"node_ip", "10.93.0.11"}}},
          {"http_options", {{"host", "0.0.0.0"}, {"request_timeout_s", nullptr}}},
          {"proxies",
           {{"7248", proxy("10.93.0.11", "HEALTHY")}, {"a4d9", proxy("10.93.0.12", "STARTING")}}},
          {"applications", {{"hello", application("DEPLOYING", "", {{"Hello", hello}})}}},
          {"target_capacity", nullptr},
          {"restores_unset_config_options", true}};
}

Json running() {
  Json answer = deploying();
  answer["proxies"]["a4d9"]["status"] = "HEALTHY";
  Json& hello = answer["applications"]["hello"];
  hello["status"] = "RUNNING";
  hello["deployments"]["Hello"]["status"] = "HEALTHY";
  hello["deployments"]["Hello"]["replicas"] = {replica("RUNNING"), replica("RUNNING")};
  return answer;
}

const std::string k_no_module =
    "Deploying app 'a' failed with exception:\nTraceback (most recent call last):\n"
    "  File \"/ray/serve/_private/application_state.py\", line 926, in _reconcile\n"
    "ray.exceptions.RayTaskError(RuntimeError): \x1b[36mray::build_serve_application()\x1b[39m\n"
    "  File \"<frozen importlib._bootstrap>\", line 1142, in _find_and_load_unlocked\n"
    "ModuleNotFoundError: No module named 'missing'\n";

const std::string k_constructor =
    "The deployment failed to start 3 times in a row. This may be due to a problem with its "
    "constructor or initial health check failing. See controller logs for details. Error:\n"
    "\x1b[36mray::ServeReplica:b:Broken.initialize_and_get_metadata()\x1b[39m (pid=26252)\n"
    "  File \"/code/app.py\", line 11, in __init__\n"
    "ValueError: no model at s3://x";

TEST(Serve, that_was_never_started_runs_nothing) {
  const ServeInfo info = info_of(before_the_first_configuration());
  EXPECT_EQ(info, ServeInfo{});
  EXPECT_FALSE(is_serving(info));
}

TEST(Serve, says_which_replicas_are_on_their_way) {
  const ServeInfo info = info_of(deploying());
  ASSERT_TRUE(info.applications.contains("hello"));
  const ServeApplication& hello = info.applications.at("hello");
  EXPECT_EQ(hello.status, ServeApplicationStatus::Deploying);
  EXPECT_EQ(hello.message, "");
  EXPECT_EQ(hello.deployments.at("Hello").status, "UPDATING");
  EXPECT_EQ(hello.deployments.at("Hello").replicas, (Replicas{{"RUNNING", 1}, {"STARTING", 1}}));
  EXPECT_EQ(info.proxies, (std::set<std::string>{"10.93.0.11"}));
}

TEST(Serve, says_where_it_answers) {
  const ServeInfo info = info_of(running());
  EXPECT_TRUE(is_serving(info));
  EXPECT_EQ(info.applications.at("hello").deployments.at("Hello").replicas,
            (Replicas{{"RUNNING", 2}}));
  EXPECT_EQ(info.proxies, (std::set<std::string>{"10.93.0.11", "10.93.0.12"}));
  Json answer = running();
  for (const char* status : {"STARTING", "UNHEALTHY", "DRAINING", "DRAINED", "SOMETHING", ""}) {
    answer["proxies"]["a4d9"]["status"] = status;
    EXPECT_EQ(info_of(answer).proxies, (std::set<std::string>{"10.93.0.11"})) << status;
  }
}

TEST(Serve, counts_replicas_of_more_states_than_there_are_together) {
  Json answer = running();
  Json replicas = Json::array();
  for (char letter = 'A'; letter <= 'Z'; ++letter)
    replicas.push_back(replica(std::string("STATE_") + letter));
  answer["applications"]["hello"]["deployments"]["Hello"]["replicas"] = std::move(replicas);
  const Replicas counted =
      info_of(answer).applications.at("hello").deployments.at("Hello").replicas;
  EXPECT_EQ(counted.size(), k_serve_replica_states_max + 1);
  EXPECT_EQ(counted.at("UNKNOWN"), 26 - static_cast<int>(k_serve_replica_states_max));
}

TEST(Serve, keeps_what_says_why_an_application_failed) {
  Json answer = running();
  const Json broken{{"status", "DEPLOY_FAILED"},
                    {"status_trigger", "REPLICA_STARTUP_FAILED"},
                    {"message", k_constructor},
                    {"replicas", Json::array()}};
  answer["applications"]["a"] = application("DEPLOY_FAILED", k_no_module, Json::object());
  answer["applications"]["b"] = application(
      "DEPLOY_FAILED", "Failed to update the deployments ['Broken'].", {{"Broken", broken}});
  const ServeInfo info = info_of(answer);
  EXPECT_FALSE(is_serving(info));
  EXPECT_EQ(info.applications.at("hello").status, ServeApplicationStatus::Running);
  const ServeApplication& a = info.applications.at("a");
  EXPECT_EQ(a.status, ServeApplicationStatus::DeployFailed);
  EXPECT_EQ(a.message, k_no_module);
  // The exception of a constructor stands with the deployment only.
  const ServeApplication& b = info.applications.at("b");
  EXPECT_EQ(b.message, "Failed to update the deployments ['Broken'].\n" + k_constructor);
  EXPECT_EQ(b.deployments.at("Broken").status, "DEPLOY_FAILED");
  EXPECT_TRUE(b.deployments.at("Broken").replicas.empty());
}

TEST(Serve, has_nothing_to_say_of_a_deployment_that_is_well) {
  Json answer = running();
  answer["applications"]["hello"]["deployments"]["Hello"]["message"] = "was upscaled once";
  EXPECT_EQ(info_of(answer).applications.at("hello").message, "");
}

TEST(Serve, has_each_of_rays_application_statuses_and_no_other) {
  const std::vector<std::pair<std::string, ServeApplicationStatus>> known{
      {"NOT_STARTED", ServeApplicationStatus::NotStarted},
      {"DEPLOYING", ServeApplicationStatus::Deploying},
      {"DEPLOY_FAILED", ServeApplicationStatus::DeployFailed},
      {"RUNNING", ServeApplicationStatus::Running},
      {"UNHEALTHY", ServeApplicationStatus::Unhealthy},
      {"DELETING", ServeApplicationStatus::Deleting}};
  Json answer = running();
  Json& status = answer["applications"]["hello"]["status"];
  for (const auto& [name, value] : known) {
    status = name;
    EXPECT_EQ(info_of(answer).applications.at("hello").status, value) << name;
  }
  for (const Json& unknown : {Json("PAUSED\x1b[31m"), Json("running"), Json(), Json(3)}) {
    status = unknown;
    const Error error = error_of(answer);
    EXPECT_EQ(error.code, ErrorCode::Unavailable);
    EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  }
}

TEST(Serve, names_states_as_ray_spells_them_or_unknown) {
  Json answer = running();
  Json& hello = answer["applications"]["hello"]["deployments"]["Hello"];
  for (const Json& odd : {Json("running"), Json("RUNNING "), Json(""), Json(7), Json(),
                          Json(std::string(33, 'A')), Json("\x1b[31m")}) {
    hello["status"] = odd;
    hello["replicas"] = {{{"state", odd}}, {{"state", "PENDING_MIGRATION"}}, 7};
    const ServeInfo info = info_of(answer);
    const ServeDeployment& read = info.applications.at("hello").deployments.at("Hello");
    EXPECT_EQ(read.status, "UNKNOWN") << odd;
    EXPECT_EQ(read.replicas, (Replicas{{"UNKNOWN", 2}, {"PENDING_MIGRATION", 1}})) << odd;
  }
}

TEST(Serve, keeps_the_end_of_a_long_message_from_a_whole_character_on) {
  Json answer = running();
  Json& hello = answer["applications"]["hello"];
  std::string log;
  while (log.size() < 3 * k_message_bytes_max) log += "\u20ac";
  hello["message"] = log;
  hello["deployments"]["Hello"]["status"] = "UNHEALTHY";
  hello["deployments"]["Hello"]["message"] = log + "ValueError: no such bucket";
  const std::string message = info_of(answer).applications.at("hello").message;
  EXPECT_LE(message.size(), k_message_bytes_max);
  EXPECT_GT(message.size(), k_message_bytes_max - 3);
  EXPECT_NE(static_cast<unsigned char>(message[0]) & 0xC0U, 0x80U);
  EXPECT_TRUE(message.ends_with("ValueError: no such bucket"));
}

TEST(Serve, is_read_up_to_its_limits) {
  Json applications = Json::object();
  for (std::size_t number = 0; number < k_serve_applications_max; ++number)
    applications[std::to_string(number)] = {{"status", "RUNNING"}};
  Json deployments = Json::object();
  for (std::size_t number = 0; number < k_serve_deployments_max; ++number)
    deployments[std::to_string(number)] = Json::object();
  applications["0"]["deployments"] = deployments;
  const ServeInfo info = info_of({{"applications", applications}});
  EXPECT_EQ(info.applications.size(), k_serve_applications_max);
  EXPECT_EQ(info.applications.at("0").deployments.size(), k_serve_deployments_max);

  Json more = applications;
  more["one"] = {{"status", "RUNNING"}};
  EXPECT_EQ(error_of({{"applications", more}}).message,
            "the head answered with too many applications (more than 200)");
  applications["0"]["deployments"]["one"] = Json::object();
  EXPECT_EQ(error_of({{"applications", applications}}).message,
            "the head answered with too many deployments (more than 200)");
  const std::string longest(k_serve_name_bytes_max, 'x');
  EXPECT_TRUE(serve_reply({{"applications", {{longest, {{"status", "RUNNING"}}}}}}));
  EXPECT_EQ(error_of({{"applications", {{longest + "x", {{"status", "RUNNING"}}}}}}).code,
            ErrorCode::Unavailable);
}

TEST(Serve, may_leave_out_all_but_the_applications_and_their_statuses) {
  for (const Json& nothing : {Json(), Json(3), Json("x"), Json::array({1})}) {
    Json answer{{"applications", {{"hello", {{"status", "RUNNING"}, {"message", nothing}}}}},
                {"proxies", nothing}};
    const ServeInfo info = info_of(answer);
    EXPECT_TRUE(is_serving(info));
    EXPECT_TRUE(info.proxies.empty());
    answer["applications"]["hello"]["deployments"] = {{"Hello", nothing}};
    EXPECT_EQ(info_of(answer).applications.at("hello").deployments.at("Hello").status, "UNKNOWN");
  }
  Json odd_proxies = running();
  odd_proxies["proxies"] = {{"a", 1}, {"b", {{"status", "HEALTHY"}}}, {"c", proxy("", "HEALTHY")}};
  EXPECT_TRUE(info_of(odd_proxies).proxies.empty());
}

TEST(Serve, that_is_not_told_whole_is_no_answer) {
  for (const Json& odd :
       {Json::object(), Json{{"applications", nullptr}}, Json{{"applications", Json::array()}},
        Json{{"applications", {{"hello", nullptr}}}},
        Json{{"applications", {{"hello", {{"status", "RUNNING"}, {"deployments", "x"}}}}}}})
    EXPECT_EQ(error_of(odd).code, ErrorCode::Unavailable) << odd;
}

TEST(Configuration, that_ray_takes_is_answered_with_nothing) {
  EXPECT_TRUE(reply(RayVerb::PutServe, 200, ""));
  for (const char* body : {"{}", "<html>log in</html>", " "})
    EXPECT_EQ(reply(RayVerb::PutServe, 200, body).error().code, ErrorCode::Unavailable) << body;
  EXPECT_EQ(reply(RayVerb::PutServe, 500, "json.decoder.JSONDecodeError: x").error().code,
            ErrorCode::Unavailable);
  EXPECT_EQ(reply(RayVerb::PutServe, 404, "404: Not Found").error().code, ErrorCode::Unavailable);
}

TEST(Configuration, that_ray_refuses_says_why_without_the_value) {
  const auto refused = reply(
      RayVerb::PutServe, 400,
      "2 validation errors for ServeDeploySchema\n"
      "applications.0.import_path\n"
      "  Input should be a valid string [type=string_type, input_value=3, input_type=int]\n"
      "    For further information visit https://errors.pydantic.dev/2.14/v/string_type\n"
      "applications.1.import_path\n"
      "  Field required [type=missing, input_value={'password': 'hunter2'}, input_type=dict]\n"
      "    For further information visit https://errors.pydantic.dev/2.14/v/missing");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Rejected);
  EXPECT_EQ(refused.error().message, "applications.1.import_path: Field required");
  EXPECT_EQ(reply(RayVerb::PutServe, 400, "ValueError: no\n").error().message, "ValueError: no");
  EXPECT_EQ(reply(RayVerb::PutServe, 400, "\n.\n").error().message, "Ray refuses the request");
  EXPECT_EQ(
      reply(RayVerb::PutServe, 400, "For further information visit https://errors.pydantic.dev/x")
          .error()
          .code,
      ErrorCode::Rejected);
  const auto lengthy = reply(RayVerb::PutServe, 400,
                             std::string(9000, 'x') + "\n" + std::string(9000, 'y') +
                                 "\nFor further information visit https://errors.pydantic.dev/x");
  EXPECT_LE(lengthy.error().message.size(), k_quoted_bytes_max);
}

TEST(Garbage, about_serve_is_no_answer) {
  const std::string deep(100'000, '[');
  for (const std::string& body :
       {std::string(), std::string("not json"), std::string("null"), std::string("[]"),
        std::string(R"({"applications":{"a":{"status":"RUNNING","message":")") + '\xff' + "\"}}}",
        deep})
    EXPECT_EQ(reply(RayVerb::GetServe, 200, body).error().code, ErrorCode::Unavailable)
        << body.substr(0, 40);
}

}  // namespace
}  // namespace ray_gitops::ray
