#pragma once
// The texts that Ray answers with: tracebacks, messages, logs. Pure.

#include <cstddef>
#include <string>

namespace ray_gitops::ray {

// Of a message of Ray's: the end of it, where the exception stands.
constexpr std::size_t k_message_bytes_max = 4096;
// Of the line of Ray's text that an error quotes.
constexpr std::size_t k_quoted_bytes_max = 300;

// The last line with a word in it, to be quoted in an error, or empty.
std::string last_line(const std::string& text);

// The last complaint in Ray's refusal of a request: what pydantic says ("applications.0.name: Field
// required", without the value that it complains of), else the last line.
std::string refusal_of(const std::string& text);

// At most k_message_bytes_max bytes, beginning with a whole character.
std::string end_of(const std::string& message);

}  // namespace ray_gitops::ray
