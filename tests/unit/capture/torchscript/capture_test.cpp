#include <ATen/ops/ones.h>
#include <caffe2/serialize/inline_container.h>
#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

#include "unit/capture/schemas_of.h"
#include "unit/libtorch/models.h"

namespace onnxport::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> initializer_names(const ir::Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Value* v : graph.initializers()) out.emplace_back(v->name().text());
  return out;
}

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(Capture, ParametersKeepTheirNamesAndNodesTheirModules) {
  const Folder folder;
  torch::jit::Module block("Block");
  block.register_module("lin", linear(3, 4));
  block.define("def forward(self, x):\n  return torch.relu(self.lin.forward(x))\n");
  torch::jit::Module model("Model");
  model.register_module("enc", block);
  model.define("def forward(self, x):\n  return self.enc.forward(x)\n");
  model.save((folder / "m.pt").string());

  const Captured out = capture(folder / "m.pt", {input("x", "f32[batch,3]")});
  EXPECT_THAT(initializer_names(*out.graph), ElementsAre("enc.lin.bias", "enc.lin.weight"));
  EXPECT_THAT(operators(*out.graph), ElementsAre("aten::t", "aten::addmm", "aten::relu"));
  EXPECT_THAT(out.graph->input_names, ElementsAre("x"));
  EXPECT_THAT(out.graph->output_names, ElementsAre("output"));
  EXPECT_TRUE(out.graph->symbols.contains("batch"));
  EXPECT_THAT(ir::check_invariants(*out.graph), ElementsAre());
  for (const ir::Node* node : out.graph->body()) {
    if (node->op() == "aten::addmm") {
      EXPECT_EQ(node->provenance()->module_path, "enc.lin");
      EXPECT_EQ(node->operand_count(), 5u) << "defaults are filled in";
    }
    if (node->op() == "aten::relu") {
      EXPECT_EQ(node->provenance()->module_path, "enc");
    }
  }
}

TEST(Capture, WeightsAreViewsOfTheFile) {
  const Folder folder;
  linear(3, 4).save((folder / "m.pt").string());
  const Captured out = capture(folder / "m.pt", {input("x", "f32[2,3]")});
  const std::string bytes = file_bytes(folder / "m.pt");
  ASSERT_EQ(out.graph->initializers().size(), 2u);
  for (const ir::Value* v : out.graph->initializers()) {
    const ir::Tensor& t = *v->constant();
    ASSERT_TRUE(t.file().has_value());
    EXPECT_EQ(std::memcmp(bytes.data() + t.file()->offset, t.bytes().data(), t.bytes().size()), 0);
  }
}

TEST(Capture, TiedWeightsAreOneInitializer) {
  const Folder folder;
  torch::jit::Module model("Model");
  const at::Tensor shared = at::ones({3, 3});
  model.register_parameter("a", shared, false);
  model.register_parameter("b", shared, false);
  model.define("def forward(self, x):\n  return torch.mm(torch.mm(x, self.a), self.b)\n");
  model.save((folder / "m.pt").string());
  EXPECT_THAT(initializer_names(*capture(folder / "m.pt", {input("x", "f32[2,3]")}).graph), ElementsAre("a"));
}

TEST(Capture, SignaturesAreTakenApart) {
  const Folder folder;
  module_of(R"(
def forward(self, x, state: Tuple[Tensor, Tensor], kw: Dict[str, Tensor], parts: List[Tensor], bias: Optional[Tensor]=None, n: int=2):
  y = x + state[0] * kw["scale"] + parts[1] + n
  return {"sum": y, "pair": (state[1], y)}
)")
      .save((folder / "m.pt").string());
  const Captured out =
      capture(folder / "m.pt", {input("x", "f32[2]"), input("state.0", "f32[2]"), input("state.1", "f32[3]"),
                                input("kw.scale", "f32[2]"), input("parts.0", "f32[2]"),
                                input("parts.1", "f32[2]"), input("n", "i64[]")});
  EXPECT_THAT(out.graph->input_names,
              ElementsAre("x", "state.0", "state.1", "kw.scale", "parts.0", "parts.1", "n"));
  EXPECT_THAT(out.graph->output_names, ElementsAre("sum", "pair.0", "pair.1"));
  EXPECT_EQ(out.graph->body().parameters().back()->type().kind(), ir::Type::Kind::integer);
  EXPECT_THAT(ir::check_invariants(*out.graph), ElementsAre());
}

