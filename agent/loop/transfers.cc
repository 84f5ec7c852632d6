#include "agent/loop/transfers.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "reconcilers/model/check.h"

namespace ray_gitops {
namespace {

// A peer that acknowledges nothing for this long is gone, also under a shared HTTP/2 connection
// that would otherwise be given to one request after the other (tcp(7), TCP_USER_TIMEOUT).
constexpr unsigned k_unacknowledged_milliseconds_max = 20'000;
constexpr long k_keepalive_idle_seconds = 15;

// Of HTTP/2 without TLS. Servers beyond get a connection for each request.
constexpr std::size_t k_kept_connections_max = 512;
// libcurl closes its connections when they were idle for 118 s.
constexpr Duration k_kept_connection_idle_max{100'000};
constexpr long k_keepalive_interval_seconds = 5;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

bool has_control_character(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20U || byte == 0x7FU;
  });
}

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                              : character;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<void> check_request(const HttpRequest& request) {
  if (has_control_character(request.url) || has_control_character(request.method))
    return fail(ErrorCode::InvalidInput, "the URL or method has a control character");
  for (const auto& [name, value] : request.headers) {
    if (has_control_character(name) || has_control_character(value))
      return fail(ErrorCode::InvalidInput, "header " + name + " has a control character");
  }
  return {};
}

// Scheme, host and path: the part of a URL that may be shown.
std::string shown_url(const std::string& url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return {};
  const auto host = scheme_end + 3;
  const auto path = std::min(url.find_first_of("/?#", host), url.size());
  const auto at = url.substr(host, path - host).rfind('@');
  const auto shown_from = at == std::string::npos ? host : host + at + 1;
  return url.substr(0, host) + url.substr(shown_from, url.find_first_of("?#") - shown_from);
}

int set_user_timeout(void*, curl_socket_t socket, curlsocktype) {
  const unsigned value = k_unacknowledged_milliseconds_max;
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value));
  return CURL_SOCKOPT_OK;
}

void set_blob(CURL* easy, CURLoption option, const std::string& content) {
  if (content.empty()) return;
  curl_blob blob{const_cast<char*>(content.data()), content.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

void set_tls(CURL* easy, const TlsIdentity& tls) {
  set_blob(easy, CURLOPT_CAINFO_BLOB, tls.authority_pem);
  // The blob replaces the system's file of authorities, but not its directory.
  if (!tls.authority_pem.empty()) curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  set_blob(easy, CURLOPT_SSLCERT_BLOB, tls.certificate_pem);
  set_blob(easy, CURLOPT_SSLKEY_BLOB, tls.key_pem);
}

void set_connection(CURL* easy, const HttpRequest& request) {
  const std::string& url = request.url;
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, request.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, request.no_proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Over TLS many requests share one HTTP/2 connection: wait for it rather than open another. Over
  // plain HTTP/1.1 that would wait for the first answer, which a watch may take minutes to give.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, url.starts_with("https:") ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(k_connect_time_max.count()));
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, k_keepalive_idle_seconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, k_keepalive_interval_seconds);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &set_user_timeout);
}

// Scheme, host and port.
std::string origin_of(const std::string& url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return url;
  return url.substr(0, url.find_first_of("/?#", scheme_end + 3));
}

void set_new_http2(CURL* easy, bool keeps) {
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, keeps ? 0L : 1L);
}

curl_socket_t open_no_socket(void*, curlsocktype, curl_sockaddr*) { return CURL_SOCKET_BAD; }

// libcurl 7.88 fails the second request over a connection that it has by prior knowledge
// (CURLE_HTTP2), but not one that only prefers HTTP/2. Over a new connection that one would begin
// with HTTP/1.1, which no Ray head understands: it may not open any.
void set_kept_http2(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_0);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_no_socket);
}

