#include "reconcilers/rayjob/failure_text.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "reconcilers/parent/ray_text.h"

namespace ray_gitops::rayjob {
namespace {

// Ray's JobErrorType is an identifier; anything else is no error type.
bool is_error_type(const std::string& text) {
  constexpr std::size_t k_bytes_max = 64;
  return !text.empty() && text.size() <= k_bytes_max &&
         std::all_of(text.begin(), text.end(), [](unsigned char letter) {
           return std::isalnum(letter) != 0 || letter == '_' || letter == '.';
         });
}

}  // namespace

std::string failure_sentence(const RayJobInfo& info) {
  std::string detail = is_error_type(info.error_type) ? info.error_type : std::string{};
  if (info.driver_exit_code)
    detail +=
        (detail.empty() ? "exit code " : ", exit code ") + std::to_string(*info.driver_exit_code);
  std::string sentence = std::string("Ray reports ") + name_of(info.status);
  if (!detail.empty()) sentence += " (" + detail + ")";
  const std::string exception = parent::last_exception(info.message);
  return exception.empty() ? sentence : sentence + ": " + exception;
}

}  // namespace ray_gitops::rayjob
