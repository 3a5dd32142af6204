#include "core/libtorch/decomposition_inputs.h"

#include <ATen/ScalarOps.h>
#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <stdexcept>

#include "core/libtorch/convert.h"
#include "core/libtorch/ivalue.h"

namespace onnxport {
namespace {

// Sizes for symbol `index` in each run: spread, of both parities, and no two symbols in step with each other,
// so that an expression that fits all runs is the right one.
int64_t spread(size_t index, size_t run) {
  static constexpr int64_t base[DecompositionInputs::kRuns] = {6, 11, 17, 28};
  const auto k = static_cast<int64_t>(index);
  const auto r = static_cast<int64_t>(run);
  return base[run] + (k * (3 + 5 * r * r) + k * k * (r + 1)) % 23;
}

}  // namespace

int64_t DecompositionInputs::hint(const std::string& symbol) {
  const auto known = hints_.find(symbol);
  if (known != hints_.end()) return known->second;
  const size_t index = order_.try_emplace(symbol, order_.size()).first->second;
  int64_t value = spread(index, run_) * multiple_;
  const auto info = symbols_.find(symbol);
  if (info != symbols_.end()) {
    const int64_t low = std::max<int64_t>(info->second.min, 2);
    if (value < low) value = low + value;
    if (info->second.max && value > *info->second.max)
      value = std::max<int64_t>(low, *info->second.max - static_cast<int64_t>(run_));
  }
  hints_.emplace(symbol, value);
  return value;
}

int64_t DecompositionInputs::size(const ir::Dim& dim, size_t tensor, size_t axis) {
  if (dim.is_constant()) return dim.value();
  int64_t value = 0;
  if (dim.is_unknown()) {
    value = hint("?" + std::to_string(tensor) + "." + std::to_string(axis));
  } else {
    dim.for_each_symbol([&](std::string_view symbol) { hint(std::string(symbol)); });
    const auto known = dim.evaluate(hints_);
    if (!known || *known < 0) throw std::invalid_argument("the size " + dim.text() + " cannot be computed");
    value = *known;
  }
  if (run_ == 0) variables_.push_back(Variable{.is_dim = true, .tensor = tensor, .axis = axis});
  variables_.at(variable_++).samples.push_back(value);
  return value;
}

c10::IValue DecompositionInputs::tensor(const ir::Type& type, Recording& recording) {
  const auto dtype = to_scalar_type(type.dtype());
  if (!type.shape() || !dtype)
    throw std::invalid_argument("the element type or the rank of a tensor argument is not known (" +
                                type.text() + ")");
  const size_t index = numbers_[run_].size();
  std::vector<int64_t> sizes;
  for (size_t axis = 0; axis < type.shape()->size(); ++axis)
    sizes.push_back(size((*type.shape())[axis], index, axis));
  at::Tensor meta = at::empty(sizes, at::TensorOptions().dtype(*dtype).device(at::kMeta));
  if (run_ == 0) parameters_.push_back(type);
  numbers_[run_].push_back(recording.number(meta));
  return meta;
}

// A number that is only known at run time: recorded at several values, like a size.
c10::IValue DecompositionInputs::number(const ir::Type& type) {
  if (type.is_tensor() && !ir::is_integral(type.dtype()))
    throw std::invalid_argument("a number that is no integer is only known at run time");
  const size_t index = numbers_[run_].size();
  const int64_t value = hint("#" + std::to_string(index));
  if (run_ == 0) {
    parameters_.push_back(ir::Type::integer());
    variables_.push_back(Variable{.is_dim = false, .tensor = index});
  }
  variables_.at(variable_++).samples.push_back(value);
  numbers_[run_].push_back(std::nullopt);
  return value;
}

c10::IValue DecompositionInputs::argument(const Argument& given, const c10::TypePtr& type,
                                          Recording& recording) {
  const c10::TypePtr inner = type->kind() == c10::TypeKind::OptionalType ? type->containedType(0) : type;
  const bool wants_tensor = inner->kind() == c10::TypeKind::TensorType;
  if (given.list() != nullptr) {
    if (inner->kind() != c10::TypeKind::ListType)
      throw std::invalid_argument("a list is given where " + type->str() + " is expected");
    std::vector<c10::IValue> items;
    for (const Argument& item : given.items())
      items.push_back(argument(item, inner->containedType(0), recording));
    return make_list(inner->containedType(0), std::move(items));
  }
  if (given.value() != nullptr) {
    const ir::Type seen = torch_type(given.value()->type());
    return wants_tensor ? tensor(seen, recording) : number(seen);
  }
  c10::IValue value = adapt(to_ivalue(given), *inner);
  if (wants_tensor && value.isScalar()) return at::native::wrapped_scalar_tensor(value.toScalar());
  if (inner->kind() == c10::TypeKind::ListType && value.isInt())
    return make_list(inner->containedType(0), {value});
  return value;
}

c10::Stack DecompositionInputs::stack(size_t run, int64_t multiple, Recording& recording) {
  if (run == 0) {
    variables_.clear();
    parameters_.clear();
    numbers_.clear();
  }
  run_ = run;
  multiple_ = multiple;
  variable_ = 0;
  hints_.clear();
  numbers_.resize(run + 1);
  c10::Stack out;
  for (size_t i = 0; i < schema_.arguments().size(); ++i) {
    const c10::Argument& wanted = schema_.arguments()[i];
    if (i < arguments_.size()) {
      // Of what is only known at run time a size may be made up, but no element type.
      if (arguments_[i].value() != nullptr && !enumerator_fault(wanted, c10::IValue("")).empty())
        throw std::invalid_argument("its argument '" + wanted.name() + "' is only known at run time");
      c10::IValue value = argument(arguments_[i], wanted.type(), recording);
      if (const std::string fault = enumerator_fault(wanted, value); !fault.empty())
        throw std::invalid_argument(fault);
      // None for what is no optional: a device the file named, which says nothing here.
      out.push_back(value.isNone() && wanted.type()->kind() == c10::TypeKind::DeviceObjType
                        ? c10::IValue(c10::Device(c10::kMeta))
                        : std::move(value));
    } else {
      out.push_back(wanted.default_value().value_or(c10::IValue()));
    }
  }
  return out;
}

}  // namespace onnxport
