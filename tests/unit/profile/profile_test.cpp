// Profiles: read strictly, found in order, merged, and turned into what a target is.
#include "onnxport/profile.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "core/profile/profile_data.h"
#include "core/profile/settings.h"
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

constexpr const char* kHead = "onnxport_config: 1\n";

std::string refused(const std::string& text) {
  return error_of([&] { (void)parse_profile(kHead + text, "npu.yaml"); });
}

// ---- the reader ----

TEST(ProfileReader, ReadsEverything) {
  const ProfileText text = parse_profile(R"(onnxport_config: 1
description: all of it
extends: [onnxruntime, ./base.yaml]
target: com.acme.npu
opset: {ai.onnx: 18, com.acme: 2}
ir_version: 9
takes:
  types: [f32, float16]
  operators: {Conv: [f32], Resize: {T1: [f32, f16]}, "com.acme::*": true, "*": false}
  compute: {bf16: f32}
  expand: true
plugins:
  require: [com.acme.npu >=1.2]
  prefer: [com.acme.npu]
  disable: ["org.*"]
  files: [npu.onnxport.yaml, ../shared]
  trust: locked
  lock: npu.lock.yaml
  options: {com.acme.npu: {level: 7, mode: "fast"}}
passes: {on: [fuse-linear], off: [other]}
constant_folding: false
weights: {store: external, inline_below: 64, parameters_as_inputs: true, initializers_as_inputs: false}
names: {inputs: [x], outputs: [y], provenance: false}
state: io
verify: {rtol: 1e-3, atol: 0, second_size: false, trust: [com.acme], ort_libraries: [libk.so]}
x-ours: 1
)",
                                         "/here/npu.yaml");
  EXPECT_EQ(text.description, "all of it");
  ASSERT_EQ(text.extends.size(), 2u);
  EXPECT_EQ(text.extends[1].first, "./base.yaml");
  EXPECT_EQ(text.target, "com.acme.npu");
  std::map<std::string, std::string> values;
  for (const Setting& s : text.settings) values[s.key] = text_of(s.value);
  const std::map<std::string, std::string> expected = {
      {"opset.ai.onnx", "18"},
      {"opset.com.acme", "2"},
      {"ir_version", "9"},
      {"takes.types", "[f32, f16]"},
      {"takes.operators.Conv/*", "[f32]"},
      {"takes.operators.Resize/T1", "[f32, f16]"},
      {"takes.operators.com.acme::*", "true"},
      {"takes.operators.*", "false"},
      {"takes.compute.bf16", "f32"},
      {"takes.expand", "true"},
      {"plugins.require", "[com.acme.npu >=1.2]"},
      {"plugins.prefer", "[com.acme.npu]"},
      {"plugins.disable", "[org.*]"},
      {"plugins.files", "[/here/npu.onnxport.yaml, /shared]"},
      {"plugins.trust", "locked"},
      {"plugins.lock", "/here/npu.lock.yaml"},
      {"plugins.options.com.acme.npu.level", "7"},
      {"plugins.options.com.acme.npu.mode", "fast"},
      {"passes.on", "[fuse-linear]"},
      {"passes.off", "[other]"},
      {"constant_folding", "false"},
      {"weights.store", "external"},
      {"weights.inline_below", "64"},
      {"weights.parameters_as_inputs", "true"},
      {"weights.initializers_as_inputs", "false"},
      {"names.inputs", "[x]"},
      {"names.outputs", "[y]"},
      {"names.provenance", "false"},
      {"state", "io"},
      {"verify.rtol", "0.001"},
      {"verify.atol", "0"},
      {"verify.second_size", "false"},
      {"verify.trust", "[com.acme]"},
      {"verify.ort_libraries", "[/here/libk.so]"}};
  EXPECT_EQ(values, expected);
}

TEST(ProfileReader, F101Unreadable) {
  EXPECT_EQ(error_of([] { (void)read_profile("/nowhere/x.yaml"); }),
            "/nowhere/x.yaml: error F101: cannot be read: No such file or directory\n"
            "  -> check the path and its permissions");
  EXPECT_THAT(refused("a: \x01"), StartsWith("npu.yaml:2:4: error F101: is not UTF-8 text"));
}

