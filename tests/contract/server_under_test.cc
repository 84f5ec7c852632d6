#include "tests/contract/server_under_test.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/thread.h>

#include "agent/local_cluster/server/http.h"
#include "agent/local_cluster/server/open.h"
#include "agent/local_cluster/server/server.h"

namespace ray_gitops::contract {
namespace {

using local_cluster::PodLogPlace;

class OneLog final : public local_cluster::PodLogs {
 public:
  explicit OneLog(std::string path) : path_(std::move(path)) {}
  Result<std::string> find_log(const PodLogPlace& place) const override {
    if (place.previous) return fail(ErrorCode::NotFound, "previous terminated container not found");
    return path_;
  }

 private:
  std::string path_;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string(value);
}

std::string make_directory() {
  std::string path =
      (std::filesystem::temp_directory_path() / "ray-gitops-contract-XXXXXX").string();
  return mkdtemp(path.data()) == nullptr ? std::string{} : path;
}

struct Reading {
  std::string text;
  const std::string& until;

  bool is_done() const { return !until.empty() && text.find(until) != std::string::npos; }
};

std::size_t append_to(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto* reading = static_cast<Reading*>(self);
  reading->text.append(bytes, size * count);
  return reading->is_done() ? 0 : size * count;
}

void break_loop(int, short, void* base) { event_base_loopbreak(static_cast<event_base*>(base)); }

struct EventBaseDeleter {
  void operator()(event_base* base) const { event_base_free(base); }
};

}  // namespace

struct ServerUnderTest::Local {
  explicit Local(std::string state)
      : directory(std::move(state)), logs(directory + "/container.log") {}

  void stop() {
    if (!thread.joinable()) return;
    // As an event, because a break before the loop has begun would be forgotten.
    const timeval now{};
    event_base_once(base.get(), -1, EV_TIMEOUT, break_loop, base.get(), &now);
    thread.join();
    server.reset();
    // libevent frees a connection that it was about to call back for in the round after.
    event_base_loop(base.get(), EVLOOP_NONBLOCK);
    opened.reset();
    base.reset();
  }

  std::string directory;
  OneLog logs;
  std::unique_ptr<event_base, EventBaseDeleter> base;
  std::unique_ptr<local_cluster::OpenedStore> opened;
  std::unique_ptr<local_cluster::Server> server;
  std::thread thread;
};

ServerUnderTest::ServerUnderTest(Which which) {
  if (which == Which::AsEnvironmentSays)
    target_ = {environment("KUBETEST_URL"), environment("KUBETEST_TOKEN"),
               environment("KUBETEST_CA")};
  if (!target_.url.empty()) return;
  evthread_use_pthreads();
  local_ = std::make_unique<Local>(make_directory());
  start({});
}

ServerUnderTest::~ServerUnderTest() {
  if (local_ == nullptr) return;
  local_->stop();
  std::filesystem::remove_all(local_->directory);
}

void ServerUnderTest::start(Limits limits) {
  const WallTime now = local_cluster::read_wall_clock();
  const std::string state = local_->directory + "/state";
  auto opened = local_cluster::open_store(state, now);
  auto credentials = local_cluster::read_or_make_credentials(state, now);
  if (!opened || !credentials) return;
  local_->base.reset(event_base_new());
  local_->opened = std::make_unique<local_cluster::OpenedStore>(std::move(*opened));
  auto server = local_cluster::Server::start(
      local_->base.get(), local_->opened->store, local_->opened->database, local_->logs,
      {.token = credentials->token,
       .certificate = credentials->certificate,
       .stream_buffer_bytes_max = limits.stream_buffer_bytes_max,
       .watches_max = limits.watches_max});
  if (!server) return;
  local_->server = std::move(*server);
  target_ = {local_->server->url(), credentials->token, state + "/tls.crt"};
  local_->thread =
      std::thread([base = local_->base.get()] { event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY); });
}

void ServerUnderTest::restart(Limits limits) {
  local_->stop();
  start(limits);
}

std::string ServerUnderTest::log_path() const { return local_->directory + "/container.log"; }

Answer send_request(const Target& target, const Request& request) {
  constexpr long k_seconds_max = 20;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  curl_slist* headers = curl_slist_append(nullptr, "Expect:");
  if (!request.token.empty())
    headers = curl_slist_append(headers, ("Authorization: Bearer " + request.token).c_str());
  if (!request.accept.empty())
    headers = curl_slist_append(headers, ("Accept: " + request.accept).c_str());
  headers = curl_slist_append(headers, ("Content-Type: " + request.content_type).c_str());
  Reading reading{{}, request.until};
  curl_easy_setopt(curl.get(), CURLOPT_URL, (target.url + request.path).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CAINFO, target.certificate_file.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, k_seconds_max);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append_to);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reading);
  if (!request.body.empty())
    curl_easy_setopt(curl.get(), CURLOPT_COPYPOSTFIELDS, request.body.c_str());
  long http = 0;
  if (curl_easy_perform(curl.get()) == CURLE_OK || reading.is_done())
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &http);
  curl_slist_free_all(headers);
  return {static_cast<int>(http), std::move(reading.text)};
}

struct SlowReader::State {
  static std::size_t on_bytes(char*, std::size_t size, std::size_t count, void* self) {
    auto* state = static_cast<State*>(self);
    state->has_bytes = true;
    // Holds libcurl, and so the connection, until the test lets it go on.
    while (!state->may_read) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return size * count;
  }

  std::atomic<bool> has_bytes = false;
  std::atomic<bool> may_read = false;
  std::atomic<bool> ended_well = false;
  std::thread thread;
};

SlowReader::SlowReader(const Target& target, const std::string& path)
    : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get(), target, path] {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                   &curl_easy_cleanup);
    curl_slist* headers =
        curl_slist_append(nullptr, ("Authorization: Bearer " + target.token).c_str());
    curl_easy_setopt(curl.get(), CURLOPT_URL, (target.url + path).c_str());
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, target.certificate_file.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, State::on_bytes);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, state);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 60L);
    state->ended_well = curl_easy_perform(curl.get()) == CURLE_OK;
    curl_slist_free_all(headers);
  });
}

SlowReader::~SlowReader() { static_cast<void>(read_to_the_end()); }

bool SlowReader::wait_for_first_bytes() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!state_->has_bytes && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return state_->has_bytes;
}

bool SlowReader::read_to_the_end() {
  state_->may_read = true;
  if (state_->thread.joinable()) state_->thread.join();
  return state_->ended_well;
}

}  // namespace ray_gitops::contract
