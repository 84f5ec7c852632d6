#include "reconcilers/model/result.h"

#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "reconcilers/model/check.h"
#include "reconcilers/model/fact.h"

namespace ray_gitops {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::InvalidInput, "odd", std::to_string(number));
  return number / 2;
}

Result<int> quarter(int number) {
  const int once = TRY(half(number));
  return TRY(half(once));
}

Result<void> check_even(int number) {
  TRY(half(number));
  return {};
}

Result<std::string> pass_through_void(int number) {
  TRY(check_even(number));
  return std::string("even");
}

Result<std::unique_ptr<int>> boxed(int number) {
  return std::make_unique<int>(TRY(quarter(number)));
}

TEST(Try, gives_the_value) { EXPECT_EQ(quarter(12).value(), 3); }

TEST(Try, returns_the_first_error_as_it_is) {
  const Result<int> result = quarter(6);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(describe(result.error()), "3: odd");
}

TEST(Try, works_on_results_without_a_value) {
  EXPECT_EQ(pass_through_void(2).value(), "even");
  EXPECT_FALSE(pass_through_void(1).has_value());
}

TEST(Try, moves_what_cannot_be_copied) {
  Result<std::unique_ptr<int>> result = boxed(8);
  ASSERT_TRUE(result.has_value());
  const std::unique_ptr<int> taken = std::move(*result);
  EXPECT_EQ(*taken, 2);
}

TEST(Error, is_described_without_a_place_where_it_has_none) {
  EXPECT_EQ(describe({ErrorCode::NotFound, "no such thing", ""}), "no such thing");
}

constexpr int k_codes = static_cast<int>(ErrorCode::Internal) + 1;

TEST(Error, has_a_name_of_its_own_for_every_code) {
  std::set<std::string> names;
  for (int code = 0; code < k_codes; ++code) names.insert(name_of(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(k_codes));
}

TEST(Error, is_tried_again_only_where_that_can_help) {
  EXPECT_EQ(retry_class_of(ErrorCode::InvalidInput), RetryClass::Never);
  for (const ErrorCode code :
       {ErrorCode::NotFound, ErrorCode::AlreadyExists, ErrorCode::Conflict, ErrorCode::Expired})
    EXPECT_EQ(retry_class_of(code), RetryClass::RereadFirst) << name_of(code);
  for (const ErrorCode code :
       {ErrorCode::Forbidden, ErrorCode::Unauthenticated, ErrorCode::TooManyRequests,
        ErrorCode::Rejected, ErrorCode::Unavailable, ErrorCode::Internal})
    EXPECT_EQ(retry_class_of(code), RetryClass::Backoff) << name_of(code);
}

TEST(Fact, is_unknown_until_somebody_looked) {
  const Fact<int> fact;
  EXPECT_FALSE(fact.is_known());
  EXPECT_EQ(fact.why(), "not looked at yet");
}

TEST(Fact, keeps_absent_apart_from_unknown) {
  const Fact<std::optional<int>> absent{Known<std::optional<int>>{std::nullopt}};
  const Fact<std::optional<int>> unknown{Unknown{"the list is not complete yet"}};
  EXPECT_TRUE(absent.is_known());
  EXPECT_FALSE(absent.value().has_value());
  EXPECT_FALSE(unknown.is_known());
}

TEST(Fact, does_not_give_a_value_it_does_not_have) {
  const Fact<int> fact{Unknown{"no"}};
  EXPECT_THROW(static_cast<void>(fact.value()), std::bad_variant_access);
}

TEST(CheckDeathTest, ends_the_program_and_says_where) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "CHECK failed: 1 \\+ 1 == 3 at .*result_test.cc");
}

}  // namespace
}  // namespace ray_gitops