void set_method(CURL* easy, const HttpRequest& request) {
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (has_body || request.method != "GET")
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

std::unique_ptr<curl_slist, ListDeleter> render_headers(const HttpRequest& request) {
  // Without it curl asks for "100 Continue" and waits a second before it sends a body.
  std::unique_ptr<curl_slist, ListDeleter> list{curl_slist_append(nullptr, "Expect:")};
  for (const auto& [name, value] : request.headers) {
    std::string line = name;
    line += value.empty() ? ";" : ": " + value;
    list.reset(curl_slist_append(list.release(), line.c_str()));
  }
  return list;
}

bool is_request_error(CURLcode code) {
  return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

void initialize_curl() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(once == CURLE_OK);
}

}  // namespace

struct Transfers::Transfer {
  Transfer(Loop& its_loop, TransferId its_id, HttpRequest its_request, HttpHandlers its_handlers)
      : loop(its_loop),
        id(its_id),
        request(std::move(its_request)),
        handlers(std::move(its_handlers)) {}

  Loop& loop;
  TransferId id;
  HttpRequest request;
  HttpHandlers handlers;
  TimerId deadline_timer = 0;
  TimerId stall_timer = 0;
  Instant last_byte;

  std::unique_ptr<curl_slist, ListDeleter> header_list;
  std::unique_ptr<CURL, EasyDeleter> easy;  // null while it waits
  char error_text[CURL_ERROR_SIZE] = "";

  bool cancelled = false;
  bool has_ended = false;  // by itself
  bool on_kept_connection = false;
  bool wants_new_connection = false;
  std::optional<Error> refused;  // why we ended it from a callback
  std::size_t header_bytes = 0;
  HttpResponse response;

  int status() const {
    long code = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }
  bool refuse(std::string message) {
    refused = Error{ErrorCode::LimitExceeded, std::move(message), shown_url(request.url)};
    return false;
  }
  bool take_body(std::string_view bytes);
  bool take_header(std::string_view line);
  Result<HttpResponse> result(CURLcode code);
};

bool Transfers::Transfer::take_body(std::string_view bytes) {
  if (cancelled) return false;
  last_byte = loop.now().monotonic;
  const int code = status();
  if (handlers.on_data && code >= 200 && code <= 299) {
    if (!handlers.on_data(bytes)) return refused || refuse("the receiver refused the answer");
    return !cancelled;
  }
  if (response.body.size() + bytes.size() > request.response_bytes_max)
    return refuse("the answer is longer than " + std::to_string(request.response_bytes_max) +
                  " bytes");
  response.body += bytes;
  return true;
}

bool Transfers::Transfer::take_header(std::string_view line) {
  if (cancelled) return false;
  last_byte = loop.now().monotonic;
  if (line.substr(0, 5) == "HTTP/") {  // an interim answer came before
    response.headers.clear();
    return true;
  }
  header_bytes += line.size();
  if (header_bytes > k_response_headers_bytes_max)
    return refuse("the answer's headers are too long");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string name{trim(line.substr(0, colon))};
  std::transform(name.begin(), name.end(), name.begin(), lower);
  std::string& value = response.headers[name];
  if (!value.empty()) value += ", ";
  value += trim(line.substr(colon + 1));
  return true;
}

Result<HttpResponse> Transfers::Transfer::result(CURLcode code) {
  if (refused) return tl::unexpected<Error>(*refused);
  if (code != CURLE_OK) {
    std::string text = error_text[0] != '\0' ? error_text : curl_easy_strerror(code);
    return fail(is_request_error(code) ? ErrorCode::InvalidInput : ErrorCode::Unavailable,
                std::move(text), shown_url(request.url));
  }
  response.status = status();
  return std::move(response);
}

Transfers::Transfers(Loop& loop) : loop_(loop) {
  initialize_curl();
  multi_ = curl_multi_init();
  CHECK(multi_ != nullptr);
  // Without it libcurl keeps four times as many as there are requests at the moment.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                    static_cast<long>(k_kept_connections_max + k_transfers_in_flight_max));
}