TEST(ProfileReader, F102Syntax) {
  EXPECT_THAT(refused("opset: [1"), StartsWith("npu.yaml:2:1: error F102: YAML syntax"));
}

TEST(ProfileReader, F103UnknownKeys) {
  EXPECT_EQ(refused("opsets: 18"),
            "npu.yaml:2:1: error F103: unknown key 'opsets' in the profile\n  -> did you mean 'opset'?");
  EXPECT_THAT(refused("weights: {where: inline}"), HasSubstr("error F103: unknown key 'where' in weights"));
  EXPECT_THAT(refused("takes: {ops: []}"), HasSubstr("error F103: unknown key 'ops' in takes"));
  EXPECT_THAT(refused("passes: {onn: []}"), HasSubstr("did you mean 'on'?"));
}

TEST(ProfileReader, F104Missing) {
  EXPECT_EQ(error_of([] { (void)parse_profile("opset: 18", "npu.yaml"); }),
            "npu.yaml:1:1: error F104: the key 'onnxport_config' is missing in the profile\n"
            "  -> add it: onnxport_config: 1");
}

TEST(ProfileReader, F105WrongValues) {
  EXPECT_THAT(error_of([] { (void)parse_profile("[]", "npu.yaml"); }),
              StartsWith("npu.yaml:1:1: error F105: the profile must be a map, this is a list"));
  EXPECT_EQ(refused("opset: \"18\""),
            "npu.yaml:2:8: error F105: opset must be a whole number, this is the text '18'\n"
            "  -> give a number from 1 to 1000, without quotes");
  EXPECT_EQ(refused("state: keep"),
            "npu.yaml:2:8: error F105: state is 'keep'\n  -> write one of: error, io, drop");
  EXPECT_EQ(refused("takes: {types: [f23]}"),
            "npu.yaml:2:17: error F105: 'f23' is no element type\n"
            "  -> write f32, f16, bf16, f64, i64, i32, bool, …");
  EXPECT_EQ(refused("takes: {operators: [Convolution]}"),
            "npu.yaml:2:21: error F105: ONNX has no operator 'Convolution'\n"
            "  -> correct the name; one of a newer opset is written \"ai.onnx::Convolution\"");
  EXPECT_THAT(refused("takes: {operators: [\"com.acme::\"]}"),
              HasSubstr("F105: 'com.acme::' is no operator"));
  EXPECT_THAT(refused("takes: {operators: {Conv: {\"T 1\": [f32]}}}"),
              HasSubstr("F105: 'T 1' is no type variable"));
  EXPECT_THAT(refused("takes: {operators: {Conv: yes}}"), HasSubstr("must be true or false"));
  EXPECT_EQ(refused("takes: {compute: {bf16: i32}}"),
            "npu.yaml:2:25: error F105: bf16 cannot be computed in i32\n"
            "  -> name another floating type for a floating one, another whole one for a whole one");
  EXPECT_THAT(refused("verify: {rtol: -1}"),
              HasSubstr("F105: verify.rtol must be a number from 0 up, this is '-1'"));
  EXPECT_THAT(refused("verify: {rtol: .nan}"), HasSubstr("F105"));
  EXPECT_THAT(refused("plugins: {options: {com.acme: 7}}"),
              HasSubstr("plugins.options.com.acme must be a map"));
  EXPECT_THAT(refused("plugins: {options: {com.acme: {a.b: 7}}}"),
              HasSubstr("'a.b' is no name of an option"));
  EXPECT_THAT(refused("opset: {\"a b\": 7}"), HasSubstr("'a b' is no domain"));
  EXPECT_THAT(refused("weights: 7"), HasSubstr("F105: weights must be a map, this is '7'"));
}

TEST(ProfileReader, F106Twice) {
  EXPECT_THAT(refused("opset: 18\nopset: 19"),
              StartsWith("npu.yaml:3:1: error F106: the key 'opset' is given twice"));
  EXPECT_EQ(refused("passes: {on: [a, a]}"),
            "npu.yaml:2:18: error F106: 'a' is listed twice in passes.on\n  -> remove one of them");
}

