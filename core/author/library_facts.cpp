#include "core/author/library_facts.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>

namespace onnxport {
namespace {

// Records inside the bytes of a file, never beyond them.
class Bytes {
 public:
  explicit Bytes(std::string text) : text_(std::move(text)) {}

  template <typename Record>
  std::vector<Record> records(uint64_t offset, uint64_t bytes) const {
    if (offset > text_.size()) return {};
    bytes = std::min<uint64_t>(bytes, text_.size() - offset);
    std::vector<Record> out(bytes / sizeof(Record));
    if (!out.empty()) std::memcpy(out.data(), text_.data() + offset, out.size() * sizeof(Record));
    return out;
  }
  // The zero-terminated text there.
  std::string text_at(uint64_t offset) const {
    if (offset >= text_.size()) return "";
    const size_t end = std::min(text_.find('\0', offset), text_.size());
    return text_.substr(offset, end - offset);
  }

 private:
  std::string text_;
};

// Of an inline function of the standard library, which every library that uses it has: "_ZZNSt8__detail…", "_ZNKSt…".
bool is_standard(std::string_view mangled) {
  if (!mangled.starts_with("_Z")) return false;
  const size_t at = mangled.find("St");
  return at != std::string_view::npos && at <= 6 &&
         mangled.substr(2, at - 2).find_first_not_of("GVZNK") == std::string_view::npos;
}

}  // namespace

LibraryFacts library_facts(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const Bytes bytes(std::string(std::istreambuf_iterator<char>(in), {}));
  const auto header = bytes.records<Elf64_Ehdr>(0, sizeof(Elf64_Ehdr));
  LibraryFacts out;
  if (header.empty() || std::memcmp(header[0].e_ident, ELFMAG, SELFMAG) != 0) return out;
  const auto sections =
      bytes.records<Elf64_Shdr>(header[0].e_shoff, uint64_t{header[0].e_shnum} * sizeof(Elf64_Shdr));
  for (const Elf64_Shdr& s : sections) {
    if (s.sh_link >= sections.size()) continue;
    const uint64_t names = sections[s.sh_link].sh_offset;
    if (s.sh_type == SHT_DYNAMIC) {
      for (const Elf64_Dyn& entry : bytes.records<Elf64_Dyn>(s.sh_offset, s.sh_size)) {
        if (entry.d_tag == DT_NEEDED) out.needed.push_back(bytes.text_at(names + entry.d_un.d_val));
      }
    } else if (s.sh_type == SHT_DYNSYM) {
      for (const Elf64_Sym& symbol : bytes.records<Elf64_Sym>(s.sh_offset, s.sh_size)) {
        const int binding = ELF64_ST_BIND(symbol.st_info);
        const int visibility = ELF64_ST_VISIBILITY(symbol.st_other);
        // Weak ones are what inline functions leave, in every library.
        const bool seen = (binding == STB_GLOBAL || binding == STB_GNU_UNIQUE) &&
                          (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
        std::string name = seen && symbol.st_shndx != SHN_UNDEF ? bytes.text_at(names + symbol.st_name) : "";
        if (!name.empty() && !is_standard(name)) out.exports.push_back(std::move(name));
      }
    }
  }
  std::sort(out.exports.begin(), out.exports.end());
  return out;
}

}  // namespace onnxport
