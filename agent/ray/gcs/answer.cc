#include "agent/ray/gcs/answer.h"

#include <array>
#include <charconv>
#include <string>
#include <system_error>

#include "agent/ray/gcs/encode.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::ray {
namespace {

constexpr std::size_t k_message_bytes_max = 300;

struct Meaning {
  int status;
  ErrorCode code;
  const char* text;
};
// Any other status means that nothing is known.
constexpr std::array k_meanings{
    Meaning{3, ErrorCode::Rejected, "the request is refused"},
    Meaning{5, ErrorCode::Rejected, "what was named is not there"},
    Meaning{7, ErrorCode::Forbidden, "the right is missing"},
    Meaning{9, ErrorCode::Rejected, "the request is refused"},
    Meaning{12, ErrorCode::NotFound, "this version of Ray has no such method"},
    Meaning{16, ErrorCode::Unauthenticated, "the head asks for a token"}};

std::string header(const HttpResponse& response, const char* name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string{} : found->second;
}

std::string percent_decoded(const std::string& text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    const char* digits = text.data() + at + 1;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

Error error_of(int status, const HttpResponse& response) {
  Meaning meaning{status, ErrorCode::Unavailable, "the head could not do it"};
  for (const Meaning& known : k_meanings) {
    if (known.status == status) meaning = known;
  }
  std::string text = std::string(meaning.text) + " (gRPC status " + std::to_string(status) + ")";
  const std::string words = header(response, "grpc-message");
  if (!words.empty()) text += ": " + printable(percent_decoded(words), k_message_bytes_max);
  return Error{meaning.code, std::move(text), {}};
}

Result<std::string_view> unframed(std::string_view body) {
  std::size_t length = 0;
  for (std::size_t at = 1; at < k_frame_prefix_bytes && at < body.size(); ++at)
    length = length << 8U | static_cast<unsigned char>(body[at]);
  if (body.size() < k_frame_prefix_bytes || body[0] != '\0' ||
      length != body.size() - k_frame_prefix_bytes)
    return fail(ErrorCode::Unavailable, "the answer is no single uncompressed message");
  return body.substr(k_frame_prefix_bytes);
}

}  // namespace

Result<std::string_view> message_of(const HttpResponse& response) {
  if (response.status != 200 || !header(response, "content-type").starts_with("application/grpc"))
    return fail(ErrorCode::Unavailable,
                "the answer is no gRPC (HTTP status " + std::to_string(response.status) + ")");
  const std::string text = header(response, "grpc-status");
  int status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(ErrorCode::Unavailable, "the answer ended without a status");
  if (status != 0) return tl::unexpected<Error>(error_of(status, response));
  return unframed(response.body);
}

}  // namespace ray_gitops::ray