TEST(Capture, ForeignNamesRenameInOrderAndNumbersCanBeFixed) {
  const Folder folder;
  module_of("def forward(self, x, n: int):\n  return x + n\n").save((folder / "m.pt").string());
  EXPECT_THAT(
      capture(folder / "m.pt", {input("image", "f32[2]"), input("count", "i64[]")}).graph->input_names,
      ElementsAre("image", "count"));
  EXPECT_THAT(capture(folder / "m.pt", {input("x", "f32[2]"), fixed("n", int64_t{3})}).graph->input_names,
              ElementsAre("x"));
}

TEST(Capture, DtypesAreConstantsOfTheirOwn) {
  const Folder folder;
  module_of("def forward(self, x):\n  return x.to(7)\n").save((folder / "m.pt").string());
  const Captured out = capture(folder / "m.pt", {input("x", "f32[2]")});
  bool found = false;
  for (const ir::Node* node : out.graph->body()) {
    if (!node->op_text().starts_with("aten::to")) continue;
    const ir::Value* dtype = node->argument("dtype");
    ASSERT_NE(dtype, nullptr);
    found = dtype->producer()->attribute_as<ir::DType>("value") != nullptr &&
            *dtype->producer()->attribute_as<ir::DType>("value") == ir::DType::f64;
  }
  EXPECT_TRUE(found);
}

TEST(Capture, TrainingChoosesTheBranch) {
  const Folder folder;
  torch::jit::Module model("Model");
  model.register_attribute("training", c10::BoolType::get(), true);
  model.define(
      "def forward(self, x):\n  if self.training:\n    return torch.neg(x)\n  else:\n    return "
      "torch.relu(x)\n");
  model.save((folder / "m.pt").string());
  CaptureOptions training;
  training.training = true;
  EXPECT_THAT(operators(*capture(folder / "m.pt", {input("x", "f32[2]")}).graph), ElementsAre("aten::relu"));
  EXPECT_THAT(operators(*capture(folder / "m.pt", {input("x", "f32[2]")}, training).graph),
              ElementsAre("aten::neg"));
}

TEST(Capture, FrozenModelsKeepTheirNumbers) {
  const Folder folder;
  torch::jit::Module model("Model");
  model.register_attribute("training", c10::BoolType::get(), false);
  model.register_module("lin", linear(3, 4));
  model.define("def forward(self, x):\n  return self.lin.forward(x)\n");
  model.save((folder / "m.pt").string());
  CaptureOptions options;
  options.freeze = true;
  const Captured out = capture(folder / "m.pt", {input("x", "f32[2,3]")}, options);
  const at::Tensor x = at::ones({2, 3});
  const auto got = onnxport_torch_interface()->evaluate(*out.graph, {value(x)}, {}, {});
  EXPECT_TRUE(tensor(got.at(0)).allclose(model.forward({x}).toTensor()));
}

TEST(CaptureErrors, FilesThatAreNoModel) {
  const Folder folder;
  const auto code = [&](const std::string& name) { return codes([&] { capture(folder / name, {}); }); };
  EXPECT_THAT(code("absent.pt"), ElementsAre("I101"));
  write(folder / "empty.pt", "");
  EXPECT_THAT(code("empty.pt"), ElementsAre("I102"));
  write(folder / "text.pt", std::string(4096, 'x'));
  EXPECT_THAT(code("text.pt"), ElementsAre("I102"));
  write(folder / "pickle.pt", std::string("\x80\x02}q\x00.", 6) + std::string(64, '.'));
  EXPECT_THAT(code("pickle.pt"), ElementsAre("I103"));
  EXPECT_THAT(code("."), ElementsAre("I102"));
  linear(3, 4).save((folder / "m.pt").string());
  const std::string whole = file_bytes(folder / "m.pt");
  for (size_t size = 1; size < whole.size(); size += 97) {
    write(folder / "cut.pt", whole.substr(0, size));
    EXPECT_THAT(code("cut.pt"), ElementsAre("I102")) << size;
  }
}

TEST(CaptureErrors, DamagedArchivesNeverCrash) {
  const Folder folder;
  linear(3, 4).save((folder / "m.pt").string());
  const std::string whole = file_bytes(folder / "m.pt");
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); at += 31) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
    write(folder / "damaged.pt", damaged);
    refused += codes([&] { capture(folder / "damaged.pt", {input("x", "f32[2,3]")}); }).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 0u);
}

