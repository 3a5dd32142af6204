#include "core/argument/argument.h"

#include <algorithm>

#include "core/argument/promotion.h"

namespace onnxport {

Argument Argument::of(ir::Value* v, bool number) {
  Argument b;
  b.kind = Kind::value;
  b.value = v;
  b.is_number = number;
  return b;
}
Argument Argument::of_int(int64_t v) {
  Argument b;
  b.kind = Kind::integer;
  b.integer = v;
  return b;
}
Argument Argument::of_real(double v) {
  Argument b;
  b.kind = Kind::real;
  b.real = v;
  return b;
}
Argument Argument::of_bool(bool v) {
  Argument b;
  b.kind = Kind::boolean;
  b.integer = v ? 1 : 0;
  return b;
}
Argument Argument::of_string(std::string v) {
  Argument b;
  b.kind = Kind::string;
  b.string = std::move(v);
  return b;
}
Argument Argument::of_dtype(ir::DType v) {
  Argument b;
  b.kind = Kind::dtype;
  b.integer = static_cast<int64_t>(v);
  return b;
}
Argument Argument::of_list(std::vector<Argument> list, bool tuple) {
  Argument b;
  b.kind = Kind::list;
  b.items = std::move(list);
  b.is_tuple = tuple;
  return b;
}

bool Argument::is_known() const {
  if (kind == Kind::value || kind == Kind::sequence) return false;
  return std::all_of(items.begin(), items.end(), [](const Argument& item) { return item.is_known(); });
}

namespace {

bool is_whole(const Argument& b) {
  return b.kind == Argument::Kind::integer || b.kind == Argument::Kind::boolean;
}

ir::Value* materialize_list(const Argument& list, GraphBuilder& builder) {
  const std::vector<Argument>& items = list.items;
  if (std::all_of(items.begin(), items.end(),
                  [](const Argument& b) { return b.kind == Argument::Kind::boolean; }) &&
      !items.empty()) {
    std::vector<uint8_t> values;
    for (const Argument& b : items) values.push_back(b.integer != 0 ? 1 : 0);
    return builder.constant(
        ir::Tensor::of<uint8_t>(ir::DType::boolean, {static_cast<int64_t>(values.size())}, values));
  }
  if (std::all_of(items.begin(), items.end(), is_whole)) {
    std::vector<int64_t> values;
    for (const Argument& b : items) values.push_back(b.integer);
    return builder.constant(ir::Tensor::ints(values));
  }
  if (std::all_of(items.begin(), items.end(),
                  [](const Argument& b) { return is_whole(b) || b.kind == Argument::Kind::real; })) {
    std::vector<float> values;
    for (const Argument& b : items)
      values.push_back(
          static_cast<float>(b.kind == Argument::Kind::real ? b.real : static_cast<double>(b.integer)));
    return builder.constant(
        ir::Tensor::of<float>(ir::DType::f32, {static_cast<int64_t>(values.size())}, values));
  }
  std::vector<ir::Value*> parts;
  for (const Argument& b : items) {
    ir::Value* v = b.kind == Argument::Kind::value || is_whole(b) ? materialize(b, builder) : nullptr;
    if (v == nullptr || !v->type().is_tensor() || v->type().rank() > 1 || v->type().rank() < 0 ||
        !(ir::is_integral(v->type().dtype()) || v->type().dtype() == ir::DType::boolean)) {
      return nullptr;
    }
    if (v->type().dtype() != ir::DType::i64) {
      v = builder.emit1("Cast", {v}, {builder.attribute("to", static_cast<int64_t>(ir::DType::i64))});
    }
    parts.push_back(v);
  }
  return builder.shape(parts);
}

}  // namespace

ir::Value* materialize(const Argument& b, GraphBuilder& builder) {
  switch (b.kind) {
    case Argument::Kind::value:
    case Argument::Kind::sequence:
      return b.value;
    case Argument::Kind::integer:
    case Argument::Kind::dtype:
      return builder.constant(b.integer);
    case Argument::Kind::boolean:
      return builder.constant(
          ir::Tensor::of<uint8_t>(ir::DType::boolean, {}, {static_cast<uint8_t>(b.integer != 0)}));
    case Argument::Kind::real:
      return builder.constant(ir::Tensor::of<float>(ir::DType::f32, {}, {static_cast<float>(b.real)}));
    case Argument::Kind::complex_number: {
      ir::Value* v = builder.constant(ir::Tensor::of<float>(
          ir::DType::f32, {2}, {static_cast<float>(b.real), static_cast<float>(b.imaginary)}));
      ir::Type type = v->type();
      type.set_stands_for_complex(true);
      v->set_type(std::move(type));
      return v;
    }
    case Argument::Kind::list:
      return materialize_list(b, builder);
    case Argument::Kind::none:
    case Argument::Kind::string:
      return nullptr;
  }
  return nullptr;
}

ir::DType result_type(std::span<const Argument* const> arguments) {
  PromotionState state;
  const auto add = [&](const Argument& b, const auto& self) -> void {
    switch (b.kind) {
      case Argument::Kind::value: {
        const ir::Type& type = b.value->type();
        ir::DType dtype = type.dtype();
        int rank = type.rank();
        if (type.stands_for_complex()) {
          dtype = dtype == ir::DType::f64 ? ir::DType::c128 : ir::DType::c64;
          --rank;
        }
        ir::DType& slot = b.is_number ? state.numbers : rank == 0 ? state.zero_dim : state.tensors;
        slot = promote(slot, b.is_number && ir::is_floating(dtype) ? ir::DType::f32 : dtype);
        break;
      }
      case Argument::Kind::integer:
        state.numbers = promote(state.numbers, ir::DType::i64);
        break;
      case Argument::Kind::boolean:
        state.numbers = promote(state.numbers, ir::DType::boolean);
        break;
      case Argument::Kind::real:
        state.numbers = promote(state.numbers, ir::DType::f32);
        break;
      case Argument::Kind::complex_number:
        state.numbers = promote(state.numbers, ir::DType::c64);
        break;
      case Argument::Kind::list:
        for (const Argument& item : b.items) self(item, self);
        break;
      default:
        break;
    }
  };
  for (const Argument* b : arguments) add(*b, add);
  return state.result();
}

}  // namespace onnxport
