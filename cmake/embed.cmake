# muster_embed(TARGET NAME FILES...): the files' bytes as constants of a generated C++ source, read back by muster::embedded.
function(muster_embed target name root)
  set(out ${CMAKE_BINARY_DIR}/embed/${name}.cpp)
  add_custom_command(OUTPUT ${out} COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/embed.py ${name} ${root} ${out} ${ARGN}
                     DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed.py ${ARGN} VERBATIM)
  set_source_files_properties(${out} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  target_sources(${target} PRIVATE ${out})
endfunction()
