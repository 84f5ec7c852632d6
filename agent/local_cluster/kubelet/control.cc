#include "agent/local_cluster/kubelet/control.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/json_access.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

constexpr int k_connections_waiting_max = 64;

std::string line_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// A socket address is at most 107 bytes long, the directory's path need not be: so the directory is
// opened and named by its descriptor.
struct SocketAddress {
  FileDescriptor directory;
  sockaddr_un address{};
};

Result<SocketAddress> address_of(const PodDirectory& directory) {
  SocketAddress result;
  result.directory = FileDescriptor(open(directory.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!result.directory.is_open()) return fail_with_errno(directory.path);
  const std::string path = "/proc/self/fd/" + std::to_string(result.directory.get()) + "/control";
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path, path.c_str(), path.size() + 1);
  return result;
}

Result<FileDescriptor> open_socket() {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return fail_with_errno("socket");
  return socket;
}

}  // namespace

std::string render_request(const ControlRequest& request) {
  return line_of({{"verb", static_cast<int>(request.verb)},
                  {"container", request.container},
                  {"reason", request.reason},
                  {"graceSeconds", request.grace_seconds},
                  {"command", request.command},
                  {"timeout", request.timeout.count()}});
}

Result<ControlRequest> parse_request(std::string_view line) {
  const Document document = TRY(Document::parse(line));
  const json& value = document.json();
  const std::int64_t verb = integer(member(value, "verb"), -1);
  if (verb < 0 || verb > static_cast<int>(ControlVerb::Exec)) {
    return fail(ErrorCode::InvalidInput, "unknown verb");
  }
  ControlRequest request;
  request.verb = static_cast<ControlVerb>(verb);
  request.container = text(member(value, "container"));
  request.reason = text(member(value, "reason"));
  request.grace_seconds = std::max<std::int64_t>(0, integer(member(value, "graceSeconds")));
  for (const json& word : elements(member(value, "command"))) {
    request.command.push_back(text(word));
  }
  request.timeout =
      std::clamp(Duration{integer(member(value, "timeout"))}, Duration{0}, k_exec_time_max);
  if (request.verb == ControlVerb::Exec && request.command.empty()) {
    return fail(ErrorCode::InvalidInput, "no command");
  }
  return request;
}

std::string render_answer(const ControlAnswer& answer) {
  return line_of({{"ok", answer.ok}, {"exitCode", answer.exit_code}, {"output", answer.output}});
}

Result<ControlAnswer> parse_answer(std::string_view line) {
  const Document document = TRY(Document::parse(line));
  const json& value = document.json();
  return ControlAnswer{boolean(member(value, "ok")),
                       static_cast<int>(integer(member(value, "exitCode"))),
                       text(member(value, "output"))};
}

Result<FileDescriptor> listen_for_control(const PodDirectory& directory) {
  unlink(directory.control().c_str());
  FileDescriptor socket = TRY(open_socket());
  const SocketAddress target = TRY(address_of(directory));
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&target.address),
           sizeof target.address) != 0 ||
      listen(socket.get(), k_connections_waiting_max) != 0) {
    return fail_with_errno(directory.control());
  }
  return socket;
}

Result<FileDescriptor> connect_to_supervisor(const PodDirectory& directory) {
  FileDescriptor socket = TRY(open_socket());
  const SocketAddress target = TRY(address_of(directory));
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&target.address),
              sizeof target.address) != 0) {
    return fail_with_errno(directory.control());
  }
  return socket;
}

Result<void> send_request(const PodDirectory& directory, const ControlRequest& request) {
  const FileDescriptor socket = TRY(connect_to_supervisor(directory));
  const std::string line = render_request(request);
  const ssize_t sent = send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(line.size())) return fail_with_errno(directory.control());
  return {};
}

}  // namespace ray_gitops::local_cluster
