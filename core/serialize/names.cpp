#include "core/serialize/names.h"

#include <algorithm>
#include <cctype>

#include "onnxport/errors.h"

namespace onnxport {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// `wanted`, or `wanted_1`, `wanted_2`, … whichever is free.
std::string unique(std::unordered_set<std::string>& taken,
                   std::unordered_map<std::string, size_t>& next_suffix, const std::string& wanted) {
  if (taken.insert(wanted).second) return wanted;
  size_t& n = next_suffix[wanted];
  std::string candidate;
  do {
    candidate = wanted + '_' + std::to_string(++n);
  } while (!taken.insert(candidate).second);
  return candidate;
}

}  // namespace

std::string scope_of_module(std::string_view module_path) {
  std::string out = "/";
  bool first = true;
  while (!module_path.empty()) {
    const size_t dot = module_path.find('.');
    const std::string_view part = module_path.substr(0, dot);
    module_path = dot == std::string_view::npos ? std::string_view() : module_path.substr(dot + 1);
    if (!first && is_number(part)) out.back() = '.';  // an element of a ModuleList belongs to its list
    out.append(part).push_back('/');
    first = false;
  }
  return out;
}

std::pair<std::string_view, std::string_view> split_op(std::string_view op) {
  const size_t colons = op.find("::");
  if (colons == std::string_view::npos) return {{}, op};
  return {op.substr(0, colons), op.substr(colons + 2)};
}

Names::Names(const ir::Graph& graph, const onnx::GraphFacts* facts) : graph_(graph), facts_(facts) {
  if (facts_ != nullptr) {
    for (const pb::TensorProto& tensor : facts_->unused_tensors) taken_.insert(tensor.name());
  }
  name_inputs();
  name_outputs();
  name_initializers();
  name_block(graph.body());
}

std::string Names::fresh(std::string_view wanted) {
  return unique(taken_, next_suffix_, std::string(wanted));
}

void Names::name_inputs() {
  const auto parameters = graph_.body().parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    std::string name = i < graph_.input_names.size() ? graph_.input_names[i] : std::string();
    if (name.empty()) name = parameters[i]->name().text();
    if (name.empty()) name = "input_" + std::to_string(i);
    if (!taken_.insert(name).second) {
      throw Error("S704", "two graph inputs are called '" + name + "'", {}, "give each input its own name");
    }
    values_[parameters[i]] = name;
  }
}

// A file may return what it is given, or a weight.
bool Names::is_output_already(const ir::Value& value, const std::string& name) const {
  return facts_ != nullptr && value.producer() == nullptr && value.name() == std::string_view(name);
}

void Names::name_outputs() {
  const ir::Block& body = graph_.body();
  for (size_t i = 0; i < body.result_count(); ++i) {
    const ir::Value* value = body.result(i);
    std::string name = i < graph_.output_names.size() ? graph_.output_names[i] : std::string();
    if (name.empty() && value->producer() != nullptr) name = value->name().text();
    if (name.empty()) name = "output_" + std::to_string(i);
    if (is_output_already(*value, name)) {
      taken_.insert(name);
      values_.try_emplace(value, name);
      outputs_.push_back(name);
      continue;
    }
    if (!taken_.insert(name).second) {
      throw Error("S704", "the name '" + name + "' is given to an output and to another input or output", {},
                  "give each input and output its own name");
    }
    outputs_.push_back(name);
    if (value->producer() == nullptr || !values_.try_emplace(value, name).second) copied_outputs_.insert(i);
  }
}

void Names::name_initializers() {
  size_t unnamed = 0;
  for (const ir::Value* value : graph_.initializers()) {
    if (!value->has_uses() || values_.contains(value)) continue;
    const std::string given(value->name().text());
    values_[value] = fresh(given.empty() ? "const_" + std::to_string(unnamed++) : given);
  }
}

void Names::name_block(const ir::Block& block) {
  for (const ir::Node* node : block) name_node(*node);
}

void Names::name_node(const ir::Node& node) {
  std::string wanted(node.name().text());
  if (wanted.empty()) {
    const ir::Provenance* from = node.provenance();
    wanted = scope_of_module(from == nullptr ? std::string_view() : std::string_view(from->module_path));
    wanted += split_op(node.op_text()).second;
  }
  const std::string name = unique(taken_nodes_, next_suffix_, wanted);
  nodes_[&node] = name;

  for (const ir::Value* output : node.outputs()) {
    if (values_.contains(output)) continue;
    const std::string given(output->name().text());
    values_[output] = fresh(given.empty() ? name + "_output_" + std::to_string(output->index()) : given);
  }
  for (const ir::Block* inner : node.blocks()) {
    for (const ir::Value* parameter : inner->parameters()) {
      const std::string given(parameter->name().text());
      values_[parameter] = fresh(given.empty() ? name + "/in_" + std::to_string(parameter->index()) : given);
    }
    name_block(*inner);
  }
}

}  // namespace onnxport
