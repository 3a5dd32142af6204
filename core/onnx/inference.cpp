#include "core/onnx/inference.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/onnx/node_context.h"
#include "onnxport/errors.h"

namespace onnxport::onnx {

std::pair<std::string_view, std::string_view> split_op(std::string_view op) {
  const size_t at = op.rfind("::");
  if (at == std::string_view::npos) return {{}, op};
  const std::string_view domain = op.substr(0, at);
  return {domain == "ai.onnx" ? std::string_view() : domain, op.substr(at + 2)};
}

std::string text(const NodeView& node) {
  std::string out(node.domain);
  if (!out.empty()) out += "::";
  out += node.op_type;
  out += '(';
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (i > 0) out += ", ";
    out += node.inputs[i] == nullptr ? "-" : node.inputs[i]->type().text();
  }
  return out + ')';
}

namespace {

[[noreturn]] void fail(const NodeView& node, const std::string& what, std::string hint = {}) {
  throw Error("T510", text(node) + ": " + what, {}, std::move(hint));
}

std::string count_text(size_t least, size_t most) {
  if (least == most) return std::to_string(least);
  if (most > 1'000'000) return "at least " + std::to_string(least);
  return std::to_string(least) + " to " + std::to_string(most);
}

// What the type variables of a schema were bound to by the inputs.
class Bindings {
 public:
  // The index of the input that bound the variable to another dtype, or -1.
  int bind(const std::string& variable, ir::DType dtype, size_t input) {
    for (const Binding& b : bound_) {
      if (*b.variable == variable) return b.dtype == dtype ? -1 : static_cast<int>(b.input);
    }
    bound_.push_back({&variable, dtype, input});
    return -1;
  }
  ir::DType find(const std::string& variable) const {
    for (const Binding& b : bound_) {
      if (*b.variable == variable) return b.dtype;
    }
    return ir::DType::undefined;
  }

