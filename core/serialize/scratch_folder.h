// A private folder for what is written on the way; it is gone with the scope, or when the process is told
// to end before.
#pragma once

#include <filesystem>
#include <optional>

#include "core/serialize/unfinished.h"

namespace onnxport {

class ScratchFolder {
 public:
  // In the temporary folder. Throws Error S708 when it cannot be made there.
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<Unfinished> unfinished_;
};

}  // namespace onnxport
