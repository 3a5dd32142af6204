#include "core/capture/exported_program/program_importer.h"

#include <algorithm>

#include "core/argument/torch_operators.h"
#include "core/capture/exported_program/weights.h"
#include "core/ir/schema_table.h"

namespace onnxport {
namespace {

constexpr int kDeepestGraph = 100;  // graphs within graphs; a file may not exhaust the stack

}  // namespace

// Checks that a program carries for PyTorch: they compute nothing.
bool ProgramImporter::is_assertion(std::string_view target) {
  return target == "torch.sym_constrain_range_for_size" || target == "torch._C._set_grad_enabled" ||
         (target.starts_with(kOperatorPrefix) && has_no_effect(operator_name(target)));
}

std::string ProgramImporter::operator_name(std::string_view target) {
  target.remove_prefix(kOperatorPrefix.size());
  const size_t first = target.find('.');
  const size_t last = target.rfind('.');
  if (first == std::string_view::npos || last == first) return std::string(target);
  std::string out =
      std::string(target.substr(0, first)) + "::" + std::string(target.substr(first + 1, last - first - 1));
  const std::string_view overload = target.substr(last + 1);
  return overload == "default" ? out : out + '.' + std::string(overload);
}

namespace {

// The last frame of the user's own code: "model.py:42".
std::string source_of(std::string_view trace) {
  std::string out;
  size_t at = 0;
  while ((at = trace.find("File \"", at)) != std::string_view::npos) {
    at += 6;
    const size_t end = trace.find('"', at);
    if (end == std::string_view::npos) break;
    const std::string_view file = trace.substr(at, end - at);
    constexpr std::string_view line_mark = ", line ";
    if (file.find("/torch/") != std::string_view::npos || file.starts_with("torch/") ||
        file.starts_with('<') || trace.substr(end + 1, line_mark.size()) != line_mark) {
      continue;
    }
    const size_t digits = end + 1 + line_mark.size();
    const size_t stop = std::min(trace.find_first_not_of("0123456789", digits), trace.size());
    out = std::string(file.substr(file.rfind('/') + 1)) + ':' +
          std::string(trace.substr(digits, stop - digits));
  }
  return out;
}

// "L__self__,,M;L__self__c,c,torch.nn.Conv2d" -> "c"
std::string module_path_of(std::string_view stack) {
  const std::string_view last = stack.substr(stack.rfind(';') + 1);
  const size_t first = last.find(',');
  if (first == std::string_view::npos || last.starts_with("_empty_nn_module")) return {};
  const size_t second = last.find(',', first + 1);
  return std::string(last.substr(first + 1, second == std::string_view::npos ? second : second - first - 1));
}

bool is_number(std::string_view tag) {
  return tag == "as_int" || tag == "as_float" || tag == "as_bool" || tag == "as_complex" ||
         tag.starts_with("as_sym_");
}

}  // namespace

ProgramImporter::ProgramImporter(ir::Graph& graph, const ProgramDims& dims,
                                 std::shared_ptr<const ir::CustomSchemas> custom_schemas)
    : graph_(graph), dims_(dims), block_(&graph.body()), custom_schemas_(std::move(custom_schemas)) {}

void ProgramImporter::finish() {
  if (!errors_.empty()) throw Error(std::move(errors_));
}

ir::Node* ProgramImporter::emit(std::string_view op, const std::vector<ir::Value*>& operands,
                                const ir::Schema* schema) {
  ir::Node* node = graph_.create(graph_.intern(op), operands, schema);
  node->set_provenance(provenance_);
  graph_.append(*block_, node);
  return node;
}

ir::Value* ProgramImporter::constant(ir::AttributeValue value, ir::Type type) {
  ir::Node* node = emit("prim::Constant", {});
  node->set_attribute(graph_.intern("value"), std::move(value));
  return node->add_output(std::move(type));
}

void ProgramImporter::write(ir::Value* target, ir::Value* value) {
  const std::string name = "aten::copy_";
  emit(name, {target, value, constant(false, ir::Type::boolean())}, schema_of(name, {}))
      ->add_output(target->type());
}

void ProgramImporter::unsupported(std::string_view op, std::string message, std::string hint) const {
  Location place;
  place.node = op;
  if (provenance_ != nullptr) {
    place.module_path = provenance_->module_path;
    place.source = provenance_->source;
  }
  throw Error("T541", std::move(message), std::move(place), std::move(hint));
}

std::vector<ir::Value*> ProgramImporter::import_graph(const Json& graph,
                                                      const std::vector<ir::Value*>& inputs) {
  if (depth_ >= kDeepestGraph)
    graph.refuse("is nested deeper than " + std::to_string(kDeepestGraph) + " graphs");
  Frame frame;
  frame.path = graph.path();
  for (const auto& [name, meta] : graph.at("tensor_values").members())
    frame.tensor_values.emplace(name, meta.raw());
  const Scope scope(*this, block_, &frame);
  const std::vector<Json> formal = graph.at("inputs").items();
  if (formal.size() != inputs.size()) {
    graph.refuse("takes " + std::to_string(formal.size()) + " inputs and gets " +
                 std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < formal.size(); ++i) {
    const auto [tag, value] = formal[i].tagged();
    if (inputs[i] == nullptr || !value.is_object()) continue;
    frame.values[value.at(value.has("name") ? "name" : "as_name").text()] = inputs[i];
  }
  for (const Json& node : graph.at("nodes").items()) import_node(node);
  std::vector<ir::Value*> results;
  provenance_ = nullptr;
  // A result of a node that could not be imported is missing: its own error says why.
  if (errors_.empty()) {
    for (const Json& output : graph.at("outputs").items()) results.push_back(argument(output, ""));
  }
  return results;
}

const ir::Provenance* ProgramImporter::provenance_of(const Json& node) {
  ir::Provenance p;
  if (node.has("metadata")) {
    const Json metadata = node.at("metadata");
    if (metadata.has("stack_trace")) p.source = source_of(metadata.at("stack_trace").text());
    if (metadata.has("nn_module_stack"))
      p.module_path = module_path_of(metadata.at("nn_module_stack").text());
  }
  if (node.has("name")) p.original_name = node.at("name").text();
  return graph_.keep(std::move(p));
}

void ProgramImporter::import_node(const Json& node) {
  const std::string_view target = node.at("target").text();
  if (is_assertion(target)) return;
  provenance_ = provenance_of(node);
  std::vector<Input> inputs;
  for (const Json& input : node.at("inputs").items()) {
    inputs.push_back({input.has("name") ? input.at("name").text() : std::string_view(), input.at("arg")});
  }
  try {
    if (import_higher_order(target, inputs, node) || import_python_operator(target, inputs, node)) return;
    if (!target.starts_with(kOperatorPrefix)) {
      unsupported(target, "this Python function is no operator that onnxport knows",
                  "replace it by operators of torch, or register it as a custom operator");
    }
    import_operator(target, inputs, node);
  } catch (const Error& e) {
    if (e.diagnostics().front().code != "T541") throw;
    // All of them are reported at once; what reads the results of a failed node says nothing.
    for (const Diagnostic& d : e.diagnostics()) {
      if (!d.message.empty()) errors_.push_back(d);
    }
  }
}

const ir::Schema* ProgramImporter::schema_of(const std::string& name, const std::vector<Input>& inputs) {
  const auto known = schemas_.find(name);
  if (known != schemas_.end()) return known->second;
  if (std::optional<ir::Schema> schema = find_aten_schema(name))
    return schemas_[name] = graph_.keep(*std::move(schema));
  if (const ir::CustomSchema* given = custom_schemas_ == nullptr ? nullptr : custom_schemas_->find(name))
    return schemas_[name] = graph_.keep(given->schema);
  // A custom operator that no manifest describes: the program names the arguments of this call.
  ir::Schema made;
  const size_t dot = name.find('.');
  made.name = name.substr(0, dot);
  if (dot != std::string::npos) made.overload = name.substr(dot + 1);
  for (const Input& input : inputs) {
    ir::SchemaArgument argument;
    argument.name = input.name;
    const std::string_view tag = input.argument.tagged().first;
    argument.type = tag == "as_tensor" ? "Tensor" : tag == "as_tensors" ? "Tensor[]" : "Any";
    made.arguments.push_back(std::move(argument));
  }
  made.more_returns = true;
  return graph_.keep_apart(std::move(made));
}

// A program may hand a number to an overload that wants a tensor: the overload for numbers is the one that
// promotes right.
const ir::Schema* ProgramImporter::schema_for_numbers(const ir::Schema* schema,
                                                      const std::vector<Input>& inputs) {
  if (schema->overload != "Tensor") return schema;
  const bool has_number = std::any_of(inputs.begin(), inputs.end(), [&](const Input& input) {
    const int at = schema->find(input.name);
    return at > 0 && schema->arguments[static_cast<size_t>(at)].type == "Tensor" &&
           is_number(input.argument.tagged().first);
  });
  if (!has_number) return schema;
  const std::string name = schema->name + ".Scalar";
  if (!find_aten_schema(name)) return schema;
  const ir::Schema* other = schema_of(name, inputs);
  return other->arguments.size() == schema->arguments.size() ? other : schema;
}

// A program and the schema of an operator that do not fit: of torch's own it is the program that is damaged, of
// another one the plugin that gives the schema may be of another release.
void ProgramImporter::misfit(const ir::Schema& schema, const Json& node, const std::string& what) const {
  const std::string name = schema.qualified_name();
  const ir::CustomSchema* given =
      custom_schemas_ == nullptr || find_aten_schema(name) ? nullptr : custom_schemas_->find(name);
  if (given == nullptr) node.refuse(what);
  throw Error(
      "C407",
      "the schema that plugin " + given->plugin + " gives for " + name + " does not fit the program, which " +
          what,
      given->location,
      "take the plugin's release for this model, or leave the plugin out: --disable-plugin " + given->plugin);
}

std::vector<ir::Value*> ProgramImporter::arguments_of(const ir::Schema& schema,
                                                      const std::vector<Input>& inputs, const Json& node) {
  std::vector<ir::Value*> out(schema.arguments.size(), nullptr);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int named = inputs[i].name.empty() ? static_cast<int>(i) : schema.find(inputs[i].name);
    if (named < 0 || static_cast<size_t>(named) >= out.size()) {
      misfit(schema, node,
             "gives " + schema.qualified_name() + " an argument '" + std::string(inputs[i].name) +
                 "' that it does not take");
    }
    const ir::SchemaArgument& wanted = schema.arguments[static_cast<size_t>(named)];
    ir::Value* value = argument(inputs[i].argument, wanted.type);
    if (wanted.type.starts_with("Tensor") && !wanted.is_list() && value->type().is_scalar()) {
      ir::Node* made = emit("prim::NumToTensor.Scalar", {value});
      value = made->add_output(ir::Type::tensor(ir::DType::undefined, ir::Shape{}));
    }
    out[static_cast<size_t>(named)] = value;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] != nullptr) continue;
    const ir::SchemaArgument& missing = schema.arguments[i];
    if (!missing.default_value)
      misfit(schema, node, "lacks the argument '" + missing.name + "' of " + schema.qualified_name());
    out[i] = default_of(missing);
  }
  return out;
}

