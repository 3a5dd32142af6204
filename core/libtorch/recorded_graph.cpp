#include "core/libtorch/recorded_graph.h"

#include <ATen/core/ivalue_inl.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <sstream>

#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

bool same(const c10::IValue& a, const c10::IValue& b) {
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  if (a.isDouble() && b.isDouble()) return a.toDouble() == b.toDouble();
  if (a.isBool() && b.isBool()) return a.toBool() == b.toBool();
  if (a.isString() && b.isString()) return a.toStringRef() == b.toStringRef();
  if (a.isComplexDouble() && b.isComplexDouble()) return a.toComplexDouble() == b.toComplexDouble();
  return a.tagKind() == b.tagKind();  // None, devices, generators: they say nothing here
}

}  // namespace

void RecordedGraph::add_calls() {
  for (call_ = 0; call_ < runs_[0]->calls().size(); ++call_) {
    for (size_t r = 1; r < runs_.size(); ++r) check_call(r);
    if (!skip(call_)) add_call(call_);
  }
  for (size_t r = 1; r < runs_.size(); ++r) {
    const std::vector<RecordedCall>& calls = runs_[r]->calls();
    if (calls.size() > call_) throw different("it goes on with " + qualified_name(*calls[call_].schema), r);
  }
}

ir::Value* RecordedGraph::value_of(size_t tensor) const {
  const auto known = values_.find(tensor);
  return known == values_.end() ? nullptr : known->second;
}

void RecordedGraph::check_call(size_t run) const {
  const c10::FunctionSchema* const first = runs_[0]->calls()[call_].schema;
  const std::vector<RecordedCall>& calls = runs_[run]->calls();
  if (calls.size() <= call_) throw different("it ends before it calls " + qualified_name(*first), run);
  if (calls[call_].schema != first)
    throw different("it calls " + qualified_name(*calls[call_].schema) + " where it called " +
                        qualified_name(*first) + " before",
                    run);
}

void RecordedGraph::add_call(size_t index) {
  std::vector<const RecordedCall*> calls;
  for (const Recording* run : runs_) calls.push_back(&run->calls()[index]);
  const RecordedCall& first = *calls[0];
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < first.arguments.size(); ++i) {
    std::vector<const RecordedItem*> items;
    for (const RecordedCall* call : calls) items.push_back(&call->arguments[i]);
    operands.push_back(value(items, &first.schema->arguments()[i]));
  }
  ir::Node* node =
      graph_.create(qualified_name(*first.schema), operands, graph_.keep(from_torch(*first.schema)));
  graph_.append(graph_.body(), node);
  for (size_t i = 0; i < first.results.size(); ++i)
    add_result(*node, first.results[i], first.schema->returns()[i]);
  added(*node, index);
}

void RecordedGraph::add_result(ir::Node& node, const RecordedItem& result, const c10::Argument& type) {
  ir::Value* output = node.add_output(from_torch(*type.type()));
  // An in-place operator returns what it was given; later uses may mean either, so the newer is as good.
  if (result.kind == RecordedItem::Kind::tensor) values_[result.tensor] = output;
  if (result.kind != RecordedItem::Kind::list) return;
  ir::Node* unpack = graph_.create("prim::ListUnpack", std::span<ir::Value* const>(&output, 1));
  for (const RecordedItem& item : result.items) values_[item.tensor] = unpack->add_output(ir::Type::tensor());
  graph_.append(graph_.body(), unpack);
}

ir::Value* RecordedGraph::emit(std::string_view op, std::vector<ir::Value*> operands, ir::Type type) {
  const ir::Schema* schema = nullptr;
  if (op.starts_with("aten::")) {
    const size_t dot = op.find('.');
    const auto found = torch::jit::findOperatorFor(
        c10::OperatorName(std::string(op.substr(0, dot)), std::string(op.substr(dot + 1))));
    if (found) schema = graph_.keep(from_torch(found->schema()));
  }
  ir::Node* node = graph_.create(op, operands, schema);
  ir::Value* output = node->add_output(std::move(type));
  graph_.append(graph_.body(), node);
  return output;
}

ir::Value* RecordedGraph::constant(ir::AttributeValue value, ir::Type type) {
  ir::Value* output = emit("prim::Constant", {}, std::move(type));
  output->producer()->set_attribute(graph_.intern("value"), std::move(value));
  return output;
}

