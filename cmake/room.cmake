# ray_gitops_room(NAME SOURCES... USES rooms... LIBRARIES third-party...)
#
# One static library per room of the dependency table (ARCHITECTURE.md). A room can include only
# what it links, and tests/tidy checks that what it includes is what the table allows.
function(ray_gitops_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(${name} PUBLIC ray_gitops_flags ${ROOM_USES} ${ROOM_LIBRARIES})
endfunction()
