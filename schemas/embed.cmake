# cmake -D OUTPUT=embedded.cc -D FOLDER=schemas -D NAMES=a;b -P embed.cmake
#
# Writes the schemas' bytes as C++ raw strings. Pieces are joined by the compiler, because a single
# literal is limited to 65,536 characters by the standard's minimum.
set(text "#include \"schemas/embedded.h\"\n\nnamespace ray_gitops::schemas {\n")
foreach(name IN LISTS NAMES)
  file(READ "${FOLDER}/${name}.json" bytes)
  string(REPLACE "-" "_" identifier "${name}")
  if(identifier STREQUAL "namespace") # a C++ keyword
    set(identifier "namespace_")
  endif()
  string(APPEND text "const std::string_view ${identifier} =")
  string(LENGTH "${bytes}" length)
  set(offset 0)
  while(offset LESS length)
    string(SUBSTRING "${bytes}" ${offset} 16000 piece)
    string(APPEND text "\n    R\"schema(${piece})schema\"")
    math(EXPR offset "${offset} + 16000")
  endwhile()
  string(APPEND text ";\n")
endforeach()
string(APPEND text "}  // namespace ray_gitops::schemas\n")
file(WRITE "${OUTPUT}" "${text}")
