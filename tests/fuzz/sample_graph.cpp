#include "fuzz/sample_graph.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "fuzz/refusals.h"

namespace onnxport::fuzz {
namespace {

ir::Tensor floats(std::vector<int64_t> dims, float value) {
  int64_t count = 1;
  for (const int64_t d : dims) count *= d;
  return ir::Tensor::of<float>(ir::DType::f32, std::move(dims),
                               std::vector<float>(static_cast<size_t>(count), value));
}

constexpr std::string_view kManifest =
    "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\nprovides:\n"
    "  domains: [{name: com.test, version: 3}]\n  mappings: [{torch: test::y, onnx: com.test::Y}]\n";

std::unique_ptr<Registry> read_registry() {
  std::string folder = (std::filesystem::temp_directory_path() / "onnxport-fuzz-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) stop("no folder for the manifest");
  const std::filesystem::path file = std::filesystem::path(folder) / "test.onnxport.yaml";
  std::ofstream(file) << kManifest;
  PluginOptions options;
  options.files = {file};
  options.default_paths = options.builtin = false;
  options.options["com.test.plugin"] = {{"level", "7"}, {"name", "x"}, {"fast", "true"}, {"scale", "0.5"}};
  auto registry = std::make_unique<Registry>(options, plugin_host());
  std::filesystem::remove_all(folder);
  return registry;
}

}  // namespace

std::unique_ptr<ir::Graph> sample_graph() {
  auto graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
  graph->opsets[""] = kPivotOpset;
  GraphBuilder e(*graph, kPivotOpset);
  ir::Value* x = graph->add_input("x", *ir::Type::parse("f32[n,4]"));
  ir::Value* c = graph->add_input("c", *ir::Type::parse("bool[]"));
  ir::Value* image = graph->add_input("k", *ir::Type::parse("f32[1,3,8,8]"));
  ir::Value* w = graph->add_initializer("w", floats({4, 4}, 0.5f));
  ir::Value* b = graph->add_initializer("b", floats({4}, 0.25f));
  const auto linear = [&](ir::Value* v) { return e.emit1("Add", {e.emit1("MatMul", {v, w}), b}); };
  ir::Value* y = linear(x);
  ir::Value* gated = e.emit1("Mul", {y, e.emit1("Sigmoid", {y})});
  e.begin_block({});
  ir::Block* yes = e.end_block({{linear(gated)}});
  e.begin_block({});
  ir::Block* no = e.end_block({{e.emit1("Relu", {gated})}});
  ir::Value* chosen = e.emit1("If", {c}, {e.attribute("then_branch", yes), e.attribute("else_branch", no)});
  ir::Value* turned = e.emit1("Transpose", {chosen}, {e.attribute("perm", std::vector<int64_t>{1, 0})});
  ir::Value* pool = e.emit1("GlobalAveragePool", {image});
  ir::Value* flat = e.emit1("Reshape", {pool, e.constant(ir::Tensor::ints({1, -1}))});
  ir::Value* sum = e.emit1("Add", {e.emit1("Mul", {x, x}), e.constant(floats({}, 1))});
  graph->body().set_results(std::vector<ir::Value*>{
      e.emit1("Softmax", {turned}, {e.attribute("axis", int64_t{-1})}), e.emit1("Relu", {flat}), sum});
  graph->output_names = {"y", "z", "s"};
  return graph;
}

std::vector<ir::Node*> nodes_of(ir::Graph& graph) {
  std::vector<ir::Node*> out;
  ir::for_each_node(graph.body(), [&](ir::Node* node) { out.push_back(node); });
  return out;
}

bool is_in_graph(const ir::Node* node) {
  while (node->parent() != nullptr) {
    if (node->parent()->owner() == nullptr) return true;
    node = node->parent()->owner();
  }
  return false;
}

Registry& one_plugin() {
  static const auto read = read_registry();
  return *read;
}

}  // namespace onnxport::fuzz
