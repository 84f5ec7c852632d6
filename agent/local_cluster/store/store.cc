#include "agent/local_cluster/store/store.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/defaults.h"
#include "agent/local_cluster/store/json_path.h"
#include "reconcilers/model/check.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

std::set<std::string> owner_uids_of(const json& object) {
  std::set<std::string> uids;
  for (const json& owner : at_path(object, {"metadata", "ownerReferences"}))
    uids.insert(string_at(owner, {"uid"}));
  return uids;
}

StoreKey key_of(const json& object) {
  const std::string kind = string_at(object, {"kind"});
  for (const ResourceType& type : resource_types())
    if (type.kind == kind)
      return {std::string(type.plural), string_at(object, {"metadata", "namespace"}),
              string_at(object, {"metadata", "name"})};
  return {};
}

bool is_selected(const Selection& selection, const StoreKey& key, const Document& object) {
  return !object.is_null() && key.plural == selection.type->plural &&
         (selection.ns.empty() || key.ns == selection.ns) &&
         matches(selection.labels, object.json()) && matches(selection.fields, object.json());
}

// Continue tokens are "REVISION/NAMESPACE/NAME" in hexadecimal: safe in a URL as they are.
std::string render_token(std::int64_t revision, const StoreKey& last) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string token;
  for (const char c : std::to_string(revision) + "/" + last.ns + "/" + last.name) {
    const auto byte = static_cast<unsigned char>(c);
    token += k_digits[byte >> 4U];
    token += k_digits[byte & 15U];
  }
  return token;
}

struct ListPlace {
  std::int64_t revision = 0;
  StoreKey last;
};

std::optional<int> hexadecimal_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return std::nullopt;
}

std::optional<ListPlace> parse_token(std::string_view token, std::string_view plural) {
  std::string text;
  for (std::size_t at = 0; at + 1 < token.size(); at += 2) {
    const auto high = hexadecimal_value(token[at]);
    const auto low = hexadecimal_value(token[at + 1]);
    if (!high || !low) return std::nullopt;
    text += static_cast<char>(*high * 16 + *low);
  }
  const std::size_t first = text.find('/');
  const std::size_t second = text.find('/', first + 1);
  if (first == std::string::npos || second == std::string::npos) return std::nullopt;
  const auto revision = parse_revision(text.substr(0, first));
  if (!revision) return std::nullopt;
  return ListPlace{
      *revision,
      {std::string(plural), text.substr(first + 1, second - first - 1), text.substr(second + 1)}};
}

}  // namespace

bool is_terminating(const json& object) {
  return at_path(object, {"metadata"}).contains("deletionTimestamp");
}

std::optional<std::int64_t> parse_revision(std::string_view text) {
  constexpr std::size_t k_digits_max = 18;
  if (text.empty() || text.size() > k_digits_max) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<WatchEvent> event_for(const Change& change, const Selection& selection) {
  const bool was = is_selected(selection, change.key, change.previous);
  const bool is =
      change.type != ChangeType::Deleted && is_selected(selection, change.key, change.object);
  if (!was && !is) return std::nullopt;
  const ChangeType type = !was  ? ChangeType::Added
                          : !is ? ChangeType::Deleted
                                : ChangeType::Modified;
  return WatchEvent{type, change.object};
}

Store::Store(StoreOptions options) : options_(options) {}

void Store::restore(std::int64_t revision, const std::vector<Document>& objects) {
  CHECK(revision_ == 0 && objects_.empty());
  revision_ = revision;
  oldest_revision_ = revision;
  for (const Document& object : objects) {
    const StoreKey key = key_of(object.json());
    objects_[key] = object;
    index(key, object);
    note_work(
        {.revision = 0, .type = ChangeType::Added, .key = key, .object = object, .previous = {}});
  }
}

void Store::bootstrap(WallTime now) {
  for (const char* name : {"default", "kube-system"}) {
    const StoreKey key{"namespaces", "", name};
    if (!find(key).is_null()) continue;
    const auto made = create(key, json::object(), {.now = now, .field_manager = "local-cluster"});
    CHECK(made.has_value());
  }
}

Document Store::find(const StoreKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? Document{} : found->second;
}

ApiResult<Document> Store::get(const StoreKey& key) const {
  const auto found = objects_.find(key);
  if (found != objects_.end()) return found->second;
  const ResourceType* type = find_type_by_plural(key.plural);
  if (type == nullptr) return refuse(no_such_path());
  return refuse(not_found(*type, key.name));
}

std::vector<Document> Store::list(const Selection& selection) const {
  std::vector<Document> items;
  auto at = objects_.lower_bound({std::string(selection.type->plural), selection.ns, ""});
  for (; at != objects_.end() && at->first.plural == selection.type->plural; ++at) {
    if (!selection.ns.empty() && at->first.ns != selection.ns) break;
    if (is_selected(selection, at->first, at->second)) items.push_back(at->second);
  }
  return items;
}

ApiResult<ListPage> Store::list_page(const Selection& selection, const PageRequest& page) const {
  ListPage result;
  result.revision = revision_;
  result.items = list(selection);
  if (!page.continue_token.empty()) {
    const auto place = parse_token(page.continue_token, selection.type->plural);
    if (!place) return refuse(bad_request("continue key is not valid"));
    if (place->revision < oldest_revision_)
      return refuse(expired(place->revision, oldest_revision_));
    // The list stays the one of its first page for the client: it watches from there and sees
    // again what changed since.
    result.revision = place->revision;
    std::erase_if(result.items,
                  [&](const Document& item) { return key_of(item.json()) <= place->last; });
  }
  if (page.limit == 0 || result.items.size() < page.limit) return result;
  result.items.resize(page.limit);
  const StoreKey last = key_of(result.items.back().json());
  const std::int64_t after = count_after(selection, last);
  if (after == 0) return result;
  result.continue_token = render_token(result.revision, last);
  if (!selection.selects()) result.remaining_items = after;
  return result;
}

// Whatever the selectors say: the real server does not look further than the page needs.
std::int64_t Store::count_after(const Selection& selection, const StoreKey& last) const {
  return std::ranges::count_if(
      list({.type = selection.type, .ns = selection.ns}),
      [&last](const Document& item) { return last < key_of(item.json()); });
}

ApiResult<std::vector<Change>> Store::changes_since(std::int64_t revision) const {
  if (revision < oldest_revision_) return refuse(expired(revision, oldest_revision_));
  const auto first = std::ranges::upper_bound(history_, revision, {}, &Change::revision);
  return std::vector<Change>(first, history_.end());
}

Unsaved Store::take_unsaved() { return {revision_, std::exchange(unsaved_, {})}; }

Document Store::commit(const StoreKey& key, json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++revision_);
  Document stored(std::move(object));
  Document previous = find(key);
  if (!previous.is_null()) unindex(key, previous);
  objects_[key] = stored;
  index(key, stored);
  const ChangeType type = previous.is_null() ? ChangeType::Added : ChangeType::Modified;
  record({revision_, type, key, stored, std::move(previous)});
  return stored;
}

