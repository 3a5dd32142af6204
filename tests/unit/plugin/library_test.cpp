// What is checked before, while and after a plugin's library is opened.
#include "core/plugin/library.h"
#include "core/host/host.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstddef>
#include <fstream>

#include "core/plugin/registry.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

const fs::path kPlugins = fs::path(ONNXPORT_BUILD_DIR) / "tests" / "plugins";

class LibraryTest : public testing::Test {
 protected:
  // A manifest beside a copy of the test plugin.
  Manifest manifest(const std::string& plugin, const std::string& sha256 = "") {
    const fs::path copy = folder_.path() / (plugin + ".so");
    if (!fs::exists(copy)) fs::copy_file(kPlugins / (plugin + ".so"), copy);
    return for_file(plugin + ".so", sha256);
  }
  Manifest for_file(const std::string& file, const std::string& sha256 = "") {
    const std::string entry = "{path: " + file + (sha256.empty() ? "" : ", sha256: \"" + sha256 + "\"") + "}";
    return parse_manifest(
        "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\nlibrary: {" +
            std::string(current_platform()) + ": " + entry + "}\nprovides: {ops: [test::one]}\n",
        folder_.path() / "test.onnxport.yaml");
  }
  std::string error(const Manifest& m) {
    return error_of([&] { PluginLibrary::open(m, plugin_host()); });
  }

  TemporaryFolder folder_;
};

TEST_F(LibraryTest, OpensAGoodOne) {
  const Manifest m = manifest("good", sha256_of(kPlugins / "good.so"));
  const PluginLibrary library = PluginLibrary::open(m, plugin_host());
  ASSERT_EQ(library.mappings().size(), 11u);
  EXPECT_TRUE(library.opsets().empty());
  const PluginLibrary again = PluginLibrary::open(m, plugin_host());  // the same library, asked twice
  EXPECT_EQ(again.mappings()[0].translate, library.mappings()[0].translate);
}

TEST_F(LibraryTest, L201NoLibraryForThisPlatform) {
  Manifest m = manifest("good");
  m.libraries = {{"windows_amd64", {"x.dll", "", {}}}};
  EXPECT_EQ(error(m), (folder_.path() / "test.onnxport.yaml").string() +
                          ": error L201: plugin com.test.plugin: has no library for " +
                          std::string(current_platform()) +
                          " (it has: windows_amd64)\n  -> ask the publisher for a build for " +
                          std::string(current_platform()));
}

