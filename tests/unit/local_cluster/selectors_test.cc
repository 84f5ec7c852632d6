#include "agent/local_cluster/store/selectors.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

struct Case {
  const char* selector;
  bool matches;
};

TEST(LabelSelector, follows_the_grammar_of_kubernetes) {
  const json object{{"metadata", {{"labels", {{"app", "ray"}, {"tier", "head"}, {"empty", ""}}}}}};
  const Case cases[] = {
      {"", true},
      {"app=ray", true},
      {"app==ray", true},
      {"app = ray", true},
      {"app!=ray", false},
      {"missing!=ray", true},
      {"app=ray,tier=worker", false},
      {"app in (ray, other),tier", true},
      {"app in (other)", false},
      {"app notin (other)", true},
      {"missing notin (a,b)", true},
      {"!missing", true},
      {"!app", false},
      {"missing", false},
      {"empty=", true},
  };
  for (const Case& one : cases) {
    const auto selector = parse_label_selector(one.selector);
    ASSERT_TRUE(selector.has_value()) << one.selector;
    EXPECT_EQ(matches(*selector, object), one.matches) << one.selector;
  }
}

TEST(LabelSelector, refuses_what_it_cannot_read) {
  for (const char* text : {"a in b", "=x", "a>b", "a in (", ",", "a,,b", "a!b", "a b"})
    EXPECT_EQ(parse_label_selector(text).has_value(), false) << text;
}

TEST(FieldSelector, looks_at_the_few_fields_of_its_type) {
  const json pod{{"metadata", {{"name", "p"}, {"namespace", "d"}}},
                 {"spec", {{"nodeName", "n"}}},
                 {"status", {{"phase", "Running"}}}};
  EXPECT_TRUE(matches(*parse_field_selector("metadata.name=p,spec.nodeName=n", "pods"), pod));
  EXPECT_FALSE(matches(*parse_field_selector("status.phase!=Running", "pods"), pod));
  EXPECT_FALSE(parse_field_selector("spec.nodeName=n", "configmaps").has_value());
  EXPECT_FALSE(parse_field_selector("metadata.name", "pods").has_value());
}

}  // namespace
}  // namespace ray_gitops::local_cluster
