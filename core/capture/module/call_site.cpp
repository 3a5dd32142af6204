#include "core/capture/module/call_site.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
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

// Code of theirs, or of ours, by the file it is in. A user's program may well lie in a folder "libtorch" or "torch".
bool is_library(std::string_view object) {
  const std::string_view name = object.substr(object.rfind('/') + 1);
  return name.starts_with("libtorch.") || name.starts_with("libtorch_") ||
         holds_any(name, {"libc10", "libonnxport", "libc.so", "libstdc++", "libgcc", "libpthread", "[vdso"});
}
bool is_header(std::string_view source) {
  return holds_any(source, {"/include/torch/", "/include/ATen/", "/include/c10/", "/include/c++/",
                            "onnxport/module.h", "onnxport/callable.h"});
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

std::string line_of(std::string_view path, uint64_t number) {
  return std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(number);
}

// An optimized program has the headers' functions inlined into the user's: the line that called the innermost of those that the
// user's code called.
std::string line_of_caller(Dwfl_Module* module, Dwarf_Addr address) {
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias);
  Dwarf_Die* scopes = nullptr;
  if (unit == nullptr || dwarf_getscopes(unit, address - bias, &scopes) <= 0) return "";
  Dwarf_Die innermost = scopes[0];
  std::free(scopes);
  scopes = nullptr;
  Dwarf_Files* files = nullptr;
  size_t file_count = 0;
  const int count = dwarf_getscopes_die(&innermost, &scopes);
  std::string out;
  if (count > 0 && dwarf_getsrcfiles(unit, &files, &file_count) == 0) {
    for (int i = 0; i < count && out.empty(); ++i) {
      Dwarf_Attribute attribute{};
      Dwarf_Word file = 0, number = 0;
      if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine ||
          dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_file, &attribute), &file) != 0 ||
          dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_line, &attribute), &number) != 0)
        continue;
      const char* source = dwarf_filesrc(files, file, nullptr, nullptr);
      if (source != nullptr && !is_header(source)) out = line_of(source, number);
    }
  }
  std::free(scopes);
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
      if (!is_header(source)) return line_of(source, static_cast<uint64_t>(number));
      if (std::string caller = line_of_caller(module, address); !caller.empty()) return caller;
    }
  }
  const char* symbol = dwfl_module_addrname(module, address);
  if (symbol == nullptr) return "";
  std::string name = demangled(symbol);
  return is_library_name(name) || name == "_start" ? "" : name;
}

}  // namespace onnxport
