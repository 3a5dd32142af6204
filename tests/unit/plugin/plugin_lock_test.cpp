// Lock files: read strictly, written so that they read back, and what plugins are held to by them.
#include "core/plugin/plugin_lock.h"

#include <gmock/gmock.h>

#include "core/plugin/library.h"
#include "core/plugin/plugin_set.h"
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
using testing::IsEmpty;
using testing::StartsWith;

const std::string kSha(64, 'a');

std::string refused(const std::string& text) {
  return error_of([&] { (void)parse_lock(text, "onnxport.lock.yaml"); });
}

std::string one(const std::string& more) {
  return "onnxport_lock: 1\nplugins:\n  - {id: com.acme.ops, version: \"1.0.0\", manifest: \"" + kSha + "\"" +
         more + "}\n";
}

TEST(LockReader, SaysWhatIsWrong) {
  EXPECT_EQ(error_of([] { (void)read_lock("/nowhere/x.yaml"); }),
            "/nowhere/x.yaml: error M101: cannot be read: No such file or directory\n"
            "  -> check the path and its permissions");
  EXPECT_THAT(refused("plugins: [1"), HasSubstr("error M102: YAML syntax"));
  EXPECT_EQ(refused(one(", sha: 1")),
            "onnxport.lock.yaml:3:120: error M103: unknown key 'sha' in plugins[]\n"
            "  -> keys here: id, version, manifest, library; keys of your own start with x-");
  EXPECT_EQ(refused("plugins: []"),
            "onnxport.lock.yaml:1:1: error M104: the key 'onnxport_lock' is missing in the lock file\n"
            "  -> add it: onnxport_lock: 1");
  EXPECT_EQ(refused("[]"),
            "onnxport.lock.yaml:1:1: error M105: the lock file must be a map, this is a list\n"
            "  -> onnxport plugin lock writes one");
  EXPECT_EQ(refused(one(", library: {linux_amd64: abc}")),
            "onnxport.lock.yaml:3:143: error M105: 'abc' is no sha256\n"
            "  -> give the 64 hexadecimal digits that sha256sum prints, in quotes");
  EXPECT_THAT(refused("onnxport_lock: 1\nplugins: [{id: a.b, version: x, manifest: " + kSha +
                      "}, {id: a.b, version: x, manifest: " + kSha + "}]"),
              HasSubstr("error M106: the plugin 'a.b' is listed twice"));
  EXPECT_THAT(refused("onnxport_lock: 2\nplugins: []"),
              HasSubstr("error M107: the lock file is of version 2, this onnxport reads up to 1"));
  EXPECT_THAT(refused("onnxport_lock: 1\nplugins: &all []"), HasSubstr("error M108: an anchor"));
}

TEST(LockReader, ReadsWhatIsWritten) {
  PluginLock lock;
  EXPECT_THAT(parse_lock(lock.text(), "x").plugins, IsEmpty());
  lock.put({"com.acme.b", "1.0.0", kSha, {{"linux_amd64", kSha}, {"linux_arm64", std::string(64, '0')}}, {}});
  lock.put({"com.acme.a", "2.0.0-rc.1", kSha, {}, {}});
  const PluginLock read = parse_lock(lock.text(), "x");
  EXPECT_EQ(read.text(), lock.text());
  ASSERT_EQ(read.plugins.size(), 2u);
  EXPECT_EQ(read.plugins[0].id, "com.acme.a");
  EXPECT_EQ(read.plugins[1].library.at("linux_arm64"), std::string(64, '0'));
}

TEST(LockReader, KeepsOtherPlatformsOfTheSameManifest) {
  PluginLock lock;
  lock.put({"com.acme.b", "1.0.0", kSha, {{"linux_amd64", "1"}, {"linux_arm64", "2"}}, {}});
  lock.put({"com.acme.b", "1.0.0", kSha, {{"linux_amd64", "3"}}, {}});
  EXPECT_EQ(lock.plugins[0].library,
            (std::map<std::string, std::string, std::less<>>{{"linux_amd64", "3"}, {"linux_arm64", "2"}}));
  lock.put({"com.acme.b", "1.0.0", std::string(64, 'b'), {{"linux_amd64", "4"}}, {}});
  EXPECT_EQ(lock.plugins[0].library.size(), 1u);
}

