#include "agent/log/log.h"

#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::log {
namespace {

constexpr const char* k_json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
constexpr const char* k_human_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v";

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warning:
      return spdlog::level::warn;
    case Level::Error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

struct Logger {
  Logger() : spdlog("ray-gitops", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()) {
    configure(Level::Info, Format::Human);
  }
  void configure(Level level, Format new_format) {
    format = new_format;
    spdlog.set_level(level_of(level));
    spdlog.set_pattern(format == Format::Json ? k_json_pattern : k_human_pattern,
                       spdlog::pattern_time_type::utc);
  }

  Format format = Format::Human;
  ::spdlog::logger spdlog;
};

Logger& logger() {
  static Logger the_logger;
  return the_logger;
}

std::string safe(std::string_view text) { return printable(redact(text), k_log_text_bytes_max); }

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string render(Format format, std::string_view message, const Fields& fields) {
  const bool json = format == Format::Json;
  std::string text = json ? "\"message\":" + quoted(safe(message)) : safe(message);
  const auto add = [&](const std::string& name, const std::string& value) {
    text += json ? "," + quoted(name) + ":" + quoted(value) : " " + name + "=" + quoted(value);
  };
  std::size_t bytes = 0;
  for (const auto& [name, value] : fields) {
    const std::string shown = safe(value);
    bytes += name.size() + shown.size();
    if (bytes > k_log_fields_bytes_max) {
      add("truncated", "true");
      break;
    }
    add(safe(name), shown);
  }
  return text;
}

}  // namespace

void configure(Level level, Format format) { logger().configure(level, format); }

void write(Level level, std::string_view message, const Fields& fields) {
  Logger& the_logger = logger();
  if (!the_logger.spdlog.should_log(level_of(level))) return;
  the_logger.spdlog.log(level_of(level), render(the_logger.format, message, fields));
}

}  // namespace ray_gitops::log
