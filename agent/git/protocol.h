#pragma once
// What the agent and its Git child say to each other. One request, then one answer, each a frame:
// its length (8 bytes, little-endian), then that many bytes. Numbers are 8 bytes, little-endian;
// strings are a length and bytes, because paths and contents of a repository may be any bytes.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "agent/engine/event.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::git {

// Above the largest answer: k_source_bytes_max of contents and k_source_files_max paths.
constexpr std::uint64_t k_frame_bytes_max = 192ULL * 1024 * 1024;
constexpr std::size_t k_frame_length_bytes = 8;

// The files that hold the credentials for a repository. They are named here, not what they hold.
struct CredentialSource {
  std::string username;       // used when there is no file with one
  std::string username_file;  // absolute path; empty: none
  std::string token_file;     // absolute path; empty: there are no credentials
};

// Where to look. Every request carries it: the child keeps nothing between two requests.
struct Remote {
  std::string url;               // https://, http://, file:// or an absolute path
  std::string cache_directory;   // of the agent alone; made with mode 0700, may vanish at any time
  CredentialSource credentials;  // for http and https
  std::string certificate_authority_file;  // PEM, instead of the machine's; empty: the machine's
  Duration stall_max{0};  // the child ends itself when a server is silent for so long; 0: never
};

struct ListRequest {
  using Answer = engine::RemoteTips;
  std::string source_branch;  // without refs/heads/
  std::string status_branch;
};

struct LoadRequest {
  using Answer = engine::SourceTree;
  std::string branch;
  std::string folder;  // inside the repository, without leading or final '/'; empty: all of it
  std::string commit;  // 40 hexadecimal digits
  std::string accepted;
  std::set<std::string> known_blobs;
};

struct LoadStatusRequest {
  using Answer = engine::StatusTree;
  std::string branch;
  std::optional<std::string> tip;
};

struct PublishRequest {
  using Answer = std::string;  // the new tip
  std::string branch;
  std::optional<std::string> expected_tip;
  std::map<std::string, std::string> files;
  std::string message;
  std::string author_name;
  std::string author_email;
  WallTime time;
  // Of agent/loop/clock.h, which all processes share. Later it is not pushed: Conflict.
  Instant not_after{std::numeric_limits<std::int64_t>::max()};
};

using Request = std::variant<ListRequest, LoadRequest, LoadStatusRequest, PublishRequest>;
using Answer =
    std::variant<engine::RemoteTips, engine::SourceTree, engine::StatusTree, std::string>;

struct Job {
  Remote remote;
  Request request;
};

// Whole frames, length included.
std::string encode_job(const Job& job);
std::string encode_answer(const Result<Answer>& answer);

// Of a frame's bytes without its length. A frame that is cut short, longer than it says or not of
// this protocol is Unavailable; decode_answer's other errors are the ones that were answered.
Result<Job> decode_job(std::string_view frame);
Result<Answer> decode_answer(std::string_view frame);

// The length a frame's first k_frame_length_bytes bytes announce; LimitExceeded when it is too big.
Result<std::size_t> decode_frame_length(std::string_view bytes);

}  // namespace ray_gitops::git