TEST_F(LibraryTest, L202NotAWholeSharedLibrary) {
  EXPECT_THAT(error(for_file("absent.so")),
              HasSubstr("error L202: plugin com.test.plugin: the library " +
                        (folder_.path() / "absent.so").string() + " does not exist"));
  folder_.write("empty.so", "");
  EXPECT_THAT(error(for_file("empty.so")), HasSubstr("is empty\n  -> copy or build it again"));
  folder_.write("text.so", std::string(200, 'x'));
  EXPECT_THAT(error(for_file("text.so")), HasSubstr("is not a shared library (no ELF header)"));
  fs::copy_file("/proc/self/exe", folder_.path() / "program.so");
  fs::permissions(folder_.path() / "program.so", fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(error(for_file("program.so")), HasSubstr("is refused: writable by everybody"));
}

TEST_F(LibraryTest, L202NoFileAtAll) {
  fs::create_directory(folder_.path() / "folder.so");
  ASSERT_EQ(mkfifo((folder_.path() / "pipe.so").c_str(), 0600), 0);
  fs::create_symlink("nowhere", folder_.path() / "link.so");
  EXPECT_THAT(error(for_file("folder.so")), HasSubstr("error L202"));
  EXPECT_THAT(error(for_file("folder.so")), HasSubstr("is a folder"));
  EXPECT_THAT(error(for_file("pipe.so")), AllOf(HasSubstr("error L202"), HasSubstr("is a named pipe")));
  EXPECT_THAT(error(for_file("link.so")), HasSubstr("error L202"));
}

TEST_F(LibraryTest, L202OfAnotherMachineOrKind) {
  const std::tuple<const char*, std::streamoff, char, const char*> changes[] = {
      {"elf32", EI_CLASS, ELFCLASS32, "is built for another machine"},
      {"big_endian", EI_DATA, ELFDATA2MSB, "is built for another machine"},
      {"arm", offsetof(Elf64_Ehdr, e_machine), EM_ARM, "is built for another machine"},
      {"object", offsetof(Elf64_Ehdr, e_type), ET_REL,
       "is not a shared library (it is an object or a program)"},
      {"program", offsetof(Elf64_Ehdr, e_type), ET_EXEC, "it is an object or a program"},
      {"core", offsetof(Elf64_Ehdr, e_type), ET_CORE, "it is an object or a program"}};
  for (const auto& [name, at, value, words] : changes) {
    const std::string file = std::string(name) + ".so";
    fs::copy_file(kPlugins / "good.so", folder_.path() / file);
    std::fstream bytes(folder_.path() / file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekp(at).put(value);
    bytes.close();
    EXPECT_THAT(error(for_file(file)), AllOf(HasSubstr("error L202"), HasSubstr(words))) << name;
  }
  folder_.write("script.so", "#!/bin/sh\nexit 0\n" + std::string(200, '#'));
  EXPECT_THAT(error(for_file("script.so")), HasSubstr("is not a shared library (no ELF header)"));
}

TEST_F(LibraryTest, L202TruncatedAnywhere) {
  const uint64_t size = fs::file_size(kPlugins / "good.so");
  for (int part = 1; part < 32; ++part) {
    const std::string name = "cut" + std::to_string(part) + ".so";
    fs::copy_file(kPlugins / "good.so", folder_.path() / name);
    fs::resize_file(folder_.path() / name, size * part / 32);
    EXPECT_THAT(error(for_file(name)), AllOf(HasSubstr("error L202"), HasSubstr("is truncated"))) << part;
  }
}

// Each of these had the dynamic loader map over the memory of others, or end the process without a name.
TEST_F(LibraryTest, L202SegmentsThatTheLoaderWouldBelieve) {
  const auto damaged = [&](const std::string& name, uint32_t type, const auto& change) {
    const std::string file = name + ".so";
    fs::copy_file(kPlugins / "good.so", folder_.path() / file);
    std::fstream bytes(folder_.path() / file, std::ios::binary | std::ios::in | std::ios::out);
    Elf64_Ehdr header{};
    bytes.read(reinterpret_cast<char*>(&header), sizeof header);
    for (int i = 0; i < header.e_phnum; ++i) {
      const auto at = static_cast<std::streamoff>(header.e_phoff + i * sizeof(Elf64_Phdr));
      Elf64_Phdr segment{};
      bytes.seekg(at).read(reinterpret_cast<char*>(&segment), sizeof segment);
      if (segment.p_type != type) continue;
      change(segment);
      bytes.seekp(at).write(reinterpret_cast<const char*>(&segment), sizeof segment);
      break;
    }
    bytes.close();
    return error(for_file(file));
  };
  const auto is_damaged = AllOf(HasSubstr("error L202"), HasSubstr("is damaged"));
  EXPECT_THAT(damaged("over_the_next", PT_LOAD, [](Elf64_Phdr& s) { s.p_memsz = uint64_t{0xcc} << 32; }),
              is_damaged);
  EXPECT_THAT(damaged("smaller_than_its_data", PT_LOAD, [](Elf64_Phdr& s) { s.p_memsz = s.p_filesz - 1; }),
              is_damaged);
  EXPECT_THAT(damaged("alignment", PT_LOAD, [](Elf64_Phdr& s) { s.p_align = uint64_t{1} << 63; }),
              is_damaged);
  EXPECT_THAT(damaged("read_only", PT_GNU_RELRO, [](Elf64_Phdr& s) { s.p_memsz = uint64_t{1} << 40; }),
              is_damaged);
  EXPECT_THAT(damaged("dynamic", PT_DYNAMIC, [](Elf64_Phdr& s) { s.p_vaddr += 1 << 24; }), is_damaged);
  EXPECT_THAT(damaged("other_dynamic", PT_DYNAMIC, [](Elf64_Phdr& s) { s.p_offset += 8; }), is_damaged);
}

TEST_F(LibraryTest, L203AnotherFileThanTheManifestNames) {
  EXPECT_THAT(error(manifest("good", std::string(64, 'a'))),
              HasSubstr("error L203: plugin com.test.plugin: the library "));
}

TEST_F(LibraryTest, Sha256IsTheStandardOne) {
  EXPECT_EQ(sha256_of(folder_.write("abc", "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of("/nonexistent"), "");
}

TEST_F(LibraryTest, L204NeedsWhatNobodyOffers) {
  EXPECT_THAT(
      error(manifest("undefined_symbol")),
      AllOf(HasSubstr("error L204: plugin com.test.plugin: the library cannot be opened: "),
            HasSubstr("undefined symbol: acme_table_that_nobody_defines"),
            HasSubstr("\n  -> a plugin links nothing but the C and C++ run-time libraries; ldd -r shows")));
}

TEST_F(LibraryTest, L205ToL207) {
  EXPECT_THAT(error(manifest("no_symbol")),
              HasSubstr("no_symbol.so does not export a function onnxport_plugin_query"));
  EXPECT_THAT(error(manifest("data_symbol")),
              HasSubstr("error L205: plugin com.test.plugin: the library " +
                        (folder_.path() / "data_symbol.so").string() + " does not export a function"));
  EXPECT_THAT(error(manifest("throws")),
              HasSubstr("error L206: plugin com.test.plugin: onnxport_plugin_query threw: not today"));
  EXPECT_THAT(error(manifest("returns_null")),
              HasSubstr("error L206: plugin com.test.plugin: onnxport_plugin_query returned null"));
  EXPECT_THAT(error(manifest("wrong_id")),
              HasSubstr("error L207: plugin com.test.plugin: the library says it is com.other.plugin 1.0.0, "
                        "the manifest says com.test.plugin 1.0.0"));
}

TEST_F(LibraryTest, A301ToA304) {
  EXPECT_THAT(error(manifest("newer_minor")),
              HasSubstr("error A301: plugin com.test.plugin: needs ABI 1.999, this onnxport has 1.0\n  -> "
                        "update onnxport"));
  EXPECT_THAT(error(manifest("newer_major")),
              HasSubstr("error A302: plugin com.test.plugin: needs ABI 7, this onnxport has 1.0"));
  EXPECT_THAT(error(manifest("small_table")),
              HasSubstr("error A303: plugin com.test.plugin: its description has 8 bytes"));
  EXPECT_THAT(
      error(manifest("null_table")),
      HasSubstr("error A304: plugin com.test.plugin: its table onnxport.mapping/1: 1 times 'a mapping' at a "
                "null pointer"));
}

TEST_F(LibraryTest, M113RegistersWhatItDoesNotList) {
  fs::copy_file(kPlugins / "good.so", folder_.path() / "good.so");
  const fs::path file = folder_.write(
      "test.onnxport.yaml",
      "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\nlibrary: {" +
          std::string(current_platform()) +
          ": good.so}\nprovides: {ops: [test::scaled_tanh, test::declines, test::fails, test::poisoned, "
          "test::undeclared, test::throws_standard, test::throws_int, test::complex, test::only_complex, "
          "test::by_parts]}\n");
  PluginOptions options;
  options.files = {file};
  options.default_paths = options.builtin = false;
  Registry registry(options, plugin_host());
  const std::string expected = file.string() +
                               ": error M113: plugin com.test.plugin: its library registers the operator "
                               "'test::ranged', which its manifest does not list\n"
                               "  -> add to provides: ops: [test::ranged]; or remove it from the library";
  EXPECT_EQ(error_of([&] { registry.candidates("test::scaled_tanh", 20); }), expected);
  EXPECT_EQ(error_of([&] { registry.candidates("test::scaled_tanh", 20); }), expected);  // and again
}

}  // namespace
}  // namespace onnxport
