# A component is a folder below core/: one object library, picked up with the files that are in it.

# What every component may include: its neighbours by path ("core/ir/graph.h"), the public headers and the SDK.
add_library(onnxport_core_usage INTERFACE)
target_include_directories(onnxport_core_usage INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/core/include ${PROJECT_SOURCE_DIR}/sdk/include
  ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(onnxport_core_usage INTERFACE ONNXPORT_VERSION="${PROJECT_VERSION}")
target_link_libraries(onnxport_core_usage INTERFACE OpenSSL::Crypto
  onnxport_flags onnxport_onnx_lib onnxport_ort Boost::filesystem yaml-cpp simdjson::simdjson ZLIB::ZLIB fmt::fmt
  Threads::Threads ${CMAKE_DL_LIBS})

# onnxport_component(<path below core> [VISIBLE] [USES targets...])
#   Files ending in _test.cpp become the gtest program test_<component>. An absent or empty folder is no component yet.
#   VISIBLE: its symbols are exported, because libonnxport_torch shares them with libonnxport.
#   The target is component_<component>; sets component_<component>_FOUND and component_<component>_TESTS in the caller.
function(onnxport_component path)
  cmake_parse_arguments(ARG "VISIBLE" "" "USES" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  set(target component_${name})
  set(dir ${PROJECT_SOURCE_DIR}/core/${path})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(${target}_TESTS ${tests} PARENT_SCOPE)
  set(${target}_FOUND FALSE PARENT_SCOPE)
  if(NOT sources)
    return()
  endif()
  set(${target}_FOUND TRUE PARENT_SCOPE)
  add_library(${target} OBJECT ${sources})
  target_link_libraries(${target} PRIVATE onnxport_core_usage ${ARG_USES})
  if(ARG_VISIBLE)
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
  endif()
endfunction()
