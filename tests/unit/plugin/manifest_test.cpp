// Every kind of mistake in a manifest, with the words the user reads.
#include "core/plugin/manifest.h"

#include <gmock/gmock.h>

#include <chrono>

#include "core/ir/utf8.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string errors_in(const std::string& text) {
  return error_of([&] { parse_manifest(text, "acme.onnxport.yaml"); });
}

// A good head, so that each test shows its own mistake only.
std::string with(const std::string& rest) {
  return "onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: \"1.4.0\"}\n" + rest;
}

constexpr const char* kSwish =
    "provides:\n"
    "  mappings:\n"
    "    - {torch: \"acme::swish(Tensor x) -> Tensor\", function: \"(x) => (y) { s = Sigmoid(x)  y = Mul(x, "
    "s) }\"}\n";

TEST(Manifest, ReadsEverything) {
  const Manifest m = parse_manifest(R"(onnxport_manifest: 1
plugin: {id: com.acme.ops, name: Acme operators, version: "1.4.0", publisher: Acme Inc., license: MIT, url: "https://acme.example", description: ours}
abi: {major: 1, minor: 0}
library:
  linux_amd64: {path: lib/libacme.so, sha256: "00000000000000000000000000000000000000000000000000000000000000AB"}
  linux_arm64: libacme_arm.so
requires:
  onnxport: ">=0.1 <2"
  plugins: [{id: org.onnxport.aten, version: ">=0.1"}]
provides:
  ops: [acme::b, acme::a.out]
  domains: [{name: com.acme, version: 2}]
  opsets: [{domain: ai.onnx, version: 29}]
  passes: [fuse-swish]
  schemas: ["acme::a.out(Tensor x) -> Tensor"]
  mappings:
    - torch: "acme::scaled_tanh(Tensor x, float scale, int n=2) -> Tensor"
      onnx: com.acme::ScaledTanh
      inputs: [x]
      attributes: {alpha: scale, beta: 0.5, axes: [1, 2], mode: "fast", flag: true}
      result: {dtype: f16, shape: [x.0, 2*x.1 + 1, n, 3]}
      opset: ">=17 <23"
overrides: [aten::gelu, org.onnxport.aten]
x-anything: {at: all}
)",
                                    "/plugins/acme.onnxport.yaml");
  EXPECT_EQ(m.id, "com.acme.ops");
  EXPECT_EQ(m.libraries.at("linux_amd64").path, "/plugins/lib/libacme.so");
  EXPECT_EQ(m.libraries.at("linux_amd64").sha256.substr(60), "00ab");
  EXPECT_EQ(m.libraries.at("linux_arm64").path, "/plugins/libacme_arm.so");
  EXPECT_THAT(m.ops, ElementsAre("acme::a.out", "acme::b"));
  EXPECT_EQ(m.domains.at("com.acme"), 2);
  EXPECT_THAT(m.opsets, ElementsAre(29));
  EXPECT_TRUE(m.promises("acme::b.any_overload"));
  EXPECT_FALSE(m.promises("acme::a"));
  EXPECT_TRUE(m.overrides_op("aten::gelu") && m.overrides_plugin("org.onnxport.aten"));
  ASSERT_EQ(m.mappings.size(), 1u);
  const ManifestMapping& mapping = m.mappings[0];
  EXPECT_EQ(mapping.torch_op, "acme::scaled_tanh");
  EXPECT_EQ(mapping.onnx_domain + "/" + mapping.onnx_op, "com.acme/ScaledTanh");
  EXPECT_EQ(mapping.min_opset, 17);
  EXPECT_EQ(mapping.max_opset, 22);
  ASSERT_EQ(mapping.attributes.size(), 5u);
  EXPECT_EQ(mapping.attributes[0].argument, "scale");
  EXPECT_EQ(std::get<double>(mapping.attributes[1].literal), 0.5);
  EXPECT_EQ(std::get<std::vector<int64_t>>(mapping.attributes[2].literal), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(std::get<std::string>(mapping.attributes[3].literal), "fast");
  EXPECT_EQ(std::get<int64_t>(mapping.attributes[4].literal), 1);
}

