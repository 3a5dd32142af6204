# Options, compiler flags and the layout of the build tree.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

option(ONNXPORT_WERROR "Warnings are errors (with GCC 12)" $ENV{CI})
option(ONNXPORT_BUILD_TESTS "Build the tests" ON)
option(ONNXPORT_BUILD_TORCH "Build libonnxport_torch: TorchScript and C++ module capture" ON)
option(ONNXPORT_TIDY "Run clang-tidy on every file that is compiled" OFF)
option(ONNXPORT_FUZZ "Build the fuzz targets" OFF)
option(ONNXPORT_UNITY "Compile the libtorch components in batches: less CPU for a clean build, more for a rebuild" OFF)
set(ONNXPORT_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
if(DEFINED ENV{ONNXPORT_DEPS})
  set(_deps $ENV{ONNXPORT_DEPS})
else()
  set(_deps ${PROJECT_SOURCE_DIR}/.deps)
endif()
set(ONNXPORT_DEPS ${_deps} CACHE PATH "What ./dev setup fetched and built")
set(ONNXPORT_TORCH_RPATH "" CACHE STRING "Where an installed libonnxport_torch looks for libtorch; default: where the loader does")
set(ONNXPORT_TORCH_DIR "$ENV{ONNXPORT_TORCH_DIR}" CACHE PATH "A libtorch >= 2.6; default: the wheel in ONNXPORT_DEPS")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
if(CMAKE_CXX_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG") # CMake's own, not somebody's choice
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
endif()
# Optimised enough for a whole model to be exported in a test, honest enough for a readable stack.
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")

# The build tree has the layout of an installation, so that what is found relative to a library is found in both.
set(CMAKE_INSTALL_LIBDIR lib CACHE STRING "Library folder below the prefix")
include(GNUInstallDirs)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/archive)
set(ONNXPORT_PLUGIN_OUTPUT_DIR ${PROJECT_BINARY_DIR}/lib/onnxport/plugins.d)
set(ONNXPORT_PLUGIN_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/onnxport/plugins.d)

# Every target of ours carries these; nothing of them leaks into what is installed.
add_library(onnxport_flags INTERFACE)
target_compile_options(onnxport_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(onnxport_flags INTERFACE -Wshadow=local)
else()
  target_compile_options(onnxport_flags INTERFACE -Wno-overlength-strings)  # the table of schemas
endif()
# A warning that only a newer compiler has must not stop a user's build: they are errors with the one of Debian 12.
if(ONNXPORT_WERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(onnxport_flags INTERFACE -Werror)
endif()
if(ONNXPORT_SANITIZE)
  # vptr: the wheel's libtorch hides type information that this check insists on comparing.
  add_compile_options(-fsanitize=${ONNXPORT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ONNXPORT_SANITIZE})
  if(ONNXPORT_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr)
    add_link_options(-fno-sanitize=vptr)
  endif()
else()
  # A sanitizer's run-time library is resolved when the process starts; everything else must be there at link time.
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>:-Wl,-z,defs>)
endif()

find_program(ONNXPORT_CCACHE ccache)
if(ONNXPORT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the checkout, so that several checkouts of one machine share their objects.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
                                  ${ONNXPORT_CCACHE})
endif()

find_program(ONNXPORT_MOLD mold)
find_program(ONNXPORT_LLD ld.lld)
if(ONNXPORT_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(ONNXPORT_LLD)
  add_link_options(-fuse-ld=lld)
endif()

if(ONNXPORT_TIDY)
  find_program(ONNXPORT_CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${ONNXPORT_CLANG_TIDY} --quiet --extra-arg=-Wno-unknown-warning-option)
endif()
