#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>

#include "unit/libtorch/models.h"

namespace onnxport::testing {
namespace {

// Captures the model and compares what our interpreter makes of it with the module itself.
void expect_equal(torch::jit::Module module, const std::vector<InputSpec>& specs,
                  const std::vector<at::Tensor>& inputs) {
  const Folder folder;
  module.save((folder / "m.pt").string());
  const Captured captured = capture(folder / "m.pt", specs);
  std::vector<Argument> given;
  std::vector<c10::IValue> eager;
  for (const at::Tensor& t : inputs) {
    given.push_back(value(t.clone()));
    eager.emplace_back(t.clone());
  }
  TorchInterface& torch = *onnxport_torch_interface();
  size_t seen = 0;
  const auto observer = [&](const ir::Value&, const Argument&) { ++seen; };
  const std::vector<Argument> first = torch.evaluate(*captured.graph, given, observer, {});
  const std::vector<Argument> second = torch.evaluate(*captured.graph, given, {}, {});
  const at::Tensor expected = module.forward(eager).toTensor();
  EXPECT_TRUE(tensor(first.at(0)).equal(expected));
  EXPECT_TRUE(tensor(second.at(0)).equal(expected)) << "evaluating must change neither weights nor inputs";
  EXPECT_GT(seen, 0u);
}

TEST(Evaluate, Modules) {
  expect_equal(linear(3, 4), {input("x", "f32[2,3]")}, {at::arange(6, at::kFloat).reshape({2, 3})});
}

TEST(Evaluate, ControlFlow) {
  expect_equal(module_of(R"(
def forward(self, x):
  y = x
  n = x.size(0)
  for i in range(n):
    if i % 2 == 0:
      y = y + x[i]
    else:
      y = y * 2
  while bool(y.sum() < 1000):
    y = y * 3
  return y
)"),
               {input("x", "f32[4,2]")}, {at::arange(8, at::kFloat).reshape({4, 2})});
}

TEST(Evaluate, ListsDictsAndStrings) {
  expect_equal(module_of(R"(
def forward(self, x):
  parts: List[Tensor] = []
  table: Dict[str, int] = {"a": 2}
  table["b"] = 3
  for i in range(3):
    parts.append(x * table["a"] + i)
  first, second = torch.split(x, [1, 1])
  size = x.shape
  if "b" in table and len(parts) == 3:
    parts.append(first + second)
  return torch.cat(parts) / size[-1]
)"),
               {input("x", "f32[2,2]")}, {at::arange(4, at::kFloat).reshape({2, 2})});
}

TEST(Evaluate, InPlaceWritesStayInside) {
  torch::jit::Module model("Model");
  model.register_buffer("state", at::ones({2, 2}));
  model.define(R"(
def forward(self, x):
  self.state.add_(1)
  v = x[0]
  v.mul_(2)
  x.select(0, 1).copy_(self.state[0])
  return x + self.state
)");
  const Folder folder;
  model.save((folder / "m.pt").string());
  const Captured captured = capture(folder / "m.pt", {input("x", "f32[2,2]")});
  const at::Tensor x = at::arange(4, at::kFloat).reshape({2, 2});
  const auto run = [&] {
    return tensor(onnxport_torch_interface()->evaluate(*captured.graph, {value(x)}, {}, {}).at(0)).clone();
  };
  const at::Tensor first = run();
  EXPECT_TRUE(run().equal(first));
  EXPECT_TRUE(x.equal(at::arange(4, at::kFloat).reshape({2, 2})));
  EXPECT_TRUE(first.equal(model.forward({x.clone()}).toTensor()));
}

TEST(Evaluate, ExceptionsOfTheModelAreErrors) {
  const Folder folder;
  module_of("def forward(self, x):\n  assert x.size(0) < 2, \"too long\"\n  return x\n")
      .save((folder / "m.pt").string());
  const Captured captured = capture(folder / "m.pt", {input("x", "f32[n]")});
  EXPECT_THAT(
      codes([&] { onnxport_torch_interface()->evaluate(*captured.graph, {value(at::ones({2}))}, {}, {}); }),
      ::testing::ElementsAre("V804"));
  EXPECT_THAT(codes([&] { onnxport_torch_interface()->evaluate(*captured.graph, {}, {}, {}); }),
              ::testing::ElementsAre("V804"));
}

}  // namespace
}  // namespace onnxport::testing
