// Where the fixtures are that tests/fixtures/make.py wrote.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace onnxport::test {

inline std::filesystem::path fixture(const std::string& name) {
  const char* folder = std::getenv("ONNXPORT_FIXTURES");
  return std::filesystem::path(folder == nullptr ? "" : folder) / name;
}

}  // namespace onnxport::test