TEST(ProfileReader, F107TooNewAndF108Forbidden) {
  EXPECT_THAT(
      error_of([] { (void)parse_profile("onnxport_config: 2", "npu.yaml"); }),
      StartsWith("npu.yaml:1:18: error F107: the profile is of version 2, this onnxport reads up to 1"));
  EXPECT_THAT(refused("opset: &a 18"), StartsWith("npu.yaml:2:8: error F108: an anchor"));
}

TEST(ProfileReader, ReportsAllMistakesAtOnce) {
  EXPECT_THAT(refused("opset: x\nstate: y\nfoo: 1"),
              AllOf(HasSubstr("opset must"), HasSubstr("state is 'y'"), HasSubstr("'foo'")));
}

// ---- finding and merging ----

class ProfileTest : public testing::Test {
 protected:
  ProfileSearch search(std::vector<const Manifest*> manifests = {}) const {
    Environment environment;
    environment.variable = [this](const char* name) -> std::optional<std::string> {
      if (std::string_view(name) == "XDG_CONFIG_HOME") return (folder_.path() / "user").string();
      if (std::string_view(name) == "XDG_CONFIG_DIRS") return (folder_.path() / "system").string();
      return std::nullopt;
    };
    return ProfileSearch(options_, environment, folder_.path() / "builtin", std::move(manifests));
  }
  fs::path write(const std::string& name, const std::string& text) const {
    return folder_.write(name, kHead + text);
  }
  Profile load(const std::string& name, std::vector<const Manifest*> manifests = {}) const {
    return Profile(load_profile(name, search(std::move(manifests))));
  }
  std::map<std::string, std::string> values(const std::string& name) const {
    std::map<std::string, std::string> out;
    for (const ProfileSetting& s : load(name).settings()) out[s.key] = s.value;
    return out;
  }

  TemporaryFolder folder_;
  ProfileOptions options_;
};

TEST_F(ProfileTest, SearchesFoldersInOrder) {
  write("builtin/a.yaml", "opset: 10");
  EXPECT_EQ(load("a").target().opset, 10);
  write("system/onnxport/configs/a.yaml", "opset: 11");
  EXPECT_EQ(load("a").target().opset, 11);
  write("user/onnxport/configs/a.yaml", "opset: 12");
  EXPECT_EQ(load("a").target().opset, 12);
  write("path/a.yaml", "opset: 13");
  options_.paths = {folder_.path() / "path"};
  EXPECT_EQ(load("a").target().opset, 13);
  EXPECT_EQ(load(write("file/a.yaml", "opset: 14").string()).target().opset, 14);
  const ProfileListing listing = list_profiles(search());
  ASSERT_EQ(listing.profiles.size(), 4u);
  EXPECT_EQ(listing.profiles[0].tier, "path");
  EXPECT_EQ(listing.profiles[0].state, "active");
  EXPECT_EQ(listing.profiles[3].state, "shadowed");
}

TEST_F(ProfileTest, F109NoSuchProfile) {
  write("builtin/onnxruntime.yaml", "opset: 20");
  EXPECT_EQ(error_of([&] { load("onnxruntme"); }),
            "error F109: there is no profile 'onnxruntme'\n  -> did you mean onnxruntime?");
  write("builtin/b.yaml", "extends: zzzzz");
  EXPECT_THAT(error_of([&] { load("b"); }),
              HasSubstr("b.yaml:2:10: error F109: there is no profile 'zzzzz'"));
}

