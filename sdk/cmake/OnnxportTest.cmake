# Tests: gtest programs and commands, all run by ctest with the same environment.

if(ONNXPORT_BUILD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

set(_tests ${PROJECT_SOURCE_DIR}/tests)
set(ONNXPORT_TEST_ENVIRONMENT
  "ONNXPORT_BIN=${PROJECT_BINARY_DIR}/bin/onnxport"
  "ONNXPORT_BUILD_DIR=${PROJECT_BINARY_DIR}"
  "ONNXPORT_PACKAGE=${PROJECT_BINARY_DIR}/package/onnxport"
  "ONNXPORT_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
  "ONNXPORT_FIXTURES=${PROJECT_SOURCE_DIR}/build/fixtures"
  "ONNXPORT_PYTHON=${ONNXPORT_PYTHON}"
  "ONNXPORT_ORT_LIBRARY=${ONNXPORT_ORT_LIBRARY}"
  "ONNXPORT_TORCH_LIB_DIR=${ONNXPORT_TORCH_LIB_DIR}"
  # libtorch and protobuf leave what they registered for the life of the process.
  "LSAN_OPTIONS=suppressions=${_tests}/sanitizers/lsan.supp:print_suppressions=0"
  # Of the signals that a plugin may raise, the crash reports tell; ASan's own words would end the process otherwise.
  "ASAN_OPTIONS=handle_sigfpe=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  # ONNX Runtime, which is not compiled with the sanitizer, unlocks a mutex of its own while the process ends.
  "TSAN_OPTIONS=report_mutex_bugs=0:suppressions=${_tests}/sanitizers/tsan.supp")

# onnxport_gtest(<name> [WHOLE] SOURCES files... LIBRARIES targets...)
#   One ctest entry per test; WHOLE: one for the program, where starting it costs more than running it (libtorch).
function(onnxport_gtest name)
  cmake_parse_arguments(ARG "WHOLE" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} onnxport_flags GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    ONNXPORT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ONNXPORT_BUILD_DIR="${PROJECT_BINARY_DIR}"
    ONNXPORT_FIXTURES="${PROJECT_SOURCE_DIR}/build/fixtures")
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(ARG_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${ONNXPORT_TEST_ENVIRONMENT}" TIMEOUT 900)
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}: "
                         PROPERTIES ENVIRONMENT "${ONNXPORT_TEST_ENVIRONMENT}" TIMEOUT 300)
  endif()
endfunction()

# onnxport_command_test(<name> [PYTORCH] [PACKAGE] COMMAND words... [TIMEOUT seconds])
#   PYTORCH: its models or results are made by Python's torch (the label by which ctest leaves such tests out).
#   PACKAGE: it takes the package that is unpacked in ONNXPORT_PACKAGE (tests/package).
function(onnxport_command_test name)
  cmake_parse_arguments(ARG "PYTORCH;PACKAGE" "TIMEOUT" "COMMAND" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  add_test(NAME ${name} COMMAND ${ARG_COMMAND})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${ONNXPORT_TEST_ENVIRONMENT}" TIMEOUT ${ARG_TIMEOUT})
  if(ARG_PACKAGE)
    set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED package)
  endif()
  if(ARG_PYTORCH)
    set_tests_properties(${name} PROPERTIES LABELS pytorch)
  endif()
endfunction()
