#pragma once
// Talking to the remote: list, fetch, push. In the child only.

#include <optional>
#include <string>
#include <vector>

#include "agent/git/address.h"
#include "agent/git/cache.h"
#include "agent/git/credentials.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::git {

constexpr std::size_t k_refs_max = 50'000;
constexpr std::size_t k_fetch_bytes_max = 256UL * 1024 * 1024;
// Of what the remote says beside its answer ("remote: ..."); the rest is left out.
constexpr std::size_t k_remote_text_bytes_max = 1024;

// A remote the child was asked to work with. While one of these functions waits for a server, each
// answer from it restarts a timer of `stall_max`; when that runs out, SIGALRM ends the process,
// because nothing can interrupt libgit2.
struct Link {
  Address address;
  std::optional<Credentials> credentials;  // sent when the server asks, by Basic authentication
  std::string credentials_file;            // the token's, for messages
  Duration stall_max{0};                   // 0: none
};

// "refs/heads/<branch>"; InvalidInput when that is no name of a reference.
Result<std::string> ref_of_branch(const std::string& branch);

// The commits these references are at, in their order; nullopt where there is none.
Result<std::vector<std::optional<std::string>>> list_refs(const Link& link,
                                                          const std::vector<std::string>& refs);

// Brings `remote_ref` and all it refers to into the cache, as `cache_ref`. No error when the remote
// has no such reference. LimitExceeded past k_fetch_bytes_max.
Result<void> fetch_ref(const Link& link, Cache& cache, const std::string& remote_ref,
                       const char* cache_ref);

struct Push {
  std::string remote_ref;
  std::optional<std::string> expected;  // what the reference must be at; nullopt: not exist
  std::string commit;                   // in the cache, whole
  std::string author_name;              // for the reference log of a repository on this machine
  std::string author_email;
};

// Compare-and-swap of one reference. Conflict when it is not at `expected`, Rejected with the
// remote's sentence when the remote refuses it, Forbidden when it is read-only. After any other
// error the remote was asked again: the reference is then not at `commit`, or could not be read.
Result<void> push_commit(const Link& link, Cache& cache, const Push& push);

}  // namespace ray_gitops::git
