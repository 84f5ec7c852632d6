#pragma once
// Result<T>: every fallible function of ours returns one. Values, never exceptions.

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace ray_gitops {

// What kind of failure this is. The table in error.cc maps each to its name in status and metrics.
enum class ErrorCode : std::uint8_t {
  InvalidInput,     // bytes that a user or a network peer wrote and we refuse
  NotFound,         // the thing asked for does not exist (an answer, not a silence)
  AlreadyExists,    // a create met an object of that name
  Conflict,         // a precondition (uid, resource version, field manager) did not hold
  Forbidden,        // authenticated or not, the right is missing
  Unauthenticated,  // credentials are missing or refused
  TooManyRequests,  // the server asked us to slow down
  Expired,          // what it stood on is too old: a resource version (410), a Lease that ended
  Rejected,         // the server understood and refuses (422, admission, quota, push hook)
  LimitExceeded,    // one of our named limits
  Unavailable,      // no answer, a broken answer, or a 5xx: nothing is known
  Internal,         // a bug of ours that was contained
};

// When trying the same thing again makes sense.
enum class RetryClass : std::uint8_t {
  Never,       // not before the input changes
  Backoff,     // later, with growing delay
  RereadFirst  // after reading the current state again
};

struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string message;  // one sentence for a person, without a secret value in it
  std::string where;    // what it is about: path, URL without credentials, object; may be empty
};

// The name used in status files, logs and metric labels, for example "AlreadyExists".
const char* name_of(ErrorCode code);
RetryClass retry_class_of(ErrorCode code);
// "where: message", or the message alone.
std::string describe(const Error& error);

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string where = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(where)});
}

// For TRY: tl::expected<void, Error> has no value().
template <class T>
T take_value(tl::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

}  // namespace ray_gitops

// The value of a Result, or return its error from the enclosing function.
#define TRY(expression)                                                           \
  __extension__({                                                                 \
    auto try_result_ = (expression);                                              \
    if (!try_result_.has_value())                                                 \
      return tl::unexpected<::ray_gitops::Error>(std::move(try_result_).error()); \
    ::ray_gitops::take_value(std::move(try_result_));                             \
  })
