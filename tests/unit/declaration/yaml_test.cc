#include <chrono>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/yaml_reader.h"
#include "reconcilers/declaration/yaml_scalar.h"
#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

YamlDocument read(const std::string& text) { return read_yaml({text, 1}, "demo.yaml"); }

TEST(YamlScalar, follows_the_core_schema) {
  EXPECT_EQ(parse_plain_scalar("true"), Json(true));
  EXPECT_EQ(parse_plain_scalar("FALSE"), Json(false));
  EXPECT_EQ(parse_plain_scalar("~"), Json());
  EXPECT_EQ(parse_plain_scalar(""), Json());
  for (const char* text : {"yes", "on", "off", "n", "tRue", "1.2.3", "2026-01-02", "1_000", "0b1",
                           "1:30", "-", "+", ".", "1e", "--1", "0x", "0xZ", "e5"})
    EXPECT_EQ(parse_plain_scalar(text), Json(text)) << text;
  EXPECT_EQ(parse_plain_scalar("012"), Json(12));
  EXPECT_EQ(parse_plain_scalar("0o17"), Json(15));
  EXPECT_EQ(parse_plain_scalar("0x1F"), Json(31));
  EXPECT_EQ(parse_plain_scalar("+7"), Json(7));
  EXPECT_EQ(parse_plain_scalar("-9223372036854775808"), Json(INT64_MIN));
  EXPECT_EQ(parse_plain_scalar(".5"), Json(0.5));
  EXPECT_EQ(parse_plain_scalar("2.50"), Json(2.5));
}

TEST(YamlScalar, makes_whole_numbers_integers_however_they_are_spelled) {
  for (const char* text : {"1000", "1000.0", "1e3", "+1.000E+3", "1000."}) {
    const auto json = parse_plain_scalar(text);
    ASSERT_TRUE(json.has_value()) << text;
    EXPECT_TRUE(json->is_number_integer()) << text;
    EXPECT_EQ(json->dump(), "1000") << text;
  }
}

TEST(YamlScalar, refuses_what_json_cannot_say) {
  for (const char* text :
       {".inf", "-.Inf", ".NaN", "9223372036854775808", "1e999", "0xFFFFFFFFFFFFFFFFF"})
    EXPECT_EQ(parse_plain_scalar(text), std::nullopt) << text;
}

TEST(YamlReader, knows_where_keys_and_values_stand) {
  const YamlDocument document = read("a: 1\nb:\n  - x\n  - {c: 'y'}\n");
  ASSERT_TRUE(document.complete);
  EXPECT_EQ(document.root, Json::parse(R"({"a":1,"b":["x",{"c":"y"}]})"));
  const Location value = locate(*document.source, Path{{"b"}} / 1 / "c");
  EXPECT_EQ(value.key.line, 4);
  EXPECT_EQ(value.key.column, 6);
  EXPECT_EQ(value.node->start.line, 4);
  EXPECT_EQ(value.node->start.column, 9);
}

TEST(YamlReader, reads_quoted_scalars_as_strings) {
  EXPECT_EQ(read("{a: '1', b: \"true\", c: !!str 2, d: ''}").root,
            Json::parse(R"({"a":"1","b":"true","c":"2","d":""})"));
}

TEST(YamlReader, expands_aliases) {
  const YamlDocument document = read("a: &x {n: 1}\nb: *x\nc: [*x, *x]\n");
  ASSERT_TRUE(document.complete);
  EXPECT_EQ(document.root, Json::parse(R"({"a":{"n":1},"b":{"n":1},"c":[{"n":1},{"n":1}]})"));
}

TEST(YamlReader, refuses_duplicate_keys_with_both_positions) {
  const YamlDocument document = read("a: 1\nb: 2\n'a': 3\n");
  ASSERT_EQ(places(document.diagnostics), "3:1 DuplicateKey");
  EXPECT_EQ(document.diagnostics[0].found,
            "the key `a` stands here again; it stands first at line 1, column 1");
}

TEST(YamlReader, refuses_what_is_not_plain_yaml) {
  EXPECT_EQ(places(read("a: !!binary aGk=\n").diagnostics), "1:4 YamlTag");
  EXPECT_EQ(places(read("a: !!python/object:os.system x\n").diagnostics), "1:4 YamlTag");
  EXPECT_EQ(places(read("a: &x {b: 1}\nc:\n  <<: *x\n").diagnostics), "3:3 YamlMergeKey");
  EXPECT_EQ(places(read("? [a]\n: b\n").diagnostics), "1:3 YamlKey");
  EXPECT_EQ(places(read("a: 1e999\n").diagnostics), "1:4 YamlNumber");
  EXPECT_EQ(places(read("a: &x [*x]\n").diagnostics), "1:8 YamlSyntax");
  EXPECT_EQ(places(read("a: *nowhere\n").diagnostics), "1:4 YamlSyntax");
  EXPECT_EQ(read("a: [1, 2\n").diagnostics.at(0).rule, "YamlSyntax");
}

