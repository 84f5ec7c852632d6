#pragma once
// The log: one record a line on standard error, as JSON or for people. Safe from any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ray_gitops::log {

enum class Level : std::uint8_t { Debug, Info, Warning, Error };

enum class Format : std::uint8_t {
  Json,  // {"time":"2026-01-02T03:04:05.678Z","level":"info","message":"...","key":"value"}
  Human  // 2026-01-02T03:04:05.678Z info message key="value"; with colours only on a terminal
};

using Fields = std::vector<std::pair<std::string, std::string>>;

// Of the message and of each field, after escaping; longer ones are cut in the middle.
constexpr std::size_t k_log_text_bytes_max = 2048;
// Of all fields of a record together; the ones after it are left out and `truncated` says so.
constexpr std::size_t k_log_fields_bytes_max = 16UL * 1024;

// What is written from now on. Before the first call: Info and above, Human.
void configure(Level level, Format format);

// Writes one record. `message` is constant text, what varies goes into fields. Control characters
// are escaped and secrets masked (redact), so that any text may be given.
void write(Level level, std::string_view message, const Fields& fields = {});

// The text with what looks like a credential replaced by ***: user information in URLs, Bearer and
// Basic credentials, GitHub and GitLab tokens. A second line of defence only: code that holds a
// secret does not put it into messages.
std::string redact(std::string_view text);

}  // namespace ray_gitops::log
