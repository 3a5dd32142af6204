# Plugins that come with onnxport: built like a vendor's, against the SDK's headers alone.

# onnxport_builtin_plugin(<manifest stem> <folder> [SOURCES files...])
#   Builds lib<stem>.so from the folder's *.cpp (or SOURCES) and puts it beside its manifest, where discovery looks.
#   A folder without sources is a manifest-only plugin.
function(onnxport_builtin_plugin name dir)
  cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
  get_filename_component(dir ${dir} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  set(manifest ${dir}/${name}.onnxport.yaml)
  # At build time, so that an edited manifest reaches the build tree without a new configure.
  set(copied ${ONNXPORT_PLUGIN_OUTPUT_DIR}/${name}.onnxport.yaml)
  set_property(GLOBAL APPEND PROPERTY onnxport_builtin_manifests ${copied})
  add_custom_command(OUTPUT ${copied} DEPENDS ${manifest}
                     COMMAND ${CMAKE_COMMAND} -E copy ${manifest} ${copied} VERBATIM)
  add_custom_target(manifest_${name} ALL DEPENDS ${copied})
  add_dependencies(onnxport_program manifest_${name})
  install(FILES ${manifest} DESTINATION ${ONNXPORT_PLUGIN_INSTALL_DIR})

  set(sources ${ARG_SOURCES})
  if(NOT sources)
    file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  endif()
  if(NOT sources)
    return()
  endif()
  add_library(plugin_${name} MODULE ${sources})
  add_dependencies(plugin_${name} manifest_${name}) # a library that registers what its manifest lacks is refused
  target_link_libraries(plugin_${name} PRIVATE onnxport_sdk onnxport_flags)
  target_include_directories(plugin_${name} PRIVATE ${dir})
  set_target_properties(plugin_${name} PROPERTIES
    CXX_STANDARD 17 PREFIX lib OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${ONNXPORT_PLUGIN_OUTPUT_DIR})
  add_dependencies(onnxport_program plugin_${name})
  install(TARGETS plugin_${name} LIBRARY DESTINATION ${ONNXPORT_PLUGIN_INSTALL_DIR})
endfunction()
