#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

// A Serve configuration as a block of YAML; its lines are not indented.
std::string indented(const std::string& config) {
  std::string text = "    ";
  for (const char letter : config)
    text += letter == '\n' ? std::string("\n    ") : std::string(1, letter);
  return text + "\n";
}

RayServiceSpec spec_of_config(const std::string& config) {
  const ParsedFile file = parse(service(indented(config)));
  const auto& declaration = file.documents.at(0).declaration;
  EXPECT_TRUE(declaration.has_value()) << config << listed(file.diagnostics);
  return declaration ? std::get<RayServiceSpec>(declaration->spec) : RayServiceSpec{};
}

// "ServeField line 2 of serveConfigV2: ..." of each.
std::string findings_of(const std::string& config, const std::string& cluster = {}) {
  std::string text;
  for (const Diagnostic& diagnostic : parse(service(indented(config), cluster)).diagnostics)
    text += (text.empty() ? "" : "\n") + diagnostic.rule + " " + diagnostic.found;
  return text;
}

std::string rules_of(const std::string& config, const std::string& cluster = {}) {
  std::string rules;
  for (const Diagnostic& diagnostic : parse(service(indented(config), cluster)).diagnostics)
    rules += (rules.empty() ? "" : ", ") + diagnostic.rule;
  return rules;
}

// One application; `more` are its last members, ", key: value".
std::string application(const std::string& more) {
  return "applications: [{import_path: 'a:b'" + more + "}]";
}

std::string deployment(const std::string& more) {
  return application(", deployments: [{name: D" + more + "}]");
}

TEST(ServeConfig, keeps_the_types_of_its_values) {
  const RayServiceSpec spec = spec_of_config(
      "applications:\n- import_path: a:b\n  args: {a: 1, b: 0.5, c: true, d: null, e: '1', f: "
      "yes,\n"
      "    g: 2.52.0, h: 0x10, i: [1, x], j: '', k: -3, l: 1e-3}\n");
  EXPECT_EQ(spec.serve_config.json().at("applications").at(0).at("args"),
            Json::parse(R"({"a":1,"b":0.5,"c":true,"d":null,"e":"1","f":"yes","g":"2.52.0",
                            "h":16,"i":[1,"x"],"j":"","k":-3,"l":0.001})"));
  EXPECT_TRUE(spec.serve_config_digest.starts_with("v1:"));
}

TEST(ServeConfig, names_its_applications) {
  EXPECT_EQ(spec_of_config("applications:\n- {import_path: 'a:b', route_prefix: /a}\n"
                           "- {name: x, import_path: 'a:b'}\n")
                .applications,
            (std::set<std::string>{"default", "x"}));
}

TEST(ServeConfig, has_another_digest_when_it_says_something_else) {
  const auto digest = [](const std::string& config) {
    return spec_of_config(config).serve_config_digest;
  };
  const std::string plain = digest(application(", args: {a: 1, b: 2}"));
  EXPECT_EQ(digest("# a remark\n" + application(",   args:  {b: 2, a: 1}")), plain);
  EXPECT_EQ(digest("applications:\n- args:\n    a: 1\n    b: 2\n  import_path: a:b"), plain);
  EXPECT_NE(digest(application(", args: {a: '1', b: 2}")), plain);
  EXPECT_NE(digest(application(", args: {a: 1}")), plain);
}

TEST(ServeConfig, takes_everything_that_ray_knows) {
  EXPECT_EQ(findings_of(
                "proxy_location: HeadOnly\nhttp_options: {port: 8000}\ngrpc_options: {port: 9000}\n"
                "logging_config: {log_level: INFO}\ncontroller_options: {}\ntracing_config: null\n"
                "target_capacity: 50\n" +
                application(
                    ", name: a, route_prefix: null, runtime_env: {}, args: {x: y}, logging_config: "
                    "{}, autoscaling_policy: {}, external_scaler_enabled: false, deployments: "
                    "[{name: D, num_replicas: auto, max_ongoing_requests: 5, max_queued_requests: "
                    "5, user_config: null, autoscaling_config: {min_replicas: 1}, "
                    "graceful_shutdown_wait_loop_s: 2, graceful_shutdown_timeout_s: 20, "
                    "health_check_period_s: 10, health_check_timeout_s: 30, ray_actor_options: "
                    "{num_cpus: 0.1}, placement_group_bundles: [{CPU: 1}], "
                    "placement_group_strategy: PACK, max_replicas_per_node: 2, logging_config: {}, "
                    "request_router_config: {}, backpressure_config: {}, deployment_actors: [], "
                    "gang_scheduling_config: null, placement_group_bundle_label_selector: [], "
                    "rolling_update_percentage: 0.2, max_surge_percent: 0}]")),
            "");
}

