#include "agent/git/status_branch.h"

#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <git2.h>
#include <git2/sys/mempack.h>

#include "agent/git/tree_walk.h"
#include "agent/loop/clock.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::git {
namespace {

constexpr std::string_view k_lease_epoch_trailer = "Lease-Epoch";

tl::unexpected<Error> git_failure(int code) { return tl::unexpected(last_git_error(code, {})); }

// Makes the objects of one commit. They are collected in memory, and what the cache does not have
// yet is then written as one pack: loose objects would fill the disk.
class CommitMaker {
 public:
  CommitMaker(Cache& cache, const PublishRequest& request) : cache_(cache), request_(request) {}

  Result<git_oid> make_tree() {
    TRY(collect_in_memory());
    TRY(check_paths());
    auto file = request_.files.begin();
    return make_folder(file, "");
  }

  Result<std::string> make_commit(const git_oid& tree_id) {
    Handle<git_signature> author;
    int code = make_handle<git_signature>(author, [this](git_signature** made) {
      return git_signature_new(made, request_.author_name.c_str(), request_.author_email.c_str(),
                               request_.time.milliseconds / 1000, 0);
    });
    if (code != 0) return git_failure(code);
    Handle<git_tree> tree;
    code = make_handle<git_tree>(tree, [&](git_tree** made) {
      return git_tree_lookup(made, cache_.repository(), &tree_id);
    });
    if (code != 0) return git_failure(code);
    Handle<git_commit> parent;
    if (request_.expected_tip) parent = TRY(cache_.find_commit(*request_.expected_tip));
    const git_commit* parents[] = {parent.get()};
    git_oid commit{};
    code =
        git_commit_create(&commit, cache_.repository(), nullptr, author.get(), author.get(),
                          nullptr, request_.message.c_str(), tree.get(), parent ? 1 : 0, parents);
    if (code != 0) return git_failure(code);
    made_.push_back(commit);
    TRY(store());
    return to_hex(commit);
  }

 private:
  using File = std::map<std::string, std::string>::const_iterator;

  Result<void> collect_in_memory() {
    objects_ = TRY(cache_.objects());
    git_odb_backend* memory = nullptr;
    constexpr int k_before_all_others = 999;
    int code = git_mempack_new(&memory);
    // The object database owns it from here.
    if (code == 0) code = git_odb_add_backend(objects_.get(), memory, k_before_all_others);
    if (code != 0) return git_failure(code);
    return {};
  }

  Result<void> check_paths() const {
    for (const auto& [path, content] : request_.files) {
      if (path.size() > k_path_bytes_max)
        return fail(ErrorCode::InvalidInput, "the path is too long", printable(path));
      std::string_view rest = path;
      for (bool last = false; !last;) {
        const std::size_t slash = rest.find('/');
        last = slash == std::string_view::npos;
        if (const std::string reason = reason_against_name(rest.substr(0, slash)); !reason.empty())
          return fail(ErrorCode::InvalidInput, reason, printable(path));
        if (!last) rest.remove_prefix(slash + 1);
      }
    }
    return {};
  }

  // The tree of the files from `file` on whose path starts with `prefix` (empty, or ending in '/');
  // moves `file` past them. In byte order they stand together.
  Result<git_oid> make_folder(File& file, const std::string& prefix) {
    Handle<git_treebuilder> builder;
    int code = make_handle<git_treebuilder>(builder, [this](git_treebuilder** made) {
      return git_treebuilder_new(made, cache_.repository(), nullptr);
    });
    while (code == 0 && file != request_.files.end() && file->first.starts_with(prefix)) {
      const std::string_view rest = std::string_view(file->first).substr(prefix.size());
      const std::size_t slash = rest.find('/');
      const std::string name(rest.substr(0, slash));
      if (git_treebuilder_get(builder.get(), name.c_str()) != nullptr)
        return fail(ErrorCode::InvalidInput, "is a file and a folder", printable(prefix + name));
      const bool is_folder = slash != std::string_view::npos;
      const Result<git_oid> id =
          is_folder ? make_folder(file, prefix + name + "/") : make_file(file++);
      if (!id) return id;
      code = git_treebuilder_insert(nullptr, builder.get(), name.c_str(), &*id,
                                    is_folder ? GIT_FILEMODE_TREE : GIT_FILEMODE_BLOB);
    }
    git_oid tree{};
    if (code == 0) code = git_treebuilder_write(&tree, builder.get());
    if (code != 0) return git_failure(code);
    made_.push_back(tree);
    return tree;
  }

