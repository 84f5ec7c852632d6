#pragma once
// The tokens of Ray heads that ask for one (Ray 2.52, "Ray token authentication"): read from the
// Secrets that hold them, and remembered until a head refuses one.

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/loop/http.h"
#include "agent/loop/loop.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::ray {

// Sends a request whose URL is a path of the API server, with the connection's credentials.
// Answers as Loop::start_transfer does; drops what is under way when the client is gone.
using SendToApiServer = std::function<void(HttpRequest, HttpHandlers)>;

constexpr std::size_t k_tokens_max = 10'000;  // remembered; one more forgets one that is not in use
// A Secret is not read more often than this: pods keep the token that they began with, and may go
// on refusing what stands there now.
constexpr Duration k_token_pause{2'000};
constexpr Duration k_token_read_time_max{5'000};

class HeadTokens {
 public:
  using Handler = std::function<void(const Result<std::string>& token)>;

  HeadTokens(Loop& loop, SendToApiServer send_to_api_server);

  // Calls `handler` once: at once where the answer is known, else when the Secret has been read.
  // Unauthenticated, naming the Secret, when there is no token to be had.
  void find(const ResourceKey& secret, Handler handler);
  // A head has refused the token that stood there: it is read anew when it is asked for again.
  void forget(const ResourceKey& secret);

 private:
  struct Entry {
    Result<std::string> token = fail(ErrorCode::Unauthenticated, "it was not read yet");
    bool is_good = false;
    bool is_read = false;  // at least once
    Instant read_at;
    bool is_reading = false;
    std::vector<Handler> waiting;
  };

  void read(const ResourceKey& secret, Entry& entry);
  void take(const ResourceKey& secret, Result<std::string> token);
  void make_room();

  Loop& loop_;
  SendToApiServer send_to_api_server_;
  std::map<ResourceKey, Entry> entries_;
};

}  // namespace ray_gitops::ray