TEST(ServeConfig, has_no_field_that_ray_would_pass_over) {
  EXPECT_EQ(findings_of("bogus: 1\n" + application("")),
            "ServeField line 1 of serveConfigV2: `bogus` is not a field of a Serve configuration; "
            "Ray would pass over it");
  EXPECT_EQ(findings_of("applications:\n- import_path: a:b\n  route: /x"),
            "ServeField line 3 of serveConfigV2: `route` is not a field of an application; Ray "
            "would pass over it");
  EXPECT_EQ(rules_of(application(", host: 0.0.0.0, port: 8000")), "ServeField, ServeField");
  EXPECT_EQ(rules_of(deployment(", replicas: 3")), "ServeField");
  EXPECT_EQ(rules_of(deployment(", max_concurrent_queries: 3")), "ServeField");
}

// What Ray passes on is the user's and of any form.
TEST(ServeConfig, may_have_any_members_in_what_ray_passes_on) {
  EXPECT_EQ(rules_of(application(", args: {bogus: 1}, runtime_env: {bogus: 1}")), "");
  EXPECT_EQ(rules_of(deployment(", user_config: {bogus: 1}, ray_actor_options: {bogus: 1}, "
                                "autoscaling_config: {bogus: 1}")),
            "");
  EXPECT_EQ(rules_of("http_options: {bogus: 1}\n" + application("")), "");
}

TEST(ServeConfig, has_mappings_where_ray_wants_them) {
  EXPECT_EQ(findings_of(application(", args: [1]")),
            "ServeConfig line 1 of serveConfigV2: `args` is not a mapping");
  for (const char* field : {"user_config", "ray_actor_options", "autoscaling_config"})
    EXPECT_EQ(rules_of(deployment(std::string(", ") + field + ": x")), "ServeConfig") << field;
  EXPECT_EQ(rules_of("http_options: 8000\n" + application("")), "ServeConfig");
}

TEST(ServeConfig, of_a_ray_that_is_not_known_may_have_other_fields) {
  const std::string config = "bogus: 1\n" + application("");
  for (const char* version : {"2.12.0", "2.60.3"})
    EXPECT_EQ(rules_of(config, std::string("    rayVersion: ") + version + "\n"),
              "ServeField, RayVersionMismatch")
        << version;
  for (const char* version : {"2.61.0", "2.9.0", "3.0.0"}) {
    const ParsedFile file =
        parse(service(indented(config), std::string("    rayVersion: ") + version + "\n"));
    EXPECT_TRUE(file.documents.at(0).declaration.has_value()) << version;
    EXPECT_NE(listed(file.diagnostics)
                  .find("warning demo.yaml:6:3 ServeField: line 1 of "
                        "serveConfigV2: `bogus` is not a field of a Serve "
                        "configuration in Ray 2.60; make sure"),
              std::string::npos)
        << listed(file.diagnostics);
  }
}

TEST(ServeConfig, has_an_application) {
  for (const char* config :
       {"{}", "applications: []", "applications: null", "applications: {a: b}", "applications: x"})
    EXPECT_EQ(rules_of(config), "ServeConfig") << config;
  EXPECT_EQ(rules_of("applications: [x]"), "ServeApplication");
  const std::string empty = "  serveConfigV2: ''\n";
  std::string text = service();
  text.replace(text.find("  serveConfigV2"), 24 + k_application.size() - 5, empty);
  EXPECT_EQ(listed(parse(text).diagnostics),
            "error demo.yaml:6:18 ServeConfig: there is no Serve configuration; write "
            "serveConfigV2 with at least one application\n");
}

TEST(ServeConfig, is_a_yaml_mapping) {
  EXPECT_EQ(findings_of("- a"), "ServeConfig serveConfigV2 is not a YAML mapping");
  EXPECT_EQ(findings_of("# nothing"),
            "ServeConfig line 1 of serveConfigV2: text that holds no value");
  EXPECT_EQ(rules_of("applications: ["), "ServeConfig");
  EXPECT_EQ(findings_of("applications: []\napplications: []").substr(0, 39),
            "ServeConfig line 2 of serveConfigV2: th");
}

TEST(ServeConfig, has_proxies) {
  EXPECT_EQ(rules_of("proxy_location: Disabled\n" + application("")), "ServeConfig");
  EXPECT_EQ(rules_of("proxy_location: EveryNode\n" + application("")), "");
}

TEST(ServeConfig, says_where_each_application_is) {
  EXPECT_EQ(rules_of("applications: [{name: a}]"), "ServeApplication");
  for (const char* path : {"''", "a", "a.", ".a", "':a'", "'a:'", "'a:b:c'", "7", "null"})
    EXPECT_EQ(rules_of(std::string("applications: [{import_path: ") + path + "}]"),
              "ServeApplication")
        << path;
  for (const char* path : {"'a:b'", "a.b", "a.b.c", "'ray.serve.llm:build_openai_app'"})
    EXPECT_EQ(rules_of(std::string("applications: [{import_path: ") + path + "}]"), "") << path;
}

