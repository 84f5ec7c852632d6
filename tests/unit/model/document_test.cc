#include "reconcilers/model/document.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

TEST(Document, is_null_when_nobody_gave_a_value) { EXPECT_TRUE(Document{}.is_null()); }

TEST(Document, leaves_out_what_need_not_be_kept_once_it_has_been_seen) {
  std::string seen;
  const auto document =
      Document::parse(R"({"meta": {"a": {"n": 0}}, "items": [{"n": 1}, {"n": {"m": 2}}, 3]})",
                      [&](int depth, const std::string& key, const nlohmann::json& value) {
                        if (depth != 2 || key != "items") return true;
                        seen += value.dump();
                        return false;
                      });
  ASSERT_TRUE(document);
  EXPECT_EQ(seen, R"({"n":1}{"n":{"m":2}})");
  EXPECT_EQ(document->canonical(), R"({"items":[3],"meta":{"a":{"n":0}}})");
}

TEST(Document, is_equal_when_its_json_is) {
  const auto left = Document::parse(R"({"b": 1, "a": [true, null]})");
  const auto right = Document::parse(R"({ "a":[ true,null ], "b":1 })");
  ASSERT_TRUE(left && right);
  EXPECT_EQ(*left, *right);
  EXPECT_EQ(left->canonical(), R"({"a":[true,null],"b":1})");
  EXPECT_EQ(left->canonical(), right->canonical());
  EXPECT_FALSE(*left == Document{});
}

TEST(Document, refuses_what_is_not_json) {
  for (const char* text : {"", "{", "nul", "{\"a\":}", "[1,]", "\"\xff\"", "1 2", "{'a':1}"}) {
    const auto document = Document::parse(text);
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().code, ErrorCode::InvalidInput);
  }
}

TEST(Document, refuses_what_is_nested_too_deeply) {
  EXPECT_TRUE(Document::parse(nested(k_json_depth_max)));
  const auto deep = Document::parse(nested(k_json_depth_max + 1));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::LimitExceeded);
  EXPECT_FALSE(Document::parse(std::string(1000000, '[')));
}

TEST(Document, writes_strings_that_are_no_utf8_without_failing) {
  EXPECT_EQ(Document(nlohmann::json("a\xff")).canonical(), "\"a\xef\xbf\xbd\"");
}

TEST(Document, gives_an_answer_for_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const auto document = Document::parse(text);
    if (document) RC_ASSERT(*Document::parse(document->canonical()) == *document);
  }));
}

TEST(Digest, is_sha256) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, is_cut_for_names_and_prefixed_for_keeping) {
  EXPECT_EQ(short_hash("abc", 8), "ba7816bf");
  EXPECT_EQ(short_hash("abc", 64), sha256_hex("abc"));
  EXPECT_EQ(stored_hash("abc"), "v1:ba7816bf8f01cfea414140de5dae2223");
}

}  // namespace
}  // namespace ray_gitops
