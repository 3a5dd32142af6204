#include <dlfcn.h>

#include <filesystem>

#include "onnxport/version.h"

namespace onnxport {

std::string manual_page(std::string_view name) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&manual_page), &info) != 0 && info.dli_fname != nullptr) {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::canonical(info.dli_fname, error).parent_path();
    for (const char* up : {"../share/doc/onnxport", "../../share/doc/onnxport"}) {
      const std::filesystem::path page = (folder / up / name).lexically_normal();
      if (!error && std::filesystem::is_regular_file(page, error)) return page.string();
    }
  }
  return "docs/" + std::string(name);
}

}  // namespace onnxport
