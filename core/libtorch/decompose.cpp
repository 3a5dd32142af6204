#include "core/libtorch/decompose.h"

#include <ATen/core/ivalue_inl.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "core/libtorch/convert.h"
#include "core/libtorch/decomposition_inputs.h"
#include "core/libtorch/fit.h"
#include "core/libtorch/ivalue.h"
#include "core/libtorch/location.h"
#include "core/libtorch/recorder.h"

namespace onnxport {
namespace {

struct Run {
  Recording recording;
  std::vector<RecordedItem> results;
};

// Several recordings of one call become one graph; what differs between them is expressed by sizes.
class DecompositionBuilder {
 public:
  DecompositionBuilder(std::string name, const DecompositionInputs& inputs, const std::vector<Run>& runs)
      : name_(std::move(name)), inputs_(inputs), runs_(runs) {
    out_.graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::torch);
    dims_.resize(inputs.variables().size());
    for (const DecompositionInputs::Variable& v : inputs.variables()) samples_.push_back(v.samples);
  }

  Decomposition build() {
    ir::Graph& graph = *out_.graph;
    for (size_t i = 0; i < inputs_.parameters().size(); ++i) {
      ir::Value* parameter = graph.add_input("", inputs_.parameters()[i]);
      if (const auto number = inputs_.numbers(0)[i]) values_[*number] = parameter;
      graph.input_names.push_back("input_" + std::to_string(i));
    }
    const std::vector<RecordedCall>& calls = runs_[0].recording.calls();
    for (const Run& run : runs_) {
      if (run.recording.calls().size() != calls.size())
        throw different("another number of operators is called");
    }
    for (size_t i = 0; i < calls.size(); ++i) add_call(i);
    std::vector<ir::Value*> results;
    for (size_t i = 0; i < runs_[0].results.size(); ++i) {
      std::vector<const RecordedItem*> items;
      for (const Run& run : runs_) items.push_back(&run.results.at(i));
      results.push_back(value(items, nullptr));
      graph.output_names.push_back("output_" + std::to_string(i));
    }
    graph.body().set_results(results);
    for (const std::string& op : runs_[0].recording.stand_ins())
      out_.notes.push_back(name_ + ": the shape of " + op + " was learnt on zeros");
    return std::move(out_);
  }

 private:
  Error different(const std::string& what) const {
    return Error("T530", name_ + " does different things at different sizes: " + what, place_of_node(name_),
                 "make the dim static, or add a mapping for " + name_);
  }

  void add_call(size_t index) {
    std::vector<const RecordedCall*> calls;
    for (const Run& run : runs_) calls.push_back(&run.recording.calls()[index]);
    const RecordedCall& first = *calls[0];
    for (const RecordedCall* call : calls) {
      if (call->schema != first.schema)
        throw different(qualified_name(*first.schema) + " in one run is " + qualified_name(*call->schema) +
                        " in another");
    }
    std::vector<ir::Value*> operands;
    for (size_t i = 0; i < first.arguments.size(); ++i) {
      std::vector<const RecordedItem*> items;
      for (const RecordedCall* call : calls) items.push_back(&call->arguments[i]);
      operands.push_back(value(items, &first.schema->arguments()[i]));
    }
    ir::Graph& graph = *out_.graph;
    ir::Node* node =
        graph.create(qualified_name(*first.schema), operands, graph.keep(from_torch(*first.schema)));
    graph.append(graph.body(), node);
    for (size_t i = 0; i < first.results.size(); ++i)
      add_result(*node, first.results[i], first.schema->returns()[i]);
  }

  void add_result(ir::Node& node, const RecordedItem& result, const c10::Argument& type) {
    ir::Value* output = node.add_output(from_torch(*type.type()));
    // An in-place operator returns what it was given; later uses may mean either, so the newer is as good.
    if (result.kind == RecordedItem::Kind::tensor) values_[result.tensor] = output;
    if (result.kind != RecordedItem::Kind::list) return;
    ir::Graph& graph = *out_.graph;
    ir::Node* unpack = graph.create("prim::ListUnpack", std::span<ir::Value* const>(&output, 1));
    for (const RecordedItem& item : result.items)
      values_[item.tensor] = unpack->add_output(ir::Type::tensor());
    graph.append(graph.body(), unpack);
  }

