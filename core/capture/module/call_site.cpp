#include "core/capture/module/call_site.h"

#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <execinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace onnxport {
namespace {

constexpr size_t kDeepest = 64;

bool holds_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

// Code of theirs, or of ours, by the file it is in.
bool is_library(std::string_view object) {
  return holds_any(object, {"/libtorch", "/libc10", "/libonnxport", "/libc.so", "/libstdc++", "/libgcc",
                            "/libpthread", "[vdso"});
}
bool is_header(std::string_view source) {
  return holds_any(
      source, {"/torch/", "/ATen/", "/c10/", "/include/c++/", "onnxport/module.h", "onnxport/callable.h"});
}
bool is_library_name(std::string_view function) {
  const auto starts = [&](std::string_view prefix) { return function.starts_with(prefix); };
  return starts("at::") || starts("torch::") || starts("c10::") || starts("std::") || starts("onnxport::") ||
         starts("void std::");
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string out = text != nullptr ? text : name;
  std::free(text);
  return out;
}

}  // namespace

std::vector<void*> frames_of_here() {
  std::array<void*, kDeepest> frames{};
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  return std::vector<void*>(frames.begin(), frames.begin() + count);
}

struct CallSites::Modules {
  Dwfl_Callbacks callbacks{};
  char* debug_path = nullptr;
  Dwfl* dwfl = nullptr;

  Modules() {
    callbacks.find_elf = dwfl_linux_proc_find_elf;
    callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    callbacks.debuginfo_path = &debug_path;
    dwfl = dwfl_begin(&callbacks);
    if (dwfl == nullptr) return;
    const bool ok = dwfl_linux_proc_report(dwfl, ::getpid()) == 0;
    dwfl_report_end(dwfl, nullptr, nullptr);
    if (ok) return;
    dwfl_end(dwfl);
    dwfl = nullptr;
  }
  ~Modules() {
    if (dwfl != nullptr) dwfl_end(dwfl);
  }
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;
};

CallSites::CallSites() = default;
CallSites::~CallSites() = default;

std::string CallSites::find(const std::vector<void*>& frames) {
  for (void* frame : frames) {
    const auto [known, fresh] = known_.try_emplace(frame);
    if (fresh) known->second = look_up(frame);
    if (!known->second.empty()) return known->second;
  }
  return "";
}

std::string CallSites::look_up(void* frame) {
  if (modules_ == nullptr) modules_ = std::make_unique<Modules>();
  if (modules_->dwfl == nullptr) return "";
  // A return address is behind the call.
  const auto address = static_cast<Dwarf_Addr>(reinterpret_cast<uintptr_t>(frame)) - 1;
  Dwfl_Module* module = dwfl_addrmodule(modules_->dwfl, address);
  if (module == nullptr) return "";
  const char* object =
      dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  if (object == nullptr || is_library(object)) return "";
  if (Dwfl_Line* line = dwfl_module_getsrc(module, address)) {
    int number = 0;
    const char* source = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
    if (source != nullptr) {
      const std::string_view path(source);
      if (is_header(path)) return "";
      return std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(number);
    }
  }
  const char* symbol = dwfl_module_addrname(module, address);
  if (symbol == nullptr) return "";
  std::string name = demangled(symbol);
  return is_library_name(name) ? "" : name;
}

}  // namespace onnxport
