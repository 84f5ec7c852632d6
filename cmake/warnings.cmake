# Flags every target of ours is compiled with. Warnings are errors, in every preset.
add_library(ray_gitops_flags INTERFACE)
target_compile_options(ray_gitops_flags INTERFACE
  -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(ray_gitops_flags INTERFACE -Wduplicated-cond -Wlogical-op)
endif()
if(RAY_GITOPS_SANITIZE)
  target_compile_options(ray_gitops_flags INTERFACE
    -fsanitize=${RAY_GITOPS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # The vptr check reads memory through a pipe it opens: without a free file descriptor, which
  # is what one test is about, it calls every object invalid.
  target_compile_options(ray_gitops_flags INTERFACE -fno-sanitize=vptr)
  target_link_options(ray_gitops_flags INTERFACE -fsanitize=${RAY_GITOPS_SANITIZE})
endif()
target_include_directories(ray_gitops_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})

# ray_gitops_tell_sanitized(SOURCES...): defines RAY_GITOPS_SANITIZED for them under a sanitizer.
# Compilers have no common macro for that.
function(ray_gitops_tell_sanitized)
  if(RAY_GITOPS_SANITIZE)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_DEFINITIONS RAY_GITOPS_SANITIZED)
  endif()
endfunction()
