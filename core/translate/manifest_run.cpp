// What a manifest alone maps: one node, or a function written as ONNX text.
#include <algorithm>
#include <charconv>
#include <optional>

#include "core/builder/materialize.h"
#include "core/host/context.h"
#include "core/plugin/function_names.h"
#include "core/plugin/manifest_mapping.h"
#include "core/plugin/nearest.h"
#include "core/translate/function_text.h"
#include "core/translate/translate.h"

namespace onnxport {
namespace {

// Ends the attempt: the next candidate is tried.
struct Declined {
  std::string reason;
};

class ManifestRun {
 public:
  ManifestRun(const Candidate& candidate, const Call& call, GraphBuilder& builder, Registry& registry)
      : m_(*candidate.manifest), candidate_(candidate), call_(call), builder_(builder), registry_(registry) {
    schema_ = call.schema != nullptr ? call.schema : m_.schema ? &*m_.schema : nullptr;
  }

  std::vector<ir::Value*> run(std::vector<std::string>& notes) {
    return m_.is_function() ? run_function(notes) : run_node();
  }

 private:
  struct Given {
    const Argument* argument = nullptr;
    const ir::SchemaArgument* declared = nullptr;
  };

  // Null: the operator has none of that name.
  Given find(std::string_view name) const {
    Call call = call_;
    call.schema = schema_;
    Given out;
    out.argument = find_argument(call, name, &out.declared);
    return out;
  }

  Given given(std::string_view name) const {
    const Given out = find(name);
    if (out.argument == nullptr) throw Declined{"the operator has no argument '" + std::string(name) + "'"};
    return out;
  }

  const Argument& argument(std::string_view name) const { return *given(name).argument; }

  // A list of tensors is as many inputs as it has elements; those that are None are left out by an empty name.
  void add_input(const std::string& name, std::vector<ir::Value*>& inputs) const {
    const auto [found, declared] = given(name);
    const Argument& b = *found;
    const std::string& type = declared->type;
    if (!type.starts_with("Tensor") || type.find('[') == std::string::npos) {
      inputs.push_back(value(name));
      return;
    }
    if (b.is_none()) return;
    if (b.list() == nullptr)
      throw Declined{"how many tensors the list '" + name +
                     "' holds is known at run time only: a library can map that"};
    for (const Argument& item : b.items()) inputs.push_back(checked(materialize(item, builder_), item, name));
  }

  ir::Value* checked(ir::Value* v, const Argument& b, std::string_view name) const {
    if (v == nullptr && !b.is_none()) throw Declined{"argument '" + std::string(name) + "' has no ONNX form"};
    if (v != nullptr && v->type().stands_for_complex()) throw Declined{"does not take complex tensors"};
    return v;
  }

  ir::Value* value(std::string_view name) const {
    const Argument& b = argument(name);
    return checked(materialize(b, builder_), b, name);
  }

  // The argument as an attribute of the kind its schema type asks for: `float scale` called with 2 is 2.0.
  ir::AttributeValue attribute(std::string_view name) const {
    const auto [found, declared] = given(name);
    const Argument& b = *found;
    const std::string& type = declared->type;
    const bool real = type.starts_with("float");
    switch (b.kind()) {
      case Argument::Kind::integer:
        return real ? ir::AttributeValue(*b.to_real()) : ir::AttributeValue(*b.to_int());
      case Argument::Kind::boolean:
        return *b.to_int();
      case Argument::Kind::dtype:
        return static_cast<int64_t>(*b.as<ir::DType>());
      case Argument::Kind::real:
      case Argument::Kind::string:
        return *to_attribute(b);
      case Argument::Kind::list:
        if (auto numbers = numbers_of(b.items(), real)) return std::move(*numbers);
        break;
      default:
        break;
    }
    throw Declined{"argument '" + std::string(name) +
                   "' is known at run time only and cannot be an attribute"};
  }

  // Ints as long as all are, else floats; nullopt when an item is no number that is known now.
  static std::optional<ir::AttributeValue> numbers_of(std::span<const Argument> items, bool real) {
    if (!real &&
        std::all_of(items.begin(), items.end(), [](const Argument& n) { return n.to_int().has_value(); })) {
      std::vector<int64_t> out;
      for (const Argument& n : items) out.push_back(*n.to_int());
      return out;
    }
    std::vector<double> out;
    for (const Argument& n : items) {
      if (!n.to_real()) return std::nullopt;
      out.push_back(*n.to_real());
    }
    return out;
  }

