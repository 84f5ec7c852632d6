#include "reconcilers/declaration/parse.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/document_check.h"
#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/identity.h"
#include "reconcilers/declaration/yaml_reader.h"

namespace ray_gitops {
namespace {

auto order_of(const Diagnostic& diagnostic) {
  return std::tie(diagnostic.path, diagnostic.line, diagnostic.column, diagnostic.rule,
                  diagnostic.found);
}

void sort_by_place(std::vector<Diagnostic>& diagnostics) {
  std::sort(diagnostics.begin(), diagnostics.end(),
            [](const Diagnostic& left, const Diagnostic& right) {
              return order_of(left) < order_of(right);
            });
}

class FileParser {
 public:
  FileParser(const FileSource& source, const std::string& default_namespace,
             const Permissions& permissions)
      : source_(source), default_namespace_(default_namespace), permissions_(permissions) {
    file_.path = source.path;
  }

  ParsedFile parse() && {
    std::string_view bytes = source_.bytes;
    constexpr std::string_view k_byte_order_mark = "\xEF\xBB\xBF";
    if (bytes.substr(0, 3) == k_byte_order_mark) bytes.remove_prefix(3);
    if (refuse_unreadable(bytes)) return std::move(file_);
    const std::vector<YamlText> texts = split_documents(bytes);
    if (texts.size() > k_documents_max)
      refuse(Rule::TooManyDocuments, texts[k_documents_max].line,
             "the file holds " + std::to_string(texts.size()) + " documents",
             "write at most " + std::to_string(k_documents_max) + " into one file");
    else
      for (const YamlText& text : texts) parse_text(text);
    sort_by_place(file_.diagnostics);
    return std::move(file_);
  }

 private:
  bool refuse_unreadable(std::string_view bytes) {
    if (bytes.size() > k_file_bytes_max) {
      refuse(Rule::FileTooLarge, 0, "the file has " + std::to_string(bytes.size()) + " bytes",
             "write at most " + std::to_string(k_file_bytes_max) + " into one file");
      return true;
    }
    const TextCheck text = check_text(bytes);
    if (!text.ok)
      refuse(Rule::NotUtf8, text.line, "the line is not UTF-8 text without control characters",
             "save the file as UTF-8, and write control characters as \\xNN in double quotes");
    return !text.ok;
  }

  void refuse(Rule rule, int line, std::string found, std::string write) {
    const Findings findings(nullptr, provenance_at(line));
    file_.diagnostics.push_back(findings.make(Severity::Error, rule, {line, line > 0 ? 1 : 0},
                                              std::move(found), std::move(write)));
    file_.names_known = false;
  }

  Provenance provenance_at(int line) const {
    return {std::string(source_.commit), std::string(source_.path), line};
  }

  void parse_text(const YamlText& text) {
    YamlDocument yaml = read_yaml(text, file_.path);
    if (yaml.complete && yaml.root.is_null() && yaml.diagnostics.empty()) return;
    const bool well_formed = yaml.complete && yaml.diagnostics.empty();
    const Provenance provenance = provenance_at(yaml.line);
    CheckedDocument checked = yaml.complete
                                  ? check_document(std::move(yaml.root), yaml.source, provenance,
                                                   default_namespace_, permissions_)
                                  : check_beginning(std::move(yaml.root), yaml.source, provenance);
    if (!well_formed) checked.declaration.reset();
    if (!yaml.identity_clear) {
      checked.key.reset();
      checked.name_known = false;
    }
    append(yaml.diagnostics);
    append(checked.diagnostics);
    file_.names_known = file_.names_known && checked.name_known;
    file_.documents.push_back(
        {std::move(checked.key), std::move(checked.declaration), provenance.line});
  }

  // Of a document that breaks off: whether kind and metadata were whole before that.
  CheckedDocument check_beginning(nlohmann::json root, const SourceNodePtr& source,
                                  const Provenance& provenance) const {
    Findings unused(source, provenance);
    const Identity identity = read_identity(root, default_namespace_, unused);
    CheckedDocument checked;
    checked.key = identity.key;
    checked.name_known = identity.key.has_value();
    return checked;
  }

  void append(const std::vector<Diagnostic>& diagnostics) {
    file_.diagnostics.insert(file_.diagnostics.end(), diagnostics.begin(), diagnostics.end());
  }

  const FileSource& source_;
  const std::string& default_namespace_;
  const Permissions& permissions_;
  ParsedFile file_;
};

struct Place {
  const ParsedFile* file = nullptr;
  int line = 0;
};

Diagnostic duplicate_at(const Place& place, const Place& other, const ObjectKey& key) {
  const Findings findings(nullptr, {{}, place.file->path, place.line});
  return findings.make(Severity::Error, Rule::DuplicateObject, {place.line, 1},
                       to_string(key) + " is also declared in " + other.file->path + ":" +
                           std::to_string(other.line),
                       "keep one of the two; until then neither is applied");
}

}  // namespace

ParsedFile parse_file(const FileSource& source, const std::string& default_namespace,
                      const Permissions& permissions) {
  return FileParser(source, default_namespace, permissions).parse();
}

Result<Declaration> parse_document(const Document& document, const Provenance& provenance) {
  CheckedDocument checked = check_document(document.json(), nullptr, provenance, {}, {});
  if (checked.declaration) return *std::move(checked.declaration);
  for (const Diagnostic& diagnostic : checked.diagnostics)
    if (diagnostic.severity == Severity::Error)
      return fail(ErrorCode::InvalidInput, diagnostic.rule + ": " + diagnostic.found,
                  provenance.path);
  return fail(ErrorCode::InvalidInput, "the document names no object", provenance.path);
}

std::vector<Diagnostic> find_duplicate_objects(std::span<const ParsedFile> files) {
  std::map<ObjectKey, std::vector<Place>> places;
  for (const ParsedFile& file : files)
    for (const ParsedDocument& document : file.documents)
      if (document.key) places[*document.key].push_back({&file, document.line});
  std::vector<Diagnostic> diagnostics;
  for (const auto& [key, found] : places)
    for (std::size_t index = 0; found.size() > 1 && index < found.size(); ++index)
      diagnostics.push_back(duplicate_at(found[index], found[index == 0 ? 1 : 0], key));
  return diagnostics;
}

Validation validate_files(std::span<const FileSource> sources, const std::string& default_namespace,
                          const Permissions& permissions) {
  Validation validation;
  for (const FileSource& source : sources)
    validation.files.push_back(parse_file(source, default_namespace, permissions));
  std::sort(validation.files.begin(), validation.files.end(),
            [](const ParsedFile& left, const ParsedFile& right) { return left.path < right.path; });
  validation.diagnostics = find_duplicate_objects(validation.files);
  for (const ParsedFile& file : validation.files)
    validation.diagnostics.insert(validation.diagnostics.end(), file.diagnostics.begin(),
                                  file.diagnostics.end());
  sort_by_place(validation.diagnostics);
  return validation;
}

}  // namespace ray_gitops
