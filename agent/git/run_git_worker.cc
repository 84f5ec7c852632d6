#include "agent/git/run_git_worker.h"

#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/git/cache.h"
#include "agent/git/credentials.h"
#include "agent/git/protocol.h"
#include "agent/git/source_reader.h"
#include "agent/git/status_branch.h"
#include "agent/git/transport.h"
#include "agent/log/log.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::git {
namespace {

Result<void> require_commit(const Link& link, Cache& cache, const std::string& branch,
                            const std::string& commit, const char* cache_ref) {
  TRY(check_id(commit));
  if (cache.has_commit(commit)) return {};
  const std::string ref = TRY(ref_of_branch(branch));
  TRY(fetch_ref(link, cache, ref, cache_ref));
  if (!cache.is_ref_whole(cache_ref)) {
    TRY(cache.start_anew());
    TRY(fetch_ref(link, cache, ref, cache_ref));
  }
  if (cache.has_commit(commit)) return {};
  return fail(ErrorCode::Conflict, "branch " + branch + " no longer leads to commit " + commit,
              link.address.shown);
}

// Calls `read` with a cache that holds the commit; once more with a new cache when that one turns
// out to be damaged.
template <class Read>
auto read_commit(const Link& link, Cache& cache, const std::string& branch,
                 const std::string& commit, const char* cache_ref, Read read) -> decltype(read()) {
  TRY(require_commit(link, cache, branch, commit, cache_ref));
  auto answer = read();
  if (answer || answer.error().code != ErrorCode::Unavailable) return answer;
  TRY(cache.start_anew());
  TRY(require_commit(link, cache, branch, commit, cache_ref));
  return read();
}

struct Perform {
  const Link& link;
  const std::string& cache_directory;

  Result<Answer> operator()(const ListRequest& request) const {
    const std::string source = TRY(ref_of_branch(request.source_branch));
    const std::string status = TRY(ref_of_branch(request.status_branch));
    const auto tips = TRY(list_refs(link, {source, status}));
    return engine::RemoteTips{.source = tips[0], .status = tips[1]};
  }

  Result<Answer> operator()(const LoadRequest& request) const {
    Cache cache = TRY(Cache::open(cache_directory));
    return TRY(read_commit(link, cache, request.branch, request.commit, k_source_ref,
                           [&] { return read_source(cache, request); }));
  }

  Result<Answer> operator()(const LoadStatusRequest& request) const {
    if (!request.tip) return engine::StatusTree{};
    Cache cache = TRY(Cache::open(cache_directory));
    return TRY(read_commit(link, cache, request.branch, *request.tip, k_status_ref,
                           [&] { return read_status(cache, *request.tip); }));
  }

  Result<Answer> operator()(const PublishRequest& request) const {
    Cache cache = TRY(Cache::open(cache_directory));
    if (request.expected_tip) {
      TRY(read_commit(link, cache, request.branch, *request.expected_tip, k_status_ref,
                      [&] { return cache.find_tree_of(*request.expected_tip); }));
    }
    return TRY(publish_status(link, cache, request));
  }
};

Result<Link> link_to(const Remote& remote) {
  Link link{.address = TRY(parse_address(remote.url)),
            .credentials = {},
            .credentials_file = remote.credentials.token_file,
            .stall_max = remote.stall_max};
  if (!link.address.path.empty()) return link;
  TRY(trust_authorities(remote.certificate_authority_file));
  link.credentials = TRY(read_credentials(remote.credentials));
  return link;
}

Result<Answer> perform(const Job& job) {
  const Link link = TRY(link_to(job.remote));
  Result<Answer> answer = std::visit(Perform{link, job.remote.cache_directory}, job.request);
  if (!answer && link.credentials)
    answer.error().message =
        without_credentials(std::move(answer.error().message), *link.credentials);
  return answer;
}

bool read_all(int fd, char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t done = read(fd, bytes, count);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes += done;
    count -= static_cast<std::size_t>(done);
  }
  return true;
}

bool write_all(int fd, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t done = write(fd, text.data() + sent, text.size() - sent);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    sent += static_cast<std::size_t>(done);
  }
  return true;
}

// nullopt at the end of the input, or where no frame of ours begins.
std::optional<std::string> read_frame(int fd) {
  std::string length(k_frame_length_bytes, '\0');
  if (!read_all(fd, length.data(), length.size())) return std::nullopt;
  const auto size = decode_frame_length(length);
  if (!size) return std::nullopt;
  std::string frame(*size, '\0');
  if (!read_all(fd, frame.data(), frame.size())) return std::nullopt;
  return frame;
}

// The exit code, when it is the last one.
std::optional<int> serve(std::string frame, int answers) {
  const Result<Job> job = decode_job(frame);
  if (!job) return 1;
  frame = {};
  if (!write_all(answers, encode_answer(perform(*job)))) return 0;
  return std::nullopt;
}

void limit_memory() {
#ifndef RAY_GITOPS_SANITIZED  // the shadow of a sanitizer would not fit
  const rlimit limit{k_worker_memory_bytes_max, k_worker_memory_bytes_max};
  setrlimit(RLIMIT_DATA, &limit);
#endif
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
}

}  // namespace

int run_git_worker() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit_memory();
  // What a library prints must not end up among the answers.
  const int answers = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (answers < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  initialise_libgit2();
  while (auto frame = read_frame(STDIN_FILENO)) {
    const std::optional<int> end = serve(std::move(*frame), answers);
    if (end) return *end;
    frame.reset();
    malloc_trim(0);  // it mostly waits for the next poll
  }
  return 0;
}

}  // namespace ray_gitops::git
