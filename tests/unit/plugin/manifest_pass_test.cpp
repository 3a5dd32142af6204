// Every kind of mistake in a pass of a manifest, with the words the user reads.
#include <gmock/gmock.h>

#include "core/plugin/manifest.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

using testing::HasSubstr;

std::string manifest(const std::string& pass) {
  return "onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: \"1.4.0\"}\nprovides:\n"
         "  domains: [{name: com.acme, version: 1}]\n  passes:\n    - " +
         pass + "\n";
}

std::string errors_in(const std::string& pass) {
  return test::error_of([&] { parse_manifest(manifest(pass), "acme.onnxport.yaml"); });
}

// A rule's mistake alone.
std::string errors_in_rule(const std::string& rule) {
  return errors_in("{name: fuse, stage: optimize, rules: [" + rule + "]}");
}

constexpr const char* kGood = "pattern: \"(x, w) => (y) { t = MatMul(x, w)  y = Softmax<axis = @a>(t) }\", ";
constexpr const char* kReplace = "replace: \"(x, w) => (y) { y = com.acme.Op<axis: int = @a>(x, w) }\"";

TEST(ManifestPass, ReadsEverything) {
  const Manifest m = parse_manifest(
      manifest(
          "name: fuse-linear\n      description: Linear as one node\n      stage: target\n      default: on\n"
          "      needs: [constant_folding, weights, eval]\n      rules:\n        - {" +
          std::string(kGood) + kReplace +
          ", opset: \">=17 <23\", where: {w: {constant: true, rank: [2, 3], dtype: f16, dims: [k, \"?\", "
          "4]}, "
          "x: {optional: true, value: 0.5, tolerance: 0.1, same_shape: w}, \"@a\": {one_of: [-1, 1]}}, "
          "types: {y: {dtype: f32, shape: [x.0, \"2*w.1\"]}}}"),
      "acme.onnxport.yaml");
  ASSERT_EQ(m.passes.size(), 1u);
  const ManifestPass& pass = m.passes[0];
  EXPECT_EQ(pass.name, "fuse-linear");
  EXPECT_EQ(pass.stage, PassStage::target);
  EXPECT_TRUE(pass.on_by_default && pass.needs_folding && pass.needs_weights && pass.needs_eval);
  ASSERT_EQ(pass.rules.size(), 1u);
  const ManifestRule& rule = pass.rules[0];
  EXPECT_EQ(rule.min_opset, 17);
  EXPECT_EQ(rule.max_opset, 22);
  ASSERT_EQ(rule.values.size(), 2u);
  EXPECT_EQ(rule.values[0].dims, (std::vector<std::string>{"k", "?", "4"}));
  EXPECT_EQ(rule.values[0].ranks, (std::vector<int>{2, 3}));
  EXPECT_EQ(rule.values[1].number, 0.5);
  EXPECT_EQ(rule.attributes.at(0).allowed.size(), 2u);
  EXPECT_EQ(rule.types.at(0).value, "y");
}

TEST(ManifestPass, Stages) {
  EXPECT_EQ(errors_in("{name: fuse, stage: legalize, rules: [{" + std::string(kGood) + kReplace + "}]}"),
            "acme.onnxport.yaml:6:27: error M105: 'legalize' is no stage\n  -> the stages: translate (at the "
            "pivot, before "
            "folding), optimize (at the pivot, after folding), target (at the target opset)");
  EXPECT_THAT(errors_in("{name: fuse, rules: [{" + std::string(kGood) + kReplace + "}]}"),
              HasSubstr(":6:7: error M104: the key 'stage' is missing in provides.passes[]"));
}

TEST(ManifestPass, Keys) {
  EXPECT_THAT(errors_in("{nmae: fuse}"),
              HasSubstr("M103: unknown key 'nmae' in provides.passes[]\n  -> did you mean 'name'?"));
  EXPECT_THAT(errors_in("Fuse Linear"), HasSubstr("M105: 'Fuse Linear' is no name of a pass"));
  EXPECT_THAT(errors_in("{name: fuse, stage: optimize, default: yes}"),
              HasSubstr("M105: default must be on or off, this is"));
  EXPECT_THAT(errors_in("{name: fuse, stage: optimize, needs: [gpu]}"),
              HasSubstr("M105: 'gpu' is nothing that a pass can need"));
  EXPECT_THAT(errors_in("{name: fuse, stage: optimize, rules: []}"), HasSubstr("M104: the pass has no rule"));
  EXPECT_THAT(errors_in("fuse"), HasSubstr("M104: the key 'library' is missing"));
  EXPECT_THAT(errors_in("fuse\n    - fuse"), HasSubstr(":7:7: error M106: the pass 'fuse' is listed twice"));
  EXPECT_THAT(errors_in_rule("{" + std::string(kGood) + "replaec: \"\"}"),
              HasSubstr("M103: unknown key 'replaec' in rules[]"));
}