std::string function_plugin(const std::string& id, const std::string& version, const std::string& op) {
  return "onnxport_manifest: 1\nplugin: {id: " + id + ", version: \"" + version +
         "\"}\nprovides: {mappings: [{torch: \"" + op + "\", function: \"(x) => (y) { y = Relu(x) }\"}]}\n";
}

class Locked : public testing::Test {
 protected:
  Locked() {
    folder_.write("builtin/a.onnxport.yaml", function_plugin("org.onnxport.a", "0.1.0", "aten::gelu"));
    write_ops("1.0.0");
    folder_.write("path/lib.so", "a library");
    folder_.write(
        "path/lib.onnxport.yaml",
        "onnxport_manifest: 1\nplugin: {id: com.acme.lib, version: \"1.0.0\"}\nlibrary: {linux_amd64: "
        "lib.so, linux_arm64: lib.so}\nprovides: {ops: [acme::two]}\n");
    options_.paths = {folder_.path() / "path"};
    options_.default_paths = false;
  }
  void write_ops(const std::string& version) const {
    folder_.write("path/ops.onnxport.yaml", function_plugin("com.acme.ops", version, "acme::one"));
  }
  Environment environment() const {
    Environment out;
    out.variable = [](const char*) { return std::nullopt; };
    out.builtin = folder_.path() / "builtin";
    return out;
  }
  PluginSet set() const { return PluginSet(options_, nullptr, environment()); }
  // Both plugins, whether their libraries can be opened or not.
  void write_lock() {
    PluginOptions options = options_;
    options.lock.clear();
    const PluginSet all(options, nullptr, environment());
    PluginLock lock;
    for (const auto& entry : all.active()) {
      if (entry->tier() != "built-in") lock.put(locked_form(*entry));
    }
    lock_ = folder_.write("onnxport.lock.yaml", lock.text());
  }
  std::vector<std::string> states() const {
    std::vector<std::string> out;
    for (const PluginInfo& p : set().listing().plugins)
      out.push_back(p.id + " " + p.state + (p.code.empty() ? "" : " " + p.code) +
                    (p.locked ? " locked" : ""));
    return out;
  }
  std::string asked(const std::string& op, const PluginChoice& choice = {}) const {
    return error_of(
        [&] { (void)Registry(options_, nullptr, environment()).for_export(choice).candidates(op, 20); });
  }

  TemporaryFolder folder_;
  PluginOptions options_;
  fs::path lock_;
};

TEST_F(Locked, WhatIsListedIsUsed) {
  write_lock();
  options_.lock = lock_;
  EXPECT_THAT(states(),
              ElementsAre("com.acme.lib broken L202", "com.acme.ops active locked", "org.onnxport.a active"));
  EXPECT_EQ(Registry(options_, nullptr, environment()).candidates("acme::one", 20).size(), 1u);
}

TEST_F(Locked, WhatIsNotListedIsRefused) {
  write_lock();
  options_.lock = lock_;
  folder_.write("path/new.onnxport.yaml", function_plugin("com.acme.new", "1.0.0", "acme::new"));
  EXPECT_THAT(states(), ElementsAre("com.acme.lib broken L202", "com.acme.new refused C408",
                                    "com.acme.ops active locked", "org.onnxport.a active"));
  const std::string file = (folder_.path() / "path/new.onnxport.yaml").string();
  EXPECT_EQ(asked("acme::new"),
            file + ": error C408: the plugin com.acme.new 1.0.0 is not in the lock file " + lock_.string() +
                "\n  -> if it is to be used: onnxport plugin lock com.acme.new -o " + lock_.string() +
                "; --disable-plugin com.acme.new leaves it out");
  // Whoever does not need it is not disturbed.
  EXPECT_EQ(Registry(options_, nullptr, environment()).candidates("acme::one", 20).size(), 1u);
}