  // ---- one node ----
  std::vector<ir::Value*> run_node() {
    std::vector<ir::Value*> inputs;
    for (const std::string& name : input_names()) add_input(name, inputs);
    std::vector<ir::Attribute> attributes;
    for (const ManifestAttribute& a : m_.attributes) {
      if (a.argument.empty()) {
        attributes.push_back(builder_.attribute(
            a.name, std::visit([](const auto& v) { return ir::AttributeValue(v); }, a.literal)));
      } else if (!argument(a.argument).is_none()) {
        attributes.push_back(builder_.attribute(a.name, attribute(a.argument)));
      }
    }
    std::vector<ir::Type> types;
    for (const ManifestResult& result : m_.results) types.push_back(result_type(result));
    std::vector<ir::Value*> made =
        builder_.emit(m_.onnx_domain, m_.onnx_op, inputs, std::move(attributes),
                      std::max<size_t>(types.empty() ? call_.outputs.size() : types.size(), 1));
    for (size_t i = 0; i < std::min(types.size(), made.size()); ++i) made[i]->set_type(types[i]);
    if (!m_.onnx_domain.empty()) {
      int& version = builder_.graph().opsets[m_.onnx_domain];
      version = std::max(version, registry_.domain_version(candidate_.plugin_id, m_.onnx_domain).value_or(1));
    }
    return made;
  }

  std::vector<std::string> input_names() const {
    if (m_.inputs) return *m_.inputs;
    std::vector<std::string> out;
    for (size_t i = 0; schema_ != nullptr && i < schema_->arguments.size(); ++i) {
      if (schema_->arguments[i].type.starts_with("Tensor")) out.push_back(schema_->arguments[i].name);
    }
    return out;
  }

  // "f32", or "@dtype": what that argument says.
  ir::DType dtype_of(std::string_view text) const {
    if (!text.starts_with('@')) return ir::parse_dtype(text).value_or(ir::DType::undefined);
    const std::string_view name = text.substr(1);
    const Argument& b = argument(name);
    if (b.is_none()) return ir::DType::undefined;
    if (const auto* dtype = b.as<ir::DType>()) return *dtype;
    throw Declined{"argument '" + std::string(name) + "' is no element type that is known while exporting"};
  }

  ir::Type result_type(const ManifestResult& result) const {
    ir::DType dtype = dtype_of(result.dtype);
    std::optional<ir::Shape> shape;
    if (!result.like.empty()) {
      const ir::Value* like = value(result.like);
      if (like == nullptr)
        throw Declined{"argument '" + result.like + "', whose type the result takes, is None"};
      if (dtype == ir::DType::undefined) dtype = like->type().dtype();
      shape = like->type().shape();
    }
    if (result.shape) shape = shape_of(*result.shape);
    return ir::Type::tensor(dtype, std::move(shape));
  }

  // nullopt where the sizes of an argument of unknown rank are a part of it.
  std::optional<ir::Shape> shape_of(const std::vector<std::string>& sizes) const {
    ir::Shape out;
    for (const std::string& text : sizes) {
      const auto slice = SizeSlice::parse(text);
      if (!slice) {
        out.push_back(size(text));
        continue;
      }
      const ir::Value* from = argument(slice->argument).value();
      if (from == nullptr || !from->type().shape()) return std::nullopt;
      const ir::Shape& dims = *from->type().shape();
      for (auto [axis, end] = slice->of(dims.size()); axis < end; ++axis)
        out.push_back(dims[axis].is_unknown() ? builder_.fresh_dim() : dims[axis]);
    }
    return out;
  }

  ir::Dim size(const std::string& text) const {
    const ir::Dim dim =
        SizeExpression::parse(text)->dim.substitute([&](std::string_view symbol) { return size_of(symbol); });
    return dim.is_unknown() ? builder_.fresh_dim() : dim;
  }

