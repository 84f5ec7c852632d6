#include "agent/git/transport.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include <git2.h>
#include <sys/time.h>

#include "agent/git/local_push.h"
#include "agent/log/log.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::git {
namespace {

// Of progress and hook output in one exchange, all of it.
constexpr std::size_t k_chatter_bytes_max = 1024UL * 1024;

tl::unexpected<Error> git_failure(int code, const std::string& where) {
  return tl::unexpected(last_git_error(code, where));
}

// Ends the process by SIGALRM when not restarted in time; see Link.
class StallTimer {
 public:
  explicit StallTimer(const Link& link)
      : stall_max_(link.address.path.empty() ? link.stall_max : Duration{0}) {
    restart();
  }
  ~StallTimer() { set(Duration{0}); }
  StallTimer(const StallTimer&) = delete;
  StallTimer& operator=(const StallTimer&) = delete;
  void restart() const { set(stall_max_); }

 private:
  static void set(Duration delay) {
    const itimerval value{{0, 0}, {delay.count() / 1000, delay.count() % 1000 * 1000}};
    setitimer(ITIMER_REAL, &value, nullptr);
  }
  Duration stall_max_;
};

// One exchange with the remote: what its callbacks saw and decided.
struct Exchange {
  explicit Exchange(const Link& link) : timer(link), credentials(link.credentials) {}
  StallTimer timer;
  const std::optional<Credentials>& credentials;
  bool identified = false;  // the server was told the credentials
  std::size_t chatter_bytes = 0;
  std::string remote_text;
  bool too_large = false;
  // Of a push:
  git_oid expected{};
  bool moved = false;
  bool answered = false;
  std::optional<std::string> refusal;
};

// Called when the server asks who we are: for a second time when it did not like the answer.
int on_credentials(git_credential** made, const char*, const char*, unsigned allowed,
                   void* payload) {
  auto& exchange = *static_cast<Exchange*>(payload);
  if (exchange.identified) return GIT_EAUTH;
  if (!exchange.credentials || (allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) == 0)
    return GIT_PASSTHROUGH;
  exchange.identified = true;
  return git_credential_userpass_plaintext_new(made, exchange.credentials->username.c_str(),
                                               exchange.credentials->token.c_str());
}

int on_remote_text(const char* text, int length, void* payload) {
  auto& exchange = *static_cast<Exchange*>(payload);
  exchange.timer.restart();
  const std::string_view said(text, length > 0 ? static_cast<std::size_t>(length) : 0);
  exchange.chatter_bytes += said.size();
  exchange.remote_text += said.substr(
      0, k_remote_text_bytes_max - std::min(exchange.remote_text.size(), k_remote_text_bytes_max));
  exchange.too_large = exchange.chatter_bytes > k_chatter_bytes_max;
  return exchange.too_large ? -1 : 0;
}

int on_received(const git_indexer_progress* progress, void* payload) {
  auto& exchange = *static_cast<Exchange*>(payload);
  exchange.timer.restart();
  exchange.too_large = progress->received_bytes > k_fetch_bytes_max;
  return exchange.too_large ? -1 : 0;
}

int on_packed(int, std::uint32_t, std::uint32_t, void* payload) {
  static_cast<Exchange*>(payload)->timer.restart();
  return 0;
}

int on_sent(unsigned, unsigned, std::size_t, void* payload) {
  static_cast<Exchange*>(payload)->timer.restart();
  return 0;
}

// The compare of compare-and-swap: `src` is what the remote says the reference is at (zero: it does
// not exist). The server repeats it when it updates the reference.
int on_negotiation(const git_push_update** updates, std::size_t count, void* payload) {
  auto& exchange = *static_cast<Exchange*>(payload);
  exchange.moved = count != 1 || !git_oid_equal(&updates[0]->src, &exchange.expected);
  return exchange.moved ? -1 : 0;
}

int on_reference_answer(const char*, const char* refusal, void* payload) {
  auto& exchange = *static_cast<Exchange*>(payload);
  exchange.answered = true;
  if (refusal != nullptr) exchange.refusal = refusal;
  return 0;
}

git_remote_callbacks callbacks_of(Exchange& exchange) {
  git_remote_callbacks callbacks;
  git_remote_init_callbacks(&callbacks, GIT_REMOTE_CALLBACKS_VERSION);
  callbacks.credentials = on_credentials;
  callbacks.sideband_progress = on_remote_text;
  callbacks.transfer_progress = on_received;
  callbacks.pack_progress = on_packed;
  callbacks.push_transfer_progress = on_sent;
  callbacks.push_negotiation = on_negotiation;
  callbacks.push_update_reference = on_reference_answer;
  callbacks.payload = &exchange;
  return callbacks;
}

Error error_of(const Link& link, const Exchange& exchange, int code) {
  if (exchange.too_large)
    return {ErrorCode::LimitExceeded, "the repository sends more than the agent takes at once",
            link.address.shown};
  if (code == GIT_ECERTIFICATE)
    return {ErrorCode::Unavailable,
            "the repository's TLS certificate is not trusted: it is of an unknown authority, for "
            "another host or expired",
            link.address.shown};
  Error error = last_git_error(code, link.address.shown);
  if (exchange.identified && error.code == ErrorCode::Unauthenticated)
    return {error.code, "the repository refuses the credentials", link.credentials_file};
  if (exchange.identified && error.code == ErrorCode::Forbidden)
    return {error.code, "the repository knows the credentials and does not allow this to them",
            link.credentials_file};
  if (!exchange.credentials && error.code == ErrorCode::Unauthenticated)
    error.message = "the repository asks for credentials: set repository.credentials";
  return error;
}

// libgit2 says "unsupported URL" where a local path leads nowhere; this says what is the matter.
Result<void> check_local_repository(const Link& link) {
  if (link.address.path.empty()) return {};
  Handle<git_repository> repository;
  const int code = make_handle<git_repository>(repository, [&](git_repository** made) {
    return git_repository_open(made, link.address.path.c_str());
  });
  if (code == GIT_ENOTFOUND)
    return fail(ErrorCode::NotFound, "there is no Git repository", link.address.shown);
  if (code != 0) return git_failure(code, link.address.shown);
  return {};
}

Result<Handle<git_remote>> remote_of(const Link& link, Cache& cache) {
  Handle<git_remote> remote;
  const int code = make_handle<git_remote>(remote, [&](git_remote** made) {
    return git_remote_create_anonymous(made, cache.repository(), link.address.url.c_str());
  });
  if (code != 0) return git_failure(code, link.address.shown);
  return remote;
}

int fetch_once(git_remote* remote, const std::string& refspec, Exchange& exchange) {
  git_fetch_options options;
  git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
  options.callbacks = callbacks_of(exchange);
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.update_fetchhead = 0;
  // Not to another host: it would get the credentials.
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  std::string text = refspec;
  char* texts[] = {text.data()};
  const git_strarray refspecs{texts, 1};
  return git_remote_fetch(remote, &refspecs, &options, nullptr);
}

int push_once(git_remote* remote, const std::string& refspec, Exchange& exchange) {
  git_push_options options;
  git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
  options.callbacks = callbacks_of(exchange);
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  std::string text = refspec;
  char* texts[] = {text.data()};
  const git_strarray refspecs{texts, 1};
  return git_remote_push(remote, &refspecs, &options);
}

Error refused(const Link& link, const Push& push, const Exchange& exchange) {
  std::string sentence = "the remote refused " + push.remote_ref + ": " +
                         exchange.refusal.value_or("without a reason");
  if (!exchange.remote_text.empty()) sentence += "; it said: " + exchange.remote_text;
  while (!sentence.empty() && (sentence.back() == '\n' || sentence.back() == '\r'))
    sentence.pop_back();
  return {ErrorCode::Rejected, log::redact(printable(sentence)), link.address.shown};
}

// A push whose answer was lost, or was no, is judged by where the reference is now.
Result<void> judge_by_remote(const Link& link, const Push& push, const Error& otherwise) {
  const auto tips = TRY(list_refs(link, {push.remote_ref}));
  if (tips.front() == push.commit) return {};
  if (tips.front() != push.expected)
    return fail(ErrorCode::Conflict, "the branch has moved", push.remote_ref);
  return tl::unexpected(otherwise);
}

Result<void> push_to_server(const Link& link, Cache& cache, const Push& push) {
  Exchange exchange(link);
  if (push.expected) exchange.expected = TRY(parse_id(*push.expected));
  const Handle<git_remote> remote = TRY(remote_of(link, cache));
  TRY(cache.set_ref(k_publish_ref, push.commit));
  const int code =
      push_once(remote.get(), std::string(k_publish_ref) + ":" + push.remote_ref, exchange);
  Error problem = code == 0 ? refused(link, push, exchange) : error_of(link, exchange, code);
  cache.remove_ref(k_publish_ref);
  if (exchange.moved) return fail(ErrorCode::Conflict, "the branch has moved", push.remote_ref);
  if (code == 0 && exchange.answered && !exchange.refusal) return {};
  if (code != 0 && problem.code != ErrorCode::Unavailable && problem.code != ErrorCode::Conflict)
    return tl::unexpected(std::move(problem));
  return judge_by_remote(link, push, problem);
}

}  // namespace

