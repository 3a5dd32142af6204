// Bound: making them, and turning them into ONNX values.
#include <algorithm>

#include "core/plugin/host.h"
#include "core/translate/promotion.h"

namespace onnxport {

Bound Bound::of(ir::Value* v, bool number) {
  Bound b;
  b.kind = Kind::value;
  b.value = v;
  b.is_number = number;
  return b;
}
Bound Bound::of_int(int64_t v) {
  Bound b;
  b.kind = Kind::integer;
  b.integer = v;
  return b;
}
Bound Bound::of_real(double v) {
  Bound b;
  b.kind = Kind::real;
  b.real = v;
  return b;
}
Bound Bound::of_bool(bool v) {
  Bound b;
  b.kind = Kind::boolean;
  b.integer = v ? 1 : 0;
  return b;
}
Bound Bound::of_string(std::string v) {
  Bound b;
  b.kind = Kind::string;
  b.string = std::move(v);
  return b;
}
Bound Bound::of_dtype(ir::DType v) {
  Bound b;
  b.kind = Kind::dtype;
  b.integer = static_cast<int64_t>(v);
  return b;
}
Bound Bound::of_list(std::vector<Bound> list, bool tuple) {
  Bound b;
  b.kind = Kind::list;
  b.items = std::move(list);
  b.is_tuple = tuple;
  return b;
}

bool Bound::is_known() const {
  if (kind == Kind::value || kind == Kind::sequence) return false;
  return std::all_of(items.begin(), items.end(), [](const Bound& item) { return item.is_known(); });
}

namespace {

bool is_whole(const Bound& b) { return b.kind == Bound::Kind::integer || b.kind == Bound::Kind::boolean; }

ir::Value* materialize_list(const Bound& list, Emitter& emitter) {
  const std::vector<Bound>& items = list.items;
  if (std::all_of(items.begin(), items.end(),
                  [](const Bound& b) { return b.kind == Bound::Kind::boolean; }) &&
      !items.empty()) {
    std::vector<uint8_t> values;
    for (const Bound& b : items) values.push_back(b.integer != 0 ? 1 : 0);
    return emitter.constant(
        ir::Tensor::of<uint8_t>(ir::DType::boolean, {static_cast<int64_t>(values.size())}, values));
  }
  if (std::all_of(items.begin(), items.end(), is_whole)) {
    std::vector<int64_t> values;
    for (const Bound& b : items) values.push_back(b.integer);
    return emitter.constant(ir::Tensor::ints(values));
  }
  if (std::all_of(items.begin(), items.end(),
                  [](const Bound& b) { return is_whole(b) || b.kind == Bound::Kind::real; })) {
    std::vector<float> values;
    for (const Bound& b : items)
      values.push_back(
          static_cast<float>(b.kind == Bound::Kind::real ? b.real : static_cast<double>(b.integer)));
    return emitter.constant(
        ir::Tensor::of<float>(ir::DType::f32, {static_cast<int64_t>(values.size())}, values));
  }
  std::vector<ir::Value*> parts;
  for (const Bound& b : items) {
    ir::Value* v = b.kind == Bound::Kind::value || is_whole(b) ? materialize(b, emitter) : nullptr;
    if (v == nullptr || !v->type().is_tensor() || v->type().rank() > 1 || v->type().rank() < 0 ||
        !(ir::is_integral(v->type().dtype()) || v->type().dtype() == ir::DType::boolean)) {
      return nullptr;
    }
    if (v->type().dtype() != ir::DType::i64) {
      v = emitter.emit1("Cast", {v}, {emitter.attribute("to", static_cast<int64_t>(ir::DType::i64))});
    }
    parts.push_back(v);
  }
  return emitter.shape(parts);
}

}  // namespace

ir::Value* materialize(const Bound& b, Emitter& emitter) {
  switch (b.kind) {
    case Bound::Kind::value:
    case Bound::Kind::sequence:
      return b.value;
    case Bound::Kind::integer:
    case Bound::Kind::dtype:
      return emitter.constant(b.integer);
    case Bound::Kind::boolean:
      return emitter.constant(
          ir::Tensor::of<uint8_t>(ir::DType::boolean, {}, {static_cast<uint8_t>(b.integer != 0)}));
    case Bound::Kind::real:
      return emitter.constant(ir::Tensor::of<float>(ir::DType::f32, {}, {static_cast<float>(b.real)}));
    case Bound::Kind::complex_number: {
      ir::Value* v = emitter.constant(ir::Tensor::of<float>(
          ir::DType::f32, {2}, {static_cast<float>(b.real), static_cast<float>(b.imaginary)}));
      ir::Type type = v->type();
      type.set_stands_for_complex(true);
      v->set_type(std::move(type));
      return v;
    }
    case Bound::Kind::list:
      return materialize_list(b, emitter);
    case Bound::Kind::none:
    case Bound::Kind::string:
      return nullptr;
  }
  return nullptr;
}

ir::DType result_type(std::span<const Bound* const> arguments) {
  PromotionState state;
  const auto add = [&](const Bound& b, const auto& self) -> void {
    switch (b.kind) {
      case Bound::Kind::value: {
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
      case Bound::Kind::integer:
        state.numbers = promote(state.numbers, ir::DType::i64);
        break;
      case Bound::Kind::boolean:
        state.numbers = promote(state.numbers, ir::DType::boolean);
        break;
      case Bound::Kind::real:
        state.numbers = promote(state.numbers, ir::DType::f32);
        break;
      case Bound::Kind::complex_number:
        state.numbers = promote(state.numbers, ir::DType::c64);
        break;
      case Bound::Kind::list:
        for (const Bound& item : b.items) self(item, self);
        break;
      default:
        break;
    }
  };
  for (const Bound* b : arguments) add(*b, add);
  return state.result();
}

}  // namespace onnxport