TEST(ServeConfig, gives_each_application_a_name_of_its_own) {
  const auto two = [](const std::string& first, const std::string& second) {
    return rules_of("applications: [{import_path: 'a:b', route_prefix: /a" + first +
                    "}, {import_path: 'a:b', route_prefix: /b" + second + "}]");
  };
  EXPECT_EQ(two(", name: x", ", name: y"), "");
  EXPECT_EQ(two("", ", name: y"), "");
  EXPECT_EQ(two(", name: x", ", name: x"), "ServeApplication");
  EXPECT_EQ(two("", ""), "ServeApplication");
  EXPECT_EQ(two("", ", name: default"), "ServeApplication");
  for (const char* name : {"''", "7", "null", "[a]"})
    EXPECT_EQ(rules_of(application(std::string(", name: ") + name)), "ServeApplication") << name;
}

TEST(ServeConfig, gives_each_application_a_route_of_its_own) {
  const auto two = [](const std::string& first, const std::string& second) {
    return rules_of("applications: [{import_path: 'a:b', name: x" + first +
                    "}, {import_path: 'a:b', name: y" + second + "}]");
  };
  EXPECT_EQ(two("", ", route_prefix: /y"), "");
  EXPECT_EQ(two(", route_prefix: null", ", route_prefix: null"), "");
  EXPECT_EQ(two("", ""), "ServeApplication");
  EXPECT_EQ(two("", ", route_prefix: /"), "ServeApplication");
  EXPECT_EQ(two(", route_prefix: /a", ", route_prefix: /a"), "ServeApplication");
  for (const char* route : {"a", "''", "/a/", "'/{x}'", "7", "[/a]"})
    EXPECT_EQ(rules_of(application(std::string(", route_prefix: ") + route)), "ServeApplication")
        << route;
  for (const char* route : {"/", "/a", "/a/b"})
    EXPECT_EQ(rules_of(application(std::string(", route_prefix: ") + route)), "") << route;
}

TEST(ServeConfig, lists_deployments_by_name) {
  EXPECT_EQ(rules_of(application(", deployments: []")), "");
  EXPECT_EQ(rules_of(application(", deployments: {name: D}")), "ServeApplication");
  EXPECT_EQ(rules_of(application(", deployments: [{num_replicas: 1}]")), "ServeApplication");
  EXPECT_EQ(rules_of(application(", deployments: [D]")), "ServeApplication");
  EXPECT_EQ(rules_of(application(", deployments: [{name: D}, {name: E}]")), "");
  EXPECT_EQ(rules_of(application(", deployments: [{name: D}, {name: D}]")), "ServeApplication");
}

// Ray answers 400 to a path: only a driver can upload folders of its own.
TEST(ServeConfig, refuses_paths_in_runtime_environments) {
  const auto rules = [](const std::string& environment) {
    const std::string both =
        rules_of(application(", runtime_env: " + environment)) + "|" +
        rules_of(deployment(", ray_actor_options: {runtime_env: " + environment + "}"));
    return both;
  };
  for (const char* bad :
       {"{working_dir: ./}", "{working_dir: /srv/code}", "{py_modules: ['s3://a/b.zip', lib]}"})
    EXPECT_EQ(rules(bad), "ServeRuntimeEnvironment|ServeRuntimeEnvironment") << bad;
  for (const char* good : {"{working_dir: 'local:///srv/code'}", "{env_vars: {PYTHONPATH: /srv}}",
                           "{working_dir: 'https://h/a.zip', py_modules: ['gs://a/b.zip']}"})
    EXPECT_EQ(rules(good), "|") << good;
}

TEST(ServeConfig, of_any_text_gets_an_answer) {
  EXPECT_TRUE(rc::check([] {
    const auto words = *rc::gen::container<std::vector<std::string>>(
        rc::gen::elementOf(std::vector<std::string>{"applications",
                                                    "name",
                                                    "route_prefix",
                                                    "deployments",
                                                    ": ",
                                                    "\n",
                                                    "  ",
                                                    "- ",
                                                    "[",
                                                    "]",
                                                    "{",
                                                    "}",
                                                    ", ",
                                                    "a:b",
                                                    "/",
                                                    "null",
                                                    "7",
                                                    "'",
                                                    "import_path",
                                                    "&a ",
                                                    "*a",
                                                    "---\n",
                                                    "runtime_env",
                                                    "http_options",
                                                    "port"}));
    std::string config;
    for (const std::string& word : words) config += word;
    const Json document{
        {"apiVersion", "ray.io/v1"},
        {"kind", "RayService"},
        {"metadata", {{"name", "fruit"}}},
        {"spec",
         {{"serveConfigV2", config},
          {"rayClusterConfig",
           {{"headGroupSpec",
             {{"template",
               {{"spec",
                 {{"containers", Json::array({Json{{"name", "h"}, {"image", "i"}}})}}}}}}}}}}}};
    const Result<Declaration> declaration = parse_document(Document(document), {"", "f.yaml", 1});
    if (declaration) RC_ASSERT(!std::get<RayServiceSpec>(declaration->spec).applications.empty());
  }));
}

}  // namespace
}  // namespace ray_gitops::test