Result<std::string> ref_of_branch(const std::string& branch) {
  std::string name = "refs/heads/" + branch;
  int valid = 0;
  if (name.find('\0') != std::string::npos ||
      git_reference_name_is_valid(&valid, name.c_str()) != 0 || valid == 0)
    return fail(ErrorCode::InvalidInput, "is no name of a branch", printable(branch));
  return name;
}

Result<std::vector<std::optional<std::string>>> list_refs(const Link& link,
                                                          const std::vector<std::string>& refs) {
  TRY(check_local_repository(link));
  Handle<git_remote> remote;
  int code = make_handle<git_remote>(remote, [&](git_remote** made) {
    return git_remote_create_detached(made, link.address.url.c_str());
  });
  if (code != 0) return git_failure(code, link.address.shown);
  Exchange exchange(link);
  git_remote_connect_options options;
  git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
  options.callbacks = callbacks_of(exchange);
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  code = git_remote_connect_ext(remote.get(), GIT_DIRECTION_FETCH, &options);
  if (code == 0) code = git_remote_ls(&heads, &count, remote.get());
  if (code != 0) return tl::unexpected(error_of(link, exchange, code));
  if (count > k_refs_max)
    return fail(ErrorCode::LimitExceeded,
                "the repository has more than " + std::to_string(k_refs_max) + " references",
                link.address.shown);
  std::vector<std::optional<std::string>> tips(refs.size());
  for (std::size_t head = 0; head < count; ++head)
    for (std::size_t index = 0; index < refs.size(); ++index)
      if (refs[index] == heads[head]->name) tips[index] = to_hex(heads[head]->oid);
  return tips;
}

Result<void> fetch_ref(const Link& link, Cache& cache, const std::string& remote_ref,
                       const char* cache_ref) {
  TRY(check_local_repository(link));
  if (cache.is_oversized()) TRY(cache.start_anew());
  const std::string refspec = "+" + remote_ref + ":" + cache_ref;
  for (const bool may_mend : {true, false}) {
    Exchange exchange(link);
    const Handle<git_remote> remote = TRY(remote_of(link, cache));
    const int code = fetch_once(remote.get(), refspec, exchange);
    if (code == 0) break;
    if (!may_mend || exchange.too_large || !is_storage_error())
      return tl::unexpected(error_of(link, exchange, code));
    TRY(cache.start_anew());
  }
  return {};
}

Result<void> push_commit(const Link& link, Cache& cache, const Push& push) {
  TRY(check_local_repository(link));
  return link.address.path.empty() ? push_to_server(link, cache, push)
                                   : push_to_directory(link, cache, push);
}

}  // namespace ray_gitops::git
