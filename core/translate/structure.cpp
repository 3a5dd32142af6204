// Constants and containers of the torch dialect: they are taken apart here, so that no mapping ever meets
// one.
#include <algorithm>
#include <array>

#include "core/translate/translator.h"

namespace onnxport {
namespace {

template <typename T, typename Make>
Argument list(const std::vector<T>& values, Make make) {
  std::vector<Argument> items;
  for (const T& v : values) items.push_back(make(v));
  return Argument::of_list(std::move(items));
}

Argument constant_of(const ir::AttributeValue& value, GraphBuilder& builder) {
  struct Visitor {
    GraphBuilder& builder;
    Argument operator()(std::monostate) const { return {}; }
    Argument operator()(int64_t v) const { return Argument::of_int(v); }
    Argument operator()(double v) const { return Argument::of_real(v); }
    Argument operator()(bool v) const { return Argument::of_bool(v); }
    Argument operator()(const std::string& v) const { return Argument::of_string(v); }
    Argument operator()(ir::DType v) const { return Argument::of_dtype(v); }
    Argument operator()(const std::complex<double>& v) const {
      Argument b;
      b.kind = Argument::Kind::complex_number;
      b.real = v.real();
      b.imaginary = v.imag();
      return b;
    }
    Argument operator()(const ir::Tensor& v) const { return Argument::of(builder.constant(v)); }
    Argument operator()(ir::Block*) const { return {}; }
    Argument operator()(const std::vector<int64_t>& v) const { return list(v, Argument::of_int); }
    Argument operator()(const std::vector<double>& v) const { return list(v, Argument::of_real); }
    Argument operator()(const std::vector<std::string>& v) const { return list(v, Argument::of_string); }
    Argument operator()(const std::vector<bool>& v) const {
      std::vector<Argument> items;
      for (bool b : v) items.push_back(Argument::of_bool(b));
      return Argument::of_list(std::move(items));
    }
  };
  return std::visit(Visitor{builder}, value);
}

// Operators that hand their first operand on: in a graph without mutation and devices they say nothing.
bool is_transparent(std::string_view op) {
  static constexpr std::array<std::string_view, 5> ops = {
      "prim::unchecked_cast", "prim::unchecked_unwrap_optional", "aten::_unwrap_optional", "prim::data",
      "aten::list.t"};
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

bool is_effect_only(std::string_view op) {
  return op == "prim::Print" || op == "aten::warn" || op == "prim::Uninitialized" ||
         op == "aten::_assert_async" || op == "aten::_assert_async.msg" ||
         op == "aten::_assert_tensor_metadata" || op == "aten::sym_constrain_range" ||
         op == "aten::sym_constrain_range_for_size";
}

}  // namespace

bool Translator::translate_structure(ir::Node& node) {
  const std::string_view op = node.op_text();
  if (op == "prim::Constant") {
    const ir::AttributeValue* value = node.attribute("value");
    bind(node.output(), value == nullptr ? Argument{} : constant_of(*value, *builder_));
    return true;
  }
  if (op == "prim::ListConstruct" || op == "prim::TupleConstruct" || op == "prim::DictConstruct") {
    std::vector<Argument> items;
    for (size_t i = 0; i < node.operand_count(); ++i) {
      items.push_back(node.operand(i) == nullptr ? Argument{} : bound(node.operand(i)));
    }
    bindings_[node.output()] = Argument::of_list(std::move(items), op == "prim::TupleConstruct");
    return true;
  }
  if (is_effect_only(op)) {
    for (ir::Value* v : node.outputs()) bindings_[v] = Argument{};
    return true;
  }
  if (node.operand_count() == 0 || node.operand(0) == nullptr) return false;
  const Argument& first = bound(node.operand(0));
  if (is_transparent(op)) {
    bindings_[node.output()] = first;
    return true;
  }
  if (op == "prim::NumToTensor" || op == "prim::NumToTensor.Scalar") {
    ir::Value* v = materialize(first, *builder_);
    if (v == nullptr) return false;
    bindings_[node.output()] = Argument::of(v);
    return true;
  }
  return first.kind == Argument::Kind::list && translate_list_operator(node, first);
}

// What is asked of a list, tuple or dict is answered here.
bool Translator::translate_list_operator(ir::Node& node, const Argument& first) {
  const std::string_view op = node.op_text();
  if (op == "prim::ListUnpack" || op == "prim::TupleUnpack") {
    if (first.items.size() != node.output_count()) {
      throw Error("T512", std::string(op) + " expects " + std::to_string(node.output_count()) +
                              " elements and gets " + std::to_string(first.items.size()));
    }
    for (size_t i = 0; i < node.output_count(); ++i) bind(node.output(i), first.items[i]);
    return true;
  }
  const bool indexes = op == "prim::TupleIndex" || op.starts_with("aten::__getitem__.t") ||
                       op == "aten::__getitem__" || op == "aten::select.t";
  if (indexes && node.operand_count() == 2) {
    const Argument& index = bound(node.operand(1));
    if (index.kind != Argument::Kind::integer) return false;
    const auto size = static_cast<int64_t>(first.items.size());
    const int64_t at = index.integer < 0 ? index.integer + size : index.integer;
    if (at < 0 || at >= size) {
      throw Error("T512", "index " + std::to_string(index.integer) + " of a list of " + std::to_string(size));
    }
    bind(node.output(), first.items[static_cast<size_t>(at)]);
    return true;
  }
  if (op == "aten::__getitem__.Dict_str" && node.operand_count() == 2) {
    const Argument& key = bound(node.operand(1));
    for (size_t i = 0; i + 1 < first.items.size(); i += 2) {
      if (first.items[i].kind == Argument::Kind::string && first.items[i].string == key.string) {
        bind(node.output(), first.items[i + 1]);
        return true;
      }
    }
    throw Error("T512", "the dict has no key '" + key.string + "'");
  }
  if (op == "aten::len.t") {
    bind(node.output(), Argument::of_int(static_cast<int64_t>(first.items.size())));
    return true;
  }
  if (op == "aten::add.t" && node.operand_count() == 2 &&
      bound(node.operand(1)).kind == Argument::Kind::list) {
    Argument joined = first;
    const Argument& tail = bound(node.operand(1));
    joined.items.insert(joined.items.end(), tail.items.begin(), tail.items.end());
    bindings_[node.output()] = std::move(joined);
    return true;
  }
  if (op == "aten::slice.t" && node.operand_count() == 4) {
    const auto size = static_cast<int64_t>(first.items.size());
    const auto read = [&](size_t i, int64_t otherwise) -> std::optional<int64_t> {
      const Argument& b = bound(node.operand(i));
      if (b.kind == Argument::Kind::none) return otherwise;
      if (b.kind != Argument::Kind::integer) return std::nullopt;
      return b.integer;
    };
    const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
    const auto start = read(1, 0);
    const auto stop = read(2, size);
    const auto step = read(3, 1);
    if (!start || !stop || !step || *step <= 0) return false;
    std::vector<Argument> items;
    for (int64_t i = clamp(*start); i < clamp(*stop); i += std::min(*step, size))
      items.push_back(first.items[static_cast<size_t>(i)]);
    bindings_[node.output()] = Argument::of_list(std::move(items));
    return true;
  }
  return false;
}

}  // namespace onnxport