TEST_F(ProfileTest, ExtendsMergesKeyByKey) {
  write("builtin/base.yaml", R"(opset: {ai.onnx: 17, com.acme: 1}
passes: {on: [a, b], off: [c]}
plugins: {prefer: [com.x], disable: [com.d]}
takes: {types: [f32, f16], operators: {Conv: {T: [f32]}, Relu: true, "*": false}}
verify: {trust: [com.x]}
)");
  write("builtin/child.yaml", R"(extends: base
opset: {ai.onnx: 18}
passes: {on: [c, d], off: [a]}
plugins: {prefer: [com.y], disable: [com.e]}
takes: {types: [f32], operators: {Conv: true, Relu: [f32]}}
verify: {trust: [com.y]}
)");
  const auto got = values("child");
  EXPECT_EQ(got.at("opset.ai.onnx"), "18");
  EXPECT_EQ(got.at("opset.com.acme"), "1");
  EXPECT_EQ(got.at("passes.on"), "[b, c, d]");
  EXPECT_EQ(got.at("passes.off"), "[a]");
  EXPECT_EQ(got.at("plugins.prefer"), "[com.y, com.x]");
  EXPECT_EQ(got.at("plugins.disable"), "[com.d, com.e]");
  EXPECT_EQ(got.at("takes.types"), "[f32]");
  EXPECT_EQ(got.at("takes.operators.Conv"), "true");
  EXPECT_FALSE(got.contains("takes.operators.Conv/T"));
  EXPECT_EQ(got.at("takes.operators.Relu/*"), "[f32]");
  EXPECT_EQ(got.at("takes.operators.*"), "false");
  EXPECT_EQ(got.at("verify.trust"), "[com.x, com.y]");
}

TEST_F(ProfileTest, EveryValueHasItsOrigin) {
  const fs::path base = write("builtin/base.yaml", "opset: 17\nstate: io");
  const fs::path child = write("builtin/child.yaml", "extends: base\nopset: 18");
  const Profile profile = load("child");
  std::map<std::string, std::string> origins;
  for (const ProfileSetting& s : profile.settings()) origins[s.key] = s.origin;
  EXPECT_EQ(origins.at("opset.ai.onnx"), child.string() + ":3:8");
  EXPECT_EQ(origins.at("state"), base.string() + ":3:8");
  EXPECT_THAT(profile.files(), ElementsAre(child, base));
}

TEST_F(ProfileTest, AProfileMayExtendAnotherOfItsName) {
  write("builtin/onnxruntime.yaml", "opset: 20\nstate: io");
  write("user/onnxport/configs/onnxruntime.yaml", "extends: onnxruntime\nopset: 17");
  const Profile profile = load("onnxruntime");
  EXPECT_EQ(profile.target().opset, 17);
  EXPECT_EQ(profile.capture().state, State::io);
}

TEST_F(ProfileTest, F110Circle) {
  const fs::path a = folder_.path() / "builtin/a.yaml";
  write("builtin/a.yaml", "extends: ./b.yaml");
  write("builtin/b.yaml", "extends: ./a.yaml");
  EXPECT_THAT(error_of([&] { load("a"); }),
              AllOf(HasSubstr("b.yaml:2:10: error F110: profiles extend each other in a circle"),
                    HasSubstr("again " + a.string())));
}

TEST_F(ProfileTest, PluginsThatItBringsAndTheirLock) {
  folder_.write("builtin/npu.onnxport.yaml", "");
  write("builtin/base.yaml", "plugins: {files: [npu.onnxport.yaml], lock: base.lock.yaml}");
  write("child/child.yaml", "extends: ../builtin/base.yaml\nplugins: {files: [.], trust: locked}");
  const std::string child = (folder_.path() / "child/child.yaml").string();
  const Target target = load(child).target();
  const fs::path npu = folder_.path() / "builtin/npu.onnxport.yaml", own = folder_.path() / "child/";
  EXPECT_THAT(target.plugin_choice.files, ElementsAre(npu, own));
  EXPECT_THAT(plugin_files_of(child, search()), ElementsAre(npu, own));
  EXPECT_EQ(target.plugin_choice.lock, folder_.path() / "builtin/base.lock.yaml");
  // A lock file that nobody holds to is none.
  EXPECT_TRUE(load("base").target().plugin_choice.lock.empty());
  EXPECT_TRUE(plugin_files_of(write("builtin/none.yaml", "opset: 18").string(), search()).empty());
}

