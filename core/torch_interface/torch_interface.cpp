#include "core/torch_interface/torch_interface.h"

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "core/loader/shared_library.h"
#include "core/torch_interface/build.h"

namespace onnxport {
namespace {

std::atomic<TorchInterface*>& opened() {
  static std::atomic<TorchInterface*> interface = nullptr;
  return interface;
}

std::filesystem::path library_path() {
  // A set-uid program must not load what its caller names.
  if (const char* chosen = secure_getenv("ONNXPORT_TORCH_LIBRARY"); chosen != nullptr && *chosen != '\0')
    return chosen;
  std::error_code ignored;
  const std::filesystem::path folder = folder_of_code(reinterpret_cast<const void*>(&torch_interface_loaded));
  for (const char* candidate :
       {"libonnxport_torch.so", "libonnxport_torch.so.0", "../lib/libonnxport_torch.so"}) {
    if (std::filesystem::exists(folder / candidate, ignored)) return folder / candidate;
  }
  return folder / "libonnxport_torch.so";
}

Error cannot_open(const std::filesystem::path& path, const std::string& why) {
  Location place;
  place.file = path.string();
  return Error("L211", "cannot open the libtorch back end: " + why, place,
               "install libonnxport_torch beside libonnxport, or name it in ONNXPORT_TORCH_LIBRARY; "
               "libtorch's own folder must be found too (LD_LIBRARY_PATH)");
}

// The two libraries share C++ types: those of another build would be read as what they are not.
void check_build(const SharedLibrary& library, const std::filesystem::path& path) {
  const auto function = library.function<TorchBuildFunction>("onnxport_torch_build");
  const TorchBuild* other = function == nullptr ? nullptr : function();
  std::string wrong = "it does not say of which build it is";
  if (other != nullptr && other->struct_size >= sizeof(TorchBuild)) wrong = difference(torch_build(), *other);
  if (wrong.empty()) return;
  Location place;
  place.file = path.string();
  throw Error("L213", "libonnxport_torch is of another build than libonnxport: " + wrong, place,
              "install the two libraries of one release together");
}

TorchInterface& open(const std::filesystem::path& path) {
  try {
    const SharedLibrary library = SharedLibrary::open(path);
    check_build(library, path);
    const auto factory = library.function<TorchInterfaceFactory>("onnxport_torch_interface");
    if (factory == nullptr) throw cannot_open(path, "it exports no onnxport_torch_interface");
    TorchInterface* interface = factory();
    if (interface == nullptr) throw cannot_open(path, "it gives no interface");
    return *interface;
  } catch (const LoadError& e) {
    throw cannot_open(path, e.what());
  }
}

}  // namespace

TorchInterface& torch_interface() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (opened() == nullptr) opened() = &open(library_path());
  return *opened();
}

bool torch_interface_loaded() { return opened() != nullptr; }

}  // namespace onnxport