TEST(Manifest, M101Unreadable) {
  EXPECT_EQ(error_of([] { read_manifest("/nowhere/x.onnxport.yaml"); }),
            "/nowhere/x.onnxport.yaml: error M101: cannot be read: No such file or directory\n  -> check the "
            "path and its permissions");
  EXPECT_THAT(error_of([] { read_manifest("/"); }), HasSubstr("M101: is a folder, not a file"));
  EXPECT_THAT(errors_in("onnxport_manifest: 1\nplugin: \xff"),
              StartsWith("acme.onnxport.yaml:2:9: error M101: is not UTF-8 text"));
  EXPECT_THAT(errors_in(std::string(size_t{300} * 1024, '#')),
              StartsWith("acme.onnxport.yaml: error M101: is larger than 256 KiB"));
}

TEST(Manifest, M101EncodedHalvesAndOverlongCharacters) {
  for (const char* bytes :
       {"\xed\xa0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xc0\x80"})
    EXPECT_THAT(errors_in("onnxport_manifest: 1\nx-a: \"" + std::string(bytes) + "\"\n"),
                HasSubstr("error M101"));
  EXPECT_EQ(errors_in("x-a: \"\xed\x9f\xbf\xf4\x8f\xbf\xbf\"\n").find("M101"), std::string::npos);
}

