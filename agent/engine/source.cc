#include "agent/engine/source.h"

#include <tuple>
#include <utility>

namespace ray_gitops::engine {
namespace {

constexpr Duration k_first_retry = std::chrono::seconds(2);
constexpr Duration k_longest_retry = std::chrono::seconds(60);

bool comes_before(const Diagnostic& left, const Diagnostic& right) {
  return std::tie(left.path, left.line, left.column, left.rule) <
         std::tie(right.path, right.line, right.column, right.rule);
}

// What was parsed from the same bytes at another place.
ParsedFile moved(ParsedFile file, const std::string& path, const std::string& commit) {
  file.path = path;
  for (Diagnostic& diagnostic : file.diagnostics) diagnostic.path = path;
  for (ParsedDocument& document : file.documents) {
    if (!document.declaration) continue;
    Declaration& declaration = *document.declaration;
    declaration.provenance.path = path;
    declaration.provenance.commit = commit;
    if (declaration.blocked) declaration.blocked->path = path;
    for (Diagnostic& warning : declaration.warnings) warning.path = path;
  }
  return file;
}

ParsedFile refused_file(const SourceFile& file) {
  ParsedFile parsed;
  parsed.path = file.path;
  parsed.names_known = false;
  parsed.diagnostics.push_back({.severity = Severity::Error,
                                .path = file.path,
                                .line = 0,
                                .column = 0,
                                .rule = "FileRefused",
                                .found = file.refused,
                                .write = "put a regular file there, or take it away"});
  return parsed;
}

// The first error inside a document's lines, for the object that it names.
Diagnostic first_error(const ParsedFile& file, std::size_t index) {
  const int first = file.documents[index].line;
  const int end = index + 1 < file.documents.size() ? file.documents[index + 1].line : 1 << 30;
  for (const Diagnostic& diagnostic : file.diagnostics)
    if (diagnostic.severity == Severity::Error && diagnostic.line >= first && diagnostic.line < end)
      return diagnostic;
  return {.severity = Severity::Error,
          .path = file.path,
          .line = first,
          .column = 1,
          .rule = "InvalidDocument",
          .found = "the document is not valid",
          .write = ""};
}

void add_document(const ParsedFile& file, std::size_t index, LoadedCommit& loaded) {
  const ParsedDocument& document = file.documents[index];
  if (!document.key) return;
  loaded.places[*document.key] = {loaded.commit, file.path, document.line};
  if (document.declaration)
    loaded.declarations.emplace(*document.key, *document.declaration);
  else
    loaded.invalid.emplace(*document.key, first_error(file, index));
}

// The same object in two places: neither is applied.
void withdraw_duplicates(const std::vector<ParsedFile>& files, LoadedCommit& loaded) {
  const std::vector<Diagnostic> duplicates = find_duplicate_objects(files);
  loaded.diagnostics.insert(loaded.diagnostics.end(), duplicates.begin(), duplicates.end());
  std::map<ObjectKey, int> times;
  for (const ParsedFile& file : files)
    for (const ParsedDocument& document : file.documents)
      if (document.key && ++times[*document.key] > 1) {
        loaded.declarations.erase(*document.key);
        const Provenance& place = loaded.places[*document.key];
        for (const Diagnostic& duplicate : duplicates)
          if (duplicate.path == place.path && duplicate.line >= place.line)
            loaded.invalid.insert_or_assign(*document.key, duplicate);
      }
}

}  // namespace

void Source::on(const Wake&, Now now) {
  if (polling_) wake_ = true;
  due_ = now.monotonic;
}

void Source::note_problem(Effects& effects) {
  const std::string& problem = list_problem_.empty() ? load_problem_ : list_problem_;
  if (problem == problem_) return;
  problem_ = problem;
  if (problem.empty())
    log(effects, LogLevel::Info, "repository can be read again");
  else
    log(effects, LogLevel::Warning, "repository cannot be read; what runs keeps running",
        {{"error", problem}});
}

void Source::on(const RemoteListed& event, Now now, Effects& effects) {
  polling_ = false;
  if (!event.tips) {
    due_ = now.monotonic + backoff(k_first_retry, k_longest_retry, ++failures_);
    list_problem_ = describe(event.tips.error());
    return note_problem(effects);
  }
  failures_ = 0;
  tips_ = *event.tips;
  due_ = now.monotonic + (std::exchange(wake_, false) ? Duration{0} : options_.poll_interval);
  list_problem_ = tips_->source ? std::string{} : "the repository has no branch " + options_.branch;
  if (loaded_ && tips_->source == loaded_->commit) load_problem_.clear();
  note_problem(effects);
}

void Source::on(CommitLoaded event, Now now, Effects& effects) {
  loading_.clear();
  if (!event.tree) {
    due_ = now.monotonic + backoff(k_first_retry, k_longest_retry, ++load_failures_);
    tips_->source.reset();  // asked for again with the next poll
    load_problem_ = describe(event.tree.error());
    return note_problem(effects);
  }
  load_failures_ = 0;
  load_problem_.clear();
  note_problem(effects);
  loaded_ = assemble(*event.tree, std::exchange(loading_accepted_, {}));
  log(effects, LogLevel::Info, "commit read",
      {{"commit", loaded_->commit},
       {"objects", std::to_string(loaded_->places.size())},
       {"diagnostics", std::to_string(loaded_->diagnostics.size())}});
}

ParsedFile Source::parse(const SourceFile& file, const std::string& commit) {
  if (!file.refused.empty()) return refused_file(file);
  if (file.content)
    return parse_file({.path = file.path, .bytes = *file.content, .commit = commit},
                      options_.default_ns, options_.permissions);
  const auto known = parsed_.find(file.blob_id);
  if (known != parsed_.end()) return moved(known->second, file.path, commit);
  SourceFile missing = file;
  missing.refused = "its content was not delivered";
  return refused_file(missing);
}

LoadedCommit Source::assemble(const SourceTree& tree, std::string accepted) {
  LoadedCommit loaded{.commit = tree.commit,
                      .message = tree.message,
                      .accepted = std::move(accepted),
                      .descends_from_accepted = tree.descends_from_accepted,
                      .declarations = {},
                      .invalid = {},
                      .places = {},
                      .diagnostics = {},
                      .opaque_file = {}};
  std::map<std::string, ParsedFile> parsed;
  std::vector<ParsedFile> files;
  for (const SourceFile& source : tree.files) {
    files.push_back(parse(source, tree.commit));
    const ParsedFile& file = files.back();
    if (source.refused.empty()) parsed.insert_or_assign(source.blob_id, file);
    if (!file.names_known && !loaded.opaque_file) loaded.opaque_file = file.path;
    for (std::size_t index = 0; index < file.documents.size(); ++index)
      add_document(file, index, loaded);
    loaded.diagnostics.insert(loaded.diagnostics.end(), file.diagnostics.begin(),
                              file.diagnostics.end());
  }
  withdraw_duplicates(files, loaded);
  std::sort(loaded.diagnostics.begin(), loaded.diagnostics.end(), comes_before);
  parsed_ = std::move(parsed);
  return loaded;
}

void Source::pump(Now now, Effects& effects) {
  if (polling_ || due_ > now.monotonic) return;
  polling_ = true;
  effects.push_back(ListRemote{});
}

bool Source::wants_commit() const {
  const bool has_tip = tips_ && tips_->source;
  return has_tip && loading_.empty() && (!loaded_ || loaded_->commit != *tips_->source);
}

void Source::load(const std::string& accepted, Effects& effects) {
  loading_ = *tips_->source;
  loading_accepted_ = accepted;
  std::set<std::string> known;
  for (const auto& [blob, file] : parsed_) known.insert(blob);
  effects.push_back(LoadCommit{loading_, accepted, std::move(known)});
}

Deadline Source::deadline() const {
  if (polling_) return std::nullopt;
  return due_;
}

}  // namespace ray_gitops::engine
