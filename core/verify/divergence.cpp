// What is told of a difference: the first node whose value differs, and the inputs and outputs as files.
#include <algorithm>

#include "core/onnx/read_model.h"
#include "core/serialize/scratch_folder.h"
#include "core/serialize/serialize.h"
#include "core/verify/verifier.h"

namespace onnxport {

void Verifier::find_divergence(const std::vector<ir::Tensor>& inputs, VerifyRun& run) {
  std::map<std::string, ir::Tensor, std::less<>> computed;
  evaluate(inputs, [&](const ir::Value& value, const Argument& v) {
    if (v.as<ir::Tensor>() != nullptr && value.producer() != nullptr &&
        !origin_of(*value.producer()).empty() && value.index() == 0) {
      computed[origin_of(*value.producer())] = *v.as<ir::Tensor>();
    }
  });
  try {
    const std::unique_ptr<ir::Graph> graph = read_model(onnx_);
    // The last node made of a torch operator holds its result.
    std::map<std::string, ir::Node*> last;
    std::vector<std::pair<std::string, ir::Node*>> order;
    for (ir::Node* node : graph->body()) {
      const ir::Provenance* p = node->provenance();
      if (p != nullptr && computed.contains(origin_of(*node)) && node->output_count() != 0)
        last[origin_of(*node)] = node;
    }
    for (ir::Node* node : graph->body()) {
      const ir::Provenance* p = node->provenance();
      if (p == nullptr) continue;
      const auto found = last.find(origin_of(*node));
      if (found == last.end() || found->second != node) continue;
      order.emplace_back(found->first, node);
    }
    if (order.empty()) {
      run.message += "; no node of the file says which operator of the model it is of, so none can be named";
      return;
    }
    std::vector<ir::Value*> results;
    graph->output_names.clear();
    for (const auto& [name, node] : order) {
      results.push_back(node->output());
      graph->output_names.push_back("onnxport_probe_" + std::to_string(results.size()));
    }
    graph->body().set_results(results);
    const ScratchFolder scratch;
    const std::filesystem::path file = scratch.path() / "probe.onnx";
    write_model(*graph, file, {});
    OrtSession session(file, options_.ort_libraries);
    const std::vector<ir::Tensor> actual = session.run(feeds(session, inputs));
    for (size_t i = 0; i < order.size() && i < actual.size(); ++i) {
      const ir::Tensor& expected = computed.find(order[i].first)->second;
      if (expected.dims() != actual[i].dims() || expected.dtype() != actual[i].dtype())
        continue;  // inside an operator
      if (compare(expected, actual[i], options_.rtol, options_.atol).equal) continue;
      const ir::Node* node = order[i].second;
      run.first_diverging_node = std::string(node->name().empty() ? node->op_text() : node->name().text());
      run.message += "; the first node that differs is " + run.first_diverging_node + " (" +
                     std::string(node->op_text()) +
                     (node->provenance()->source.empty() ? "" : ", " + node->provenance()->source) + ")";
      if (options_.write_case) write_node_case(order[i].first, expected, inputs);
      return;
    }
  } catch (const Error& e) {
    run.message += "; the first diverging node could not be found: " + e.diagnostics().front().message;
  }
}

namespace {

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error("S705", "the folder " + folder.string() + " cannot be made: " + error.message());
}

// A node and what is in its blocks.
template <typename Visit>
void each_inside(ir::Node* node, Visit&& visit) {
  visit(node);
  for (ir::Block* block : node->blocks()) ir::for_each_node(*block, visit);
}

// What the nodes of a group read and none of them makes: by use, so that it can be replaced there.
std::map<ir::Value*, std::vector<std::pair<ir::Node*, size_t>>> reads_of(
    const std::vector<ir::Node*>& group) {
  std::map<ir::Value*, std::vector<std::pair<ir::Node*, size_t>>> out;
  std::set<const ir::Value*> own;
  const auto add_own = [&](ir::Node* node) {
    own.insert(node->outputs().begin(), node->outputs().end());
    for (ir::Block* block : node->blocks())
      own.insert(block->parameters().begin(), block->parameters().end());
  };
  for (ir::Node* node : group) each_inside(node, add_own);
  for (ir::Node* node : group) {
    each_inside(node, [&](ir::Node* inner) {
      for (size_t i = 0; i < inner->operand_count(); ++i) {
        ir::Value* v = inner->operand(i);
        if (v != nullptr && !v->is_constant() && !own.contains(v)) out[v].emplace_back(inner, i);
      }
    });
  }
  return out;
}

}  // namespace

// The nodes of the file that the model's node `origin` became, as a model of their own that reads what ONNX Runtime gave
// them, and must give what libtorch did.
void Verifier::write_node_case(const std::string& origin, const ir::Tensor& expected,
                               const std::vector<ir::Tensor>& inputs) {
  const std::unique_ptr<ir::Graph> graph = read_model(onnx_);
  std::vector<ir::Node*> group;
  std::vector<ir::Node*> others;
  for (ir::Node* node : graph->body()) {
    (origin_of(*node) == origin ? group : others).push_back(node);
  }
  const auto reads = reads_of(group);
  std::vector<ir::Value*> probes;
  graph->output_names.clear();
  for (const auto& [value, uses] : reads) {
    probes.push_back(value);
    graph->output_names.push_back("read_" + std::to_string(probes.size() - 1));
  }
  std::vector<ir::Tensor> given = inputs;
  if (!probes.empty()) {
    graph->body().set_results(probes);
    const ScratchFolder scratch;
    write_model(*graph, scratch.path() / "probe.onnx", {});
    OrtSession session(scratch.path() / "probe.onnx", options_.ort_libraries);
    for (ir::Tensor& t : session.run(feeds(session, inputs))) given.push_back(std::move(t));
  }
  for (size_t i = 0; i < probes.size(); ++i) {
    const std::string name = "read_" + std::to_string(i);
    ir::Value* input = graph->add_input(name, given[inputs.size() + i].type());
    graph->input_names.push_back(name);
    for (const auto& [node, k] : reads.at(probes[i])) node->set_operand(k, input);
  }
  ir::Value* result = group.back()->output();
  graph->body().set_results(std::span<ir::Value* const>(&result, 1));
  graph->output_names = {"output_0"};
  std::for_each(others.rbegin(), others.rend(), [&](ir::Node* node) { graph->erase(node); });
  graph->remove_unused_initializers();
  const std::filesystem::path folder = *options_.write_case / "first_difference";
  make_folder(folder / "test_data_set_0");
  SerializeOptions serialize;
  serialize.weights = Weights::inline_;
  write_model(*graph, folder / "model.onnx", serialize);
  for (size_t i = 0; i < given.size(); ++i) {
    write_tensor_file(as_onnx_input(given[i]), graph->input_names[i],
                      folder / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb"));
  }
  write_tensor_file(as_onnx_input(expected), "output_0", folder / "test_data_set_0" / "output_0.pb");
}

void Verifier::write_case(const std::vector<ir::Tensor>& inputs,
                          const std::vector<ir::Tensor>& outputs) const {
  const std::filesystem::path folder = *options_.write_case / "test_data_set_0";
  make_folder(folder);
  for (size_t i = 0; i < inputs.size(); ++i) {
    write_tensor_file(as_onnx_input(inputs[i]), captured_.input_names[i],
                      folder / ("input_" + std::to_string(i) + ".pb"));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    write_tensor_file(as_onnx_input(outputs[i]), "output_" + std::to_string(i),
                      folder / ("output_" + std::to_string(i) + ".pb"));
  }
}

}  // namespace onnxport
