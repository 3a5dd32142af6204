// The checks of a library's bytes that come before dlopen.
#include <elf.h>
#include <sha2.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>
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

constexpr uint64_t kMostAlignment = uint64_t{1} << 30;

constexpr uint64_t kLargestPage = uint64_t{1} << 16;

// Whether `inner` lies in the pages of one segment that is mapped (linkers round what becomes read-only up to a page).
bool is_mapped(const Elf64_Phdr& inner, const std::vector<Elf64_Phdr>& segments) {
  return std::any_of(segments.begin(), segments.end(), [&](const Elf64_Phdr& s) {
    return s.p_type == PT_LOAD && inner.p_vaddr >= s.p_vaddr &&
           fits(inner.p_vaddr - s.p_vaddr, inner.p_memsz, s.p_memsz + kLargestPage);
  });
}

// The dynamic loader maps the segments one after the other, each over what is there, and believes every number: a
// segment that reaches past the next one replaces the memory of others, the host's too.
bool contradicts_itself(const std::vector<Elf64_Phdr>& segments) {
  uint64_t end = 0;
  for (const Elf64_Phdr& s : segments) {
    if (s.p_type == PT_LOAD) {
      if (s.p_vaddr < end || s.p_vaddr > UINT64_MAX / 2 || s.p_filesz > s.p_memsz ||
          s.p_memsz > UINT64_MAX / 2 - s.p_vaddr || s.p_align > kMostAlignment) {
        return true;
      }
      end = s.p_vaddr + s.p_memsz;
    } else if ((s.p_type == PT_DYNAMIC || s.p_type == PT_GNU_RELRO) && !is_mapped(s, segments)) {
      return true;
    }
  }
  return false;
}

// The place in the file of what lies at an address of the library's memory.
std::optional<uint64_t> offset_of(uint64_t address, const std::vector<Elf64_Phdr>& segments) {
  for (const Elf64_Phdr& s : segments) {
    if (s.p_type == PT_LOAD && address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz) {
      return s.p_offset + (address - s.p_vaddr);
    }
  }
  return std::nullopt;
}

// What the dynamic loader asserts of the dynamic section: it ends the process where that is not so, with words that
// name no file.
bool dynamic_section_is_sound(std::ifstream& in, uint64_t size, const std::vector<Elf64_Phdr>& segments) {
  constexpr std::pair<Elf64_Sxword, uint64_t> kFixed[] = {
      {DT_PLTREL, DT_RELA}, {DT_RELAENT, sizeof(Elf64_Rela)}, {DT_SYMENT, sizeof(Elf64_Sym)}};
  const auto dynamic = std::find_if(segments.begin(), segments.end(),
                                    [](const Elf64_Phdr& s) { return s.p_type == PT_DYNAMIC; });
  if (dynamic == segments.end()) return true;  // dlopen says so
  std::vector<Elf64_Dyn> entries;
  if (!fits(dynamic->p_offset, dynamic->p_filesz, size) ||
      offset_of(dynamic->p_vaddr, segments) != dynamic->p_offset ||
      !read_records(in, dynamic->p_offset, dynamic->p_filesz / sizeof(Elf64_Dyn), entries)) {
    return false;
  }
  for (const Elf64_Dyn& entry : entries) {
    if (entry.d_tag == DT_NULL) return true;
    for (const auto& [tag, value] : kFixed) {
      if (entry.d_tag == tag && entry.d_un.d_val != value) return false;
    }
    if (entry.d_tag != DT_GNU_HASH) continue;
    const std::optional<uint64_t> at = offset_of(entry.d_un.d_ptr, segments);
    std::vector<uint32_t> hash;  // buckets, first symbol, words of the Bloom filter, shift
    if (!at || !fits(*at, 4 * sizeof(uint32_t), size) || !read_records(in, *at, 4, hash)) return false;
    if (!std::has_single_bit(hash[2])) return false;
  }
  return false;  // without an end
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
  if (contradicts_itself(segments)) return "is damaged: its segments overlap or lie outside of each other";
  if (!dynamic_section_is_sound(in, size, segments)) {
    return "is damaged: its dynamic section holds what no loader takes";
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