// A NUL would end a name early; yaml-cpp turns \_ and \N into half a character.
TEST(Manifest, M101EscapesOfWhatNoFileMayHold) {
  for (const std::string bad : {R"("\_")", R"("\N")", R"("a\0b")", R"("\x07")", R"("\e")"}) {
    EXPECT_THAT(errors_in("x-a: " + bad + "\n"), HasSubstr(":6: error M101: an escape of this text")) << bad;
    EXPECT_THAT(errors_in("x-a: {" + bad + ": 1}\n"), HasSubstr("error M101")) << bad;
  }
  EXPECT_THAT(errors_in(R"(x-a: "\n\t\\\"\xe4\u2013\L")"), Not(HasSubstr("M101")));
}

TEST(Manifest, WhatIsShownOfALongTextAreWholeCharacters) {
  for (size_t before = 55; before < 61; ++before) {
    const std::string text = std::string(before, 'a') + "\xf0\x9f\x98\x80 and more of it";
    const std::string said = errors_in(with("targets: \"" + text + "\"\n"));
    EXPECT_THAT(said, HasSubstr("…'")) << before;
    EXPECT_TRUE(ir::is_utf8(said)) << before;
  }
}

TEST(Manifest, M102Syntax) {
  EXPECT_THAT(errors_in("onnxport_manifest: 1\nplugin: {id: a\n"), HasSubstr("error M102: YAML syntax: "));
  EXPECT_THAT(errors_in("a: [1, 2\nb: }"), StartsWith("acme.onnxport.yaml:"));
}

TEST(Manifest, M103UnknownKey) {
  EXPECT_EQ(errors_in(with("overide: []\n") + kSwish),
            "acme.onnxport.yaml:3:1: error M103: unknown key 'overide' in the manifest\n  -> did you mean "
            "'overrides'?");
  EXPECT_THAT(
      errors_in(with("library: {freebsd_sparc: x.so}\n") + kSwish),
      HasSubstr(
          "keys here: linux_amd64, linux_arm64, macos_arm64, windows_amd64; keys of your own start with x-"));
}

TEST(Manifest, M104MissingKey) {
  EXPECT_EQ(errors_in("plugin: {id: com.acme.ops}\n"),
            "acme.onnxport.yaml:1:1: error M104: the key 'onnxport_manifest' is missing in the manifest\n"
            "  -> add it: onnxport_manifest: 1");
  EXPECT_THAT(
      errors_in("onnxport_manifest: 1\nplugin: {id: com.acme.ops}\nprovides: {ops: [a::b]}"),
      testing::AllOf(HasSubstr(":2:9: error M104: the key 'version' is missing in plugin"),
                     HasSubstr("the key 'library' is missing: ops, opsets and passes are supplied by one")));
  EXPECT_THAT(errors_in(with("provides: {domains: [{name: com.acme}]}\n")),
              HasSubstr("M104: the plugin provides nothing"));
  EXPECT_THAT(errors_in(with("provides: {mappings: [{torch: acme::f}]}\n")),
              HasSubstr("M104: provides.mappings[] needs one of 'onnx' and 'function'"));
}

TEST(Manifest, M105WrongTypeOrRange) {
  EXPECT_EQ(
      errors_in("onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: 1.4}\n" + std::string(kSwish)),
      "acme.onnxport.yaml:2:37: error M105: plugin.version must be in quotes\n  -> write version: \"1.4.0\"");
  for (const char* bad :
       {"plugin: {id: Acme, version: \"1.0.0\"}", "plugin: {id: com..acme, version: \"1.0.0\"}",
        "plugin: {id: com.acme, version: \"1.0\"}", "plugin: com.acme"}) {
    EXPECT_THAT(errors_in("onnxport_manifest: 1\n" + std::string(bad) + "\n" + kSwish), HasSubstr(":2:"))
        << bad;
  }
  for (const char* bad :
       {"abi: {major: one}", "abi: {major: 1, minor: -1}", "requires: {onnxport: \"about 1\"}",
        "overrides: [no op]", "library: {linux_amd64: {path: a.so, sha256: \"12\"}}", "library: [a.so]"}) {
    EXPECT_THAT(errors_in(with(std::string(bad) + "\n") + kSwish), HasSubstr("acme.onnxport.yaml:3:")) << bad;
  }
  for (const char* bad :
       {"{torch: acme::f, onnx: com.acme::F}", "{torch: acme::f, onnx: \"Re lu\"}",
        "{torch: acme::f, onnx: Relu, opset: \"new\"}", "{torch: acme::f, onnx: Relu, attributes: {a: {}}}",
        "{torch: acme::f, function: \"y = Relu(x)\"}",
        "{torch: acme::f, function: \"(x) => (y) {}\", function_opset: 24}",
        "{torch: acme::f, onnx: Relu, keep_function: true}",
        "{torch: \"acme::f(Tensor x) -> Tensor\", onnx: Relu, result: {like: z}}",
        "{torch: acme::f, onnx: Relu, result: {dtype: float3, shape: []}}",
        "{torch: acme::f, onnx: Relu, result: {dtype: f32, shape: [\"x.0 +\"]}}"}) {
    EXPECT_THAT(errors_in(with("provides: {mappings: [" + std::string(bad) + "]}\n")),
                HasSubstr(" error M105: "))
        << bad;
  }
  EXPECT_THAT(errors_in(with("provides: {mappings: [{torch: \"acme::f(Tensor x, float scale) -> Tensor\", "
                             "onnx: Relu, attributes: {a: scal}}]}")),
              HasSubstr("'scal' in attributes is no argument of acme::f\n  -> did you mean 'scale'?"));
}

TEST(Manifest, M106Duplicates) {
  EXPECT_EQ(errors_in("onnxport_manifest: 1\nplugin: {id: a.b}\nplugin: {id: c.d}\n"),
            "acme.onnxport.yaml:3:1: error M106: the key 'plugin' is given twice\n"
            "  -> the first one's value is on line 2: keep one of them");
  EXPECT_THAT(errors_in(with("library: {linux_amd64: a.so}\nprovides: {ops: [a::b, a::c, a::b]}\n")),
              HasSubstr("M106: the operator 'a::b' is listed twice"));
}

TEST(Manifest, M107TooNew) {
  EXPECT_EQ(errors_in("onnxport_manifest: 2\nwhatever: 1\n"),
            "acme.onnxport.yaml:1:20: error M107: the manifest is of version 2, this onnxport reads up to 1\n"
            "  -> update onnxport, or take the plugin's release for this one");
}

TEST(Manifest, M108ForbiddenYaml) {
  EXPECT_THAT(errors_in("a: &x 1\n"), HasSubstr("M108: an anchor (&name) is not allowed here"));
  EXPECT_THAT(errors_in("a: !!python/object:os.system {}\n"), HasSubstr("M108: the tag "));
  EXPECT_THAT(errors_in("a: 1\n---\nb: 2\n"), HasSubstr("M108: a second document (---) is not allowed here"));
  EXPECT_THAT(errors_in("? [a, b]\n: 1\n"), HasSubstr("M108: a key must be plain text"));
  EXPECT_THAT(errors_in(std::string(17, '[') + std::string(17, ']')),
              HasSubstr("M108: nesting deeper than 16 levels"));
}

TEST(Manifest, HostileInputIsRefusedNotFollowed) {
  for (size_t depth : {100u, 5000u, 100000u}) {
    EXPECT_THAT(errors_in(std::string(depth, '[')), HasSubstr(" error M10")) << depth;
    EXPECT_THAT(errors_in("a: " + std::string(depth, '{')), HasSubstr(" error M10")) << depth;
  }
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c)
    bomb += std::string(1, c) + ": &" + c + " [*" + static_cast<char>(c - 1) + ", *" +
            static_cast<char>(c - 1) + "]\n";
  EXPECT_THAT(errors_in(bomb), HasSubstr("acme.onnxport.yaml:1:4: error M108"));
  EXPECT_THAT(errors_in("&x [*x]"), HasSubstr("M108"));
  EXPECT_THAT(errors_in(""), HasSubstr("M105: the manifest must be a map, this is nothing"));
  EXPECT_THAT(errors_in("onnxport_manifest"), HasSubstr("M105"));
  EXPECT_THAT(errors_in("onnxport_manifest: 99999999999999999999"), HasSubstr("M105"));
}