  // "x.1", or an int argument.
  std::optional<ir::Dim> size_of(std::string_view symbol) const {
    const size_t dot = symbol.find('.');
    const Argument& b = argument(symbol.substr(0, dot));
    if (dot == std::string_view::npos) {
      return b.as<int64_t>() != nullptr ? ir::Dim(*b.as<int64_t>()) : builder_.fresh_dim();
    }
    size_t axis = 0;
    const std::string_view digits = symbol.substr(dot + 1);
    const bool good = std::from_chars(digits.data(), digits.data() + digits.size(), axis).ec == std::errc();
    const auto* shape =
        b.value() != nullptr && b.value()->type().shape() ? &*b.value()->type().shape() : nullptr;
    if (shape == nullptr) return builder_.fresh_dim();
    if (!good || axis >= shape->size()) {
      throw Declined{"the result's size " + std::string(symbol) + " is beyond the " +
                     std::to_string(shape->size()) + " dimensions of its argument"};
    }
    const ir::Dim& dim = (*shape)[axis];
    return dim.is_unknown() ? builder_.fresh_dim() : dim;
  }

  // ---- a function ----
  std::vector<ir::Value*> run_function(std::vector<std::string>& notes) {
    FunctionCall function;
    function.domain = candidate_.plugin_id;
    function.name = std::string(m_.torch_op.substr(m_.torch_op.find("::") + 2));
    function.opset = m_.function_opset == 0 ? kPivotOpset : m_.function_opset;
    function.target_opset = call_.target_opset;
    function.keep = m_.keep_function && !call_.inline_functions;
    for (const std::string& name : function_inputs(m_.function_text)) function.inputs.push_back(value(name));
    // One that names no argument is refused here where the manifest gives no schema to check it by (D07).
    for (const std::string& name : function_references(m_.function_text)) {
      if (find(name).argument == nullptr) {
        std::vector<std::string> names;
        for (const ir::SchemaArgument& a :
             schema_ == nullptr ? std::vector<ir::SchemaArgument>() : schema_->arguments)
          names.push_back(a.name);
        const auto near = nearest(name, names, 1);
        throw Error(
            "T512",
            "the function refers to @" + name + ", which is no argument of " + std::string(call_.name),
            m_.place,
            near.empty() ? "write the schema's name of the argument" : "did you mean @" + near.front() + "?");
      }
      function.attributes.push_back(builder_.attribute(name, attribute(name)));
    }
    return emit_function(function, m_.function_text, builder_, registry_, notes);
  }

  const ManifestMapping& m_;
  const Candidate& candidate_;
  const Call& call_;
  GraphBuilder& builder_;
  Registry& registry_;
  const ir::Schema* schema_ = nullptr;
};

// The outputs of the node or the function as the operator's results: a list takes what the others leave.
std::vector<Argument> as_results(const std::vector<ir::Value*>& outputs, const Call& call) {
  const auto single = [](ir::Value* v) { return v == nullptr ? Argument{} : Argument::of(v); };
  const std::vector<ir::SchemaArgument> none;
  const auto& returns = call.schema == nullptr ? none : call.schema->returns;
  std::vector<Argument> out;
  size_t at = 0;
  for (size_t i = 0; i < returns.size() && at < outputs.size(); ++i) {
    if (returns[i].type != "Tensor[]") {
      out.push_back(single(outputs[at++]));
      continue;
    }
    // What follows the list: the other results, and what the operator writes.
    const size_t after =
        std::min(call.outputs.size() > i ? call.outputs.size() - i - 1 : 0, outputs.size() - at);
    std::vector<Argument> items;
    for (; at + after < outputs.size(); ++at) items.push_back(single(outputs[at]));
    out.push_back(Argument::list_of(std::move(items)));
  }
  for (; at < outputs.size(); ++at) out.push_back(single(outputs[at]));
  return out;
}

}  // namespace

Outcome run_manifest_mapping(const Candidate& candidate, const Call& call, GraphBuilder& builder,
                             Registry& registry) {
  // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): it is read where a catch clause falls through
  const GraphBuilder::Mark mark = builder.mark();
  Outcome out;
  try {
    std::vector<std::string> notes;
    out.results = as_results(ManifestRun(candidate, call, builder, registry).run(notes), call);
    for (std::string& note : notes) out.notes.push_back({Severity::note, "", std::move(note), {}, ""});
    out.status = Outcome::Status::done;
    return out;
  } catch (const Declined& d) {
    out.status = Outcome::Status::declined;
    out.cause.message = d.reason;
  } catch (const Error& e) {
    out.status = Outcome::Status::failed;
    out.cause = e.diagnostics().front();
    out.cause.message += " (mapping at " + candidate.manifest->place.text() + ")";
  }
  builder.rollback(mark);
  out.results.clear();
  return out;
}

}  // namespace onnxport
