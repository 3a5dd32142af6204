#include "core/loader/shared_library.h"

#include <dlfcn.h>
#if defined(__GLIBC__)
#include <link.h>
#endif

#include <boost/dll/shared_library.hpp>

namespace onnxport {

namespace dll = boost::dll;

SharedLibrary SharedLibrary::open(const std::filesystem::path& file, Symbols symbols) {
  auto mode = dll::load_mode::rtld_now |
              (symbols == Symbols::shared ? dll::load_mode::rtld_global : dll::load_mode::rtld_local);
  if (!file.has_parent_path()) mode |= dll::load_mode::search_system_folders;
  boost::system::error_code error;
  const dll::shared_library library(file.string(), error, mode);
  if (error) {
    const char* why = dlerror();
    throw LoadError(why == nullptr ? error.message() : why);
  }
  // Boost closes the library with its object. A second, lasting hold on it: never unloaded.
  void* lasting = dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  return SharedLibrary(lasting == nullptr ? library.native() : lasting);
}

void* SharedLibrary::address(const char* name) const {
  void* const found = dlsym(handle_, name);
#if defined(__GLIBC__)
  // Data of that name is none: to call it would end the process.
  Dl_info info{};
  void* symbol = nullptr;
  if (found != nullptr && dladdr1(found, &info, &symbol, RTLD_DL_SYMENT) != 0 && symbol != nullptr &&
      (static_cast<const ElfW(Sym)*>(symbol)->st_info & 0xf) == STT_OBJECT)
    return nullptr;
#endif
  return found;
}

std::filesystem::path folder_of_code(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(info.dli_fname, error);
  return (error ? std::filesystem::path(info.dli_fname) : real).parent_path();
}

}  // namespace onnxport
