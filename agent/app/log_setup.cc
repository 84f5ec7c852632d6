#include "agent/app/log_setup.h"

#include "agent/log/log.h"

namespace ray_gitops::app {

void set_up_log(const cli::LogOptions& options) {
  const log::Level level = options.level == "debug"     ? log::Level::Debug
                           : options.level == "warning" ? log::Level::Warning
                           : options.level == "error"   ? log::Level::Error
                                                        : log::Level::Info;
  log::configure(level, options.format == "json" ? log::Format::Json : log::Format::Human);
}

}  // namespace ray_gitops::app