  ir::Value* emit(std::string_view op, std::vector<ir::Value*> operands, ir::Type type) {
    ir::Graph& graph = *out_.graph;
    const ir::Schema* schema = nullptr;
    if (op.starts_with("aten::")) {
      const size_t dot = op.find('.');
      const auto found = torch::jit::findOperatorFor(
          c10::OperatorName(std::string(op.substr(0, dot)), std::string(op.substr(dot + 1))));
      if (found) schema = graph.keep(from_torch(found->schema()));
    }
    ir::Node* node = graph.create(op, operands, schema);
    ir::Value* output = node->add_output(std::move(type));
    graph.append(graph.body(), node);
    return output;
  }

  ir::Value* constant(ir::AttributeValue value, ir::Type type) {
    ir::Value* output = emit("prim::Constant", {}, std::move(type));
    output->producer()->set_attribute(out_.graph->intern("value"), std::move(value));
    return output;
  }

  // One argument in all runs, as a value of the graph. `wanted`: null for results.
  ir::Value* value(const std::vector<const RecordedItem*>& items, const c10::Argument* wanted) {
    const RecordedItem& first = *items[0];
    for (const RecordedItem* item : items) {
      if (item->kind != first.kind) throw different("an argument is of another kind");
    }
    switch (first.kind) {
      case RecordedItem::Kind::tensor:
        return tensor(items);
      case RecordedItem::Kind::list:
        return list(items, wanted);
      case RecordedItem::Kind::value:
        break;
    }
    return plain(items, wanted);
  }

  ir::Value* tensor(const std::vector<const RecordedItem*>& items) {
    const auto known = values_.find(items[0]->tensor);
    if (known != values_.end()) {
      for (const RecordedItem* item : items) {
        if (item->tensor != items[0]->tensor) throw different("another tensor is used");
      }
      return known->second;
    }
    // Neither given nor computed: a constant that the kernel made by itself.
    const at::Tensor& made = runs_[0].recording.tensor(items[0]->tensor);
    if (!made.device().is_cpu())
      throw Error("T530", name_ + " makes a tensor in a way that cannot be recorded", place_of_node(name_),
                  "add a mapping for " + name_);
    const ir::Tensor first = from_torch(made.clone());
    for (size_t r = 1; r < items.size(); ++r) {
      const ir::Tensor other = from_torch(runs_[r].recording.tensor(items[r]->tensor));
      if (other.bytes().size() != first.bytes().size() ||
          std::memcmp(other.bytes().data(), first.bytes().data(), first.bytes().size()) != 0)
        throw different("a constant tensor has other contents");
    }
    return values_[items[0]->tensor] = out_.graph->add_initializer("", first);
  }

  ir::Value* list(const std::vector<const RecordedItem*>& items, const c10::Argument* wanted) {
    std::vector<ir::Value*> elements;
    for (const RecordedItem* item : items) {
      if (item->items.size() != items[0]->items.size()) throw different("a list has another length");
    }
    for (size_t i = 0; i < items[0]->items.size(); ++i) {
      std::vector<const RecordedItem*> parts;
      for (const RecordedItem* item : items) parts.push_back(&item->items[i]);
      elements.push_back(value(parts, nullptr));
    }
    const ir::Type type =
        wanted != nullptr ? from_torch(*wanted->type()) : from_torch(*items[0]->value.type());
    return emit("prim::ListConstruct", elements,
                type.kind() == ir::Type::Kind::optional ? type.elements()[0] : type);
  }

