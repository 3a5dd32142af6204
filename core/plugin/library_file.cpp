// The checks of a library's bytes that come before dlopen.
#include <elf.h>
#include <sha2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <vector>

#include "core/plugin/library.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

#if defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_X86_64;
#endif

template <typename Record>
bool read_records(std::ifstream& in, uint64_t offset, uint64_t count, std::vector<Record>& out) {
  out.resize(count);
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(count * sizeof(Record)));
  return static_cast<bool>(in);
}

bool fits(uint64_t offset, uint64_t bytes, uint64_t size) { return offset <= size && bytes <= size - offset; }

std::string truncated(uint64_t size) {
  return "is truncated: it ends after " + std::to_string(size) + " bytes, inside its own contents";
}

}  // namespace

std::string why_not_loadable(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code error;
  const uint64_t size = fs::file_size(file, error);
  if (!in || error) return "cannot be read";
  Elf64_Ehdr header{};
  if (!in.read(reinterpret_cast<char*>(&header), sizeof header)) {
    return size == 0 ? "is empty" : "is not a shared library (only " + std::to_string(size) + " bytes)";
  }
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return "is not a shared library (no ELF header)";
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine) {
    return "is built for another machine than " + std::string(current_platform());
  }
  if (header.e_type != ET_DYN) return "is not a shared library (it is an object or a program)";
  if (header.e_phentsize != sizeof(Elf64_Phdr) ||
      !fits(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), size))
    return truncated(size);
  std::vector<Elf64_Phdr> segments;
  if (!read_records(in, header.e_phoff, header.e_phnum, segments)) return truncated(size);
  for (const Elf64_Phdr& s : segments) {
    if (s.p_type == PT_LOAD && !fits(s.p_offset, s.p_filesz, size)) return truncated(size);
  }
  if (header.e_shoff == 0) return "";
  std::vector<Elf64_Shdr> sections;
  if (header.e_shentsize != sizeof(Elf64_Shdr) ||
      !fits(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), size) ||
      !read_records(in, header.e_shoff, header.e_shnum, sections)) {
    return truncated(size);
  }
  for (const Elf64_Shdr& s : sections) {
    if (s.sh_type != SHT_NOBITS && !fits(s.sh_offset, s.sh_size, size)) return truncated(size);
  }
  return "";
}

std::string sha256_of(const fs::path& file) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> text{};
  return SHA256File(file.c_str(), text.data()) == nullptr ? "" : text.data();
}

std::string sha256_of_text(std::string_view text) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> out{};
  SHA256Data(reinterpret_cast<const uint8_t*>(text.data()), text.size(), out.data());
  return out.data();
}

}  // namespace onnxport
