#include "agent/source/source.h"

#include <utility>

namespace ray_gitops::source {

Source::Source(git::GitWorker& worker, SourceOptions options,
               std::function<void(engine::Event)> emit)
    : worker_(worker), options_(std::move(options)), emit_(std::move(emit)) {}

void Source::list_remote(const engine::ListRemote&) {
  worker_.submit(git::ListRequest{options_.branch, options_.status_branch},
                 [emit = emit_](Result<engine::RemoteTips> tips) {
                   emit(engine::RemoteListed{std::move(tips)});
                 });
}

void Source::load_commit(const engine::LoadCommit& effect) {
  git::LoadRequest request{.branch = options_.branch,
                           .folder = options_.folder,
                           .commit = effect.commit,
                           .accepted = effect.accepted,
                           .known_blobs = effect.known_blobs};
  worker_.submit(std::move(request),
                 [emit = emit_, commit = effect.commit](Result<engine::SourceTree> tree) {
                   emit(engine::CommitLoaded{commit, std::move(tree)});
                 });
}

}  // namespace ray_gitops::source