  ir::Value* plain(const std::vector<const RecordedItem*>& items, const c10::Argument* wanted) {
    const c10::IValue& first = items[0]->value;
    bool varies = false;
    for (const RecordedItem* item : items) varies = varies || !same(item->value, first);
    if (varies && first.isInt()) return integer(items);
    if (varies && first.isDouble()) return real(items);
    if (varies) throw different("an argument has another value");
    if (first.isInt()) {
      if (wanted != nullptr && takes_dtype(*wanted)) {
        const ir::DType dtype = to_dtype(static_cast<at::ScalarType>(first.toInt()));
        if (dtype != ir::DType::undefined) return constant(dtype, ir::Type::dtype_kind());
      }
      return constant(first.toInt(), ir::Type::integer());
    }
    if (first.isDouble()) return constant(first.toDouble(), ir::Type::real());
    if (first.isBool()) return constant(first.toBool(), ir::Type::boolean());
    if (first.isString()) return constant(first.toStringRef(), ir::Type::string());
    if (first.isComplexDouble()) {
      const auto number = first.toComplexDouble();
      return constant(std::complex<double>(number.real(), number.imag()), {});
    }
    return constant({}, ir::Type::none());
  }

  static bool same(const c10::IValue& a, const c10::IValue& b) {
    if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
    if (a.isDouble() && b.isDouble()) return a.toDouble() == b.toDouble();
    if (a.isBool() && b.isBool()) return a.toBool() == b.toBool();
    if (a.isString() && b.isString()) return a.toStringRef() == b.toStringRef();
    if (a.isComplexDouble() && b.isComplexDouble()) return a.toComplexDouble() == b.toComplexDouble();
    return a.tagKind() == b.tagKind();  // None, devices, generators: they say nothing here
  }

  ir::Value* integer(const std::vector<const RecordedItem*>& items) {
    std::vector<int64_t> seen;
    for (const RecordedItem* item : items) {
      if (!item->value.isInt()) throw different("an argument has another value");
      seen.push_back(item->value.toInt());
    }
    return number(seen);
  }

  ir::Value* number(const std::vector<int64_t>& seen) {
    const auto fitted = fit_number(samples_, seen);
    if (!fitted)
      throw different("the number " + std::to_string(seen[0]) + " becomes " + std::to_string(seen[1]) +
                      ", which is no expression of the input dims");
    ir::Value* out = product(fitted->factor, fitted->variables);
    if (fitted->other_factor != 0)
      out = emit("aten::add.int", {out, product(fitted->other_factor, fitted->others)}, ir::Type::integer());
    if (fitted->offset != 0)
      out = emit("aten::add.int", {out, constant(fitted->offset, ir::Type::integer())}, ir::Type::integer());
    if (fitted->divisor != 1)
      out = emit("aten::floordiv.int", {out, constant(fitted->divisor, ir::Type::integer())},
                 ir::Type::integer());
    return out;
  }

  ir::Value* product(int64_t factor, const std::vector<size_t>& variables) {
    ir::Value* out = nullptr;
    for (const size_t v : variables)
      out = out == nullptr ? variable(v) : emit("aten::mul.int", {out, variable(v)}, ir::Type::integer());
    return factor == 1
               ? out
               : emit("aten::mul.int", {out, constant(factor, ir::Type::integer())}, ir::Type::integer());
  }

  // A size that is used becomes an input of the graph.
  ir::Value* variable(size_t index) {
    const DecompositionInputs::Variable& v = inputs_.variables()[index];
    if (!v.is_dim) return out_.graph->body().parameters()[v.tensor];
    if (dims_[index] == nullptr) {
      out_.dims.push_back({v.tensor, v.axis});
      dims_[index] = out_.graph->add_input("", ir::Type::integer());
      out_.graph->input_names.push_back("dim_" + std::to_string(out_.dims.size()));
    }
    return dims_[index];
  }

