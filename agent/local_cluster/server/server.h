#pragma once
// The REST server of the local cluster: HTTPS (HTTP/1.1) on 127.0.0.1 with a bearer token, over
// a Store. It owns no thread: everything happens on the event base it is given, which is also the
// kubelet's.
//
// All requests and kubelet changes of one turn of the loop are finished together at its end: the
// controllers' steps run, one transaction saves what changed, then answers and watch events go out.
// So nobody hears of a change that a crash could take back.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/local_cluster/server/database.h"
#include "agent/local_cluster/server/pod_logs.h"
#include "agent/local_cluster/server/tls.h"
#include "agent/local_cluster/store/store.h"
#include "reconcilers/model/result.h"

struct event_base;

namespace ray_gitops::local_cluster {

constexpr std::size_t k_request_body_bytes_max = 3UL * 1024 * 1024;  // the real server's limit
constexpr std::size_t k_request_header_bytes_max = 64UL * 1024;
constexpr std::size_t k_watches_max = 2048;
// Bytes a watcher or log reader may leave unread before its connection is closed.
constexpr std::size_t k_stream_buffer_bytes_max = 16UL * 1024 * 1024;

struct ServerOptions {
  std::uint16_t port = 0;  // 0: a free one
  std::string token;       // never empty
  Certificate certificate;
  Duration bookmark_interval{30'000};
  std::size_t stream_buffer_bytes_max = k_stream_buffer_bytes_max;
  std::size_t watches_max = k_watches_max;
  // Called after changes were saved, at the end of a turn: the kubelet reads them from the Store.
  std::function<void()> on_changes = nullptr;
};

class Server {
 public:
  // Listens. `store`, `database` and `logs` must live longer than the server. Unavailable when the
  // port cannot be had.
  static Result<std::unique_ptr<Server>> start(event_base* base, Store& store, Database& database,
                                               PodLogs& logs, ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // closes every connection

  std::uint16_t port() const;
  std::string url() const;  // "https://127.0.0.1:PORT"
  // To be called by who changed the Store itself: saves and tells the watchers at the end of this
  // turn.
  void changed();
  // Ends every watch and log stream in good order (a bookmark and the last chunk), so that clients
  // come back, and saves what is unsaved. For before the end of the process.
  void drain();

 private:
  class Connections;
  explicit Server(std::unique_ptr<Connections> connections);
  std::unique_ptr<Connections> connections_;
};

}  // namespace ray_gitops::local_cluster
