// Mappings that a manifest makes alone: one-to-one nodes, and functions in ONNX's text.
#include <algorithm>
#include <cctype>

#include "core/emit/inline_function.h"
#include "core/onnx/functions.h"
#include "core/plugin/context.h"
#include "core/translate/translate.h"

namespace onnxport {
namespace {

Outcome declined(std::string reason) {
  Outcome out;
  out.reason = std::move(reason);
  return out;
}

// A known argument as an ONNX attribute; nullopt where ONNX has none for it.
std::optional<ir::AttributeValue> as_attribute(const Bound& b) {
  switch (b.kind) {
    case Bound::Kind::integer:
    case Bound::Kind::boolean:
    case Bound::Kind::dtype: return b.integer;
    case Bound::Kind::real: return b.real;
    case Bound::Kind::string: return b.string;
    case Bound::Kind::list: {
      const auto whole = [](const Bound& i) { return i.kind == Bound::Kind::integer || i.kind == Bound::Kind::boolean; };
      const auto real = [&](const Bound& i) { return whole(i) || i.kind == Bound::Kind::real; };
      if (std::all_of(b.items.begin(), b.items.end(), whole)) {
        std::vector<int64_t> out;
        for (const Bound& i : b.items) out.push_back(i.integer);
        return out;
      }
      if (std::all_of(b.items.begin(), b.items.end(), real)) {
        std::vector<double> out;
        for (const Bound& i : b.items) out.push_back(i.kind == Bound::Kind::real ? i.real : static_cast<double>(i.integer));
        return out;
      }
      return std::nullopt;
    }
    default: return std::nullopt;
  }
}

const Bound* argument(const Call& call, std::string_view name) {
  const int i = call.schema == nullptr ? -1 : call.schema->find(name);
  return i < 0 || static_cast<size_t>(i) >= call.arguments.size() ? nullptr : &call.arguments[static_cast<size_t>(i)];
}

// "x.1", "2*x.0+1", "3": sizes of arguments in an expression. The dots become names that Dim can read.
ir::Dim evaluate_size(const std::string& text, const Call& call) {
  std::string readable;
  for (size_t i = 0; i < text.size(); ++i) {
    readable += text[i] == '.' ? std::string("__dim_") : std::string(1, text[i]);
  }
  const std::optional<ir::Dim> parsed = ir::Dim::parse(readable);
  if (!parsed) throw Error("M114", "the result's size '" + text + "' is no expression of argument sizes");
  return parsed->substitute([&](std::string_view symbol) -> std::optional<ir::Dim> {
    const size_t split = symbol.rfind("__dim_");
    const Bound* b = split == std::string_view::npos ? argument(call, symbol) : argument(call, symbol.substr(0, split));
    if (split == std::string_view::npos) {
      if (b != nullptr && b->kind == Bound::Kind::integer) return ir::Dim(b->integer);
    } else if (b != nullptr && b->kind == Bound::Kind::value && b->value->type().shape()) {
      const size_t axis = static_cast<size_t>(std::atoi(std::string(symbol.substr(split + 6)).c_str()));
      if (axis < b->value->type().shape()->size()) return (*b->value->type().shape())[axis];
    }
    throw Error("M114", "the result's size '" + text + "' names no size of an argument");
  });
}

std::optional<ir::Type> result_type_of(const ManifestMapping& m, const Call& call, Emitter& emitter) {
  if (!m.result_like.empty()) {
    const Bound* like = argument(call, m.result_like);
    if (like != nullptr && like->kind == Bound::Kind::value) {
      ir::Type type = like->value->type();
      if (m.result_dtype.empty()) return type;
      return ir::Type::tensor(ir::parse_dtype(m.result_dtype).value_or(type.dtype()), type.shape());
    }
  }
  if (m.result_dtype.empty()) return std::nullopt;
  std::optional<ir::Shape> shape;
  if (m.has_result_shape) {
    shape.emplace();
    for (const std::string& text : m.result_shape) {
      ir::Dim d = evaluate_size(text, call);
      shape->push_back(d.is_unknown() ? emitter.fresh_dim() : std::move(d));
    }
  }
  return ir::Type::tensor(ir::parse_dtype(m.result_dtype).value_or(ir::DType::undefined), std::move(shape));
}

Outcome emit_one_to_one(const ManifestMapping& m, const Call& call, Emitter& emitter) {
  std::vector<ir::Value*> inputs;
  for (const std::string& name : m.inputs) {
    const Bound* b = argument(call, name);
    if (b == nullptr) return declined("the schema has no argument '" + name + "'");
    inputs.push_back(materialize(*b, emitter));
    if (inputs.back() == nullptr && b->kind != Bound::Kind::none) return declined("argument '" + name + "' has no ONNX form");
  }
  while (!inputs.empty() && inputs.back() == nullptr) inputs.pop_back();
  std::vector<ir::Attribute> attributes;
  for (const auto& [attribute, name] : m.attributes) {
    const Bound* b = argument(call, name);
    if (b == nullptr) return declined("the schema has no argument '" + name + "'");
    if (b->kind == Bound::Kind::none) continue;
    auto value = as_attribute(*b);
    if (!value) return declined("argument '" + name + "' is known at run time only and cannot be an attribute");
    attributes.push_back(emitter.attribute(attribute, std::move(*value)));
  }
  const std::vector<ir::Value*> made =
      emitter.emit(m.onnx_domain, m.onnx_op, inputs, std::move(attributes), std::max<size_t>(call.outputs.size(), 1));
  if (const auto type = result_type_of(m, call, emitter)) made.front()->set_type(*type);
  if (!m.onnx_domain.empty()) emitter.graph().opsets.emplace(m.onnx_domain, 1);
  Outcome out;
  out.status = Outcome::Status::done;
  for (ir::Value* v : made) out.results.push_back(Bound::of(v));
  return out;
}

// The names between the parentheses of "(x, y) => (z) {…}".
std::vector<std::string> parameters_of(std::string_view text) {
  std::vector<std::string> out;
  const size_t open = text.find('(');
  const size_t close = text.find(')', open);
  std::string name;
  for (size_t i = open + 1; open != std::string_view::npos && i <= close && i < text.size(); ++i) {
    if (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_') {
      name += text[i];
    } else if (!name.empty()) {
      out.push_back(std::move(name));
      name.clear();
    }
  }
  return out;
}

Outcome emit_function(const ManifestMapping& m, const Call& call, Emitter& emitter) {
  const int opset = m.function_opset.value_or(kPivotOpset);
  if (opset > kPivotOpset) return declined("its function is written for opset " + std::to_string(opset) + ", newer than the pivot");
  // Schema arguments that the text names with @ are its attributes.
  std::string attribute_names;
  std::vector<ir::Attribute> attributes;
  if (call.schema != nullptr) {
    for (size_t i = 0; i < call.schema->arguments.size(); ++i) {
      const std::string& name = call.schema->arguments[i].name;
      const size_t at = m.function_text.find('@' + name);
      if (at == std::string::npos) continue;
      auto value = as_attribute(call.arguments[i]);
      if (!value) return declined("argument '" + name + "' is known at run time only and cannot be an attribute");
      attribute_names += (attribute_names.empty() ? "" : ", ") + name;
      attributes.push_back(emitter.attribute(name, std::move(*value)));
    }
  }
  std::string text = "<domain: \"" + (m.onnx_domain.empty() ? std::string("onnxport.functions") : m.onnx_domain) +
                     "\", opset_import: [\"\": " + std::to_string(opset) + "]> function_body";
  if (!attribute_names.empty()) text += " <" + attribute_names + ">";
  const pb::FunctionProto function = onnx::parse_function(text + " " + m.function_text);
  std::vector<ir::Value*> inputs;
  for (const std::string& name : parameters_of(m.function_text)) {
    const Bound* b = argument(call, name);
    if (b == nullptr) return declined("the function's input '" + name + "' is no argument of the schema");
    inputs.push_back(materialize(*b, emitter));
  }
  Outcome out;
  for (ir::Value* v : inline_function(function, inputs, attributes, emitter)) out.results.push_back(Bound::of(v));
  out.status = Outcome::Status::done;
  return out;
}

}  // namespace

Outcome run_manifest_mapping(const Candidate& candidate, const Call& call, Emitter& emitter) {
  const ManifestMapping& m = *candidate.manifest;
  const Emitter::Mark mark = emitter.mark();
  Outcome out;
  try {
    out = m.function_text.empty() ? emit_one_to_one(m, call, emitter) : emit_function(m, call, emitter);
  } catch (const Error& e) {
    out = {};
    out.status = Outcome::Status::failed;
    out.reason = candidate.manifest_file + ":" + std::to_string(m.line) + ":" + std::to_string(m.column) + ": " +
                 e.diagnostics().front().message;
  }
  if (out.status != Outcome::Status::done) emitter.rollback(mark);
  return out;
}

}  // namespace onnxport