TEST(Manifest, M109PathEscapes) {
  for (const char* path :
       {"../libacme.so", "/usr/lib/libacme.so", "lib/../../libacme.so", "'..\\\\libacme.so'"}) {
    EXPECT_THAT(
        errors_in(with("library: {linux_amd64: " + std::string(path) + "}\nprovides: {ops: [a::b]}\n")),
        HasSubstr("M109: the path '"))
        << path;
  }
}

TEST(Manifest, M112BadSchema) {
  EXPECT_THAT(errors_in(with("provides: {schemas: [\"acme::f(Tensor x -> Tensor\"]}\n")),
              HasSubstr("acme.onnxport.yaml:3:22: error M112: "));
}

// A mapping of acme::f with this schema and the rest of its entry.
std::string mapping(const std::string& schema, const std::string& rest) {
  return with("provides: {domains: [{name: com.acme}], mappings: [{torch: \"acme::f" + schema + "\", " +
              rest + "}]}\n");
}

TEST(Manifest, D03WhatLibtorchWouldNotReadIsRefused) {
  EXPECT_EQ(
      errors_in(with("provides: {schemas: [\"typo::op(Tensr x) -> Tensor\"]}\n")),
      "acme.onnxport.yaml:3:22: error M112: libtorch would not read this schema: 'Tensr' is no type of torch "
      "(argument 'x')\n  -> write it as torch does: \"acme::op(Tensor x, float scale=1) -> Tensor\"");
  for (const char* schema :
       {"(Tensor x, int y=1, Tensor z) -> Tensor", "(Tensor in) -> Tensor", "(Tensor x=3) -> Tensor",
        "(int[][2][] x) -> Tensor", "(float x=inf) -> Tensor", "(str[] x=[]) -> Tensor"}) {
    EXPECT_THAT(errors_in(mapping(schema, "onnx: Relu")),
                HasSubstr("M112: libtorch would not read this schema: "))
        << schema;
  }
}

TEST(Manifest, D07AMisspeltReferenceIsAnError) {
  EXPECT_EQ(errors_in(mapping("(Tensor x, float scale) -> Tensor",
                              "function: \"(x) => (y) { y = LeakyRelu <alpha: float = @scael> (x) }\"")),
            "acme.onnxport.yaml:3:114: error M105: 'scael' in function (@scael) is no argument of acme::f\n  "
            "-> did you "
            "mean 'scale'?");
  EXPECT_THAT(errors_in(mapping("(Tensor x) -> Tensor", "function: \"(z) => (y) { y = Relu(z) }\"")),
              HasSubstr("'z' in function is no argument of acme::f\n  -> did you mean 'x'?"));
}

TEST(Manifest, D15TorchsOwnSchemasCannotBeGivenAnew) {
  EXPECT_EQ(
      errors_in(with("provides: {schemas: [\"aten::gelu(Tensor x) -> Tensor\"]}\n")),
      "acme.onnxport.yaml:3:22: error M114: the schema of torch's own aten::gelu cannot be given anew: it is "
      "aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor\n  -> write the operator's name alone: "
      "aten::gelu");
  EXPECT_THAT(
      errors_in(with("provides: {mappings: [{torch: \"aten::relu(Tensor x) -> Tensor\", onnx: Relu}]}\n")),
      HasSubstr("M114"));
  EXPECT_EQ(
      parse_manifest(
          with("provides: {mappings: [{torch: \"aten::relu(Tensor self) -> Tensor\", onnx: Relu}]}\n"), "x")
          .mappings.size(),
      1u);
}