  // A factor such as 1/n or 1/sqrt(n): n is fitted, the rest is arithmetic.
  ir::Value* real(const std::vector<const RecordedItem*>& items) {
    const auto whole = [&](auto&& transform) -> std::optional<std::vector<int64_t>> {
      std::vector<int64_t> out;
      for (const RecordedItem* item : items) {
        if (!item->value.isDouble()) return std::nullopt;
        const double number = transform(item->value.toDouble());
        if (!std::isfinite(number) ||
            std::abs(number - std::round(number)) > 1e-6 * std::max(1.0, std::abs(number)) ||
            std::abs(number) > 1e15)
          return std::nullopt;
        out.push_back(static_cast<int64_t>(std::round(number)));
      }
      return out;
    };
    ir::Value* one = constant(int64_t{1}, ir::Type::integer());
    if (const auto n = whole([](double v) { return v; }))
      return emit("aten::Float.int", {number(*n)}, ir::Type::real());
    if (const auto n = whole([](double v) { return 1 / v; }))
      return emit("aten::div.int", {one, number(*n)}, ir::Type::real());
    const ir::Type real_type = ir::Type::real();
    if (const auto n = whole([](double v) { return v * v; }))
      return emit("aten::sqrt.int", {number(*n)}, real_type);
    if (const auto n = whole([](double v) { return 1 / (v * v); }))
      return emit("aten::div.float",
                  {constant(1.0, real_type), emit("aten::sqrt.int", {number(*n)}, real_type)}, real_type);
    throw different("the factor " + std::to_string(items[0]->value.toDouble()) +
                    " is no expression of the input dims");
  }

  std::string name_;
  const DecompositionInputs& inputs_;
  const std::vector<Run>& runs_;
  Decomposition out_;
  std::map<size_t, ir::Value*> values_;
  std::vector<std::vector<int64_t>> samples_;
  std::vector<ir::Value*> dims_;
};

std::optional<c10::DispatchKey> composite_key(const c10::OperatorHandle& op) {
  for (const c10::DispatchKey key :
       {c10::DispatchKey::CompositeImplicitAutograd, c10::DispatchKey::CompositeExplicitAutograd}) {
    if (op.hasKernelForDispatchKey(key)) return key;
  }
  return std::nullopt;
}

std::vector<Run> record(const c10::OperatorHandle& op, c10::DispatchKey key, DecompositionInputs& inputs,
                        int64_t multiple) {
  std::vector<Run> runs;
  for (size_t r = 0; r < (r > 0 && !inputs.is_dynamic() ? 1 : DecompositionInputs::kRuns); ++r) {
    Run run;
    c10::Stack stack = inputs.stack(r, multiple, run.recording);
    run.recording.run(op, key, stack);
    for (const c10::IValue& result : stack) {
      // A conjugate that libtorch only marks leaves no call to record: refused rather than exported without
      // it.
      if (result.isTensor() && result.toTensor().defined() &&
          (result.toTensor().is_conj() || result.toTensor().is_neg())) {
        const std::string name = qualified_name(op.schema());
        throw Error("T530", name + " returns a lazy conjugate, which its recording does not show",
                    place_of_node(name),
                    "write the conjugate out in the model, with real and imaginary parts");
      }
      run.results.push_back(run.recording.item(result));
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace

std::optional<Decomposition> decompose_operator(
    const ir::Schema& schema, const std::vector<Argument>& arguments,
    const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols, std::string& why) {
  const auto op = c10::Dispatcher::singleton().findSchema(c10::OperatorName(schema.name, schema.overload));
  const std::string name = schema.qualified_name();
  if (!op) {
    why = "libtorch has no operator " + name;
    return std::nullopt;
  }
  const auto key = composite_key(*op);
  if (!key || schema.is_mutating()) {
    why = name + " is not made of smaller operators";
    return std::nullopt;
  }
  DecompositionInputs inputs(op->schema(), arguments, symbols);
  // Some operators only take sizes that divide evenly; when the plain ones fail, rounder ones may not.
  for (const int64_t multiple : {1, 4, 24}) {
    try {
      const std::vector<Run> runs = record(*op, *key, inputs, multiple);
      return DecompositionBuilder(name, inputs, runs).build();
    } catch (const std::invalid_argument& e) {
      why = name + ": " + e.what();
      return std::nullopt;
    } catch (const c10::Error& e) {
      why = name + ": libtorch refuses the call: " + e.what_without_backtrace();
    }
    if (!inputs.is_dynamic()) break;
  }
  return std::nullopt;
}

}  // namespace onnxport
