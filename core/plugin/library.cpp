#include "core/plugin/library.h"

#include <elf.h>
#include <openssl/evp.h>

#include <array>
#include <boost/dll/shared_library.hpp>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/plugin/context.h"

namespace onnxport {
namespace {

Place place_of(const Manifest& manifest) {
  Place place;
  place.file = manifest.file.string();
  return place;
}

std::string text_of(onnxport_str s) {
  return s.data == nullptr || s.size > 4096 ? std::string() : std::string(s.data, static_cast<size_t>(s.size));
}

const LibraryEntry& entry_of(const Manifest& manifest) {
  const auto found = manifest.libraries.find(current_platform());
  if (found != manifest.libraries.end()) return found->second;
  std::string have;
  for (const auto& [platform, entry] : manifest.libraries) have += (have.empty() ? "" : ", ") + platform;
  throw Error("L201", "plugin " + manifest.id + " has no library for " + current_platform(), place_of(manifest),
              "it has: " + (have.empty() ? "none" : have));
}

// dlopen and the query run the plugin's code: what escapes from there must not end the process.
const onnxport_plugin* query(const boost::dll::shared_library& library, const Manifest& manifest) {
  if (!library.has(ONNXPORT_QUERY_SYMBOL)) {
    throw Error("L205", library.location().string() + " does not export " ONNXPORT_QUERY_SYMBOL, place_of(manifest),
                "build it with the SDK: docs/plugins.md");
  }
  const auto& function = library.get<const onnxport_plugin*(const onnxport_host*)>(ONNXPORT_QUERY_SYMBOL);
  const onnxport_plugin* plugin = nullptr;
  try {
    plugin = function(plugin_host());
  } catch (const std::exception& e) {
    throw Error("L206", "the query of plugin " + manifest.id + " threw: " + e.what(), place_of(manifest));
  } catch (...) {
    throw Error("L206", "the query of plugin " + manifest.id + " threw", place_of(manifest));
  }
  if (plugin == nullptr) throw Error("L206", "the query of plugin " + manifest.id + " returned nothing", place_of(manifest));
  return plugin;
}

void check_table(const onnxport_plugin& plugin, const Manifest& manifest) {
  const Place place = place_of(manifest);
  constexpr size_t head = offsetof(onnxport_plugin, id);
  if (plugin.struct_size < head) throw Error("A303", "the plugin table of " + manifest.id + " is " + std::to_string(plugin.struct_size) + " bytes long", place);
  if (plugin.abi_major != ONNXPORT_ABI_MAJOR) {
    throw Error("A302", "plugin " + manifest.id + " is built for ABI " + std::to_string(plugin.abi_major) + ", this host offers " + std::to_string(ONNXPORT_ABI_MAJOR), place,
                "get a build of the plugin for ABI " + std::to_string(ONNXPORT_ABI_MAJOR));
  }
  if (plugin.min_abi_minor > ONNXPORT_ABI_MINOR) {
    throw Error("A301", "plugin " + manifest.id + " needs ABI 1." + std::to_string(plugin.min_abi_minor) + ", this host offers 1." + std::to_string(ONNXPORT_ABI_MINOR), place,
                "use a newer onnxport, or an older release of the plugin");
  }
  if (plugin.struct_size < sizeof(onnxport_plugin) || plugin.get_interface == nullptr) {
    throw Error("A303", "the plugin table of " + manifest.id + " is " + std::to_string(plugin.struct_size) + " bytes long, " + std::to_string(sizeof(onnxport_plugin)) + " are needed", place);
  }
  if (text_of(plugin.id) != manifest.id || text_of(plugin.version) != manifest.version) {
    throw Error("L207", "the library says it is " + text_of(plugin.id) + " " + text_of(plugin.version) + ", the manifest " + manifest.id + " " + manifest.version, place,
                "the two must be of one release");
  }
}

}  // namespace

void check_elf_extents(const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& why) {
    throw Error("L202", file.string() + " " + why, {}, "copy or build the library again");
  };
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(file, error);
  if (error) refuse("cannot be read: " + error.message());
  std::ifstream stream(file, std::ios::binary);
  Elf64_Ehdr header{};
  if (size < sizeof header || !stream.read(reinterpret_cast<char*>(&header), sizeof header)) refuse("is no shared library: too short");
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse("is no shared library: not ELF");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_DYN) refuse("is no 64-bit shared library");
#if defined(__x86_64__)
  if (header.e_machine != EM_X86_64) refuse("is built for another processor");
#elif defined(__aarch64__)
  if (header.e_machine != EM_AARCH64) refuse("is built for another processor");
#endif
  const auto beyond = [&](uint64_t offset, uint64_t length) { return offset > size || length > size - offset; };
  if (header.e_phentsize != sizeof(Elf64_Phdr) || beyond(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr))) refuse("is truncated");
  if (header.e_shnum != 0 && beyond(header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize)) refuse("is truncated");
  stream.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!stream.read(reinterpret_cast<char*>(&segment), sizeof segment)) refuse("is truncated");
    if (segment.p_type != PT_NOTE && beyond(segment.p_offset, segment.p_filesz)) refuse("is truncated");
  }
}

std::string sha256_of(const std::filesystem::path& file) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 1 << 16> buffer{};
  while (stream.read(buffer.data(), buffer.size()) || stream.gcount() > 0) {
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(stream.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &length);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < length; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

const onnxport_plugin* open_library(const Manifest& manifest) {
  // Opened once per file and process; never closed, since values of the plugin's code may live anywhere.
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<boost::dll::shared_library>> opened;
  const std::lock_guard<std::mutex> lock(mutex);
  const LibraryEntry& entry = entry_of(manifest);
  std::unique_ptr<boost::dll::shared_library>& library = opened[entry.path.string()];
  if (library == nullptr) {
    check_elf_extents(entry.path);
    if (!entry.sha256.empty() && sha256_of(entry.path) != entry.sha256) {
      throw Error("L203", entry.path.string() + " is not the file the manifest was made for (its sha256 differs)", place_of(manifest),
                  "install manifest and library of one release");
    }
    try {
      auto made = std::make_unique<boost::dll::shared_library>(
          entry.path.string(), boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
      library = std::move(made);
    } catch (const std::exception& e) {
      throw Error("L204", entry.path.string() + " cannot be opened: " + e.what(), place_of(manifest));
    }
  }
  const onnxport_plugin* plugin = query(*library, manifest);
  check_table(*plugin, manifest);
  return plugin;
}

}  // namespace onnxport
