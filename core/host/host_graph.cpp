// "onnxport.graph/1" and "onnxport.dim/1": what is known of ONNX values and of sizes.
#include <algorithm>

#include "core/host/context.h"
#include "core/ir/dims/bounds.h"

namespace onnxport {
namespace {

// ---- graph ----

int32_t dtype(onnxport_context* c, onnxport_value handle) {
  return guarded<int32_t>(c, ONNXPORT_UNDEFINED, [&]() -> int32_t {
    const ir::Value* v = c->value(handle);
    if (v == nullptr || !v->type().is_tensor()) return ONNXPORT_UNDEFINED;
    return static_cast<int32_t>(v->type().dtype());
  });
}

int32_t rank(onnxport_context* c, onnxport_value handle) {
  return guarded<int32_t>(c, -1, [&]() -> int32_t {
    const ir::Value* v = c->value(handle);
    return v == nullptr ? -1 : v->type().rank();
  });
}

const ir::Dim* dim_at(onnxport_context* c, onnxport_value handle, uint32_t axis) {
  const ir::Value* v = c->value(handle);
  if (v == nullptr || !v->type().shape() || axis >= v->type().shape()->size()) return nullptr;
  return &(*v->type().shape())[axis];
}

int64_t static_dim(onnxport_context* c, onnxport_value handle, uint32_t axis) {
  return guarded<int64_t>(c, -1, [&]() -> int64_t {
    const ir::Dim* d = dim_at(c, handle, axis);
    return d != nullptr && d->is_constant() ? d->value() : -1;
  });
}

int32_t same_dim(onnxport_context* c, onnxport_value a, uint32_t axis_a, onnxport_value b, uint32_t axis_b) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const ir::Dim* x = dim_at(c, a, axis_a);
    const ir::Dim* y = dim_at(c, b, axis_b);
    return x != nullptr && y != nullptr && *x == *y ? 1 : 0;
  });
}

uint32_t size_of_caller(const void* out, uint32_t least, const char* what) {
  if (out == nullptr) misused(std::string(what) + " is to be written to a null pointer");
  uint32_t size = 0;
  std::memcpy(&size, out, sizeof size);
  if (size < least) misused(std::string(what) + " of " + std::to_string(size) + " bytes is to be written");
  return size;
}

int32_t type(onnxport_context* c, onnxport_value handle, onnxport_type* out) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const uint32_t size = size_of_caller(out, ONNXPORT_TYPE_1_0_SIZE, "a type");
    const ir::Value* v = c->value(handle);
    if (v == nullptr) return 0;
    onnxport_type made{};
    made.struct_size = size;
    made.kind = ONNXPORT_TYPE_TENSOR;
    const ir::Type* t = &v->type();
    if (t->kind() == ir::Type::Kind::list || t->kind() == ir::Type::Kind::optional) {
      made.kind = t->kind() == ir::Type::Kind::list ? ONNXPORT_TYPE_SEQUENCE : ONNXPORT_TYPE_OPTIONAL;
      t = &t->elements().front();
    }
    made.dtype = t->is_tensor() ? static_cast<int32_t>(t->dtype()) : ONNXPORT_UNDEFINED;
    made.rank = t->rank();
    made.is_complex = t->stands_for_complex() ? 1 : 0;
    if (t->shape()) {
      auto& dims = c->dim_lists.emplace_back();
      for (const ir::Dim& d : *t->shape()) dims.push_back(c->dim_handle(d));
      made.dims = dims.data();
    }
    write_sized(out, size, made);
    return c->failed ? 0 : 1;
  });
}

int32_t constant(onnxport_context* c, onnxport_value handle, onnxport_tensor* out) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const uint32_t size = size_of_caller(out, ONNXPORT_TENSOR_1_0_SIZE, "a tensor");
    const ir::Value* v = c->value(handle);
    if (v == nullptr || !v->is_constant()) return 0;
    onnxport_tensor made = write_tensor(*c, *v->constant());
    made.struct_size = size;
    write_sized(out, size, made);
    return 1;
  });
}

int32_t is_complex(onnxport_context* c, onnxport_value handle) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const ir::Value* v = c->value(handle);
    return v != nullptr && v->type().stands_for_complex() ? 1 : 0;
  });
}

int32_t is_number(onnxport_context* c, onnxport_value handle) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const onnxport_context::Slot* s = c->slot(handle);
    return s != nullptr && s->is_number ? 1 : 0;
  });
}

int32_t target_opset(onnxport_context* c) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t { return c->target_opset; });
}
int32_t current_opset(onnxport_context* c) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t { return c->builder.opset(); });
}

// ---- dim ----

onnxport_dim number(onnxport_context* c, int64_t n) {
  return guarded<onnxport_dim>(c, 0, [&] { return c->dim_handle(ir::Dim(n)); });
}

onnxport_dim of_axis(onnxport_context* c, onnxport_value handle, uint32_t axis) {
  return guarded<onnxport_dim>(c, 0, [&]() -> onnxport_dim {
    const ir::Value* v = c->value(handle);
    if (v == nullptr) {
      if (!c->failed) c->misuse("the size of an absent value was asked for");
      return 0;
    }
    if (!v->type().shape()) return 0;
    if (axis >= v->type().shape()->size()) {
      c->misuse("the size of axis " + std::to_string(axis) + " of " + v->type().text() + " was asked for");
      return 0;
    }
    return c->dim_handle((*v->type().shape())[axis]);
  });
}

