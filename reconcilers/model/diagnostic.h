#pragma once
// What is wrong with a file, in the one form that `validate`, the status and the log share.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ray_gitops {

enum class Severity : std::uint8_t { Error, Warning };

struct Diagnostic {
  Severity severity = Severity::Error;
  std::string path;   // inside the repository
  int line = 0;       // 1-based; 0 when it is about the whole file
  int column = 0;     // 1-based
  std::string rule;   // a rule id of docs/rules.md, CamelCase
  std::string found;  // what stands there, without a Secret's value
  std::string write;  // what to write instead
};

// "path:line:column rule: found; write", on one line: control characters are escaped.
std::string to_string(const Diagnostic& diagnostic);

// The text as valid UTF-8 with control characters, escape sequences, line ends, what turns the
// direction of text and bytes that are no UTF-8 shown as \xNN, cut in the middle to at most
// `bytes_max` bytes. For anything of a user's that reaches a log, a table or a terminal.
std::string printable(const std::string& text, std::size_t bytes_max = 1024);

// The text without terminal escape sequences (ECMA-48: CSI, OSC, and two bytes otherwise): those of
// programs that write for a terminal, such as Ray, mean nothing to a reader of a status.
std::string without_escapes(std::string_view text);

}  // namespace ray_gitops
