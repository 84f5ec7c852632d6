#include "agent/local_cluster/server/stream.h"

#include <memory>
#include <utility>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>

namespace ray_gitops::local_cluster {
namespace {

struct BufferDeleter {
  void operator()(evbuffer* buffer) const { evbuffer_free(buffer); }
};

bufferevent* transport_of(evhttp_request* request) {
  return evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
}

}  // namespace

Stream::Stream(evhttp_request* request, const char* content_type) : request_(request) {
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Content-Type", content_type);
  evhttp_add_header(headers, "Cache-Control", "no-cache, private");
  evhttp_connection* connection = evhttp_request_get_connection(request);
  if (connection == nullptr) {  // the client left before its answer
    evhttp_request_free(std::exchange(request_, nullptr));
    return;
  }
  evhttp_connection_set_closecb(connection, on_close, this);
  evhttp_send_reply_start(request, 200, nullptr);
  // A quiet stream is no idle connection.
  bufferevent_set_timeouts(transport_of(request), nullptr, nullptr);
}

Stream::~Stream() { end(); }

void Stream::send(const std::string& bytes) {
  if (!is_open() || bytes.empty()) return;
  const std::unique_ptr<evbuffer, BufferDeleter> buffer(evbuffer_new());
  evbuffer_add(buffer.get(), bytes.data(), bytes.size());
  evhttp_send_reply_chunk(request_, buffer.get());
}

void Stream::end() {
  if (!is_open()) return;
  evhttp_request* request = std::exchange(request_, nullptr);
  evhttp_connection_set_closecb(evhttp_request_get_connection(request), nullptr, nullptr);
  evhttp_send_reply_end(request);
}

void Stream::abort() {
  if (!is_open()) return;
  // Frees the request too, and calls on_close.
  evhttp_connection_free(evhttp_request_get_connection(request_));
}

std::size_t Stream::unread_bytes() const {
  return is_open() ? evbuffer_get_length(bufferevent_get_output(transport_of(request_))) : 0;
}

void Stream::on_close(evhttp_connection* /*connection*/, void* stream) {
  evhttp_request* request = std::exchange(static_cast<Stream*>(stream)->request_, nullptr);
  // libevent lets go of a request in use when its client leaves; otherwise it frees it itself.
  if (evhttp_request_get_connection(request) == nullptr) evhttp_request_free(request);
}

}  // namespace ray_gitops::local_cluster