TEST_F(ProfileTest, WhatIsWrongWithPluginsThatItBrings) {
  const fs::path a = write("builtin/a.yaml", "plugins: {trust: locked}");
  EXPECT_EQ(error_of([&] { load("a"); }),
            a.string() +
                ":2:18: error F104: plugins.trust is locked, and no lock file is named\n"
                "  -> add lock: onnxport.lock.yaml beside it; onnxport plugin lock writes such a file");
  const fs::path b = write("builtin/b.yaml", "plugins: {files: [gone.onnxport.yaml]}");
  EXPECT_EQ(error_of([&] { load("b"); }),
            b.string() + ":2:18: error F105: plugins.files names " +
                (folder_.path() / "builtin/gone.onnxport.yaml").string() +
                ", which does not exist\n"
                "  -> name manifests (*.onnxport.yaml) and folders of them, from the profile's folder");
  EXPECT_EQ(refused("plugins: {trust: all}"),
            "npu.yaml:2:18: error F105: plugins.trust is 'all'\n  -> write one of: any, locked");
}

TEST_F(ProfileTest, WhatOthersCanWriteIsRefused) {
  const fs::path file = write("user/onnxport/configs/a.yaml", "opset: 18");
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(error_of([&] { load("a"); }),
              HasSubstr("error F101: the profile is refused: writable by everybody"));
  EXPECT_EQ(list_profiles(search()).profiles.front().state, "refused");
}

TEST_F(ProfileTest, ABrokenProfileIsAStateOfTheList) {
  write("builtin/a.yaml", "opset: x");
  write("builtin/b.yaml", "opset: 18");
  const ProfileListing listing = list_profiles(search());
  EXPECT_EQ(listing.profiles[0].state, "broken");
  EXPECT_EQ(listing.profiles[0].code, "F105");
  EXPECT_EQ(listing.profiles[1].state, "active");
}

// ---- targets of manifests ----

Manifest npu(const fs::path& folder) {
  return parse_manifest(R"(onnxport_manifest: 1
plugin: {id: com.acme.npu, version: "1.0.0"}
targets: {com.acme.npu: {opset: ">=13 <=18"}}
profiles: [com.acme.npu.yaml]
provides: {}
)",
                        folder / "npu.onnxport.yaml");
}

TEST_F(ProfileTest, AManifestBringsAProfileAndStatesItsOpsets) {
  write("vendor/com.acme.npu.yaml", "description: Acme's NPU");
  write("builtin/other.yaml", "target: com.acme.npu\nopset: 16");
  const Manifest manifest = npu(folder_.path() / "vendor");
  const Target target = load("com.acme.npu", {&manifest}).target();
  EXPECT_EQ(target.opset, 18);  // 20 is the default
  EXPECT_EQ(target.limits.max_opset, 18);
  EXPECT_EQ(target.limits.min_opset, 13);
  EXPECT_THAT(target.limits.stated_by, testing::EndsWith("npu.onnxport.yaml:3:33"));
  EXPECT_EQ(load("other", {&manifest}).target().opset, 16);
}

TEST_F(ProfileTest, F112AndF201) {
  const Manifest manifest = npu(folder_.path() / "vendor");
  write("builtin/a.yaml", "target: com.acme.gpu");
  EXPECT_THAT(error_of([&] { load("a", {&manifest}); }),
              HasSubstr("a.yaml:2:9: error F112: no plugin that was found states the target com.acme.gpu"));
  write("builtin/b.yaml", "target: com.acme.npu\nopset: 19");
  EXPECT_THAT(
      error_of([&] { load("b", {&manifest}); }),
      AllOf(HasSubstr("b.yaml:3:8: error F201: the profile writes opset 19, which its target does not take"),
            HasSubstr("npu.onnxport.yaml:3:33")));
}

// ---- what a target is ----