  Result<git_oid> make_file(File file) {
    git_oid blob{};
    const int code = git_odb_write(&blob, objects_.get(), file->second.data(), file->second.size(),
                                   GIT_OBJECT_BLOB);
    if (code != 0) return git_failure(code);
    made_.push_back(blob);
    return blob;
  }

  Result<void> store() {
    Handle<git_odb> stored;
    int code = make_handle<git_odb>(stored, [this](git_odb** made) {
      return git_odb_open(made, (cache_.pack_directory() + "/..").c_str());
    });
    Handle<git_packbuilder> builder;
    if (code == 0)
      code = make_handle<git_packbuilder>(builder, [this](git_packbuilder** made) {
        return git_packbuilder_new(made, cache_.repository());
      });
    for (const git_oid& id : made_) {
      if (code != 0) break;
      if (git_odb_exists(stored.get(), &id) == 0)
        code = git_packbuilder_insert(builder.get(), &id, nullptr);
    }
    if (code == 0 && git_packbuilder_object_count(builder.get()) > 0)
      code = git_packbuilder_write(builder.get(), cache_.pack_directory().c_str(), 0, nullptr,
                                   nullptr);
    if (code != 0) return git_failure(code);
    return {};
  }

  Cache& cache_;
  const PublishRequest& request_;
  Handle<git_odb> objects_;
  std::vector<git_oid> made_;
};

std::int64_t lease_epoch_of(const std::string& message) {
  git_message_trailer_array trailers{};
  std::int64_t epoch = 0;
  if (git_message_trailers(&trailers, message.c_str()) != 0) return 0;
  for (std::size_t index = 0; index < trailers.count; ++index) {
    const std::string_view value = trailers.trailers[index].value;
    if (trailers.trailers[index].key == k_lease_epoch_trailer)
      std::from_chars(value.data(), value.data() + value.size(), epoch);
  }
  git_message_trailer_array_free(&trailers);
  return epoch;
}

// What the agent needs to know again (objects/, ledger/), and what `ray-gitops status` shows. The
// engine never finds what is left out: the tree it makes first is sent, and publish_status sees
// that it is the branch's already.
bool is_read_back(const TreeEntry& entry) {
  return entry.kind == EntryKind::File && entry.refused.empty() &&
         (entry.path == "README.md" || entry.path == "summary.json" ||
          entry.path.starts_with("objects/") || entry.path.starts_with("ledger/") ||
          entry.path.starts_with("errors/"));
}

}  // namespace

Result<engine::StatusTree> read_status(const Cache& cache, const std::string& tip) {
  const Handle<git_commit> commit = TRY(cache.find_commit(tip));
  const Handle<git_tree> root = TRY(cache.find_tree_of(tip));
  const Handle<git_odb> objects = TRY(cache.objects());
  engine::StatusTree tree{.tip = tip, .files = {}, .lease_epoch = 0};
  tree.lease_epoch = lease_epoch_of(git_commit_message_raw(commit.get()));
  std::uint64_t bytes = 0;
  const auto visit = [&](const TreeEntry& entry) -> Result<void> {
    if (!is_read_back(entry)) return {};
    bytes += TRY(blob_size(objects.get(), entry.id));
    if (bytes > k_status_bytes_max || tree.files.size() >= k_status_files_max)
      return fail(ErrorCode::LimitExceeded, "the status branch is larger than an agent makes it",
                  tip);
    tree.files[entry.path] = TRY(blob_content(objects.get(), entry.id));
    return {};
  };
  TRY(walk_tree(cache.repository(), root.get(), "", visit));
  return tree;
}

Result<std::string> publish_status(const Link& link, Cache& cache, const PublishRequest& request) {
  const std::string ref = TRY(ref_of_branch(request.branch));
  Push push{.remote_ref = ref,
            .expected = request.expected_tip,
            .commit = {},
            .author_name = request.author_name,
            .author_email = request.author_email};
  CommitMaker maker(cache, request);
  const git_oid tree = TRY(maker.make_tree());
  if (request.expected_tip) {
    const Handle<git_tree> published = TRY(cache.find_tree_of(*request.expected_tip));
    if (git_oid_equal(git_tree_id(published.get()), &tree) != 0) return *request.expected_tip;
  }
  push.commit = TRY(maker.make_commit(tree));
  if (monotonic_now() >= request.not_after)
    return fail(ErrorCode::Conflict, "the Lease ended before the status could be pushed");
  TRY(push_commit(link, cache, push));
  TRY(cache.set_ref(k_status_ref, push.commit));
  return push.commit;
}

}  // namespace ray_gitops::git
