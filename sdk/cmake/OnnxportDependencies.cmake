# Everything that is not ours. Each library becomes one imported target with the flags its traps ask for.

set(_hint "run ./dev setup (or point ONNXPORT_DEPS at a folder where it ran)")

# onnxport_headers(<target> prefixes...): how the #includes of a library begin. A component that has one of them declares
# the target (tests/layout/check_layout.py).
function(onnxport_headers target)
  set(items)
  foreach(prefix ${ARGN})
    list(APPEND items "\"${prefix}\"")
  endforeach()
  list(JOIN items ", " items)
  set_property(GLOBAL APPEND PROPERTY onnxport_library_headers "    \"${target}\": [${items}]")
endfunction()

onnxport_headers(onnxport_sdk onnxport/abi.h onnxport/builder onnxport/op.hpp onnxport/plugin.hpp onnxport/rewrite.hpp
                 onnxport/value.hpp)
onnxport_headers(Boost::filesystem boost/)
onnxport_headers(yaml-cpp yaml-cpp/)
onnxport_headers(onnxport_md sha2.h)
onnxport_headers(simdjson::simdjson simdjson.h)
onnxport_headers(onnxport_deflate libdeflate.h)
onnxport_headers(onnxport_dw elfutils/ dwarf.h)
onnxport_headers(CLI11::CLI11 CLI/)
onnxport_headers(fmt::fmt fmt/)
onnxport_headers(onnxport_onnx_lib onnx/ google/protobuf/)
onnxport_headers(onnxport_ort onnxruntime_)
onnxport_headers(onnxport_libtorch torch/ ATen/ c10/ caffe2/)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED CONFIG COMPONENTS filesystem)
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(Protobuf REQUIRED)

# Headers of other people never warn in our build.
foreach(_target simdjson::simdjson CLI11::CLI11 fmt::fmt)
  get_target_property(_inc ${_target} INTERFACE_INCLUDE_DIRECTORIES)
  if(_inc)
    set_property(TARGET ${_target} APPEND PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${_inc})
  endif()
endforeach()

# SHA-256: libmd has it in 46 KB and is on every Debian already (dpkg needs it), where OpenSSL's libcrypto has 5 MB.
find_library(ONNXPORT_MD md REQUIRED)
find_path(ONNXPORT_MD_INCLUDE sha2.h REQUIRED)
add_library(onnxport_md INTERFACE)
target_include_directories(onnxport_md SYSTEM INTERFACE ${ONNXPORT_MD_INCLUDE})
target_link_libraries(onnxport_md INTERFACE ${ONNXPORT_MD})

# CRC-32 at the speed of memory: ten times zlib's, in 80 KB. Debian's package brings no CMake file.
find_library(ONNXPORT_DEFLATE deflate REQUIRED)
find_path(ONNXPORT_DEFLATE_INCLUDE libdeflate.h REQUIRED)
add_library(onnxport_deflate INTERFACE)
target_include_directories(onnxport_deflate SYSTEM INTERFACE ${ONNXPORT_DEFLATE_INCLUDE})
target_link_libraries(onnxport_deflate INTERFACE ${ONNXPORT_DEFLATE})

# ONNX's own library, under our namespace and protobuf package, so that no other onnx in the process collides with it.
# LITE messages: they register nothing by name, so two copies (another exporter's, a test's) can live in one process.
set(_onnx ${ONNXPORT_DEPS}/onnx)
if(NOT EXISTS ${_onnx}/lib/libonnx.a)
  message(FATAL_ERROR "no ONNX library in ${_onnx}: ${_hint}")
endif()
add_library(onnxport_onnx_lib INTERFACE)
target_include_directories(onnxport_onnx_lib SYSTEM INTERFACE ${_onnx}/include)
target_compile_definitions(onnxport_onnx_lib INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnxport_onnx ONNX_USE_LITE_PROTO=1
                                                       __STDC_FORMAT_MACROS)
target_link_libraries(onnxport_onnx_lib INTERFACE ${_onnx}/lib/libonnx.a ${_onnx}/lib/libonnx_proto.a
                                                  protobuf::libprotobuf-lite Threads::Threads)

