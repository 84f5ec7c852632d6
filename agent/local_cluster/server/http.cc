#include "agent/local_cluster/server/http.h"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <utility>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr std::string_view k_bearer = "Bearer ";

struct BufferDeleter {
  void operator()(evbuffer* buffer) const { evbuffer_free(buffer); }
};
using Buffer = std::unique_ptr<evbuffer, BufferDeleter>;

Buffer buffer_of(const std::string& bytes) {
  Buffer buffer(evbuffer_new());
  evbuffer_add(buffer.get(), bytes.data(), bytes.size());
  return buffer;
}

std::string header_of(evhttp_request* request, const char* name) {
  const char* value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
  return value == nullptr ? std::string{} : std::string(value);
}

std::optional<std::map<std::string, std::string>> query_of(evhttp_request* request) {
  std::map<std::string, std::string> query;
  const char* text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
  if (text == nullptr || *text == '\0') return query;
  evkeyvalq pairs{};
  if (evhttp_parse_query_str(text, &pairs) != 0) return std::nullopt;
  for (const evkeyval* pair = pairs.tqh_first; pair != nullptr; pair = pair->next.tqe_next)
    query.emplace(pair->key, pair->value);
  evhttp_clear_headers(&pairs);
  return query;
}

std::string body_of(evhttp_request* request) {
  evbuffer* input = evhttp_request_get_input_buffer(request);
  std::string body(evbuffer_get_length(input), '\0');
  evbuffer_copyout(input, body.data(), body.size());
  return body;
}

void send(evhttp_request* request, int http, const char* content_type, const std::string& body) {
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Content-Type", content_type);
  evhttp_add_header(headers, "Cache-Control", "no-cache, private");
  evhttp_send_reply(request, http, nullptr, buffer_of(body).get());
}

bool accepts_table(const std::string& accept) {
  return accept.find("as=Table") != std::string::npos &&
         accept.find("g=meta.k8s.io") != std::string::npos;
}

// A DELETE's options may come without a type; kubectl's own encoding (protobuf) is not spoken.
bool is_json(const std::string& content_type) {
  return content_type.empty() ||
         content_type.substr(0, content_type.find(';')) == "application/json";
}

}  // namespace

Instant read_monotonic_clock() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<Duration>(since).count()};
}

WallTime read_wall_clock() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<Duration>(since).count()};
}

std::string path_of(evhttp_request* request) {
  const char* path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
  if (path == nullptr) return {};
  std::size_t size = 0;
  const std::unique_ptr<char, decltype(&std::free)> decoded(evhttp_uridecode(path, 0, &size),
                                                            &std::free);
  return decoded == nullptr ? std::string{} : std::string(decoded.get(), size);
}

std::string method_of(evhttp_request* request) {
  const evhttp_cmd_type command = evhttp_request_get_command(request);
  if (command == EVHTTP_REQ_GET) return "GET";
  if (command == EVHTTP_REQ_POST) return "POST";
  if (command == EVHTTP_REQ_PUT) return "PUT";
  if (command == EVHTTP_REQ_PATCH) return "PATCH";
  return command == EVHTTP_REQ_DELETE ? "DELETE" : "";
}

bool is_authorized(evhttp_request* request, const std::string& token) {
  const std::string header = header_of(request, "Authorization");
  if (!header.starts_with(k_bearer)) return false;
  // Digests are compared, all of them: how long it takes says nothing about the token.
  const std::string given = sha256_hex(header.substr(k_bearer.size()));
  const std::string wanted = sha256_hex(token);
  unsigned int difference = 0;
  for (std::size_t at = 0; at < wanted.size(); ++at)
    difference |= static_cast<unsigned int>(given[at] ^ wanted[at]);
  return difference == 0;
}

ApiResult<ApiRequest> read_request(evhttp_request* request) {
  ApiRequest result;
  result.method = method_of(request);
  auto query = query_of(request);
  if (!query) return refuse(bad_request("the query of the URL cannot be read"));
  result.query = std::move(*query);
  result.content_type = header_of(request, "Content-Type");
  result.user_agent = header_of(request, "User-Agent");
  result.wants_table = result.method == "GET" && accepts_table(header_of(request, "Accept"));
  const std::string body = body_of(request);
  if (body.empty()) return result;
  if (result.method != "PATCH" && !is_json(result.content_type))
    return refuse(unsupported_media_type(result.content_type));
  auto document = Document::parse(body);
  if (!document)
    return refuse(bad_request("the object provided is unrecognized (must be of type JSON): " +
                              document.error().message));
  result.body = std::move(*document);
  return result;
}

void send_json(evhttp_request* request, int http, const std::string& body) {
  send(request, http, "application/json", body);
}

void send_text(evhttp_request* request, int http, const std::string& body) {
  send(request, http, "text/plain; charset=utf-8", body);
}

void send_error(evhttp_request* request, const ApiError& error) {
  send_json(request, error.http, dump_json(to_status(error)) + "\n");
}

ApiError unauthorized() {
  ApiError error;
  error.http = 401;
  error.reason = "Unauthorized";
  error.message = "Unauthorized";
  return error;
}

ApiError too_many_requests(const std::string& why) {
  ApiError error;
  error.http = 429;
  error.reason = "TooManyRequests";
  error.message = why;
  error.retry_after_seconds = 1;
  return error;
}

ApiError internal_error(const std::string& why) {
  ApiError error;
  error.http = 500;
  error.reason = "InternalError";
  error.message = "Internal error occurred: " + why;
  return error;
}

}  // namespace ray_gitops::local_cluster
