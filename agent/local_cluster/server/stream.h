#pragma once
// An answer of chunks that stays open: a watch, or a log that is followed.

#include <cstddef>
#include <string>

struct evhttp_connection;
struct evhttp_request;

namespace ray_gitops::local_cluster {

class Stream {
 public:
  // Sends the head of the answer.
  Stream(evhttp_request* request, const char* content_type);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();  // ends it

  bool is_open() const { return request_ != nullptr; }
  void send(const std::string& bytes);
  // The last chunk: the connection can be used again.
  void end();
  // Closes the connection, whatever the client has not read yet.
  void abort();
  // Bytes the client has not taken yet.
  std::size_t unread_bytes() const;

 private:
  static void on_close(evhttp_connection* connection, void* stream);
  evhttp_request* request_;
};

}  // namespace ray_gitops::local_cluster
