#pragma once
// The loop's HTTP exchanges, over one curl multi handle. Only loop.cc includes this.

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "agent/loop/http.h"
#include "agent/loop/loop.h"

namespace ray_gitops {

class Transfers {
 public:
  explicit Transfers(Loop& loop);
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  TransferId start(HttpRequest request, HttpHandlers handlers);
  void cancel(TransferId id);

  // Moves every transfer as far as it goes without waiting; calls handlers.
  void turn();
  // Is there something that turn() can do at once?
  bool has_work() const;
  // Waits until a transfer can move or `fd` is readable, at most for `wait`.
  void wait(int fd, Duration wait);

 private:
  struct Transfer;
  static std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* transfer);
  static std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* transfer);

  Result<void> put_on_the_wire(Transfer& transfer);
  // How an HTTP/2 request without TLS gets its connection.
  void choose_connection(Transfer& transfer);
  bool may_keep(const std::string& origin);
  void keep_connection(const Transfer& transfer);
  // Whether it goes to the wire once more, because the kept connection has gone.
  bool try_again(Transfer& transfer, int curl_code);
  void admit();
  void deliver_finished();
  void close_connection(Transfer& transfer);
  void take_off_the_wire(Transfer& transfer);
  void check_stall(TransferId id);
  void finish(TransferId id, Result<HttpResponse> result);
  void remove(TransferId id);

  Loop& loop_;
  void* multi_;  // CURLM
  TransferId last_id_ = 0;
  std::map<TransferId, std::unique_ptr<Transfer>> transfers_;
  std::deque<TransferId> starting_;  // long-lived ones, not on the wire yet
  std::deque<TransferId> waiting_;   // the others
  std::size_t in_flight_ = 0;
  // Servers to which a connection of set_http2() is kept, and when it was used last.
  std::map<std::string, Instant> kept_;
  bool in_curl_ = false;  // curl refuses to add or remove transfers from its callbacks
  std::deque<TransferId> cancelled_;
};

}  // namespace ray_gitops
