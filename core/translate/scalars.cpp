// Numbers known now are computed now, by the same evaluator that prepare uses.
#include "core/prepare/scalars.h"

#include "core/translate/translator.h"

namespace onnxport {
namespace {

// Nothing is known of a value that is computed at run time.
std::optional<Constant> constant_of(const Argument& bound) {
  switch (bound.kind) {
    case Argument::Kind::none:
      return Constant{};
    case Argument::Kind::integer:
      return Constant{bound.integer};
    case Argument::Kind::real:
      return Constant{bound.real};
    case Argument::Kind::boolean:
      return Constant{bound.integer != 0};
    case Argument::Kind::string:
      return Constant{bound.string};
    case Argument::Kind::dtype:
      return Constant{static_cast<ir::DType>(bound.integer)};
    case Argument::Kind::complex_number:
      return Constant{std::complex<double>(bound.real, bound.imaginary)};
    case Argument::Kind::list: {
      ConstantList list;
      list.tuple = bound.is_tuple;
      for (const Argument& item : bound.items) {
        auto constant = constant_of(item);
        if (!constant) return std::nullopt;
        list.items.push_back(std::move(*constant));
      }
      return Constant{std::move(list)};
    }
    case Argument::Kind::value:
    case Argument::Kind::sequence:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Argument> bound_of(const Constant& constant) {
  if (constant.is_none()) return Argument{};
  if (const auto* v = constant.as<int64_t>()) return Argument::of_int(*v);
  if (const auto* v = constant.as<double>()) return Argument::of_real(*v);
  if (const auto* v = constant.as<bool>()) return Argument::of_bool(*v);
  if (const auto* v = constant.as<std::string>()) return Argument::of_string(*v);
  if (const auto* v = constant.as<ir::DType>()) return Argument::of_dtype(*v);
  if (const auto* list = constant.list()) {
    std::vector<Argument> items;
    for (const Constant& item : list->items) {
      auto bound = bound_of(item);
      if (!bound) return std::nullopt;
      items.push_back(std::move(*bound));
    }
    return Argument::of_list(std::move(items), list->tuple);
  }
  return std::nullopt;
}

}  // namespace

bool Translator::fold_scalars(ir::Node& node, const std::vector<Argument>& arguments) {
  // Whether a value is None is known of every value, computed or not.
  const std::string_view op = node.op_text();
  if ((op == "aten::__is__" || op == "aten::__isnot__") && arguments.size() == 2 &&
      (arguments[0].kind == Argument::Kind::none || arguments[1].kind == Argument::Kind::none)) {
    const bool same = arguments[0].kind == arguments[1].kind;
    bind(node.output(), Argument::of_bool(same == (op == "aten::__is__")));
    return true;
  }
  // A tensor operator on numbers alone (aten::ones([2])) makes a tensor: not ours.
  for (const ir::Value* v : node.outputs()) {
    if (v->type().is_tensor()) return false;
  }
  std::vector<Constant> constants;
  for (const Argument& b : arguments) {
    auto constant = constant_of(b);
    if (!constant) return false;
    constants.push_back(std::move(*constant));
  }
  const std::optional<Constant> result = evaluate_scalar(op, constants);
  if (!result) return false;
  std::optional<Argument> bound = bound_of(*result);
  if (!bound) return false;
  if (node.output_count() == 1) {
    bindings_[node.output()] = std::move(*bound);
  } else {
    if (bound->kind != Argument::Kind::list || bound->items.size() != node.output_count()) return false;
    for (size_t i = 0; i < node.output_count(); ++i) bindings_[node.output(i)] = bound->items[i];
  }
  return true;
}

}  // namespace onnxport
