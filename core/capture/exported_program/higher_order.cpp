// cond, while_loop, scan, map and the wrappers around graphs: regions of prim::If, prim::Loop and prim::Scan,
// or nothing at all.
#include <limits>

#include "core/capture/exported_program/program_importer.h"

namespace onnxport {
namespace {

// A condition is imported twice, before the loop and at the end of its body: a loop within it four times, …
constexpr int kDeepestCondition = 6;

class Within {
 public:
  explicit Within(int& count) : count_(count) { ++count_; }
  ~Within() { --count_; }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  int& count_;
};

}  // namespace

std::vector<std::string_view> ProgramImporter::output_names(const Json& node) {
  std::vector<std::string_view> out;
  for (const Json& output : node.at("outputs").items()) {
    const auto [tag, value] = output.tagged();
    if (value.is_array()) {
      for (const Json& item : value.items()) {
        const Json inner = item.has("as_tensor") ? item.at("as_tensor") : item;
        out.push_back(inner.has("name")      ? inner.at("name").text()
                      : inner.has("as_name") ? inner.at("as_name").text()
                                             : std::string_view());
      }
    } else if (value.is_object() && value.has("name")) {
      out.push_back(value.at("name").text());
    } else if (value.is_object() && value.has("as_name")) {
      out.push_back(value.at("as_name").text());
    } else {
      out.emplace_back();
    }
  }
  return out;
}

void ProgramImporter::bind_results(const std::vector<ir::Value*>& results, const Json& node) {
  const std::vector<std::string_view> names = output_names(node);
  for (size_t i = 0; i < names.size() && i < results.size(); ++i) {
    if (!names[i].empty()) frame_->values[names[i]] = results[i];
  }
}

std::vector<ir::Value*> ProgramImporter::flat_tensors(const std::vector<Input>& inputs, size_t first) {
  std::vector<ir::Value*> out;
  for (size_t i = first; i < inputs.size(); ++i) {
    const auto [tag, value] = inputs[i].argument.tagged();
    if (tag == "as_tensors") {
      for (const Json& item : value.items()) out.push_back(find(item.at("name")));
    } else if (tag == "as_sym_ints") {
      for (const Json& item : value.items()) out.push_back(symbolic(item, ir::Type::integer()));
    } else if (tag == "as_ints") {
      for (const Json& item : value.items()) out.push_back(constant(item.integer(), ir::Type::integer()));
    } else if (tag != "as_string") {  // a wrapper's label is no value
      out.push_back(argument(inputs[i].argument, ""));
    }
  }
  return out;
}

ir::Value* ProgramImporter::as_bool(ir::Value* value) {
  if (value->type().kind() == ir::Type::Kind::boolean) return value;
  return emit("aten::Bool.Tensor", {value}, schema_of("aten::Bool.Tensor", {}))
      ->add_output(ir::Type::boolean());
}

std::vector<ir::Value*> ProgramImporter::import_results(const Json& graph,
                                                        const std::vector<ir::Value*>& inputs, size_t count) {
  std::vector<ir::Value*> results = import_graph(graph, inputs);
  // Silent: something in the graph could not be imported, and is reported as such.
  if (!errors_.empty()) throw Error("T541", "");
  if (results.size() != count) {
    graph.refuse("has " + std::to_string(results.size()) + " results where " + std::to_string(count) +
                 " are needed");
  }
  return results;
}

void ProgramImporter::import_region(ir::Node* owner, const Json& graph, const std::vector<ir::Value*>& inputs,
                                    size_t results) {
  const Scope scope(*this, owner->add_block(), frame_);
  block_->set_results(import_results(graph, inputs, results));
}

// A tensor is typed as the program records it, a number as the region makes it.
void ProgramImporter::add_region_outputs(ir::Node* region, std::span<ir::Value* const> results,
                                         const Json& node) {
  const std::vector<std::string_view> names = output_names(node);
  std::vector<ir::Value*> outputs;
  for (size_t i = 0; i < names.size(); ++i) {
    outputs.push_back(
        region->add_output(results[i]->type().is_tensor() ? recorded_type(names[i]) : results[i]->type()));
  }
  bind_results(outputs, node);
}

void ProgramImporter::import_cond(const std::vector<Input>& inputs, const Json& node) {
  if (inputs.size() < 3) node.refuse("is a cond of fewer than three arguments");
  ir::Value* const condition = as_bool(argument(inputs[0].argument, ""));
  const std::vector<ir::Value*> operands = flat_tensors(inputs, 3);
  ir::Node* made = emit("prim::If", {condition});
  std::vector<ir::Value*> results;
  for (const size_t branch : {size_t{1}, size_t{2}}) {
    import_region(made, inputs[branch].argument.at("as_graph").at("graph"), operands,
                  output_names(node).size());
  }
  for (size_t i = 0; i < made->blocks()[0]->result_count(); ++i)
    results.push_back(made->blocks()[0]->result(i));
  add_region_outputs(made, results, node);
}

void ProgramImporter::import_while(const std::vector<Input>& inputs, const Json& node) {
  if (inputs.size() < 3) node.refuse("is a while_loop of fewer than three arguments");
  const Json condition = inputs[0].argument.at("as_graph").at("graph");
  const Json body = inputs[1].argument.at("as_graph").at("graph");
  const std::vector<ir::Value*> carried = flat_tensors({inputs[2]}, 0);
  if (carried.size() != output_names(node).size()) node.refuse("has more or fewer results than it carries");
  const std::vector<ir::Value*> additional = flat_tensors(inputs, 3);
  const auto with_additional = [&](std::vector<ir::Value*> values) {
    values.insert(values.end(), additional.begin(), additional.end());
    return values;
  };
  const auto asks = [&](const std::vector<ir::Value*>& values) {
    const Within inside(conditions_);
    if (conditions_ > kDeepestCondition) node.refuse("holds loops in the conditions of loops");
    return as_bool(import_results(condition, with_additional(values), 1)[0]);
  };
  std::vector<ir::Value*> operands = {constant(std::numeric_limits<int64_t>::max(), ir::Type::integer()),
                                      asks(carried)};
  operands.insert(operands.end(), carried.begin(), carried.end());
  ir::Node* made = emit("prim::Loop", operands);
  {
    const Scope scope(*this, made->add_block(), frame_);
    block_->add_parameter(ir::Type::integer());
    std::vector<ir::Value*> parameters;
    for (const ir::Value* v : carried) parameters.push_back(block_->add_parameter(v->type()));
    std::vector<ir::Value*> results = import_results(body, with_additional(parameters), carried.size());
    results.insert(results.begin(), asks(results));
    block_->set_results(results);
  }
  add_region_outputs(made, carried, node);
}

// scan(body, states, sequences, additional), and map(body, sequences, additional), which has no states:
// `states_at` is where the states are, or 0.
void ProgramImporter::import_scan(const std::vector<Input>& inputs, size_t states_at, const Json& node) {
  const size_t sequences_at = states_at + 1;
  if (inputs.size() <= sequences_at) node.refuse("has fewer arguments than a scan takes");
  const std::vector<ir::Value*> states =
      states_at == 0 ? std::vector<ir::Value*>() : flat_tensors({inputs[states_at]}, 0);
  const std::vector<ir::Value*> sequences = flat_tensors({inputs[sequences_at]}, 0);
  const std::vector<ir::Value*> additional = flat_tensors(inputs, sequences_at + 1);
  if (sequences.empty()) node.refuse("goes over no tensor");
  std::vector<ir::Value*> operands = states;
  operands.insert(operands.end(), sequences.begin(), sequences.end());
  ir::Node* made = emit("prim::Scan", operands);
  made->set_attribute(graph_.intern("states"), static_cast<int64_t>(states.size()));
  const size_t results = output_names(node).size();
  {
    const Scope scope(*this, made->add_block(), frame_);
    std::vector<ir::Value*> parameters;
    for (const ir::Value* v : states) parameters.push_back(block_->add_parameter(v->type()));
    for (const ir::Value* v : sequences) {
      const ir::Type& whole = v->type();
      parameters.push_back(block_->add_parameter(
          whole.rank() < 1 ? ir::Type::tensor(whole.dtype())
                           : ir::Type::tensor(whole.dtype(),
                                              ir::Shape(whole.shape()->begin() + 1, whole.shape()->end()))));
    }
    parameters.insert(parameters.end(), additional.begin(), additional.end());
    block_->set_results(import_results(inputs[0].argument.at("as_graph").at("graph"), parameters, results));
  }
  std::vector<ir::Value*> outputs;
  for (const std::string_view name : output_names(node))
    outputs.push_back(made->add_output(recorded_type(name)));
  bind_results(outputs, node);
}

// A graph behind a wrapper that changes no numbers: what it computes, here.
void ProgramImporter::import_inlined(const std::vector<Input>& inputs, const Json& node) {
  size_t at = 0;
  while (at < inputs.size() && inputs[at].argument.tagged().first != "as_graph") ++at;
  if (at == inputs.size()) node.refuse("wraps no graph");
  bind_results(import_graph(inputs[at].argument.at("as_graph").at("graph"), flat_tensors(inputs, at + 1)),
               node);
}

// wrap_with_autocast(device_type, dtype, enabled, …): the casts of an enabled one are not in its graph.
bool ProgramImporter::casts(const std::vector<Input>& inputs) {
  if (inputs.size() < 3) return true;
  const auto [tag, enabled] = inputs[2].argument.tagged();
  return tag != "as_bool" || enabled.boolean();
}

bool ProgramImporter::import_higher_order(std::string_view target, const std::vector<Input>& inputs,
                                          const Json& node) {
  constexpr std::string_view prefix = "torch.ops.higher_order.";
  if (!target.starts_with(prefix)) return false;
  const std::string_view name = target.substr(prefix.size());
  if (name == "cond") {
    import_cond(inputs, node);
  } else if (name == "while_loop") {
    import_while(inputs, node);
  } else if (name == "scan") {
    import_scan(inputs, 1, node);
  } else if (name == "map_impl" || name == "map") {
    import_scan(inputs, 0, node);
  } else if (name == "auto_functionalized" || name == "auto_functionalized_v2") {
    import_auto_functionalized(inputs, node);
  } else if (name == "invoke_subgraph" || name == "wrap" || name == "wrap_with_set_grad_enabled" ||
             (name == "wrap_with_autocast" && !casts(inputs))) {
    import_inlined(inputs, node);
  } else {
    unsupported(target, "the higher-order operator '" + std::string(name) + "' is not read yet",
                name == "wrap_with_autocast"
                    ? "export the program without autocast, or convert the model's dtype first"
                    : "write a loop with torch.while_loop, or unroll it in forward");
  }
  return true;
}

}  // namespace onnxport