TEST(CaptureErrors, OtherArchivesAreNamed) {
  const Folder folder;
  const auto archive = [&](const std::string& name, const std::string& record) {
    caffe2::serialize::PyTorchStreamWriter writer((folder / name).string());
    writer.writeRecord(record, "x", 1);
    writer.writeEndOfFile();
    return message([&] { capture(folder / name, {}); });
  };
  EXPECT_THAT(archive("a.pt", "data.pkl"),
              ::testing::AllOf(HasSubstr("I103"), HasSubstr("state_dict"), HasSubstr("torch.jit.save")));
  EXPECT_THAT(archive("b.pt", "models/model.json"), ::testing::AllOf(HasSubstr("I103"), HasSubstr(".pt2")));
}

TEST(CaptureErrors, InputsThatDoNotFit) {
  const Folder folder;
  module_of("def forward(self, x, n: int):\n  return x + n\n").save((folder / "m.pt").string());
  const auto code = [&](std::vector<InputSpec> inputs) {
    return codes([&] { capture(folder / "m.pt", inputs); });
  };
  EXPECT_THAT(code({}), ElementsAre("I105"));
  EXPECT_THAT(code({input("x", "f32[2]")}), ElementsAre("I105"));
  EXPECT_THAT(code({input("x", "f32[2]"), input("n", "i64[]"), input("n", "i64[]")}), ElementsAre("I105"));
  EXPECT_THAT(code({input("x", "f32[2]"), input("m", "i64[]")}), ElementsAre("I106"));
  EXPECT_THAT(code({input("x", "f32[2]"), input("n", "f32[2]")}), ElementsAre("I107"));
  EXPECT_THAT(message([&] { capture(folder / "m.pt", {}); }), HasSubstr("forward(x: Tensor, n: int)"));
  module_of("def other(self, x):\n  return x\n").save((folder / "other.pt").string());
  EXPECT_THAT(codes([&] { capture(folder / "other.pt", {}); }), ElementsAre("I104"));
  EXPECT_THAT(message([&] { capture(folder / "other.pt", {}); }), HasSubstr("its methods are: other;"));
}

TEST(CaptureErrors, AllUnknownOperatorsAtOnceAndSchemasMakeThemKnown) {
  const Folder folder;
  module_of("def forward(self, x):\n  return torch.neg(torch.relu(x))\n").save((folder / "m.pt").string());
  rewrite_code(folder / "m.pt", folder / "acme.pt", [](std::string code) {
    for (const auto& [from, to] :
         {std::pair("torch.relu(", "ops.acme.swish2("), std::pair("torch.neg(", "ops.acme.flip2(")})
      code.replace(code.find(from), std::strlen(from), to);
    return code;
  });
  EXPECT_THAT(codes([&] { capture(folder / "acme.pt", {input("x", "f32[2]")}); }),
              ElementsAre("T501", "T501"));
  EXPECT_THAT(message([&] { capture(folder / "acme.pt", {}); }),
              ::testing::AllOf(HasSubstr("acme::swish2"), HasSubstr("acme::flip2")));

  CaptureOptions options;
  options.schemas =
      schemas_of({"acme::swish2(Tensor x) -> Tensor", "acme::flip2(Tensor x, *, float by=2.0) -> Tensor"});
  const Captured out = capture(folder / "acme.pt", {input("x", "f32[2]")}, options);
  EXPECT_THAT(operators(*out.graph), ElementsAre("acme::swish2", "acme::flip2"));

  TorchInterface& torch = *onnxport_torch_interface();
  const std::vector<Argument> inputs{value(at::ones({2}))};
  EXPECT_THAT(codes([&] { torch.evaluate(*out.graph, inputs, {}, {}); }), ElementsAre("V803"));
  const auto twice = [](const ir::Node&, const std::vector<Argument>& given, std::vector<Argument>& outputs) {
    outputs.at(0) = value(tensor(given.at(0)).mul(2));
    return true;
  };
  EXPECT_TRUE(tensor(torch.evaluate(*out.graph, inputs, {}, twice).at(0)).equal(at::ones({2}).mul(4)));
}

}  // namespace
}  // namespace onnxport::testing
