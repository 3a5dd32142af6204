#include "core/torch_interface/torch_interface.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

namespace onnxport {
namespace {

std::atomic<TorchInterface*>& opened() {
  static std::atomic<TorchInterface*> backend = nullptr;
  return backend;
}

// The folder this code was loaded from; empty when the loader cannot say.
std::filesystem::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&torch_backend_loaded), &info) == 0 || info.dli_fname == nullptr)
    return {};
  std::error_code ignored;
  const std::filesystem::path real = std::filesystem::canonical(info.dli_fname, ignored);
  return (real.empty() ? std::filesystem::path(info.dli_fname) : real).parent_path();
}

std::filesystem::path library_path() {
  // A set-uid program must not load what its caller names.
  if (const char* chosen = secure_getenv("ONNXPORT_TORCH_LIBRARY"); chosen != nullptr && *chosen != '\0')
    return chosen;
  std::error_code ignored;
  const std::filesystem::path folder = own_folder();
  for (const char* candidate :
       {"libonnxport_torch.so", "libonnxport_torch.so.0", "../lib/libonnxport_torch.so"}) {
    if (std::filesystem::exists(folder / candidate, ignored)) return folder / candidate;
  }
  return folder / "libonnxport_torch.so";
}

TorchInterface& open(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& why) {
    Location place;
    place.file = path.string();
    return Error(
        "L211", "cannot open the libtorch back end: " + why, place,
        "install libonnxport_torch beside libonnxport, or name it in ONNXPORT_TORCH_LIBRARY; libtorch's own "
        "folder must be found too (LD_LIBRARY_PATH)");
  };
  const auto reason = [] {
    const char* text = dlerror();
    return std::string(text == nullptr ? "unknown reason" : text);
  };
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw fail(reason());
  const auto factory = reinterpret_cast<TorchBackendFactory>(dlsym(library, "onnxport_torch_backend"));
  if (factory == nullptr) throw fail(reason());
  TorchInterface* backend = factory();
  if (backend == nullptr) throw fail("it was built for another version of libonnxport");
  return *backend;
}

}  // namespace

TorchInterface& torch_interface() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (opened() == nullptr) opened() = &open(library_path());
  return *opened();
}

bool torch_backend_loaded() { return opened() != nullptr; }

}  // namespace onnxport