TEST(YamlReader, accepts_a_quoted_merge_sign_as_a_key) {
  EXPECT_EQ(read("'<<': 1\n").root, Json::parse(R"({"<<":1})"));
}

TEST(YamlReader, stops_an_alias_bomb_at_the_budget_of_values) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char name = 'b'; name <= 'i'; ++name) {
    const std::string inner = "*" + std::string(1, static_cast<char>(name - 1));
    bomb += std::string(1, name) + ": &" + std::string(1, name) + " [" + inner;
    for (int count = 1; count < 9; ++count) bomb += "," + inner;
    bomb += "]\n";
  }
  const YamlDocument document = read(bomb);
  ASSERT_EQ(document.diagnostics.size(), 1U);
  EXPECT_EQ(document.diagnostics[0].rule, "YamlBudgetExceeded");
  EXPECT_FALSE(document.complete);
}

TEST(YamlReader, stops_at_the_budget_of_aliases) {
  const auto with_aliases = [](std::size_t count) {
    std::string text = "a: &a 1\nb:\n";
    for (std::size_t index = 0; index < count; ++index) text += "- *a\n";
    return read(text);
  };
  EXPECT_TRUE(with_aliases(k_yaml_aliases_max).complete);
  EXPECT_EQ(places(with_aliases(k_yaml_aliases_max + 1).diagnostics), "103:3 YamlBudgetExceeded");
}

TEST(YamlReader, stops_at_the_budget_of_text) {
  const std::string text = "a: &a " + std::string(100'000, 'x') + "\nb: &b [*a,*a,*a,*a,*a]\n" +
                           "c: [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n";
  EXPECT_EQ(places(read(text).diagnostics).substr(0, 2), "3:");
}

TEST(YamlReader, stops_at_the_depth) {
  const auto nested = [](std::size_t depth) {
    return read(std::string(depth, '[') + std::string(depth, ']'));
  };
  EXPECT_TRUE(nested(k_yaml_depth_max).complete);
  EXPECT_EQ(nested(k_yaml_depth_max + 1).diagnostics.at(0).rule, "YamlBudgetExceeded");
  EXPECT_EQ(nested(10'000).diagnostics.at(0).rule, "YamlBudgetExceeded");
}

// The parser takes this for an endless row of empty documents.
TEST(YamlReader, ends_on_text_that_the_parser_never_gets_through) {
  EXPECT_FALSE(read(",[%YAML 1.2\n<<").complete);
}

TEST(YamlSplit, cuts_at_markers_and_skips_empty_documents) {
  const auto texts = split_documents(
      "# comment\n---\n\n--- # only a comment\n---\na: 1\n...\n%YAML 1.2\n"
      "---\nb: |\n  x\n   ---\n--- {c: 2}\n");
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_EQ(texts[0].bytes, "---\na: 1\n");
  EXPECT_EQ(texts[0].line, 5);
  EXPECT_EQ(texts[1].bytes, "---\nb: |\n  x\n   ---\n");
  EXPECT_EQ(texts[1].line, 9);
  EXPECT_EQ(texts[2].bytes, "--- {c: 2}\n");
  EXPECT_EQ(texts[2].line, 13);
}

TEST(YamlSplit, takes_words_that_only_begin_like_markers_as_text) {
  EXPECT_EQ(split_documents("a: 1\n----\n...x\n").size(), 1U);
}

TEST(YamlText, finds_what_is_not_text) {
  EXPECT_TRUE(check_text("gr\xC3\xBC\xC3\x9F dich\t\r\n\xF0\x9F\x98\x80").ok);
  EXPECT_EQ(check_text(std::string("a\nb\0", 4)).line, 2);
  for (const char* bytes : {"\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80",
                            "\xF0\x9F\x98", "\x1B[31m", "\x7F"})
    EXPECT_FALSE(check_text(bytes).ok);
}

// Long rows of what a parser could be slow on. A quadratic one takes minutes.
TEST(YamlReader, has_no_quadratic_behaviour) {
  const auto repeated = [](const std::string& unit) {
    std::string text;
    while (text.size() + unit.size() < k_file_bytes_max / 4) text += unit;
    return text;
  };
  for (const char* unit : {"[",   "{",   "- ",     "? ",    "a: ", "'",     "\"",       "&a ",
                           "*a ", "!a ", "a: b\n", "- a\n", "[a,", "{a: ",  "# x\n",    "|\n",
                           "\n",  " ",   "\t",     "---\n", "a\n", "\"a\n", "- - - -\n"}) {
    const auto start = std::chrono::steady_clock::now();
    static_cast<void>(parse(repeated(unit)));
    const auto spent = std::chrono::steady_clock::now() - start;
    EXPECT_LT(std::chrono::duration<double>(spent).count(), 20.0) << unit;
  }
}

}  // namespace
}  // namespace ray_gitops::test