Document Store::commit_removal(const StoreKey& key) {
  const auto found = objects_.find(key);
  CHECK(found != objects_.end());
  Document previous = found->second;
  unindex(key, previous);
  objects_.erase(found);
  json last = previous.json();
  last["metadata"]["resourceVersion"] = std::to_string(++revision_);
  Document gone(std::move(last));
  record({revision_, ChangeType::Deleted, key, gone, std::move(previous)});
  return gone;
}

void Store::record(Change change) {
  if (options_.keeps_unsaved)
    unsaved_[change.key] =
        change.type == ChangeType::Deleted ? std::nullopt : std::optional(change.object);
  note_work(change);
  history_.push_back(std::move(change));
  while (history_.size() > options_.history_changes_max) {
    oldest_revision_ = history_.front().revision;
    history_.pop_front();
  }
}

void Store::index(const StoreKey& key, const Document& object) {
  uids_[string_at(object.json(), {"metadata", "uid"})] = key;
  for (const std::string& owner : owner_uids_of(object.json())) dependents_[owner].insert(key);
  if (key.plural == "services") service_network_.take(object.json());
}

void Store::unindex(const StoreKey& key, const Document& object) {
  uids_.erase(string_at(object.json(), {"metadata", "uid"}));
  for (const std::string& owner : owner_uids_of(object.json())) {
    const auto found = dependents_.find(owner);
    if (found == dependents_.end()) continue;
    found->second.erase(key);
    if (found->second.empty()) dependents_.erase(found);
  }
  if (key.plural == "services") service_network_.release(object.json());
}

void Store::note_work(const Change& change) {
  const json& object = change.object.json();
  if (change.type == ChangeType::Deleted) {
    const auto dependents = dependents_.find(string_at(object, {"metadata", "uid"}));
    if (dependents != dependents_.end())
      garbage_suspects_.insert(dependents->second.begin(), dependents->second.end());
  } else if (at_path(object, {"metadata"}).contains("ownerReferences")) {
    garbage_suspects_.insert(change.key);
  }
  note_endpoint_work(change);
  if (change.key.plural != "namespaces") return;
  if (change.type != ChangeType::Deleted && is_terminating(object))
    terminating_namespaces_.insert(change.key.name);
  else
    terminating_namespaces_.erase(change.key.name);
}

std::string Store::next_uid() {
  const std::string digits =
      sha256_hex(std::to_string(options_.uid_seed) + ":" + std::to_string(++uid_count_));
  // Version 4, variant 1, as every reader of a uid expects.
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-4" + digits.substr(13, 3) + "-a" +
         digits.substr(17, 3) + "-" + digits.substr(20, 12);
}

}  // namespace ray_gitops::local_cluster
