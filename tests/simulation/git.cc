#include "tests/simulation/git.h"

#include <charconv>
#include <utility>

#include "reconcilers/model/digest.h"

namespace ray_gitops::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t k_id_digits = 40;

std::string blob_id(const File& file) {
  return short_hash(file.refused + "\n" + file.content, k_id_digits);
}

std::int64_t epoch_in(const std::string& message) {
  static const std::string k_trailer = "Lease-Epoch: ";
  const std::size_t at = message.find(k_trailer);
  std::int64_t epoch = 0;
  if (at == std::string::npos) return epoch;
  const char* first = message.data() + at + k_trailer.size();
  static_cast<void>(std::from_chars(first, message.data() + message.size(), epoch));
  return epoch;
}

}  // namespace

template <class Answered>
void Git::answer(const Deliver& deliver, const std::function<Answered()>& make,
                 const std::function<Answered(Error)>& make_failed) {
  const Duration there = core_.random.between(milliseconds(2), milliseconds(80));
  const Duration patience = core_.random.between(milliseconds(5), seconds(5));
  const bool lost = core_.random.chance(core_.faults.git_unreachable);
  const bool slow = core_.random.chance(core_.faults.git_slow);
  const Duration late = core_.random.between(seconds(1), seconds(30));
  const Duration back = core_.random.between(milliseconds(2), milliseconds(80));
  if (lost) {
    core_.timeline.after(patience, [deliver, make_failed] {
      deliver(make_failed({ErrorCode::Unavailable, "the remote cannot be reached", {}}));
    });
    return;
  }
  core_.timeline.after(there, [this, deliver, make, delay = slow ? late : back] {
    const Answered event = make();
    core_.timeline.after(delay, [deliver, event] { deliver(event); });
  });
}

void Git::list_remote(const Deliver& deliver) {
  answer<engine::RemoteListed>(
      deliver,
      [this] { return engine::RemoteListed{engine::RemoteTips{source_tip_, status_tip_}}; },
      [](Error error) { return engine::RemoteListed{tl::unexpected<Error>(std::move(error))}; });
}

void Git::load_commit(const engine::LoadCommit& effect, const Deliver& deliver) {
  answer<engine::CommitLoaded>(
      deliver, [this, effect] { return engine::CommitLoaded{effect.commit, tree_of(effect)}; },
      [id = effect.commit](Error error) {
        return engine::CommitLoaded{id, tl::unexpected<Error>(std::move(error))};
      });
}

Result<engine::SourceTree> Git::tree_of(const engine::LoadCommit& effect) const {
  const auto found = sources_.find(effect.commit);
  if (found == sources_.end()) return fail(ErrorCode::NotFound, "no such commit");
  engine::SourceTree tree{
      .commit = found->first,
      .message = found->second.message,
      .files = {},
      .descends_from_accepted = effect.accepted.empty() || descends(found->first, effect.accepted)};
  for (const auto& [path, file] : found->second.files) {
    engine::SourceFile entry{path, blob_id(file), std::nullopt, file.refused};
    if (file.refused.empty() && !effect.known_blobs.contains(entry.blob_id))
      entry.content = file.content;
    tree.files.push_back(std::move(entry));
  }
  return tree;
}

void Git::load_status(const engine::LoadStatus& effect, const Deliver& deliver) {
  answer<engine::StatusLoaded>(
      deliver, [this, tip = effect.tip] { return engine::StatusLoaded{status_tree(tip)}; },
      [](Error error) { return engine::StatusLoaded{tl::unexpected<Error>(std::move(error))}; });
}

Result<engine::StatusTree> Git::status_tree(const std::optional<std::string>& tip) const {
  if (!tip) return engine::StatusTree{};
  const auto found = statuses_.find(*tip);
  if (found == statuses_.end()) return fail(ErrorCode::NotFound, "no such commit");
  const StatusCommit& commit = found->second;
  return engine::StatusTree{commit.id, commit.files, epoch_in(commit.message)};
}

void Git::publish(const engine::PublishStatus& effect, const Deliver& deliver) {
  const bool refused = core_.random.chance(core_.faults.push_refused);
  const bool answer_lost = core_.random.chance(core_.faults.push_answer_lost);
  answer<engine::StatusPublished>(
      deliver,
      [this, effect, refused, answer_lost]() -> engine::StatusPublished {
        if (refused) return {fail(ErrorCode::Rejected, "the hook declined")};
        Result<std::string> tip = push(effect);
        if (answer_lost) tip = fail(ErrorCode::Unavailable, "the connection broke");
        return {std::move(tip)};
      },
      [](Error error) { return engine::StatusPublished{tl::unexpected<Error>(std::move(error))}; });
}

Result<std::string> Git::push(const engine::PublishStatus& effect) {
  if (effect.expected_tip != status_tip_) return fail(ErrorCode::Conflict, "the branch has moved");
  StatusCommit commit{{}, effect.expected_tip, effect.files, effect.message};
  std::string text = "status " + std::to_string(statuses_.size()) + commit.message;
  commit.id = short_hash(text, k_id_digits);
  if (on_status) on_status(commit);
  status_tip_ = commit.id;
  statuses_.emplace(commit.id, commit);
  return commit.id;
}

const SourceCommit& Git::commit(Files files, const std::string& message) {
  SourceCommit commit{{}, source_tip_.value_or(""), message, std::move(files)};
  std::string text = "source " + std::to_string(sources_.size()) + commit.parent + message;
  commit.id = short_hash(text, k_id_digits);
  source_tip_ = commit.id;
  core_.note("commit " + commit.id.substr(0, 7) + " " + message);
  return sources_.emplace(commit.id, commit).first->second;
}

bool Git::descends(const std::string& id, const std::string& ancestor) const {
  std::string at = id;
  while (!at.empty()) {
    if (at == ancestor) return true;
    const auto found = sources_.find(at);
    at = found == sources_.end() ? "" : found->second.parent;
  }
  return false;
}

const StatusCommit* Git::status() const { return status_tip_ ? status(*status_tip_) : nullptr; }

const StatusCommit* Git::status(const std::string& id) const {
  const auto found = statuses_.find(id);
  return found == statuses_.end() ? nullptr : &found->second;
}

}  // namespace ray_gitops::simulation