Transfers::~Transfers() {
  for (const auto& [id, transfer] : transfers_) {
    if (transfer->easy) curl_multi_remove_handle(multi_, transfer->easy.get());
  }
  curl_multi_cleanup(multi_);
}

TransferId Transfers::start(HttpRequest request, HttpHandlers handlers) {
  const TransferId id = ++last_id_;
  auto transfer = std::make_unique<Transfer>(loop_, id, std::move(request), std::move(handlers));
  const Duration deadline = transfer->request.deadline;
  transfer->deadline_timer = loop_.add_timer(deadline, [this, id, deadline] {
    const std::string url = shown_url(transfers_.at(id)->request.url);
    finish(id, fail(ErrorCode::Unavailable,
                    "no complete answer within " + std::to_string(deadline.count()) + " ms", url));
  });
  (transfer->request.long_lived ? starting_ : waiting_).push_back(id);
  transfers_.emplace(id, std::move(transfer));
  return id;
}

void Transfers::cancel(TransferId id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  if (!in_curl_) return remove(id);
  found->second->cancelled = true;
  cancelled_.push_back(id);
}

bool Transfers::has_work() const {
  return !starting_.empty() || (!waiting_.empty() && in_flight_ < k_transfers_in_flight_max);
}

void Transfers::wait(int fd, Duration wait) {
  curl_waitfd extra{fd, CURL_WAIT_POLLIN, 0};
  CHECK(curl_multi_poll(multi_, &extra, 1, static_cast<int>(wait.count()), nullptr) == CURLM_OK);
}

void Transfers::turn() {
  admit();
  int running = 0;
  in_curl_ = true;
  CHECK(curl_multi_perform(multi_, &running) == CURLM_OK);
  in_curl_ = false;
  for (; !cancelled_.empty(); cancelled_.pop_front()) remove(cancelled_.front());
  deliver_finished();
}

void Transfers::admit() {
  // What a handler starts here goes to the end of a queue and is admitted in the same turn.
  while (has_work()) {
    std::deque<TransferId>& queue = starting_.empty() ? waiting_ : starting_;
    const TransferId id = queue.front();
    queue.pop_front();
    if (auto put = put_on_the_wire(*transfers_.at(id)); !put)
      finish(id, tl::unexpected<Error>(put.error()));
  }
}

Result<void> Transfers::put_on_the_wire(Transfer& transfer) {
  if (auto checked = check_request(transfer.request); !checked) return checked;
  transfer.easy.reset(curl_easy_init());
  CURL* easy = transfer.easy.get();
  if (easy == nullptr) return fail(ErrorCode::Unavailable, "out of memory for a transfer");
  transfer.header_list = render_headers(transfer.request);
  curl_easy_setopt(easy, CURLOPT_URL, transfer.request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.header_list.get());
  set_method(easy, transfer.request);
  set_connection(easy, transfer.request);
  if (transfer.request.tls) set_tls(easy, *transfer.request.tls);
  if (transfer.request.http2) choose_connection(transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error_text);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfers::take_body);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfers::take_header);
  if (curl_multi_add_handle(multi_, easy) != CURLM_OK) {
    transfer.easy.reset();
    return fail(ErrorCode::Unavailable, "the transfer could not be started");
  }
  if (!transfer.request.long_lived) ++in_flight_;
  transfer.last_byte = loop_.now().monotonic;
  if (transfer.request.stall_max.count() > 0) check_stall(transfer.id);
  return {};
}

void Transfers::choose_connection(Transfer& transfer) {
  const std::string origin = origin_of(transfer.request.url);
  transfer.on_kept_connection =
      transfer.request.may_repeat && !transfer.wants_new_connection && kept_.contains(origin);
  if (transfer.on_kept_connection)
    set_kept_http2(transfer.easy.get());
  else
    set_new_http2(transfer.easy.get(), transfer.request.may_repeat && may_keep(origin));
}