ir::Value* ProgramImporter::default_of(const ir::SchemaArgument& argument) {
  const ir::DefaultValue& value = *argument.default_value;
  if (const auto* number = std::get_if<int64_t>(&value);
      number != nullptr && argument.type.starts_with("ScalarType")) {
    return constant(dtype_of_program(*number + 1), ir::Type::dtype_kind());  // a program counts from 1
  }
  return std::visit(
      [&]<typename T>(const T& v) {
        using ir::Type;
        Type type = Type::none();
        if constexpr (std::is_same_v<T, int64_t>) type = Type::integer();
        if constexpr (std::is_same_v<T, double>) type = Type::real();
        if constexpr (std::is_same_v<T, bool>) type = Type::boolean();
        if constexpr (std::is_same_v<T, std::string>) type = Type::string();
        if constexpr (std::is_same_v<T, std::vector<int64_t>>) type = Type::list(Type::integer());
        if constexpr (std::is_same_v<T, std::vector<double>>) type = Type::list(Type::real());
        if constexpr (std::is_same_v<T, std::vector<bool>>) type = Type::list(Type::boolean());
        return constant(v, type);
      },
      value);
}

void ProgramImporter::import_operator(std::string_view target, const std::vector<Input>& inputs,
                                      const Json& node) {
  std::string name = operator_name(target);
  // The same questions as TorchScript asks of a tensor.
  if (name == "aten::sym_size.int") name = "aten::size.int";
  if (name == "aten::sym_numel") name = "aten::numel";
  const ir::Schema* schema = schema_for_numbers(schema_of(name, inputs), inputs);
  if (schema->more_returns && node.at("outputs").items().empty()) {
    unsupported(
        name, "the operator returns nothing, and no plugin gives its schema: what it does is not known",
        "give its schema, with the marks of what it writes, in a plugin's manifest under provides.schemas");
  }
  const std::vector<ir::Value*> operands = arguments_of(*schema, inputs, node);
  ir::Node* made = emit(schema->qualified_name(), operands, schema);
  bind_outputs(made, node);
}