TEST(Manifest, D25ResultsAndListsAsFarAsAManifestCan) {
  const Manifest m = parse_manifest(mapping("(Tensor x, Tensor[] more) -> (Tensor, Tensor[])",
                                            "onnx: com.acme::F, inputs: [x, more], results: [{like: x}, "
                                            "{like: x}, {dtype: i64, shape: [x.0]}]"),
                                    "x");
  ASSERT_EQ(m.mappings[0].results.size(), 3u);
  EXPECT_EQ(m.mappings[0].results[2].dtype, "i64");
  const std::pair<const char*, const char*> bad[] = {
      {"(Tensor x) -> Tensor[]", "onnx: com.acme::F"},
      {"(Tensor x) -> (Tensor, Tensor)", "onnx: com.acme::F, result: {like: x}"},
      {"(Tensor x) -> Tensor", "onnx: com.acme::F, results: [{like: x}, {like: x}]"},
      {"(Tensor x) -> Tensor?", "onnx: com.acme::F"},
      {"(Tensor x) -> (Tensor[], Tensor[])", "onnx: com.acme::F, results: [{like: x}]"},
      {"(Tensor x) -> Dict(str, Tensor)", "onnx: com.acme::F"},
      {"(Tensor[] x) -> Tensor", "function: \"(x) => (y) { y = Relu(x) }\""},
      {"(Tensor x) -> (Tensor, Tensor)", "function: \"(x) => (y) { y = Relu(x) }\""},
  };
  for (const auto& [schema, rest] : bad)
    EXPECT_THAT(errors_in(mapping(schema, rest)), HasSubstr(" error M105: ")) << schema << rest;
  EXPECT_EQ(errors_in(mapping("(Tensor x) -> Tensor[]", "onnx: com.acme::F")),
            "acme.onnxport.yaml:3:52: error M105: how many tensors the list that acme::f returns holds is "
            "not said\n  -> say "
            "the type of each output, results: [{like: x}, {like: x}]; where the number differs from call to "
            "call, a library "
            "can give it");
  EXPECT_THAT(errors_in(mapping("(Tensor x) -> Tensor?", "onnx: com.acme::F")),
              HasSubstr("a mapping without a library cannot give the result Tensor? of acme::f\n  -> a "
                        "library can: provides: ops: "
                        "[acme::f], see docs/plugins.md"));
  EXPECT_THAT(errors_in(mapping("(Tensor[] x) -> Tensor", "function: \"(x) => (y) { y = Relu(x) }\"")),
              HasSubstr("the list 'x' (Tensor[]) cannot be an input of a function\n  -> 'onnx:' makes one "
                        "node that takes its "
                        "elements as inputs; a library can do anything with it"));
  // What an operator writes is an output after what it returns; what it returns of that is none.
  EXPECT_EQ(
      parse_manifest(mapping("(Tensor(a!) x) -> Tensor(a!)", "function: \"(x) => (y) { y = Relu(x) }\""), "x")
          .mappings.size(),
      1u);
  EXPECT_EQ(parse_manifest(mapping("(Tensor(a!) x) -> ()", "function: \"(x) => (y) { y = Relu(x) }\""), "x")
                .mappings.size(),
            1u);
}

TEST(Manifest, SlicesAndElementTypesOfArguments) {
  const auto mapping = [](const std::string& result) {
    return with(
        "provides: {domains: [{name: com.acme}], mappings: [{torch: \"acme::f(Tensor x, ScalarType dtype) -> "
        "Tensor\", "
        "onnx: com.acme::F, inputs: [x], result: {" +
        result + "}}]}");
  };
  EXPECT_EQ(parse_manifest(mapping("like: x, dtype: \"@dtype\", shape: [\"x[:-1]\", 3, \"x[1:2]\"]"), "x")
                .mappings.front()
                .results.front()
                .dtype,
            "@dtype");
  EXPECT_THAT(
      errors_in(mapping("like: x, dtype: \"@dtyp\"")),
      HasSubstr("error M105: 'dtyp' in result.dtype is no argument of acme::f\n  -> did you mean 'dtype'?"));
  EXPECT_THAT(errors_in(mapping("like: x, shape: [\"y[:-1]\"]")),
              HasSubstr("error M105: 'y' in result.shape is no argument"));
  EXPECT_THAT(errors_in(mapping("like: x, shape: [\"x[:a]\"]")), HasSubstr("error M105: 'x[:a]' is no size"));
}

