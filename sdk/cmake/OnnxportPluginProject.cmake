# For projects of plugins, and for builds that export models. Comes with find_package(onnxport).

# onnxport_add_plugin(<name> MANIFEST <file> [SOURCES files...] [INSTALL])
#   Builds lib<name>.so beside a copy of its manifest, ready to be dropped into a plugin folder. @SHA256@ in the manifest becomes
#   that of the library, each time it is built. Profiles that the manifest names are copied too.
#   INSTALL: cmake --install puts all of it into lib/onnxport/plugins.d of the prefix.
function(onnxport_add_plugin name)
  cmake_parse_arguments(ARG "INSTALL" "MANIFEST" "SOURCES" ${ARGN})
  if(NOT ARG_MANIFEST)
    message(FATAL_ERROR "onnxport_add_plugin(${name}): MANIFEST is missing")
  endif()
  get_filename_component(source ${ARG_MANIFEST} ABSOLUTE)
  get_filename_component(file ${source} NAME)
  get_filename_component(folder ${source} DIRECTORY)
  set(manifest ${CMAKE_CURRENT_BINARY_DIR}/${file})
  set(installed ${manifest})
  # Profiles stand in the manifest as NAME.yaml, in a list of one line.
  file(STRINGS ${source} lines REGEX "^profiles: *\\[")
  string(REGEX MATCHALL "[A-Za-z0-9_./-]+\\.yaml" profiles "${lines}")
  foreach(profile ${profiles})
    configure_file(${folder}/${profile} ${CMAKE_CURRENT_BINARY_DIR}/${profile} COPYONLY)
    if(ARG_INSTALL)
      get_filename_component(below ${profile} DIRECTORY)
      install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${profile} DESTINATION lib/onnxport/plugins.d/${below})
    endif()
  endforeach()
  if(ARG_SOURCES)
    add_library(${name} MODULE ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE onnxport::sdk)
    target_compile_features(${name} PRIVATE cxx_std_17)
    set_target_properties(${name} PROPERTIES
      PREFIX lib C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
      target_compile_options(${name} PRIVATE -O2)
    endif()
    add_custom_command(TARGET ${name} POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -DMANIFEST=${source} -DLIBRARY=$<TARGET_FILE:${name}> -DOUTPUT=${manifest}
              -P ${onnxport_MODULES}/OnnxportFillManifest.cmake)
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${source})
    set_target_properties(${name} PROPERTIES ONNXPORT_MANIFEST ${manifest})
    if(ARG_INSTALL)
      install(TARGETS ${name} LIBRARY DESTINATION lib/onnxport/plugins.d)
    endif()
  else()
    configure_file(${source} ${manifest} COPYONLY)
  endif()
  set_property(GLOBAL PROPERTY onnxport_manifest_of_${name} ${manifest})
  if(ARG_INSTALL)
    install(FILES ${manifest} DESTINATION lib/onnxport/plugins.d)
  endif()
endfunction()

# onnxport_add_plugin_tests(<name> [MANIFEST <file>] [TIMEOUT <seconds>] [CALLS <call>...] [CASES <model>...]
#                           [OPTIONS words...] [GOOGLETEST] [TESTS files...])
#   The conformance kit, as tests of ctest: <name>.check holds a plugin of onnxport_add_plugin, or of that MANIFEST, to what it
#   promises (its file, its library, its tables, its mappings on examples made from their schemas, at the lowest and the highest
#   opset), in a process of its own. CALLS are more examples, each of which the plugin has to map:
#   "acme::swish(f32[n,4], beta=0.5)". For each of CASES, an exported program (.pt2), <name>.MODEL exports it with the plugin and
#   compares it with PyTorch; OPTIONS are more words of that command (--trust com.acme, --torch-library kernels.so, --config NAME).
#   GOOGLETEST, or TESTS: <name>.kit is the same as a GoogleTest program, with the plugin's own tests of it (onnxport_testkit.h).
function(onnxport_add_plugin_tests name)
  cmake_parse_arguments(ARG "GOOGLETEST" "MANIFEST;TIMEOUT" "CALLS;CASES;OPTIONS;TESTS" ${ARGN})
  get_property(manifest GLOBAL PROPERTY onnxport_manifest_of_${name})
  if(ARG_MANIFEST)
    get_filename_component(manifest ${ARG_MANIFEST} ABSOLUTE)
  endif()
  if(NOT manifest)
    message(FATAL_ERROR "onnxport_add_plugin_tests(${name}): there is no plugin of that name; call onnxport_add_plugin first, "
                        "or give its MANIFEST")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  set(calls)
  foreach(call ${ARG_CALLS})
    list(APPEND calls --call "${call}")
  endforeach()
  add_test(NAME ${name}.check
           COMMAND onnxport::program plugin check ${manifest} --time-limit ${ARG_TIMEOUT} --no-default-plugin-paths ${calls})
  foreach(model ${ARG_CASES})
    get_filename_component(model ${model} ABSOLUTE)
    get_filename_component(stem ${model} NAME_WE)
    add_test(NAME ${name}.${stem}
             COMMAND onnxport::program export ${model} -o ${CMAKE_CURRENT_BINARY_DIR}/${name}.${stem}.onnx --verify --isolate
                     --plugin ${manifest} --no-default-plugin-paths ${ARG_OPTIONS})
  endforeach()
  if(ARG_GOOGLETEST OR ARG_TESTS)
    find_package(GTest REQUIRED)
    add_executable(${name}_kit ${onnxport_TESTKIT}/plugin_kit.cpp ${ARG_TESTS})
    target_link_libraries(${name}_kit PRIVATE onnxport::onnxport GTest::gtest)
    target_include_directories(${name}_kit PRIVATE ${onnxport_TESTKIT})
    target_compile_definitions(${name}_kit PRIVATE ONNXPORT_TESTED_MANIFEST="${manifest}")
    if(TARGET ${name})
      add_dependencies(${name}_kit ${name})
    endif()
    add_test(NAME ${name}.kit COMMAND ${name}_kit)
    set_tests_properties(${name}.kit PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  endif()
endfunction()

# onnxport_add_model(<target> MODEL <file> [CONFIG <profile>] [OUTPUT <file>] [OPTIONS words...])
#   Exports a model while building, again when the model, its profile, a manifest or a library that the export used has changed.
#   The file is <target>.onnx in the build folder, or OUTPUT; the target's property ONNXPORT_MODEL names it.
function(onnxport_add_model target)
  cmake_parse_arguments(ARG "" "MODEL;CONFIG;OUTPUT" "OPTIONS" ${ARGN})
  if(NOT ARG_MODEL)
    message(FATAL_ERROR "onnxport_add_model(${target}): MODEL is missing")
  endif()
  get_filename_component(model ${ARG_MODEL} ABSOLUTE)
  if(NOT ARG_OUTPUT)
    set(ARG_OUTPUT ${target}.onnx)
  endif()
  get_filename_component(output ${ARG_OUTPUT} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_BINARY_DIR})
  set(config)
  if(ARG_CONFIG)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_CONFIG})
      get_filename_component(ARG_CONFIG ${ARG_CONFIG} ABSOLUTE)
    endif()
    set(config --config ${ARG_CONFIG})
  endif()
  add_custom_command(OUTPUT ${output} DEPENDS ${model} DEPFILE ${output}.d VERBATIM
    COMMAND onnxport::program --quiet export ${model} -o ${output} --depfile ${output}.d ${config} ${ARG_OPTIONS})
  add_custom_target(${target} ALL DEPENDS ${output})
  set_target_properties(${target} PROPERTIES ONNXPORT_MODEL ${output})
endfunction()