TEST_F(ProfileTest, FillsInATarget) {
  write("builtin/a.yaml", R"(opset: {ai.onnx: 18, com.acme: 2}
ir_version: 9
takes: {types: [f32], operators: {Conv: {T: [f32]}, Relu: false}, compute: {f64: f32}, expand: true}
plugins: {require: [com.r], prefer: [com.p], disable: [com.d], options: {com.o.p: {level: 7}}}
passes: {on: [a], off: [b]}
constant_folding: false
weights: {store: external, inline_below: 64, parameters_as_inputs: true, initializers_as_inputs: true}
names: {provenance: false, inputs: [x], outputs: [y]}
state: drop
verify: {rtol: 0.5, atol: 0.25, second_size: false, trust: [com.t], ort_libraries: [/k.so]}
)");
  const Profile profile = load("a");
  const Target t = profile.target();
  EXPECT_EQ(t.profile, "a");
  EXPECT_EQ(t.opset, 18);
  EXPECT_EQ(t.domain_opsets.at("com.acme"), 2);
  EXPECT_EQ(t.ir_version, 9);
  EXPECT_THAT(t.limits.types, ElementsAre("f32"));
  EXPECT_THAT(t.limits.operators.at("Conv").types.at("T"), ElementsAre("f32"));
  EXPECT_FALSE(t.limits.operators.at("Relu").taken);
  EXPECT_EQ(t.limits.compute.at("f64"), "f32");
  EXPECT_TRUE(t.limits.expand);
  EXPECT_THAT(t.plugin_choice.require, ElementsAre("com.r"));
  EXPECT_THAT(t.plugin_choice.prefer, ElementsAre("com.p"));
  EXPECT_THAT(t.plugin_choice.disable, ElementsAre("com.d"));
  EXPECT_EQ(t.plugin_choice.options.at("com.o.p").at("level"), "7");
  EXPECT_THAT(t.passes, ElementsAre("a"));
  EXPECT_THAT(t.disable_passes, ElementsAre("b"));
  EXPECT_FALSE(t.constant_folding);
  EXPECT_EQ(t.weights, Weights::external);
  EXPECT_EQ(t.external_threshold, 64u);
  EXPECT_FALSE(t.export_params);
  EXPECT_TRUE(t.keep_initializers_as_inputs);
  EXPECT_TRUE(t.strip);
  EXPECT_EQ(t.verify.rtol, 0.5);
  EXPECT_EQ(t.verify.atol, 0.25);
  EXPECT_FALSE(t.verify.second_size);
  EXPECT_THAT(t.verify.trusted_domains, ElementsAre("com.t"));
  EXPECT_THAT(t.verify.ort_libraries, ElementsAre(fs::path("/k.so")));
  const ProgramOptions capture = profile.capture();
  EXPECT_EQ(capture.state, State::drop);
  EXPECT_THAT(capture.input_names, ElementsAre("x"));
  EXPECT_THAT(capture.output_names, ElementsAre("y"));
}

TEST_F(ProfileTest, AnEmptyProfileIsTheDefault) {
  write("builtin/a.yaml", "");
  const Target t = load("a").target();
  EXPECT_EQ(t.opset, Target().opset);
  EXPECT_TRUE(t.limits.empty());
  EXPECT_TRUE(t.plugin_choice.empty());
}

TEST_F(ProfileTest, F111OneCaptureForAll) {
  write("builtin/a.yaml", "state: io");
  write("builtin/b.yaml", "opset: 18");
  EXPECT_NO_THROW(agree_on_capture({load("b"), load("b")}));
  EXPECT_THAT(error_of([&] {
                agree_on_capture({load("a"), load("b")});
              }),
              StartsWith("error F111: the profiles a and b differ in state"));
}

TEST(BuiltinProfiles, EachIsReadAndExtendsWhatIsThere) {
  Environment environment;
  environment.variable = [](const char*) { return std::nullopt; };
  const ProfileSearch search({}, environment, fs::path(ONNXPORT_SOURCE_DIR) / "configs", {});
  const ProfileListing listing = list_profiles(search);
  EXPECT_GE(listing.profiles.size(), 6u);
  for (const ProfileInfo& p : listing.profiles) EXPECT_EQ(p.reason, "") << p.file;
  EXPECT_TRUE(fs::is_regular_file(builtin_profiles() / "onnxruntime.yaml")) << builtin_profiles();
}

}  // namespace
}  // namespace onnxport
