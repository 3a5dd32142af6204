// What one plugin that is in no order does to the others: nothing. And what plugin list says of it.
#include "core/plugin/plugin_set.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "core/plugin/registry.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// A plugin that maps one operator by a function.
std::string plugin(const std::string& id, const std::string& op = "acme::swish",
                   const std::string& more = "") {
  return "onnxport_manifest: 1\nplugin: {id: " + id + ", version: \"1.0.0\"}\n" + more +
         "provides: {mappings: [{torch: \"" + op + "\", function: \"(x) => (y) { y = Relu(x) }\"}]}\n";
}

// A plugin whose library supplies `provides`.
std::string with_library(const std::string& id, const std::string& provides, const std::string& more = "") {
  return "onnxport_manifest: 1\nplugin: {id: " + id + ", version: \"1.0.0\"}\n" + more +
         "library: {linux_amd64: {path: lib.so}, linux_arm64: {path: lib.so}}\nprovides: {" + provides +
         "}\n";
}

class PluginSetTest : public testing::Test {
 protected:
  PluginSetTest() {
    folder_.write("builtin/a.onnxport.yaml", plugin("org.onnxport.a", "aten::gelu"));
    fs::create_directories(folder_.path() / "user/onnxport/plugins.d");
  }
  Environment environment() const {
    Environment out;
    out.variable = [this](const char* name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    out.builtin = folder_.path() / "builtin";
    return out;
  }
  fs::path user(const std::string& name, const std::string& text) const {
    return folder_.write("user/onnxport/plugins.d/" + name, text);
  }
  PluginListing listing(const PluginOptions& options = {}) const {
    return PluginSet(options, nullptr, environment()).listing();
  }
  // "id state code" of each.
  std::vector<std::string> states(const PluginOptions& options = {}) const {
    std::vector<std::string> out;
    for (const PluginInfo& p : listing(options).plugins)
      out.push_back(p.id + " " + p.state + (p.code.empty() ? "" : " " + p.code));
    return out;
  }
  std::string warnings(const PluginOptions& options = {}) const {
    std::string out;
    const PluginSet set(options, nullptr, environment());
    for (const Diagnostic& d : set.notes()) out += d.text() + "\n";
    return out;
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> variables_{{"XDG_CONFIG_DIRS", "/nonexistent"},
                                                {"XDG_CONFIG_HOME", (folder_.path() / "user").string()}};
};

TEST_F(PluginSetTest, D02PipesSocketsAndFoldersNeverMakeUsWait) {
  const fs::path user_folder = folder_.path() / "user/onnxport/plugins.d";
  ASSERT_EQ(mkfifo((user_folder / "pipe.onnxport.yaml").c_str(), 0600), 0);
  fs::create_directory(user_folder / "folder.onnxport.yaml");
  fs::create_symlink("nowhere", user_folder / "link.onnxport.yaml");
  fs::create_symlink("/dev/zero", user_folder / "zero.onnxport.yaml");
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = (user_folder / "s.onnxport.yaml").string();
  ASSERT_LT(name.size(), sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(fd);
  EXPECT_THAT(states(), ElementsAre("org.onnxport.a active", "folder.onnxport.yaml refused M101",
                                    "link.onnxport.yaml refused M101", "pipe.onnxport.yaml refused M101",
                                    "s.onnxport.yaml refused M101", "zero.onnxport.yaml refused M101"));
  EXPECT_THAT(
      warnings(),
      AllOf(HasSubstr("pipe.onnxport.yaml: warning M101: is refused: it is a named pipe, not a file"),
            HasSubstr("it is a socket, not a file"), HasSubstr("it is a device, not a file"),
            HasSubstr("it is a folder, not a file"), HasSubstr("it is a link to nothing, not a file")));
  for (const char* file : {"pipe", "s", "zero", "folder"}) {
    PluginOptions options;
    options.files = {user_folder / (std::string(file) + ".onnxport.yaml")};
    EXPECT_THAT(error_of([&] { PluginSet(options, nullptr, environment()); }),
                HasSubstr("error M101: is refused: it is a"))
        << file;
    EXPECT_THAT(error_of([&] { read_manifest(options.files.front()); }), HasSubstr(" M101: ")) << file;
  }
}

TEST_F(PluginSetTest, D24WhatOthersCanWriteIsRefusedAndSaid) {
  const fs::path file = user("x.onnxport.yaml", plugin("com.acme.x"));
  EXPECT_THAT(states(), ElementsAre("com.acme.x active", "org.onnxport.a active"));
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(states(), ElementsAre("org.onnxport.a active", "x.onnxport.yaml refused M101"));
  EXPECT_THAT(warnings(),
              HasSubstr("x.onnxport.yaml: warning M101: is refused: writable by everybody (chmod o-w "));
  fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
  fs::permissions(file.parent_path(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(states(), ElementsAre("org.onnxport.a active", "x.onnxport.yaml refused M101"));
  EXPECT_THAT(warnings(),
              HasSubstr("plugins.d: warning L209: the plugin folder is left out: writable by everybody"));
  const PluginListing all = listing();
  const auto folder = std::find_if(all.folders.begin(), all.folders.end(),
                                   [](const PluginFolder& f) { return f.tier == "user"; });
  ASSERT_NE(folder, all.folders.end());
  EXPECT_THAT(folder->state, StartsWith("refused: writable by everybody"));
  // Naming the folder does not make it better.
  PluginOptions options;
  options.paths = {file.parent_path()};
  EXPECT_THAT(states(options).back(), "x.onnxport.yaml refused M101");
}

TEST_F(PluginSetTest, D24FilesOfAnotherUserAreRefusedUnlessNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "giving a file to another user needs root";
  const fs::path file = user("x.onnxport.yaml", plugin("com.acme.x"));
  ASSERT_EQ(chown(file.c_str(), 4711, 4711), 0);
  EXPECT_THAT(states(), ElementsAre("org.onnxport.a active", "x.onnxport.yaml refused M101"));
  EXPECT_THAT(
      warnings(),
      HasSubstr("it belongs to the user 4711, who is neither you, nor root, nor the owner of onnxport"));
  PluginOptions options;
  options.files = {file};
  EXPECT_EQ(states(options).front(), "com.acme.x active");
  // The owner of a folder that is named is trusted, a third one is not.
  options.files.clear();
  options.paths = {file.parent_path()};
  EXPECT_THAT(states(options), testing::Not(testing::Contains("com.acme.x active")));
  ASSERT_EQ(chown(file.parent_path().c_str(), 4711, 4711), 0);
  EXPECT_THAT(states(options), testing::Contains("com.acme.x active"));
}

TEST_F(PluginSetTest, D24LibrariesStayInsideTheManifestsFolder) {
  user("x.onnxport.yaml",
       "onnxport_manifest: 1\nplugin: {id: com.acme.x, version: \"1.0.0\"}\n"
       "library: {linux_amd64: sub/lib.so, linux_arm64: sub/lib.so}\nprovides: {ops: [acme::f]}\n");
  const fs::path outside = folder_.write("outside.so", "ELF");
  const fs::path sub = folder_.path() / "user/onnxport/plugins.d/sub";
  const auto reason = [&] { return listing().plugins.front().reason; };
  EXPECT_THAT(reason(), HasSubstr("error L202: plugin com.acme.x: the library " + (sub / "lib.so").string() +
                                  " does not exist"));
  fs::create_directory(sub);
  fs::create_symlink(outside, sub / "lib.so");
  EXPECT_THAT(reason(), HasSubstr("is refused: it is a link that leaves the manifest's folder, to " +
                                  outside.string()));
  fs::remove(sub / "lib.so");
  fs::create_directory(sub / "lib.so");
  EXPECT_THAT(reason(), HasSubstr("lib.so is a folder"));
  fs::remove(sub / "lib.so");
  ASSERT_EQ(mkfifo((sub / "lib.so").c_str(), 0600), 0);
  EXPECT_THAT(reason(), HasSubstr("lib.so is a named pipe"));
  fs::remove(sub / "lib.so");
  user("sub/lib.so", "not a library");
  EXPECT_THAT(reason(), HasSubstr("is not a shared library"));
  fs::permissions(sub, fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(reason(), HasSubstr("is refused: writable by everybody (chmod o-w " + sub.string() + ")"));
}

TEST_F(PluginSetTest, D24AManifestMayBeALinkToWhereItWasInstalled) {
  folder_.write("opt/acme/lib.so", "not a library");
  folder_.write("opt/acme/x.onnxport.yaml", with_library("com.acme.x", "ops: [acme::f]"));
  const fs::path plugins = folder_.path() / "user/onnxport/plugins.d";
  fs::create_symlink(folder_.path() / "opt/acme/x.onnxport.yaml", plugins / "x.onnxport.yaml");
  fs::create_symlink(folder_.path() / "opt/acme/lib.so", plugins / "lib.so");
  EXPECT_THAT(listing().plugins.front().reason, HasSubstr("is not a shared library"));
}

TEST_F(PluginSetTest, D28FoldersThatAreNotThereAreSaid) {
  PluginOptions options;
  options.paths = {folder_.path() / "nowhere", folder_.write("a_file", "")};
  variables_["ONNXPORT_PLUGIN_PATH"] = "plugins";
  EXPECT_THAT(
      warnings(options),
      AllOf(HasSubstr((folder_.path() / "nowhere").string() +
                      ": warning L209: the plugin folder does not exist"),
            HasSubstr("a_file: warning L209: this is no folder\n  -> correct --plugin-path; a single "
                      "manifest is named "
                      "with --plugin"),
            HasSubstr(
                "warning L209: the entry 'plugins' of ONNXPORT_PLUGIN_PATH is left out: it is relative")));
}

TEST_F(PluginSetTest, C405UnknownIdsAreErrors) {
  user("x.onnxport.yaml", plugin("com.acme.x"));
  PluginOptions options;
  options.prefer = {"com.acme.y"};
  EXPECT_EQ(
      error_of([&] { PluginSet(options, nullptr, environment()); }),
      "error C405: --prefer names the plugin 'com.acme.y', which is not among those found\n  -> did you mean "
      "com.acme.x?");
  options.prefer.clear();
  options.disable = {"com.nobody.*"};
  EXPECT_THAT(error_of([&] { PluginSet(options, nullptr, environment()); }),
              StartsWith("error C405: --disable-plugin names the plugin 'com.nobody.*'"));
  options.disable = {"com.acme.*"};
  EXPECT_THAT(states(options), ElementsAre("org.onnxport.a active", "com.acme.x disabled"));
}

TEST_F(PluginSetTest, TheEnvironmentDisablesAndReadmitsByGlob) {
  user("x.onnxport.yaml", plugin("com.acme.x"));
  const fs::path y = user("y.onnxport.yaml", plugin("com.acme.y"));
  variables_["ONNXPORT_PLUGINS_DISABLE"] = "com.acme.*,org.other";
  EXPECT_THAT(states(), ElementsAre("org.onnxport.a active", "com.acme.x disabled", "com.acme.y disabled"));
  EXPECT_EQ(listing().plugins.back().reason, "by ONNXPORT_PLUGINS_DISABLE");
  variables_["ONNXPORT_PLUGINS_ENABLE"] = "*.x";
  EXPECT_THAT(states(), ElementsAre("com.acme.x active", "org.onnxport.a active", "com.acme.y disabled"));
  PluginOptions options;
  options.files = {y};  // what is named is meant
  EXPECT_EQ(states(options).front(), "com.acme.y active");
}

TEST_F(PluginSetTest, C406NoFolderReplacesABuiltInPlugin) {
  const fs::path file = user("evil.onnxport.yaml", plugin("org.onnxport.a"));
  EXPECT_THAT(states(), ElementsAre("org.onnxport.a active", "evil.onnxport.yaml refused C406"));
  EXPECT_EQ(
      listing().plugins.back().reason,
      file.string() +
          ": error C406: the id org.onnxport.a is refused: org.onnxport.* are the built-in plugins, which a "
          "folder cannot replace\n  -> give the plugin an id of your own; to replace a built-in plugin, name "
          "the file: "
          "--plugin " +
          file.string());
  PluginOptions options;
  options.files = {file};
  EXPECT_THAT(states(options), ElementsAre("org.onnxport.a active", "evil.onnxport.yaml refused C406",
                                           "org.onnxport.a shadowed"));
  // The folder of the built-in plugins may be named as any other.
  options.files.clear();
  options.paths = {folder_.path() / "builtin"};
  EXPECT_EQ(states(options).front(), "org.onnxport.a active");
}

TEST_F(PluginSetTest, C402OneIdTwiceStopsWhoNeedsIt) {
  user("1.onnxport.yaml", plugin("com.acme.x", "acme::one"));
  user("2.onnxport.yaml", plugin("com.acme.x", "acme::two"));
  EXPECT_THAT(states(),
              ElementsAre("com.acme.x ambiguous C402", "com.acme.x ambiguous C402", "org.onnxport.a active"));
  Registry registry(PluginOptions{}, nullptr, environment());
  EXPECT_EQ(registry.candidates("aten::gelu", 20).size(), 1u);
  for (const char* op : {"acme::one", "acme::two"}) {
    EXPECT_THAT(error_of([&] { registry.candidates(op, 20); }),
                HasSubstr("error C402: the plugin com.acme.x is described twice in one folder, by "))
        << op;
  }
}

TEST_F(PluginSetTest, D23TheAbiOfTheManifestIsHeldAgainstThatOfTheHost) {
  user("x.onnxport.yaml", plugin("com.acme.x", "acme::f", "abi: {major: 2, minor: 3}\n"));
  user("y.onnxport.yaml", plugin("com.acme.y", "acme::g", "abi: {major: 1, minor: 9999}\n"));
  EXPECT_THAT(states(),
              ElementsAre("com.acme.x broken A302", "com.acme.y broken A301", "org.onnxport.a active"));
  const std::string own = std::to_string(ONNXPORT_ABI_MAJOR) + "." + std::to_string(ONNXPORT_ABI_MINOR);
  Registry registry(PluginOptions{}, nullptr, environment());
  EXPECT_THAT(
      error_of([&] { registry.candidates("acme::f", 20); }),
      HasSubstr("x.onnxport.yaml:3:6: error A302: plugin com.acme.x needs ABI 2.3, this onnxport has " +
                own));
  EXPECT_THAT(error_of([&] { registry.candidates("acme::g", 20); }),
              HasSubstr("error A301: plugin com.acme.y needs ABI 1.9999, this onnxport has " + own));
  EXPECT_EQ(registry.candidates("aten::gelu", 20).size(), 1u);
}

TEST_F(PluginSetTest, WhatAPluginRequiresIsAStateToo) {
  user("x.onnxport.yaml", plugin("com.acme.x", "acme::f", "requires: {plugins: [{id: com.acme.base}]}\n"));
  EXPECT_THAT(states(), ElementsAre("com.acme.x broken C403", "org.onnxport.a active"));
}

TEST_F(PluginSetTest, ListTellsWhatIsWrongWithALibraryWithoutOpeningIt) {
  const std::string sum(64, '0');
  user("x.onnxport.yaml",
       "onnxport_manifest: 1\nplugin: {id: com.acme.x, version: \"1.0.0\"}\nlibrary: {windows_amd64: x.dll}\n"
       "provides: {passes: [fuse], opsets: [{version: 29}]}\n");
  const PluginInfo info = listing().plugins.front();
  EXPECT_EQ(info.state + " " + info.code, "broken L201");
  EXPECT_THAT(info.passes, ElementsAre("fuse"));
  EXPECT_THAT(info.opsets, ElementsAre(29));
  fs::copy_file("/proc/self/exe", folder_.path() / "user/onnxport/plugins.d/exe.so");
  user("x.onnxport.yaml",
       "onnxport_manifest: 1\nplugin: {id: com.acme.x, version: \"1.0.0\"}\nlibrary: {linux_amd64: {path: "
       "exe.so, "
       "sha256: \"" +
           sum + "\"}, linux_arm64: {path: exe.so, sha256: \"" + sum + "\"}}\nprovides: {ops: [acme::f]}\n");
  EXPECT_EQ(states().front(), "com.acme.x broken L203");
}

TEST_F(PluginSetTest, InspectTellsAllThatAManifestSays) {
  user("x.onnxport.yaml",
       "onnxport_manifest: 1\nplugin: {id: com.acme.x, version: \"1.0.0\", license: MIT}\nlibrary: "
       "{linux_amd64: x.so, linux_arm64: "
       "x.so}\nrequires: {onnxport: \">=0.1\", plugins: [{id: org.onnxport.a}]}\nprovides: {ops: [acme::f], "
       "domains: [{name: com.acme, "
       "version: 2}], schemas: [\"acme::f(Tensor x) -> Tensor\"], mappings: [{torch: acme::g, onnx: "
       "com.acme::G, opset: \">=20\"}, "
       "{torch: acme::h, function: \"(x) => (y) { y = Relu(x) }\"}]}\noverrides: [aten::gelu]\n");
  user("x.so", "no library");
  const PluginSet set(PluginOptions{}, nullptr, environment());
  const PluginDetails d = set.details("com.acme.x");
  EXPECT_EQ(d.state + " " + d.code + " " + d.license + " " + d.abi, "broken L202 MIT 1.0");
  EXPECT_EQ(d.manifest_sha256.size(), 64u);
  EXPECT_EQ(d.library_sha256.size(), 64u);
  ASSERT_EQ(d.operators.size(), 3u);
  EXPECT_EQ(d.operators[0].torch_op + " " + d.operators[0].by, "acme::f the library");
  EXPECT_EQ(d.operators[1].by + " " + std::to_string(d.operators[1].min_opset), "com.acme::G 20");
  EXPECT_EQ(d.operators[2].by, "a function");
  EXPECT_THAT(d.domains, ElementsAre("com.acme 2"));
  EXPECT_THAT(d.requirements, ElementsAre("onnxport >=0.1", "org.onnxport.a"));
  EXPECT_THAT(d.schemas, ElementsAre("acme::f(Tensor x) -> Tensor"));
  EXPECT_THAT(d.overrides, ElementsAre("aten::gelu"));
  EXPECT_THAT(error_of([&] { set.details("com.acme.y"); }),
              HasSubstr("error C405: the command names the plugin 'com.acme.y'"));
}

TEST_F(PluginSetTest, ABrokenLibraryOfAPassIsToldToWhoeverAsksForIt) {
  user("x.onnxport.yaml", with_library("com.acme.x", "passes: [fuse]"));
  Registry registry(PluginOptions{}, nullptr, environment());
  ASSERT_EQ(registry.passes().size(), 1u);
  EXPECT_THAT(error_of([&] { registry.open_pass(registry.passes().front()); }), HasSubstr("error L202"));
}

TEST_F(PluginSetTest, ABrokenPluginHarmsOnlyWhoeverNeedsIt) {
  user("x.onnxport.yaml", with_library("com.acme.x", "ops: [aten::gelu, acme::f]"));
  PluginOptions options;
  options.prefer = {"org.onnxport.a"};
  Registry registry(options, nullptr, environment());
  ASSERT_EQ(registry.candidates("aten::gelu", 20).size(), 1u);  // the other is asked when this one declines
  ASSERT_EQ(registry.notes().size(), 1u);
  EXPECT_EQ(registry.notes().front().code, "L202");
  EXPECT_THAT(error_of([&] { registry.candidates("acme::f", 20); }),
              HasSubstr("error L202: plugin com.acme.x"));
  options.prefer = {"com.acme.x"};
  Registry other(options, nullptr, environment());
  EXPECT_THAT(error_of([&] { other.candidates("aten::gelu", 20); }), HasSubstr("error L202"));
  const auto which = other.which("aten::gelu", 20);
  ASSERT_EQ(which.size(), 2u);
  EXPECT_TRUE(which[0].problem && which[0].problem->code == "L202" && !which[0].wins && !which[1].wins);
}

// ---- what a target chooses among the plugins of a session ----

TEST_F(PluginSetTest, ATargetPrefersDisablesAndRequires) {
  user("b.onnxport.yaml", plugin("com.acme.b", "aten::gelu", "overrides: [aten::gelu]\n"));
  user("c.onnxport.yaml", plugin("com.acme.c", "aten::gelu", "default: off\n"));
  const Registry all(PluginOptions(), nullptr, environment());
  const auto winner = [&](const PluginChoice& choice) {
    return all.for_export(choice).candidates("aten::gelu", 20).front().plugin_id;
  };
  EXPECT_EQ(winner({}), "com.acme.b");
  EXPECT_EQ(winner({{}, {"org.onnxport.a"}, {}, {}, {}, {}}), "org.onnxport.a");
  EXPECT_EQ(winner({{}, {}, {"com.acme.*"}, {}, {}, {}}), "org.onnxport.a");
  // One that is off is asked where it is preferred or required, and nowhere else.
  EXPECT_EQ(winner({{}, {"com.acme.c"}, {}, {}, {}, {}}), "com.acme.c");
  EXPECT_THAT(error_of([&] {
                winner({{"com.acme.c"}, {}, {"com.acme.b"}, {}, {}, {}});
              }),
              HasSubstr("error C401"));
  EXPECT_EQ(winner({}), "com.acme.b");
}

TEST_F(PluginSetTest, C403AndC405OfATarget) {
  const Registry all(PluginOptions(), nullptr, environment());
  EXPECT_NO_THROW(all.for_export({{"org.onnxport.a", "org.onnxport.a >=1 <2"}, {}, {}, {}, {}, {}}));
  EXPECT_EQ(error_of([&] {
              all.for_export({{"com.acme.gone"}, {}, {}, {}, {}, {}});
            }),
            "error C403: the target requires the plugin com.acme.gone, which is not installed\n"
            "  -> a plugin's folder is given with --plugin-path, a manifest with --plugin; onnxport plugin "
            "list shows what is "
            "found, and where");
  EXPECT_THAT(error_of([&] {
                all.for_export({{"org.onnxport.a >=2"}, {}, {}, {}, {}, {}});
              }),
              HasSubstr("found is 1.0.0"));
  EXPECT_THAT(error_of([&] {
                all.for_export({{}, {"org.onnxport.b"}, {}, {}, {}, {}});
              }),
              HasSubstr("error C405: the target names the plugin 'org.onnxport.b'"));
}

TEST_F(PluginSetTest, OptionsOfATargetStandBelowThoseOfTheUser) {
  PluginOptions options;
  options.options["org.onnxport.a"] = {{"level", "1"}};
  const Registry all(options, nullptr, environment());
  PluginChoice choice;
  choice.options["org.onnxport.a"] = {{"level", "2"}, {"mode", "fast"}};
  const Registry chosen = all.for_export(choice);
  EXPECT_EQ(chosen.options_of("org.onnxport.a")->at("level"), "1");
  EXPECT_EQ(chosen.options_of("org.onnxport.a")->at("mode"), "fast");
  EXPECT_FALSE(all.options_of("org.onnxport.a")->contains("mode"));
}

TEST_F(PluginSetTest, D17DefaultIsTheDefaultOverload) {
  user("x.onnxport.yaml", plugin("com.acme.x", "aten::gelu.default", "overrides: [aten::gelu.default]\n"));
  user("y.onnxport.yaml", plugin("com.acme.y", "acme::f.default"));
  Registry registry(PluginOptions{}, nullptr, environment());
  for (const char* name : {"aten::gelu", "aten::gelu.default"}) {
    const auto found = registry.candidates(name, 20);
    ASSERT_EQ(found.size(), 2u) << name;
    EXPECT_EQ(found.front().plugin_id, "com.acme.x");
    EXPECT_EQ(registry.which(name, 20).front().reason.substr(0, 42),
              "registered for the default overload, by th");
  }
  EXPECT_EQ(registry.candidates("acme::f", 20).size(), 1u);
  EXPECT_TRUE(registry.candidates("acme::f.out", 20).empty());
  EXPECT_EQ(registry.candidates("aten::gelu.out", 20).front().plugin_id, "org.onnxport.a");
}

TEST_F(PluginSetTest, C401NamesWhatSettlesIt) {
  const fs::path x = user("x.onnxport.yaml", plugin("com.acme.x"));
  const fs::path y = user("y.onnxport.yaml", plugin("com.acme.y"));
  Registry registry(PluginOptions{}, nullptr, environment());
  EXPECT_EQ(error_of([&] { registry.candidates("acme::swish", 20); }),
            y.string() + ": error C401: two plugins supply acme::swish at opset 20: com.acme.x (" +
                x.string() + ") and com.acme.y (" + y.string() +
                ")\n  -> choose one: --prefer com.acme.x or --prefer com.acme.y; or, for good, in the "
                "manifest that is to "
                "win: overrides: [acme::swish]");
  const auto which = registry.which("acme::swish", 20);
  ASSERT_EQ(which.size(), 2u);
  EXPECT_TRUE(!which[0].wins && !which[1].wins && which[0].problem && which[1].problem->code == "C401");
  user("x.onnxport.yaml", plugin("com.acme.x", "acme::swish", "overrides: [acme::swish]\n"));
  user("y.onnxport.yaml", plugin("com.acme.y", "acme::swish", "overrides: [com.acme.x]\n"));
  EXPECT_THAT(
      error_of([&] { Registry(PluginOptions{}, nullptr, environment()).candidates("acme::swish", 20); }),
      AllOf(
          HasSubstr(
              ", and each overrides the other\n  -> choose one: --prefer com.acme.x or --prefer com.acme.y"),
          testing::Not(HasSubstr("overrides: ["))));
}

TEST_F(PluginSetTest, D15TwoSchemasOfOneOperatorAreAConflictForWhoUsesIt) {
  const std::string function = "function: \"(x) => (y) { y = Relu(x) }\"}]}\n";
  const auto head = [](const std::string& id) {
    return "onnxport_manifest: 1\nplugin: {id: " + id + ", version: \"1.0.0\"}\n";
  };
  user("x.onnxport.yaml",
       head("com.acme.x") + "provides: {mappings: [{torch: \"acme::f(Tensor x) -> Tensor\", " + function);
  user("y.onnxport.yaml", head("com.acme.y") +
                              "provides: {schemas: [\"acme::f(Tensor x, int n=1) -> Tensor\", "
                              "\"acme::g(Tensor x) -> Tensor\"]}\n");
  const Registry registry(PluginOptions{}, nullptr, environment());
  EXPECT_EQ(registry.custom_schemas()->find("acme::g")->plugin, "com.acme.y");
  EXPECT_EQ(registry.custom_schemas()->find("acme::h"), nullptr);
  EXPECT_THAT(
      error_of([&] { registry.custom_schemas()->find("acme::f"); }),
      HasSubstr(
          "y.onnxport.yaml:3:22: error C407: two schemas are given for one operator: plugin com.acme.x says "
          "\"acme::f(Tensor x) -> Tensor\""));
  EXPECT_THAT(error_of([&] { registry.custom_schemas()->overloads("acme::f"); }), HasSubstr("C407"));
  PluginOptions options;
  options.prefer = {"com.acme.y"};
  EXPECT_EQ(Registry(options, nullptr, environment()).custom_schemas()->find("acme::f")->plugin,
            "com.acme.y");
}

TEST_F(PluginSetTest, AFunctionInAnOpsetThatNobodyOffersIsSaidWhenItIsRead) {
  folder_.write("builtin/o.onnxport.yaml", with_library("org.onnxport.o", "opsets: [{version: 20}]"));
  user("x.onnxport.yaml",
       "onnxport_manifest: 1\nplugin: {id: com.acme.x, version: \"1.0.0\"}\nprovides: {mappings: [{torch: "
       "acme::f, "
       "function_opset: 7, function: \"(x) => (y) { y = Relu(x) }\"}]}\n");
  EXPECT_THAT(
      warnings(),
      HasSubstr("x.onnxport.yaml:3:23: warning O605: the function of acme::f is written in opset 7, which no "
                "plugin offers: it cannot be used\n  -> write it in opset 20"));
  Registry registry(PluginOptions{}, nullptr, environment());
  EXPECT_THAT(error_of([&] { registry.candidates("acme::f", 20); }),
              HasSubstr("error O605: no plugin offers opset 7, in which the function of acme::f is written"));
}

// What they cost is measured by ./dev bench --only manifests.
TEST_F(PluginSetTest, AThousandManifestsAreFoundInOrder) {
  for (int i = 0; i < 1000; ++i) {
    user("p" + std::to_string(i) + ".onnxport.yaml",
         plugin("com.acme.p" + std::to_string(i),
                "acme::f" + std::to_string(i) + "(Tensor x, float scale=1) -> Tensor"));
  }
  Registry registry(PluginOptions{}, nullptr, environment());
  EXPECT_EQ(registry.custom_schemas()->find("acme::f7")->plugin, "com.acme.p7");
  std::vector<std::string> files;
  for (const PluginInfo& p : registry.list().plugins) {
    if (p.tier == "user") files.push_back(p.manifest.filename().string());
  }
  EXPECT_EQ(files.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(files.begin(), files.end()));
}

}  // namespace
}  // namespace onnxport