onnxport_dim element(onnxport_context* c, const ir::Value* v, uint32_t index) {
  if (v == nullptr) return 0;
  const std::vector<ir::Dim>* known = c->builder.shape_data(v);
  return known == nullptr || index >= known->size() ? 0 : c->dim_handle((*known)[index]);
}

onnxport_dim of_element(onnxport_context* c, onnxport_value handle, uint32_t index) {
  return guarded<onnxport_dim>(c, 0, [&] { return element(c, c->value(handle), index); });
}

onnxport_dim of_arg(onnxport_context* c, onnxport_arg handle) {
  return guarded<onnxport_dim>(c, 0, [&]() -> onnxport_dim {
    const Argument* a = c->arg(handle);
    if (a == nullptr) return 0;
    if (const auto* integer = a->as<int64_t>()) return c->dim_handle(ir::Dim(*integer));
    return a->value() != nullptr ? element(c, a->value(), 0) : 0;
  });
}

onnxport_dim fresh(onnxport_context* c) {
  return guarded<onnxport_dim>(c, 0, [&] { return c->dim_handle(c->builder.fresh_dim()); });
}

template <typename Operation>
onnxport_dim combine(onnxport_context* c, onnxport_dim a, onnxport_dim b, Operation operation) {
  return guarded<onnxport_dim>(c, 0, [&]() -> onnxport_dim {
    const ir::Dim x = c->dim(a), y = c->dim(b);
    return x.is_unknown() || y.is_unknown() ? 0 : c->dim_handle(operation(x, y));
  });
}

onnxport_dim add(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return combine(c, a, b, [](const ir::Dim& x, const ir::Dim& y) { return x + y; });
}
onnxport_dim sub(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return combine(c, a, b, [](const ir::Dim& x, const ir::Dim& y) { return x - y; });
}
onnxport_dim mul(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return combine(c, a, b, [](const ir::Dim& x, const ir::Dim& y) { return x * y; });
}
onnxport_dim floor_division(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return combine(c, a, b, [](const ir::Dim& x, const ir::Dim& y) { return floor_div(x, y); });
}
onnxport_dim modulo(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return combine(c, a, b, [](const ir::Dim& x, const ir::Dim& y) { return mod(x, y); });
}
// Whether `x` is at least `y` for all sizes that the symbols may have.
bool is_never_less(onnxport_context* c, const ir::Dim& x, const ir::Dim& y) {
  const ir::SymbolTable& symbols = c->builder.graph().symbols;
  return ir::bounds_of(x, symbols).min >= ir::bounds_of(y, symbols).max;
}
onnxport_dim smaller(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return combine(c, a, b, [&](const ir::Dim& x, const ir::Dim& y) {
    return is_never_less(c, x, y) ? y : is_never_less(c, y, x) ? x : min(x, y);
  });
}
onnxport_dim larger(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return combine(c, a, b, [&](const ir::Dim& x, const ir::Dim& y) {
    return is_never_less(c, x, y) ? x : is_never_less(c, y, x) ? y : max(x, y);
  });
}

int32_t equal(onnxport_context* c, onnxport_dim a, onnxport_dim b) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t { return c->dim(a) == c->dim(b) ? 1 : 0; });
}

int64_t static_size(onnxport_context* c, onnxport_dim handle) {
  return guarded<int64_t>(c, -1, [&]() -> int64_t {
    const ir::Dim d = c->dim(handle);
    return d.is_constant() && d.value() >= 0 ? d.value() : -1;
  });
}

onnxport_str text(onnxport_context* c, onnxport_dim handle) {
  return guarded<onnxport_str>(c, {nullptr, 0},
                               [&] { return to_abi(c->texts.emplace_back(c->dim(handle).text())); });
}

}  // namespace

onnxport_tensor write_tensor(onnxport_context& c, const ir::Tensor& tensor) {
  // A plugin sees bytes in row-major order.
  if (!tensor.is_contiguous()) c.dense.push_back(tensor.contiguous());
  const ir::Tensor& t = tensor.is_contiguous() ? tensor : c.dense.back();
  return {sizeof(onnxport_tensor),
          static_cast<int32_t>(t.dtype()),
          static_cast<uint32_t>(t.dims().size()),
          0,
          t.dims().data(),
          t.bytes().data(),
          t.bytes().size()};
}

const onnxport_graph_api kGraphApi = {
    .struct_size = sizeof(onnxport_graph_api),
    .reserved = 0,
    .dtype = dtype,
    .rank = rank,
    .dim = static_dim,
    .same_dim = same_dim,
    .type = type,
    .constant = constant,
    .is_complex = is_complex,
    .is_number = is_number,
    .target_opset = target_opset,
    .current_opset = current_opset,
};
const onnxport_dim_api kDimApi = {
    .struct_size = sizeof(onnxport_dim_api),
    .reserved = 0,
    .number = number,
    .of_axis = of_axis,
    .of_element = of_element,
    .of_arg = of_arg,
    .fresh = fresh,
    .add = add,
    .sub = sub,
    .mul = mul,
    .floor_div = floor_division,
    .mod = modulo,
    .min = smaller,
    .max = larger,
    .equal = equal,
    .static_size = static_size,
    .text = text,
};

}  // namespace onnxport