// One argument in all runs, as a value of the graph. `wanted`: null for results.
ir::Value* RecordedGraph::value(const Items& items, const c10::Argument* wanted) {
  const RecordedItem& first = *items[0];
  for (size_t r = 1; r < items.size(); ++r) {
    if (items[r]->kind != first.kind) throw different("an argument is of another kind", r);
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

ir::Value* RecordedGraph::tensor(const Items& items) {
  const auto known = values_.find(items[0]->tensor);
  if (known == values_.end()) return values_[items[0]->tensor] = leaf(items);
  for (size_t r = 1; r < items.size(); ++r) {
    if (items[r]->tensor != items[0]->tensor) throw different("it uses another tensor", r);
  }
  return known->second;
}

ir::Value* RecordedGraph::constant_leaf(const Items& items, const std::string& name) {
  const ir::Tensor first = from_torch(runs_[0]->tensor(items[0]->tensor).clone());
  for (size_t r = 1; r < items.size(); ++r) {
    const ir::Tensor other = from_torch(runs_[r]->tensor(items[r]->tensor).clone());
    if (other.bytes().size() != first.bytes().size() ||
        std::memcmp(other.bytes().data(), first.bytes().data(), first.bytes().size()) != 0)
      throw different("a constant tensor has other contents", r);
  }
  return graph_.add_initializer(name, first);
}

ir::Value* RecordedGraph::list(const Items& items, const c10::Argument* wanted) {
  std::vector<ir::Value*> elements;
  for (size_t r = 1; r < items.size(); ++r) {
    if (items[r]->items.size() == items[0]->items.size()) continue;
    throw different("a list has " + std::to_string(items[r]->items.size()) + " elements that had " +
                        std::to_string(items[0]->items.size()),
                    r);
  }
  for (size_t i = 0; i < items[0]->items.size(); ++i) {
    Items parts;
    for (const RecordedItem* item : items) parts.push_back(&item->items[i]);
    elements.push_back(value(parts, nullptr));
  }
  const ir::Type type = wanted != nullptr ? from_torch(*wanted->type()) : from_torch(*items[0]->type);
  return emit("prim::ListConstruct", elements,
              type.kind() == ir::Type::Kind::optional ? type.elements()[0] : type);
}

ir::Value* RecordedGraph::plain(const Items& items, const c10::Argument* wanted) {
  const c10::IValue& first = items[0]->value;
  size_t other = 0;  // the first run that has another value
  while (other < items.size() && same(items[other]->value, first)) ++other;
  if (other < items.size() && first.isInt()) return integer(items);
  if (other < items.size() && first.isDouble()) return real(items, other);
  if (other < items.size()) throw different("an argument has another value", other);
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

ir::Value* RecordedGraph::integer(const Items& items) {
  std::vector<int64_t> seen;
  for (size_t r = 0; r < items.size(); ++r) {
    if (!items[r]->value.isInt()) throw different("an argument has another value", r);
    seen.push_back(items[r]->value.toInt());
  }
  return number(seen);
}

ir::Value* RecordedGraph::operate(std::string_view op, ir::Value* a, int64_t b) {
  return emit(op, {a, constant(b, ir::Type::integer())}, ir::Type::integer());
}

ir::Value* RecordedGraph::expression(const FittedNumber& number,
                                     const std::function<ir::Value*(size_t)>& variable) {
  const auto product = [&](int64_t factor, const std::vector<size_t>& variables) {
    ir::Value* out = variable(variables[0]);
    for (size_t i = 1; i < variables.size(); ++i)
      out = emit("aten::mul.int", {out, variable(variables[i])}, ir::Type::integer());
    return factor == 1 ? out : operate("aten::mul.int", out, factor);
  };
  ir::Value* out = product(number.factor, number.variables);
  if (number.other_factor != 0)
    out = emit("aten::add.int", {out, product(number.other_factor, number.others)}, ir::Type::integer());
  if (number.offset != 0) out = operate("aten::add.int", out, number.offset);
  return number.divisor == 1 ? out : operate("aten::floordiv.int", out, number.divisor);
}

// A factor such as 1/n or 1/sqrt(n): n is fitted, the rest is arithmetic.
ir::Value* RecordedGraph::real(const Items& items, size_t other) {
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
  const auto fitted = [&](const std::optional<std::vector<int64_t>>& n) -> ir::Value* {
    try {
      return n ? number(*n) : nullptr;
    } catch (const Error&) {  // in words of that integer, which the user never wrote
      return nullptr;
    }
  };
  const ir::Type real_type = ir::Type::real();
  if (ir::Value* n = fitted(whole([](double v) { return v; })))
    return emit("aten::Float.int", {n}, real_type);
  if (ir::Value* n = fitted(whole([](double v) { return 1 / v; })))
    return emit("aten::div.int", {constant(int64_t{1}, ir::Type::integer()), n}, real_type);
  for (const int64_t part : {2, 4}) {  // half of a size, the middle between two
    if (ir::Value* n = fitted(whole([&](double v) { return v * static_cast<double>(part); })))
      return emit("aten::div.int", {n, constant(part, ir::Type::integer())}, real_type);
  }
  if (ir::Value* n = fitted(whole([](double v) { return v * v; })))
    return emit("aten::sqrt.int", {n}, real_type);
  if (ir::Value* n = fitted(whole([](double v) { return 1 / (v * v); })))
    return emit("aten::div.float", {constant(1.0, real_type), emit("aten::sqrt.int", {n}, real_type)},
                real_type);
  const auto text = [&](size_t run) {
    const c10::IValue& value = items[run]->value;
    std::ostringstream out;
    value.isDouble() ? out << value.toDouble() : out << value.tagKind();
    return out.str();
  };
  throw different(
      "the number " + text(other) + " was " + text(0) + " before, which is no expression of sizes", other);
}

}  // namespace onnxport
