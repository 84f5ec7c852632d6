#include "agent/git/tree_walk.h"

#include <algorithm>
#include <cctype>

#include <git2.h>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::git {
namespace {

tl::unexpected<Error> git_failure(int code) { return tl::unexpected(last_git_error(code, {})); }

EntryKind kind_of(const git_tree_entry* entry) {
  switch (git_tree_entry_filemode(entry)) {
    case GIT_FILEMODE_TREE:
      return EntryKind::Folder;
    case GIT_FILEMODE_LINK:
      return EntryKind::Link;
    case GIT_FILEMODE_COMMIT:
      return EntryKind::Submodule;
    case GIT_FILEMODE_UNREADABLE:
    case GIT_FILEMODE_BLOB:
    case GIT_FILEMODE_BLOB_EXECUTABLE:
      break;
  }
  return EntryKind::File;
}

// The length of the well-formed character (RFC 3629) that `text` starts with, or 0.
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t index) {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80U) return 1;
  const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  if (lead < 0xC2U || lead > 0xF4U) return 0;
  for (std::size_t index = 1; index < length; ++index)
    if ((byte(index) & 0xC0U) != 0x80U) return 0;
  const bool overlong = (lead == 0xE0U && byte(1) < 0xA0U) || (lead == 0xF0U && byte(1) < 0x90U);
  const bool no_code_point =
      (lead == 0xEDU && byte(1) > 0x9FU) || (lead == 0xF4U && byte(1) > 0x8FU);
  return overlong || no_code_point ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Printable UTF-8, whatever the path's bytes are.
std::string shown_path(const std::string& path) {
  if (is_utf8(path)) return printable(path);
  constexpr char k_digits[] = "0123456789abcdef";
  std::string shown;
  for (const char character : path) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x80U)
      shown += character;
    else
      shown += {'\\', 'x', k_digits[byte >> 4U], k_digits[byte & 15U]};
  }
  return printable(shown);
}

class Walk {
 public:
  Walk(git_repository* repository, const std::function<Result<void>(const TreeEntry&)>& visit)
      : repository_(repository), visit_(visit) {}

  Result<void> folder(const git_tree* tree, const std::string& path, std::size_t depth) {
    const std::size_t count = git_tree_entrycount(tree);
    entries_ += count;
    if (entries_ > k_tree_entries_max)
      return fail(ErrorCode::LimitExceeded,
                  "the folder has more than " + std::to_string(k_tree_entries_max) + " entries");
    for (std::size_t index = 0; index < count; ++index)
      TRY(entry(git_tree_entry_byindex(tree, index), path, depth));
    return {};
  }

 private:
  Result<void> entry(const git_tree_entry* raw, const std::string& folder_path, std::size_t depth) {
    const std::string_view name = git_tree_entry_name(raw);
    TreeEntry found;
    found.path = folder_path.empty() ? std::string(name) : folder_path + "/" + std::string(name);
    found.name = name;
    found.kind = kind_of(raw);
    found.id = to_hex(*git_tree_entry_id(raw));
    const bool is_folder = found.kind == EntryKind::Folder;
    if (is_folder && name.starts_with('.') && name != "." && name != "..") return {};
    found.refused = reason_against_name(name);
    if (found.path.size() > k_path_bytes_max)
      found.refused = "the path is longer than " + std::to_string(k_path_bytes_max) + " bytes";
    if (is_folder && depth >= k_folder_depth_max)
      found.refused =
          "folders are nested deeper than " + std::to_string(k_folder_depth_max) + " levels";
    if (!found.refused.empty()) found.path = shown_path(found.path);
    if (!is_folder || !found.refused.empty()) return visit_(found);
    return subfolder(raw, found.path, depth);
  }

  Result<void> subfolder(const git_tree_entry* raw, const std::string& path, std::size_t depth) {
    Handle<git_tree> tree;
    const int code = make_handle<git_tree>(tree, [&](git_tree** made) {
      return git_tree_lookup(made, repository_, git_tree_entry_id(raw));
    });
    if (code != 0) return git_failure(code);
    return folder(tree.get(), path, depth + 1);
  }

  git_repository* repository_;
  const std::function<Result<void>(const TreeEntry&)>& visit_;
  std::size_t entries_ = 0;
};

// Case folded, without the code points that HFS+ ignores in names (U+200C to U+200F, U+202A to
// U+202E, U+206A to U+206F, U+FEFF), as Git's own is_hfs_dotgit compares.
std::string folded(std::string_view name) {
  std::string text;
  for (std::size_t index = 0; index < name.size(); ++index) {
    const std::string_view three = name.substr(index, 3);
    const bool ignored = (three >= "\xE2\x80\x8C" && three <= "\xE2\x80\x8F") ||
                         (three >= "\xE2\x80\xAA" && three <= "\xE2\x80\xAE") ||
                         (three >= "\xE2\x81\xAA" && three <= "\xE2\x81\xAF") ||
                         three == "\xEF\xBB\xBF";
    if (ignored)
      index += 2;
    else
      text += static_cast<char>(std::tolower(static_cast<unsigned char>(name[index])));
  }
  return text;
}

bool is_like_dot_git(std::string_view name) {
  std::string text = folded(name);
  // What NTFS drops: a stream's name, and dots and spaces at the end.
  text = text.substr(0, text.find(':'));
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text == ".git" || text == "git~1";
}

}  // namespace

Result<void> walk_tree(git_repository* repository, const git_tree* root, const std::string& folder,
                       const std::function<Result<void>(const TreeEntry&)>& visit) {
  return Walk(repository, visit).folder(root, folder, 0);
}

std::string reason_against_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return "the path has a part '.', '..' or ''";
  if (name.find_first_of("/\\") != std::string_view::npos)
    return "the name has a '/' or '\\' in it";
  if (is_like_dot_git(name)) return "the name is one that file systems take for '.git'";
  const bool control = std::any_of(name.begin(), name.end(), [](char character) {
    return static_cast<unsigned char>(character) < 0x20U || character == 0x7F;
  });
  if (control) return "the name has control characters in it";
  if (!is_utf8(name)) return "the name is not UTF-8";
  return {};
}

Result<std::size_t> blob_size(git_odb* objects, const std::string& id) {
  const git_oid oid = TRY(parse_id(id));
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  const int code = git_odb_read_header(&size, &type, objects, &oid);
  if (code != 0) return git_failure(code);
  if (type != GIT_OBJECT_BLOB) return fail(ErrorCode::Unavailable, "is not a file's content", id);
  return size;
}

Result<std::string> blob_content(git_odb* objects, const std::string& id) {
  const git_oid oid = TRY(parse_id(id));
  Handle<git_odb_object> object;
  const int code = make_handle<git_odb_object>(
      object, [&](git_odb_object** made) { return git_odb_read(made, objects, &oid); });
  if (code != 0) return git_failure(code);
  return std::string(static_cast<const char*>(git_odb_object_data(object.get())),
                     git_odb_object_size(object.get()));
}

}  // namespace ray_gitops::git