// Those that are not known to be kept would push out those that are.
bool Transfers::may_keep(const std::string& origin) {
  if (kept_.contains(origin)) return true;
  const Instant now = loop_.now().monotonic;
  if (kept_.size() >= k_kept_connections_max)
    std::erase_if(
        kept_, [now](const auto& kept) { return now - kept.second > k_kept_connection_idle_max; });
  return kept_.size() < k_kept_connections_max;
}

void Transfers::keep_connection(const Transfer& transfer) {
  const std::string origin = origin_of(transfer.request.url);
  if (transfer.request.http2 && transfer.request.may_repeat && may_keep(origin))
    kept_[origin] = loop_.now().monotonic;
}

bool Transfers::try_again(Transfer& transfer, int curl_code) {
  const bool has_answer = transfer.status() != 0 || transfer.refused || transfer.cancelled;
  if (curl_code == CURLE_OK || !transfer.on_kept_connection || has_answer) return false;
  kept_.erase(origin_of(transfer.request.url));
  transfer.wants_new_connection = true;
  loop_.cancel_timer(transfer.stall_timer);
  take_off_the_wire(transfer);
  waiting_.push_front(transfer.id);
  return true;
}

// A connection on which a request ended early may be dead: libcurl would go on with it.
void Transfers::close_connection(Transfer& transfer) {
  if (!transfer.request.http2) return;
  curl_easy_setopt(transfer.easy.get(), CURLOPT_FORBID_REUSE, 1L);
  kept_.erase(origin_of(transfer.request.url));
}

void Transfers::take_off_the_wire(Transfer& transfer) {
  curl_multi_remove_handle(multi_, transfer.easy.get());
  transfer.easy.reset();
  if (!transfer.request.long_lived) --in_flight_;
}

void Transfers::check_stall(TransferId id) {
  Transfer& transfer = *transfers_.at(id);
  const Duration limit = transfer.request.stall_max;
  const Duration left = transfer.last_byte + limit - loop_.now().monotonic;
  if (left.count() > 0) {
    transfer.stall_timer = loop_.add_timer(left, [this, id] { check_stall(id); });
    return;
  }
  finish(id, fail(ErrorCode::Unavailable,
                  "no byte from the server for " + std::to_string(limit.count()) + " ms",
                  shown_url(transfer.request.url)));
}

void Transfers::deliver_finished() {
  std::vector<std::pair<TransferId, CURLcode>> finished;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    finished.emplace_back(reinterpret_cast<Transfer*>(transfer)->id, message->data.result);
  }
  for (const auto& [id, code] : finished) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end() || try_again(*found->second, code)) continue;
    found->second->has_ended = true;
    if (code == CURLE_OK) keep_connection(*found->second);
    finish(id, found->second->result(code));
  }
}

void Transfers::finish(TransferId id, Result<HttpResponse> result) {
  const auto on_done = std::move(transfers_.at(id)->handlers.on_done);
  remove(id);
  if (on_done) on_done(std::move(result));
}

void Transfers::remove(TransferId id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  Transfer& transfer = *found->second;
  loop_.cancel_timer(transfer.deadline_timer);
  loop_.cancel_timer(transfer.stall_timer);
  if (transfer.easy) {
    if (!transfer.has_ended) close_connection(transfer);
    take_off_the_wire(transfer);
  } else {
    std::erase(starting_, id);
    std::erase(waiting_, id);
  }
  transfers_.erase(found);
}

std::size_t Transfers::take_body(char* bytes, std::size_t, std::size_t size, void* transfer) {
  return static_cast<Transfer*>(transfer)->take_body({bytes, size}) ? size : 0;
}

std::size_t Transfers::take_header(char* bytes, std::size_t, std::size_t size, void* transfer) {
  return static_cast<Transfer*>(transfer)->take_header({bytes, size}) ? size : 0;
}

}  // namespace ray_gitops
