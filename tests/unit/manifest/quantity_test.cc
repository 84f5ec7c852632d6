#include "reconcilers/manifest/quantity.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ray_gitops {
namespace {

struct Row {
  const char* text;
  std::int64_t milli;
  std::int64_t whole;
};

constexpr std::int64_t k_too_large = -1;

// Values as Kubernetes' resource.Quantity gives them (MilliValue, Value).
constexpr Row k_rows[] = {
    {"0", 0, 0},
    {"1", 1000, 1},
    {"+1", 1000, 1},
    {"007", 7000, 7},
    {"500m", 500, 1},
    {"1500m", 1500, 2},
    {"1.5", 1500, 2},
    {".5", 500, 1},
    {"5.", 5000, 5},
    {"0.1", 100, 1},
    {"0.7", 700, 1},
    {"2.3", 2300, 3},
    {"100n", 1, 1},
    {"1n", 1, 1},
    {"100u", 1, 1},
    {"1001u", 2, 1},
    {"1e3", 1000000, 1000},
    {"1E3", 1000000, 1000},
    {"5e-1", 500, 1},
    {"1e0", 1000, 1},
    {"1k", 1000000, 1000},
    {"3M", 3000000000, 3000000},
    {"1E", k_too_large, 1000000000000000000},
    {"1Ki", 1024000, 1024},
    {"1.5Ki", 1536000, 1536},
    {"0.1Ki", 102400, 103},
    {"2Gi", 2147483648000, 2147483648},
    {"7.45Gi", 7999376588800, 7999376589},
    {"1Ei", k_too_large, 1152921504606846976},
    {"9007199254740993", 9007199254740993000, 9007199254740993},
    {"1125899906842625Ki", k_too_large, 1152921504606848000},
};

TEST(Quantity, is_read_as_kubernetes_reads_it) {
  for (const Row& row : k_rows) {
    EXPECT_EQ(parse_whole(row.text), row.whole) << row.text;
    const std::optional<std::int64_t> milli = parse_milli(row.text);
    EXPECT_EQ(milli, row.milli == k_too_large ? std::nullopt : std::optional(row.milli))
        << row.text;
  }
}

TEST(Quantity, refuses_what_kubernetes_refuses) {
  for (const char* text :
       {"",      " ",    "+",     "-",    ".",    "m",     "Gi",  "abc", "1x",    "1K",   "1ki",
        "1gi",   "1 ",   " 1",    "1 Gi", "1..5", "1.5.2", "++1", "+-1", "1e",    "1e+",  "e3",
        "1e3Ki", "1e3m", "1e1e1", "1mm",  "0x10", "inf",   "nan", "1,5", "1e3.5", "1_000"}) {
    EXPECT_FALSE(parse_whole(text)) << text;
    EXPECT_FALSE(parse_milli(text)) << text;
  }
}

TEST(Quantity, refuses_what_is_negative_or_does_not_fit) {
  for (const char* text : {"-1", "-1Gi", "-0.1", "9223372036854775808", "10E", "8Ei", "1e19",
                           "1e400", "99999999999999999999999999999999999999"}) {
    EXPECT_FALSE(parse_whole(text)) << text;
    EXPECT_FALSE(parse_milli(text)) << text;
  }
}

TEST(Quantity, of_whole_numbers_is_exact) {
  EXPECT_TRUE(rc::check([] {
    const auto number = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 62);
    RC_ASSERT(parse_whole(std::to_string(number)) == number);
    const auto milli = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 52);
    RC_ASSERT(parse_milli(std::to_string(milli) + "m") == milli);
    RC_ASSERT(parse_whole(std::to_string(milli) + "m") == (milli + 999) / 1000);
  }));
}

TEST(Quantity, gives_an_answer_for_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    static_cast<void>(parse_milli(text));
    static_cast<void>(parse_whole(text));
  }));
}

}  // namespace
}  // namespace ray_gitops