TEST(Manifest, TargetsAndProfiles) {
  const Manifest m = parse_manifest(
      with("default: off\ntargets: {com.acme.npu: {opset: \">=13 <=18\"}}\nprofiles: [p/a.yaml]\n"
           "provides: {}\n"),
      "/opt/acme/x.onnxport.yaml");
  EXPECT_TRUE(m.only_when_asked);
  EXPECT_EQ(m.targets.at("com.acme.npu").min_opset, 13);
  EXPECT_EQ(m.targets.at("com.acme.npu").max_opset, 18);
  EXPECT_THAT(m.profiles, ElementsAre("/opt/acme/p/a.yaml"));
  EXPECT_EQ(errors_in(with("default: yes\n") + kSwish),
            "acme.onnxport.yaml:3:10: error M105: default must be on or off, this is 'yes'\n"
            "  -> off: the mappings are asked only for targets that prefer or require the plugin");
  EXPECT_THAT(errors_in(with("targets: {npu: {opset: 18}}\n") + kSwish),
              HasSubstr("M105: 'npu' is no name of a target"));
  EXPECT_THAT(errors_in(with("targets: {a.b: {}}\n") + kSwish),
              HasSubstr("M104: the key 'opset' is missing in targets.a.b"));
  EXPECT_THAT(errors_in(with("profiles: [../a.yaml]\n") + kSwish),
              HasSubstr("M109: the path '../a.yaml' leaves"));
  EXPECT_THAT(errors_in(with("profiles: [a.yml]\n") + kSwish), HasSubstr("M105: 'a.yml' is no profile"));
}

TEST(Manifest, WhatTheModelWouldCarryIsAnIdentifier) {
  for (const char* rest :
       {"domains: [{name: \"a b\"}]", "domains: [{name: \"com.acme\\t\"}]", "domains: [{name: .com}]"})
    EXPECT_THAT(
        errors_in(with("library: {linux_amd64: a.so}\nprovides: {ops: [a::b], " + std::string(rest) + "}\n")),
        HasSubstr("error M105: "))
        << rest;
  EXPECT_THAT(errors_in(mapping("(Tensor x) -> Tensor", "onnx: Relu, attributes: {\"a b\": 1}")),
              HasSubstr("'a b' is no attribute of ONNX"));
}

TEST(Manifest, NumbersAreWrittenPlainly) {
  EXPECT_THAT(errors_in(with("abi: {major: 01}\n") + kSwish),
              HasSubstr("abi.major must be a whole number, this is '01'"));
  EXPECT_EQ(
      errors_in("onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: 1.0}\n" + std::string(kSwish)),
      "acme.onnxport.yaml:2:37: error M105: plugin.version must be in quotes\n  -> write version: \"1.0.0\"");
}

TEST(Manifest, ReportsAllMistakesAtOnce) {
  const std::string text = errors_in(
      "onnxport_manifest: 1\nplugin: {id: BAD, version: 1}\nabi: {}\nextra: 1\nprovides: {ops: [x]}\n");
  for (const char* place : {":2:14: error M105", ":2:28: error M105", ":3:6: error M104", ":4:1: error M103",
                            ":5:18: error M105"}) {
    EXPECT_THAT(text, HasSubstr(place));
  }
}

TEST(Manifest, OperatorsAreAListOrATextOfNames) {
  const std::string head = "library: {linux_amd64: a.so}\nprovides:\n  ops:";
  for (const char* ops :
       {"\n    - a::b\n    - a::c\n\n    - a::d.e\r\n    - a::f # last\n", " [a::b, a::c, a::d.e, a::f]\n",
        " |\n    a::b\n    a::c\n\n    a::d.e\r\n    a::f\n", " >\n    a::b a::c\n    a::d.e a::f\n",
        " a::b a::c a::d.e a::f\n"}) {
    EXPECT_THAT(parse_manifest(with(head + ops), "x").ops, ElementsAre("a::b", "a::c", "a::d.e", "a::f"))
        << ops;
  }
  EXPECT_THAT(errors_in(with(head + " |\n    a::b\n    a::c a::b\n    wrong\n")),
              testing::AllOf(HasSubstr("acme.onnxport.yaml:7:"),
                             HasSubstr("error M106: the operator 'a::b' is listed twice"),
                             HasSubstr("acme.onnxport.yaml:8:"),
                             HasSubstr("error M105: 'wrong' is no operator name")));
  EXPECT_THAT(errors_in(with(head + " 5\n")), HasSubstr("error M105: '5' is no operator name"));
}

TEST(Manifest, SixHundredOperatorsInMilliseconds) {
  std::string text = with("library: {linux_amd64: a.so}\nprovides:\n  ops: |\n");
  for (int i = 0; i < 600; ++i) text += "    aten::some_operator_" + std::to_string(i) + "\n";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_manifest(text, "a.onnxport.yaml").ops.size(), 600u);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  RecordProperty("milliseconds", std::to_string(took.count()));
  EXPECT_LT(took.count(), 500.0);  // a few in release; the slack is for sanitizers and busy machines
}

}  // namespace
}  // namespace onnxport
