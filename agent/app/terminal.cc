#include "agent/app/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/app/files.h"

namespace ray_gitops::app {

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ::isatty(STDOUT_FILENO) != 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return known ? size.ws_col : 0;
}

bool takes_colour() {
  return ::isatty(STDOUT_FILENO) != 0 && environment_or("NO_COLOR", "").empty();
}

}  // namespace ray_gitops::app
