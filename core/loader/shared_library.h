// Opens shared libraries, the same way for every kind: plugins, libonnxport_torch, kernels, ONNX Runtime.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace onnxport {

// Whether the symbols of a library are offered to those that are opened later.
enum class Symbols { own, shared };

// A library that cannot be opened; what() is what the loader says.
struct LoadError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An open library. It stays open until the process ends, whatever becomes of this object: what came out of it
// (functions, tables, texts) may be in use anywhere.
class SharedLibrary {
 public:
  // A path, or a bare name that the system's loader looks for. All it needs is resolved at once. Throws LoadError.
  static SharedLibrary open(const std::filesystem::path& file, Symbols symbols = Symbols::own);

  // The function of that name; null when the library exports none.
  template <typename Function>
  Function function(const char* name) const {
    return reinterpret_cast<Function>(address(name));
  }

 private:
  explicit SharedLibrary(void* handle) : handle_(handle) {}
  void* address(const char* name) const;

  void* handle_;
};

// The folder of the library or program that holds the code at `address`, links resolved; empty when the
// loader cannot say.
std::filesystem::path folder_of_code(const void* address);

}  // namespace onnxport