ir::Type ProgramImporter::recorded_type(std::string_view name) const {
  const auto found = frame_->tensor_values.find(name);
  if (found == frame_->tensor_values.end()) return ir::Type::tensor();
  return dims_.type(Json(found->second, frame_->path + ".tensor_values." + std::string(name)));
}

void ProgramImporter::bind_output(ir::Node* made, const Json& output) {
  const auto [tag, value] = output.tagged();
  const auto bind = [&](std::string_view name, ir::Value* v) {
    v->set_name(graph_.intern(name));
    frame_->values[name] = v;
  };
  if (tag == "as_tensor") {
    const std::string_view name = value.at("name").text();
    bind(name, made->add_output(recorded_type(name)));
  } else if (tag == "as_tensors" || tag == "as_optional_tensors") {
    ir::Value* whole = made->add_output(ir::Type::list(ir::Type::tensor()));
    ir::Node* unpack = emit("prim::ListUnpack", {whole});
    for (const Json& item : value.items()) {
      const Json tensor = item.has("as_tensor") ? item.at("as_tensor") : item;
      const std::string_view name = tensor.has("name") ? tensor.at("name").text() : std::string_view();
      ir::Value* v = unpack->add_output(recorded_type(name));
      if (!name.empty()) bind(name, v);
    }
  } else if (tag == "as_sym_int" || tag == "as_sym_float" || tag == "as_sym_bool") {
    ir::Type type = tag == "as_sym_int"     ? ir::Type::integer()
                    : tag == "as_sym_float" ? ir::Type::real()
                                            : ir::Type::boolean();
    ir::Value* v = made->add_output(std::move(type));
    if (value.has("as_name")) bind(value.at("as_name").text(), v);
  } else {
    made->add_output();
  }
}

void ProgramImporter::bind_outputs(ir::Node* made, const Json& node) {
  for (const Json& output : node.at("outputs").items()) bind_output(made, output);
  const ir::Schema* schema = made->schema();
  if (schema != nullptr && !schema->more_returns && made->output_count() > schema->returns.size()) {
    misfit(*schema, node,
           "has " + std::to_string(made->output_count()) + " results where " + schema->qualified_name() +
               " has " + std::to_string(schema->returns.size()));
  }
  // A program may leave out what nobody reads.
  while (schema != nullptr && made->output_count() < schema->returns.size()) made->add_output();
}

}  // namespace onnxport
