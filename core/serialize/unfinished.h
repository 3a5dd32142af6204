// What would be left behind if the process ended now, by name, so that a signal's handler can take it away.
#pragma once

#include <atomic>
#include <filesystem>

namespace onnxport {

// A file or folder that is to be gone when this is, or when the process is told to end before.
class Unfinished {
 public:
  explicit Unfinished(const std::filesystem::path& path);
  ~Unfinished();
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  // It has its final name now, or was removed.
  void forget();

 private:
  std::atomic<char*>* slot_ = nullptr;
};

}  // namespace onnxport