 private:
  struct Binding {
    const std::string* variable;
    ir::DType dtype;
    size_t input;
  };
  std::vector<Binding> bound_;
};

std::string input_text(const Parameter& parameter, size_t index) {
  return "input " + std::to_string(index) + " (" + parameter.name + ")";
}

void check_inputs(const NodeView& node, const Signature& signature, Bindings& bindings) {
  const size_t count = node.inputs.size();
  if (count < signature.min_inputs || count > signature.max_inputs) {
    fail(node, "takes " + count_text(signature.min_inputs, signature.max_inputs) + " inputs, but is given " +
                   std::to_string(count));
  }
  for (size_t i = 0; i < count; ++i) {
    const Parameter& parameter = signature.input(i);
    const ir::Value* value = node.inputs[i];
    if (value == nullptr) {
      if (!parameter.optional) fail(node, input_text(parameter, i) + " is required, but absent");
      continue;
    }
    const ir::Type& type = value->type();
    if (!parameter.allows(type)) {
      fail(node,
           input_text(parameter, i) + " is " + type.text() + "; allowed are " + parameter.allowed_text() +
               " at opset of since-version " + std::to_string(signature.schema->since_version()),
           "cast the input to an allowed type");
    }
    if (!parameter.homogeneous || !type.is_tensor() || type.dtype() == ir::DType::undefined) continue;
    const int other = bindings.bind(parameter.type_name, type.dtype(), i);
    if (other >= 0) {
      const auto at = static_cast<size_t>(other);
      fail(node,
           input_text(parameter, i) + " is " + std::string(ir::short_name(type.dtype())) + ", but " +
               input_text(signature.input(at), at) + " is " +
               std::string(ir::short_name(node.inputs[at]->type().dtype())) +
               "; they must have one element type",
           "cast one of them");
    }
  }
}

pb::AttributeProto::AttributeType kind_of(const ir::AttributeValue& value) {
  using A = pb::AttributeProto;
  // In the order of the variant's alternatives.
  static constexpr std::array kinds = {A::UNDEFINED, A::INT,   A::FLOAT,  A::INT,  A::STRING,
                                       A::INT,       A::INTS,  A::FLOATS, A::INTS, A::STRINGS,
                                       A::TENSOR,    A::GRAPH, A::FLOATS};
  static_assert(kinds.size() == std::variant_size_v<ir::AttributeValue>);
  return kinds.at(value.index());
}

std::string_view name_of(pb::AttributeProto::AttributeType kind) {
  switch (kind) {
    case pb::AttributeProto::INT:
      return "an int";
    case pb::AttributeProto::FLOAT:
      return "a float";
    case pb::AttributeProto::STRING:
      return "a string";
    case pb::AttributeProto::INTS:
      return "a list of ints";
    case pb::AttributeProto::FLOATS:
      return "a list of floats";
    case pb::AttributeProto::STRINGS:
      return "a list of strings";
    case pb::AttributeProto::TENSOR:
      return "a tensor";
    case pb::AttributeProto::GRAPH:
      return "a block";
    default:
      return "of another kind";
  }
}

void check_attributes(const NodeView& node, const Signature& signature) {
  const auto& declared = signature.schema->attributes();
  for (const ir::Attribute& attribute : node.attributes) {
    const std::string name(attribute.name.text());
    const auto found = declared.find(name);
    if (found == declared.end()) {
      fail(node, "has no attribute '" + name + "' since version " +
                     std::to_string(signature.schema->since_version()));
    }
    const auto expected = found->second.type;
    const auto given = kind_of(attribute.value);
    if (given != expected) {
      fail(node, "attribute '" + name + "' must be " + std::string(name_of(expected)) + ", but is " +
                     std::string(name_of(given)));
    }
  }
  for (const auto& [name, attribute] : declared) {
    if (!attribute.required) continue;
    const auto is_it = [wanted = std::string_view(name)](const ir::Attribute& a) { return a.name == wanted; };
    if (std::none_of(node.attributes.begin(), node.attributes.end(), is_it))
      fail(node, "attribute '" + name + "' is required, but absent");
  }
}

// "[ShapeInferenceError] Incompatible dimensions" -> "Incompatible dimensions".
std::string plain(std::string_view what) {
  if (!what.empty() && what.front() == '[') {
    const size_t end = what.find("] ");
    if (end != std::string_view::npos) what.remove_prefix(end + 2);
  }
  while (!what.empty() && (what.back() == '\n' || what.back() == ' ')) what.remove_suffix(1);
  return std::string(what);
}

// What the schema alone says of an output that its inference left without an element type.
ir::Type complete(ir::Type inferred, const Parameter& parameter, const Bindings& bindings) {
  if (inferred.is_tensor() && inferred.dtype() != ir::DType::undefined) return inferred;
  if (inferred.kind() != ir::Type::Kind::unknown && !inferred.is_tensor()) return inferred;
  ir::DType dtype = bindings.find(parameter.type_name);
  if (dtype == ir::DType::undefined && std::has_single_bit(parameter.tensors)) {
    dtype = static_cast<ir::DType>(std::countr_zero(parameter.tensors));
  }
  if (dtype == ir::DType::undefined && parameter.sequences && parameter.tensors == 0) return inferred;
  return ir::Type::tensor(dtype, inferred.is_tensor() ? inferred.shape() : std::nullopt);
}

}  // namespace

std::vector<ir::Type> Inference::infer(const NodeView& node, int opset) {
  if (auto types = try_infer(node, opset)) return std::move(*types);
  if (!is_onnx_domain(node.domain)) return std::vector<ir::Type>(node.outputs, ir::Type::tensor());
  throw Error("T511", "ONNX has no operator '" + std::string(node.op_type) + "' at opset " +
                          std::to_string(opset) +
                          (node.domain.empty() ? "" : " in domain " + std::string(node.domain)));
}

std::optional<std::vector<ir::Type>> Inference::try_infer(const NodeView& node, int opset) {
  const Signature* signature = signatures_.find(node.op_type, node.domain, opset);
  if (signature == nullptr) return std::nullopt;
  Bindings bindings;
  check_inputs(node, *signature, bindings);
  check_attributes(node, *signature);
  if (node.outputs < signature->min_outputs || node.outputs > signature->max_outputs) {
    fail(node, "has " + count_text(signature->min_outputs, signature->max_outputs) + " outputs, but " +
                   std::to_string(node.outputs) + " are asked for");
  }
  NodeContext context(node, shape_data_);
  if (signature->infer) {
    try {
      signature->infer(context);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& e) {
      fail(node, plain(e.what()));
    }
  }
  std::vector<ir::Type> out;
  out.reserve(node.outputs);
  for (size_t i = 0; i < node.outputs; ++i) {
    out.push_back(complete(context.output(i), signature->output(i), bindings));
  }
  return out;
}

}  // namespace onnxport::onnx