TEST(ManifestPass, Texts) {
  // The place within the text is the place in the file.
  EXPECT_THAT(
      errors_in_rule("{pattern: \"(x) => (y) { y = Relu(x }\", replace: \"(x) => (y) { y = Neg(x) }\"}"),
      testing::ContainsRegex("acme\\.onnxport\\.yaml:6:[78][0-9]: error M110: the pattern is no text that "
                             "ONNX's parser reads: "));
  const std::pair<const char*, const char*> bad[] = {
      {"(x) => (y) { y = Relu(z) }", "reads 'z', which is neither an input nor made by a node before"},
      {"(x, x) => (y) { y = Add(x, x) }", "names the input 'x' twice"},
      {"(x) => (y) { y = Relu(x)  y = Neg(x) }", "defines 'y' twice"},
      {"(x) => (z) { y = Relu(x) }", "gives 'z', which nothing in it makes"},
      {"(x) => (x) { y = Relu(x) }", "gives its input 'x' as a result"},
      {"(x) => (y) { y = Relu(x)  z = Neg(y) }", "makes 'z', which is neither read nor a result"},
      {"(x, w) => (y) { y = Relu(x) }", "has an input 'w' that no node of it reads"},
      {"(x, w) => (y, z) { y = Relu(x)  z = Neg(w) }",
       "has a node, Relu, that shares no value with the others"},
      {"(x) => (y) { y = Constant<value_float = 1.0>() }", "has no node to look for"},
  };
  for (const auto& [text, words] : bad)
    EXPECT_THAT(
        errors_in_rule("{pattern: \"" + std::string(text) + "\", replace: \"(x) => (y) { y = Neg(x) }\"}"),
        HasSubstr("error M110: the pattern " + std::string(words)))
        << text;
  std::string deep = "(x) => (y) { y = Relu(x) ";
  deep.append(100'000, '{');
  EXPECT_THAT(
      errors_in_rule("{pattern: \"" + deep.substr(0, 60'000) + "\", replace: \"(x) => (y) { y = Neg(x) }\"}"),
      HasSubstr("error M110: the pattern nests graphs more than 8 deep"));
}

TEST(ManifestPass, Replacements) {
  const std::pair<const char*, const char*> bad[] = {
      {"(x, v) => (y) { y = Add(x, v) }",
       "M110: the replacement reads 'v', which is no input of the pattern"},
      {"(t) => (y) { y = Relu(t) }",
       "M110: the replacement reads 't', which is no input of the pattern\n  -> the node that makes it goes"},
      {"(x) => (y) { y = Softmax<axis = @axis>(x) }",
       "M110: the replacement uses @axis, which the pattern does not capture"},
      {"(x) => (y, z) { y = Relu(x)  z = Neg(x) }",
       "M110: the replacement gives 2 values, the pattern has 1"},
      {"(x) => (y) { y = com.other.Op(x) }", "M105: the domain 'com.other' of Op is not in provides.domains"},
  };
  for (const auto& [text, words] : bad)
    EXPECT_THAT(errors_in_rule("{" + std::string(kGood) + "replace: \"" + text + "\"}"), HasSubstr(words))
        << text;
}

TEST(ManifestPass, Conditions) {
  const std::pair<const char*, const char*> bad[] = {
      {"v: {rank: 2}", "M110: the pattern has no value 'v'"},
      {"w: {rnak: 2}", "M103: unknown key 'rnak' in where.w\n  -> did you mean 'rank'?"},
      {"w: {rank: two}", "M105: where.w.rank must be a whole number"},
      {"w: {dtype: f33}", "M105: 'f33' is no element type"},
      {"w: {dims: [-1]}", "M105: '-1' is no size"},
      {"w: {value: \"0.5\"}", "M105: where.w.value must be a number"},
      {"w: {same_shape: v}", "M110: the pattern has no value 'v'"},
      {"t: {optional: true}", "M110: 't' is made by the pattern and cannot be optional"},
      {"\"@b\": 1", "M110: the pattern captures no attribute @b"},
      {"\"@a\": {any: 1}", "M105: @a must be a value, or one_of a list of values"},
      {"\"@a\": one", "M105: @a must be a number, a quoted text or a list"},
  };
  for (const auto& [where, words] : bad)
    EXPECT_THAT(errors_in_rule("{" + std::string(kGood) + kReplace + ", where: {" + where + "}}"),
                HasSubstr(words))
        << where;
  EXPECT_THAT(errors_in_rule("{" + std::string(kGood) + kReplace + ", types: {z: {like: x}}}"),
              HasSubstr("M110: the replacement makes no value 'z'"));
  EXPECT_THAT(errors_in_rule("{" + std::string(kGood) + kReplace + ", types: {y: {dtype: f32}}}"),
              HasSubstr("M104: types.y needs 'like', or both 'dtype' and 'shape'"));
}

}  // namespace
}  // namespace onnxport
