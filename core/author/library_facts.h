// What the file of a library shows without being opened.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace onnxport {

struct LibraryFacts {
  std::vector<std::string> needed;   // libraries that it is linked with
  std::vector<std::string> exports;  // symbols that others can see and take for theirs, sorted
};

// Of a whole ELF file (why_not_loadable); empty for anything that does not read as one.
LibraryFacts library_facts(const std::filesystem::path& file);

}  // namespace onnxport
