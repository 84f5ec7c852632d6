#include "agent/git/memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include <git2.h>
#include <git2/sys/alloc.h>
#include <unistd.h>

#include "reconcilers/model/check.h"

namespace ray_gitops::git {
namespace {

template <class T>
T* present(T* memory) {
  if (memory == nullptr) _exit(k_exit_out_of_memory);
  return memory;
}

// As git2/sys/alloc.h describes them; the file and line are the caller's.
void* allocate(std::size_t size, const char*, int) { return present(std::malloc(size)); }

void* allocate_zeroed(std::size_t count, std::size_t size, const char*, int) {
  return present(std::calloc(count, size));
}

// Never of no size: that would free `memory` and give nothing.
void* resize_array(void* memory, std::size_t count, std::size_t size, const char*, int) {
  const bool empty = count == 0 || size == 0;
  return present(empty ? std::realloc(memory, 1) : reallocarray(memory, count, size));
}

void* resize(void* memory, std::size_t size, const char* file, int line) {
  return resize_array(memory, size, 1, file, line);
}

void* allocate_array(std::size_t count, std::size_t size, const char* file, int line) {
  return resize_array(nullptr, count, size, file, line);
}

char* copy_text(const char* text, const char*, int) { return present(strdup(text)); }

char* copy_start(const char* text, std::size_t length, const char*, int) {
  return present(strndup(text, length));
}

char* copy_bytes(const char* bytes, std::size_t length, const char* file, int line) {
  if (length == SIZE_MAX) _exit(k_exit_out_of_memory);
  auto* const copy = static_cast<char*>(allocate(length + 1, file, line));
  std::memcpy(copy, bytes, length);
  copy[length] = '\0';
  return copy;
}

}  // namespace

void end_when_out_of_memory() {
  std::set_new_handler([] { _exit(k_exit_out_of_memory); });
  git_allocator allocator{.gmalloc = allocate,
                          .gcalloc = allocate_zeroed,
                          .gstrdup = copy_text,
                          .gstrndup = copy_start,
                          .gsubstrdup = copy_bytes,
                          .grealloc = resize,
                          .greallocarray = resize_array,
                          .gmallocarray = allocate_array,
                          .gfree = std::free};
  CHECK(git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator) == 0);
}

}  // namespace ray_gitops::git
