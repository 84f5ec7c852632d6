#include <array>
#include <cstddef>

#include "reconcilers/model/check.h"
#include "reconcilers/model/result.h"

namespace ray_gitops {
namespace {

struct ErrorRow {
  ErrorCode code;
  const char* name;
  RetryClass retry;
};

constexpr std::array<ErrorRow, 12> k_errors{{
    {ErrorCode::InvalidInput, "InvalidInput", RetryClass::Never},
    {ErrorCode::NotFound, "NotFound", RetryClass::RereadFirst},
    {ErrorCode::AlreadyExists, "AlreadyExists", RetryClass::RereadFirst},
    {ErrorCode::Conflict, "Conflict", RetryClass::RereadFirst},
    {ErrorCode::Forbidden, "Forbidden", RetryClass::Backoff},
    {ErrorCode::Unauthenticated, "Unauthenticated", RetryClass::Backoff},
    {ErrorCode::TooManyRequests, "TooManyRequests", RetryClass::Backoff},
    {ErrorCode::Expired, "Expired", RetryClass::RereadFirst},
    {ErrorCode::Rejected, "Rejected", RetryClass::Backoff},
    {ErrorCode::LimitExceeded, "LimitExceeded", RetryClass::Backoff},
    {ErrorCode::Unavailable, "Unavailable", RetryClass::Backoff},
    {ErrorCode::Internal, "Internal", RetryClass::Backoff},
}};

const ErrorRow& row_of(ErrorCode code) {
  const auto index = static_cast<std::size_t>(code);
  CHECK(index < k_errors.size() && k_errors.at(index).code == code);
  return k_errors.at(index);
}

}  // namespace

const char* name_of(ErrorCode code) { return row_of(code).name; }
RetryClass retry_class_of(ErrorCode code) { return row_of(code).retry; }

std::string describe(const Error& error) {
  return error.where.empty() ? error.message : error.where + ": " + error.message;
}

}  // namespace ray_gitops
