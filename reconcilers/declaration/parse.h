#pragma once
// Bytes of a watched file -> the declarations in it, or what is wrong with them, with positions.

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/declaration/permissions.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/result.h"

namespace ray_gitops {

struct ParsedDocument {
  // Which object this is about, also when the document is invalid. Empty when it cannot be told.
  std::optional<ObjectKey> key;
  std::optional<Declaration> declaration;  // when the document has no error
  int line = 0;                            // of the document's first line, 1-based
};

struct ParsedFile {
  std::string path;
  std::vector<ParsedDocument> documents;  // in the order of the file
  // Sorted by line and column: errors and warnings of all documents, and what blocks those that are
  // Blocked (an error, though the document has a declaration).
  std::vector<Diagnostic> diagnostics;
  // False when the file could not be parsed far enough to know every object that it declares: then
  // the absence of an object is unknown, and nothing may be deleted for it.
  bool names_known = true;
};

struct FileSource {
  std::string_view path;  // inside the repository
  std::string_view bytes;
  std::string_view commit;  // 40 hexadecimal digits, or "" offline
};

// Total: any bytes give a ParsedFile. An error in one document hides nothing of the others.
ParsedFile parse_file(const FileSource& source, const std::string& default_namespace,
                      const Permissions& permissions = {});

// The document that an anchor keeps: schema and rules apply as in a file. The error is the first
// diagnostic (InvalidInput). The document has its namespace, so none is defaulted.
Result<Declaration> parse_document(const Document& document, const Provenance& provenance);

// Objects that are declared in more than one place: a DuplicateObject for each place, naming
// another. The declarations stay in `files`; the caller applies none of them.
std::vector<Diagnostic> find_duplicate_objects(std::span<const ParsedFile> files);

struct Validation {
  std::vector<ParsedFile> files;        // sorted by path
  std::vector<Diagnostic> diagnostics;  // of all files, sorted by path, line, column and rule
};

// What `validate` says about a set of files.
Validation validate_files(std::span<const FileSource> sources, const std::string& default_namespace,
                          const Permissions& permissions = {});

}  // namespace ray_gitops
