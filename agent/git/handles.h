#pragma once
// libgit2 in C++ clothes, for the files of this folder that run in the child.

#include <memory>
#include <string>

#include "reconcilers/model/result.h"

// NOLINTBEGIN(readability-identifier-naming): libgit2's names
struct git_commit;
struct git_config;
struct git_odb;
struct git_odb_object;
struct git_oid;
struct git_packbuilder;
struct git_reference;
struct git_remote;
struct git_repository;
struct git_revwalk;
struct git_signature;
struct git_tree;
struct git_tree_entry;
struct git_treebuilder;
// NOLINTEND(readability-identifier-naming)

namespace ray_gitops::git {

struct Release {
  void operator()(git_commit* commit) const;
  void operator()(git_config* config) const;
  void operator()(git_odb* odb) const;
  void operator()(git_odb_object* object) const;
  void operator()(git_packbuilder* builder) const;
  void operator()(git_reference* reference) const;
  void operator()(git_remote* remote) const;
  void operator()(git_repository* repository) const;
  void operator()(git_revwalk* walk) const;
  void operator()(git_signature* signature) const;
  void operator()(git_tree* tree) const;
  void operator()(git_tree_entry* entry) const;
  void operator()(git_treebuilder* builder) const;
};

template <class T>
using Handle = std::unique_ptr<T, Release>;

// Calls `make` with a pointer to fill, as libgit2's constructors take it: `code` is what it
// returned, and the handle is set when that is 0.
template <class T, class Make>
int make_handle(Handle<T>& handle, Make make) {
  T* raw = nullptr;
  const int code = make(&raw);
  handle.reset(code == 0 ? raw : nullptr);
  return code;
}

// Prepares libgit2 for hostile repositories: limits set, configuration of the machine and of the
// user not read. Once per process.
void initialise_libgit2();

// Makes the certificate authorities in this PEM file the only ones that are trusted over https, for
// all connections from now on; the file is read now. Nothing is changed when it is empty.
// InvalidInput when it cannot be read or holds none.
Result<void> trust_authorities(const std::string& file);

// The error libgit2 left behind with `code` (not 0), as ours: classified, in one printable sentence
// without credentials. `where` is what it is about.
Error last_git_error(int code, const std::string& where);

// Is it about objects or references that are damaged or missing, rather than about a transport?
bool is_storage_error();

// 40 hexadecimal digits, and back (InvalidInput).
std::string to_hex(const git_oid& id);
Result<git_oid> parse_id(const std::string& hex);
Result<void> check_id(const std::string& hex);

}  // namespace ray_gitops::git