TEST_F(Locked, WhatDiffersIsRefused) {
  write_lock();
  options_.lock = lock_;
  write_ops("1.0.1");
  EXPECT_THAT(
      asked("acme::one"),
      AllOf(HasSubstr(
                "error C409: the plugin com.acme.ops is not the one of the lock file: it is version 1.0.1, "
                "locked is 1.0.0\n  -> install what " +
                lock_.string() + ":9:5 lists, or, if the change is meant: onnxport plugin lock com.acme.ops"),
            StartsWith((folder_.path() / "path/ops.onnxport.yaml").string())));
  folder_.write("path/ops.onnxport.yaml",
                function_plugin("com.acme.ops", "1.0.0", "acme::one") + "# other\n");
  EXPECT_THAT(asked("acme::one"),
              HasSubstr("C409: the plugin com.acme.ops is not the one of the lock file: its manifest "
                        "has the sha256 "));
  folder_.write("path/lib.so", "another library");
  EXPECT_THAT(asked("acme::two"),
              HasSubstr("C409: the plugin com.acme.lib is not the one of the lock file: its library "
                        "has the sha256 " +
                        sha256_of_text("another library")));
  fs::remove(folder_.path() / "path/lib.so");
  EXPECT_THAT(asked("acme::two"),
              HasSubstr("C409: the plugin com.acme.lib is not the one of the lock file: its library "
                        "is not there"));
}

TEST_F(Locked, ByOneTargetAlone) {
  write_lock();
  write_ops("1.0.1");
  PluginChoice choice;
  choice.lock = lock_;
  EXPECT_THAT(asked("acme::one", choice), HasSubstr("error C409: "));
  const Registry all(options_, nullptr, environment());
  EXPECT_EQ(all.for_export().candidates("acme::one", 20).size(), 1u);
  EXPECT_EQ(all.for_export(choice).candidates("aten::gelu", 20).size(), 1u);  // onnxport's own need no lock
}

TEST_F(Locked, WhatIsListedAndNotFoundIsNoted) {
  write_lock();
  options_.lock = lock_;
  fs::remove(folder_.path() / "path/ops.onnxport.yaml");
  const PluginSet found = set();
  ASSERT_EQ(found.notes().size(), 1u);
  EXPECT_EQ(found.notes()[0].message,
            "the lock file lists the plugin com.acme.ops 1.0.0, which is not among those found");
}

TEST_F(Locked, TheCommandListsWhatCanBeUsed) {
  PluginLock lock;
  std::vector<Diagnostic> left_out;
  EXPECT_THAT(set().lock({}, lock, left_out), ElementsAre("com.acme.ops"));
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].code, "L202");
  EXPECT_THAT(set().lock({"org.onnxport.*"}, lock, left_out), ElementsAre("org.onnxport.a"));
  EXPECT_EQ(lock.plugins.size(), 2u);
  EXPECT_THAT(error_of([&] { (void)set().lock({"com.acme.lib"}, lock, left_out); }), HasSubstr("error L202"));
  EXPECT_THAT(error_of([&] { (void)set().lock({"com.acme.opz"}, lock, left_out); }),
              HasSubstr("error C405: the command names the plugin 'com.acme.opz'"));
}

// ---- plugins that profiles bring ----

TEST_F(Locked, WhatIsForSomeTargetsIsAskedByThese) {
  const fs::path file =
      folder_.write("npu/npu.onnxport.yaml", function_plugin("com.acme.npu", "1.0.0", "acme::npu"));
  options_.for_targets = {folder_.path() / "npu"};
  const Registry all(options_, nullptr, environment());
  EXPECT_THAT(all.for_export().candidates("acme::npu", 20), IsEmpty());
  for (const fs::path& named : {file, file.parent_path(), file.parent_path() / ""}) {
    PluginChoice choice;
    choice.files = {named};
    EXPECT_EQ(all.for_export(choice).candidates("acme::npu", 20).size(), 1u) << named;
  }
  PluginChoice other;
  other.files = {folder_.path() / "path"};
  EXPECT_THAT(all.for_export(other).candidates("acme::npu", 20), IsEmpty());
}

TEST_F(Locked, WhatStandsInForAnInstalledOneIsAskedByAll) {
  folder_.write("npu/ops.onnxport.yaml", function_plugin("com.acme.ops", "2.0.0", "acme::one"));
  options_.for_targets = {folder_.path() / "npu/ops.onnxport.yaml"};
  const auto found = Registry(options_, nullptr, environment());
  const auto candidates = found.for_export().candidates("acme::one", 20);
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0].plugin_version, "2.0.0");
}

}  // namespace
}  // namespace onnxport