# ONNX Runtime: only its C header. The library is looked for at run time, beside libonnxport among other places: there
# the build tree has a link to the one that ./dev setup fetched.
add_library(onnxport_ort INTERFACE)
set(ONNXPORT_ORT_INCLUDE_DIR ${ONNXPORT_DEPS}/ort/include)
set(ONNXPORT_ORT_LIBRARY ${ONNXPORT_DEPS}/ort/lib/libonnxruntime.so)
if(EXISTS ${ONNXPORT_ORT_INCLUDE_DIR}/onnxruntime_c_api.h)
  target_include_directories(onnxport_ort SYSTEM INTERFACE ${ONNXPORT_ORT_INCLUDE_DIR})
  target_compile_definitions(onnxport_ort INTERFACE ONNXPORT_HAVE_ORT=1)
  file(MAKE_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
  file(CREATE_LINK ${ONNXPORT_ORT_LIBRARY} ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libonnxruntime.so SYMBOLIC)
else()
  message(WARNING "no ONNX Runtime header in ${ONNXPORT_ORT_INCLUDE_DIR}: built without verify; ${_hint}")
endif()

# The allocator of the program (never of the libraries): a graph of 64k nodes is built and taken down in half the time.
# A sanitizer brings its own.
add_library(onnxport_allocator INTERFACE)
find_library(ONNXPORT_TCMALLOC tcmalloc_minimal)
if(ONNXPORT_TCMALLOC AND NOT ONNXPORT_SANITIZE)
  # The libraries before it take malloc from libc and would make the linker think that nobody needs it.
  target_link_options(onnxport_allocator INTERFACE -Wl,--no-as-needed ${ONNXPORT_TCMALLOC} -Wl,--as-needed)
endif()

find_program(ONNXPORT_PYTHON NAMES python3 PATHS ${ONNXPORT_DEPS}/venv/bin NO_DEFAULT_PATH)

# libtorch, without its CMake package: that one adds flags and targets (CUDA, MKL, kineto) nobody here needs.
if(ONNXPORT_BUILD_TORCH)
  set(_torch_hints ${ONNXPORT_TORCH_DIR})
  if(NOT _torch_hints)
    file(GLOB _torch_hints ${ONNXPORT_DEPS}/venv/lib/python3*/site-packages/torch)
  endif()
  if(NOT _torch_hints)
    message(FATAL_ERROR "no libtorch in ${ONNXPORT_DEPS}/venv: ${_hint}, or set ONNXPORT_TORCH_DIR")
  endif()
  find_path(ONNXPORT_TORCH_INCLUDE ATen/core/ivalue.h PATHS ${_torch_hints} PATH_SUFFIXES include
            NO_DEFAULT_PATH REQUIRED)
  foreach(_lib torch torch_cpu c10)
    find_library(ONNXPORT_LIB_${_lib} ${_lib} PATHS ${_torch_hints}
                 PATH_SUFFIXES lib lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH REQUIRED)
  endforeach()
  get_filename_component(ONNXPORT_TORCH_LIB_DIR ${ONNXPORT_LIB_torch_cpu} DIRECTORY)

  add_library(onnxport_libtorch INTERFACE)
  # -idirafter: torch's include folder carries protobuf 3.13 headers, which would shadow the ones we compile against.
  target_compile_options(onnxport_libtorch INTERFACE
    "SHELL:-idirafter ${ONNXPORT_TORCH_INCLUDE}"
    "SHELL:-idirafter ${ONNXPORT_TORCH_INCLUDE}/torch/csrc/api/include")
  # Where in the user's C++ a recorded call comes from: the debug information of the running program.
  find_library(ONNXPORT_DW dw REQUIRED)
  find_path(ONNXPORT_DW_INCLUDE elfutils/libdwfl.h REQUIRED)
  add_library(onnxport_dw INTERFACE)
  target_include_directories(onnxport_dw SYSTEM INTERFACE ${ONNXPORT_DW_INCLUDE})
  target_link_libraries(onnxport_dw INTERFACE ${ONNXPORT_DW})

  # Half the compile time of any file that sees ATen.
  target_compile_definitions(onnxport_libtorch INTERFACE AT_PER_OPERATOR_HEADERS)
  target_link_libraries(onnxport_libtorch INTERFACE ${ONNXPORT_LIB_torch} ${ONNXPORT_LIB_torch_cpu}
                                                    ${ONNXPORT_LIB_c10} Threads::Threads)
endif()
