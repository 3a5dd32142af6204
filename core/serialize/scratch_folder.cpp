#include "core/serialize/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "onnxport/errors.h"

namespace onnxport {

ScratchFolder::ScratchFolder() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  std::string pattern = (folder / "onnxport-XXXXXX").string();
  if (error || mkdtemp(pattern.data()) == nullptr) {
    const std::string why = error ? error.message() : std::generic_category().message(errno);
    throw Error("S708", "no temporary folder can be made: " + why, {},
                "point TMPDIR to a folder that exists, can be written to and has room");
  }
  path_ = pattern;
  unfinished_.emplace(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace onnxport
