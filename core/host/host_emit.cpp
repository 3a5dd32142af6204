// "onnxport.graph/1" and "onnxport.emit/1": reading and making ONNX values.
#include <algorithm>
#include <cstring>

#include "core/host/context.h"

namespace onnxport {
namespace {

std::string_view from_abi(onnxport_str s) {
  return s.data == nullptr ? std::string_view() : std::string_view(s.data, static_cast<size_t>(s.size));
}

// ---- graph ----

int32_t dtype(onnxport_context* c, onnxport_value handle) {
  const ir::Value* v = c->value(handle);
  if (v == nullptr || !v->type().is_tensor()) return ONNXPORT_UNDEFINED;
  return static_cast<int32_t>(v->type().dtype());
}

int32_t rank(onnxport_context* c, onnxport_value handle) {
  const ir::Value* v = c->value(handle);
  return v == nullptr ? -1 : v->type().rank();
}

const ir::Dim* dim_of(onnxport_context* c, onnxport_value handle, uint32_t axis) {
  const ir::Value* v = c->value(handle);
  if (v == nullptr || !v->type().shape() || axis >= v->type().shape()->size()) return nullptr;
  return &(*v->type().shape())[axis];
}

int64_t static_dim(onnxport_context* c, onnxport_value handle, uint32_t axis) {
  const ir::Dim* d = dim_of(c, handle, axis);
  return d != nullptr && d->is_constant() ? d->value() : -1;
}

int32_t same_dim(onnxport_context* c, onnxport_value a, uint32_t axis_a, onnxport_value b, uint32_t axis_b) {
  const ir::Dim* x = dim_of(c, a, axis_a);
  const ir::Dim* y = dim_of(c, b, axis_b);
  return x != nullptr && y != nullptr && *x == *y ? 1 : 0;
}

int32_t constant_data(onnxport_context* c, onnxport_value handle, onnxport_tensor* out) {
  const ir::Value* v = c->value(handle);
  if (v == nullptr || !v->is_constant() || out == nullptr) return 0;
  // A plugin sees bytes in row-major order.
  if (!v->constant()->is_contiguous()) c->dense.push_back(v->constant()->contiguous());
  const ir::Tensor& t = v->constant()->is_contiguous() ? *v->constant() : c->dense.back();
  *out = {static_cast<int32_t>(t.dtype()), static_cast<uint32_t>(t.dims().size()), t.dims().data(),
          t.bytes().data(), t.bytes().size()};
  return 1;
}

int32_t is_complex(onnxport_context* c, onnxport_value handle) {
  const ir::Value* v = c->value(handle);
  return v != nullptr && v->type().stands_for_complex() ? 1 : 0;
}

int32_t is_number(onnxport_context* c, onnxport_value handle) {
  const onnxport_context::Slot* s = c->slot(handle);
  return s != nullptr && s->is_number ? 1 : 0;
}

int32_t target_opset(onnxport_context* c) { return c->target_opset; }
int32_t current_opset(onnxport_context* c) { return c->builder.opset(); }

// ---- emit ----

// A handle's value for use in a node here: what a finished block computed stays inside it.
ir::Value* usable(onnxport_context* c, onnxport_value handle) {
  ir::Value* v = c->value(handle);
  if (v == nullptr) return nullptr;
  const ir::Block* home = v->producer() != nullptr ? v->producer()->parent() : v->block();
  if (home != nullptr && std::find(c->blocks.begin(), c->blocks.end(), home) != c->blocks.end()) {
    c->fail("T505", "a value of a finished block is used outside of it");
  }
  return v;
}

// The data as a tensor of ours. Throws Error T505 when dtype, dims and bytes do not agree.
ir::Tensor read_tensor(const onnxport_tensor* t) {
  if (t == nullptr || (t->rank != 0 && t->dims == nullptr) || (t->bytes != 0 && t->data == nullptr)) {
    throw Error("T505", "a tensor without data");
  }
  constexpr uint32_t kMostDims = 64;
  const auto dtype = static_cast<ir::DType>(t->dtype);
  const bool known = t->dtype > 0 && t->dtype <= static_cast<int32_t>(ir::DType::f8e5m2fnuz);
  uint64_t bytes = known ? ir::size_of(dtype) : 0;
  bool good = bytes != 0 && t->rank <= kMostDims;
  for (uint32_t i = 0; good && i < t->rank; ++i) {
    good = t->dims[i] >= 0 && !__builtin_mul_overflow(bytes, static_cast<uint64_t>(t->dims[i]), &bytes);
  }
  if (!good || bytes != t->bytes)
    throw Error("T505", "a tensor whose bytes do not fit its element type and dims");
  return ir::Tensor::copy_of(dtype, {t->dims, t->dims + t->rank},
                             {static_cast<const std::byte*>(t->data), static_cast<size_t>(t->bytes)});
}

// What ONNX calls an identifier; everything else would make a file that its readers refuse.
bool is_identifier(std::string_view text, std::string_view also = "") {
  const auto good = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           also.find(c) != std::string_view::npos;
  };
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), good);
}

void check_names(onnxport_context* c, std::string_view domain, std::string_view op_type) {
  if (is_identifier(op_type) && (domain.empty() || is_identifier(domain, ".-"))) return;
  c->fail("T505",
          "a node whose operator is no identifier: '" + std::string(domain) + (domain.empty() ? "" : "::") +
              std::string(op_type) + "'",
          "an operator's name is letters, digits and _, a domain has . and - besides");
}

// A manifest is a promise: nodes go to ONNX's own domains and to those it lists.
void check_domain(onnxport_context* c, std::string_view domain, std::string_view op_type) {
  if (domain.empty() || domain.starts_with("ai.onnx") || c->registry == nullptr) return;
  const std::optional<int> stated = c->registry->domain_version(c->plugin_id, domain);
  if (!stated) {
    c->fail("C404",
            c->plugin_id + " emits " + std::string(domain) + "::" + std::string(op_type) +
                ", a domain that its manifest does not list",
            "add to its manifest: provides: domains: [{name: " + std::string(domain) + ", version: 1}]");
    return;
  }
  int& version = c->builder.graph().opsets[std::string(domain)];
  version = std::max(version, *stated);
}

// A number of the model keeps all its digits when a mapping casts it: the cast is made of the number itself.
ir::Value* exact_cast(onnxport_context& c, const Argument& number, ir::DType to) {
  const double real = number.kind == Argument::Kind::real ? number.real : static_cast<double>(number.integer);
  switch (to) {
    case ir::DType::f64:
      return c.builder.constant(ir::Tensor::of<double>(to, {}, {real}));
    case ir::DType::f32:
      return c.builder.constant(ir::Tensor::of<float>(to, {}, {static_cast<float>(real)}));
    case ir::DType::i64:
      if (number.kind == Argument::Kind::real) return nullptr;
      return c.builder.constant(number.integer);
    default:
      return nullptr;
  }
}

int32_t emit_node(onnxport_context* c, onnxport_str domain, onnxport_str op_type,
                  const onnxport_value* inputs, uint32_t input_count, const onnxport_attr* attrs,
                  uint32_t attr_count, onnxport_value* outputs, uint32_t output_count) {
  for (uint32_t i = 0; i < output_count; ++i) outputs[i] = 0;
  return c->guarded<int32_t>(ONNXPORT_FAILED, [&]() -> int32_t {
    std::vector<ir::Value*> values;
    for (uint32_t i = 0; i < input_count; ++i) {
      values.push_back(usable(c, inputs[i]));
      if (c->failed) return ONNXPORT_FAILED;
    }
    std::vector<ir::Attribute> attributes = read_attributes(*c, attrs, attr_count);
    const std::string_view name_space = from_abi(domain) == "ai.onnx" ? std::string_view() : from_abi(domain);
    check_names(c, name_space, from_abi(op_type));
    if (!c->failed) check_domain(c, name_space, from_abi(op_type));
    if (c->failed) return ONNXPORT_FAILED;
    if (name_space.empty() && from_abi(op_type) == "Cast" && input_count == 1 && output_count == 1) {
      const onnxport_context::Slot* s = c->slot(inputs[0]);
      if (s != nullptr && s->known != nullptr && !attributes.empty()) {
        const auto* to = std::get_if<int64_t>(&attributes[0].value);
        ir::Value* v = to == nullptr ? nullptr : exact_cast(*c, *s->known, static_cast<ir::DType>(*to));
        if (v != nullptr) {
          outputs[0] = c->handle(v);
          return ONNXPORT_OK;
        }
      }
    }
    const std::vector<ir::Value*> made =
        c->builder.emit(name_space, from_abi(op_type), values, std::move(attributes), output_count);
    for (uint32_t i = 0; i < output_count; ++i) outputs[i] = c->handle(made[i]);
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

onnxport_value make_constant(onnxport_context* c, const onnxport_tensor* t) {
  return c->guarded<onnxport_value>(
      0, [&]() -> onnxport_value { return c->handle(c->builder.constant(read_tensor(t))); });
}

onnxport_value emit_dim(onnxport_context* c, onnxport_value handle, uint32_t axis) {
  return c->guarded<onnxport_value>(0, [&]() -> onnxport_value {
    ir::Value* v = c->value(handle);
    if (v == nullptr) {
      c->fail("the size of an absent value was asked for");
      return 0;
    }
    return c->handle(c->builder.dim(v, axis));
  });
}

onnxport_value emit_shape(onnxport_context* c, const onnxport_value* parts, uint32_t count) {
  return c->guarded<onnxport_value>(0, [&]() -> onnxport_value {
    std::vector<ir::Value*> values;
    for (uint32_t i = 0; i < count; ++i) {
      values.push_back(c->value(parts[i]));
      if (values.back() == nullptr) {
        c->fail("a part of a shape is absent");
        return 0;
      }
    }
    return c->handle(c->builder.shape(values));
  });
}

int32_t begin_block(onnxport_context* c, const int32_t* dtypes, const int32_t* ranks,
                    const onnxport_str* names, uint32_t count, onnxport_value* params) {
  return c->guarded<int32_t>(ONNXPORT_FAILED, [&]() -> int32_t {
    std::vector<std::pair<std::string, ir::Type>> parameters;
    for (uint32_t i = 0; i < count; ++i) {
      std::optional<ir::Shape> shape;
      if (ranks[i] >= 0) {
        if (ranks[i] > 64) {
          c->fail("T505", "a block parameter of " + std::to_string(ranks[i]) + " dimensions");
          return ONNXPORT_FAILED;
        }
        shape.emplace();
        for (int32_t d = 0; d < ranks[i]; ++d) shape->push_back(c->builder.fresh_dim());
      }
      parameters.emplace_back(std::string(from_abi(names[i])),
                              ir::Type::tensor(static_cast<ir::DType>(dtypes[i]), std::move(shape)));
    }
    ir::Block* block = c->builder.begin_block(parameters);
    ++c->open_blocks;
    for (uint32_t i = 0; i < count; ++i) params[i] = c->handle(block->parameters()[i]);
    return ONNXPORT_OK;
  });
}

int64_t end_block(onnxport_context* c, const onnxport_value* results, uint32_t count) {
  return c->guarded<int64_t>(-1, [&]() -> int64_t {
    if (c->open_blocks == 0) {
      c->fail("T505", "end_block without begin_block");
      return -1;
    }
    std::vector<ir::Value*> values;
    for (uint32_t i = 0; i < count; ++i) {
      ir::Value* v = c->value(results[i]);
      if (v == nullptr) {
        c->fail("a block's result is absent");
        return -1;
      }
      // A block hands out what it computed itself.
      if (v->producer() == nullptr || v->producer()->parent() != &c->builder.block())
        v = c->builder.emit1("Identity", {v});
      values.push_back(v);
    }
    --c->open_blocks;
    c->blocks.push_back(c->builder.end_block(values));
    return static_cast<int64_t>(c->blocks.size()) - 1;
  });
}

onnxport_value set_complex(onnxport_context* c, onnxport_value handle, int32_t on) {
  return c->guarded<onnxport_value>(0, [&]() -> onnxport_value {
    ir::Value* v = c->value(handle);
    if (v == nullptr) return 0;
    if (v->type().stands_for_complex() == (on != 0)) return handle;
    const int r = v->type().rank();
    const bool pairs = r > 0 && (*v->type().shape())[static_cast<size_t>(r - 1)] == ir::Dim(2);
    if (on != 0 && !pairs) {
      c->fail("a complex value needs a last axis of 2");
      return 0;
    }
    // The flag belongs to the value, so the other reading gets a value of its own.
    ir::Value* other = c->builder.emit1("Identity", {v});
    ir::Type type = v->type();
    type.set_stands_for_complex(on != 0);
    other->set_type(std::move(type));
    return c->handle(other);
  });
}

int32_t set_type(onnxport_context* c, onnxport_value handle, int32_t element, int32_t r,
                 const int64_t* dims) {
  return c->guarded<int32_t>(ONNXPORT_FAILED, [&]() -> int32_t {
    ir::Value* v = c->value(handle);
    if (v == nullptr || v->producer() == nullptr) {
      c->fail("T505", "a type is given to a value that no node makes");
      return ONNXPORT_FAILED;
    }
    std::optional<ir::Shape> shape;
    if (r >= 0) {
      shape.emplace();
      for (int32_t i = 0; i < r; ++i)
        shape->push_back(dims[i] < 0 ? c->builder.fresh_dim() : ir::Dim(dims[i]));
    }
    v->set_type(ir::Type::tensor(static_cast<ir::DType>(element), std::move(shape)));
    return ONNXPORT_OK;
  });
}

}  // namespace

std::vector<ir::Attribute> read_attributes(onnxport_context& c, const onnxport_attr* attrs, uint32_t count) {
  std::vector<ir::Attribute> out;
  for (uint32_t i = 0; i < count; ++i) {
    const onnxport_attr& a = attrs[i];
    ir::AttributeValue value;
    switch (a.kind) {
      case ONNXPORT_ATTR_INT:
        value = a.i;
        break;
      case ONNXPORT_ATTR_FLOAT:
        value = a.f;
        break;
      case ONNXPORT_ATTR_STRING:
        value = std::string(from_abi(a.s));
        break;
      case ONNXPORT_ATTR_INTS:
        value = std::vector<int64_t>(a.ints, a.ints + a.count);
        break;
      case ONNXPORT_ATTR_FLOATS:
        value = std::vector<double>(a.floats, a.floats + a.count);
        break;
      case ONNXPORT_ATTR_STRINGS: {
        std::vector<std::string> strings;
        for (uint32_t k = 0; k < a.count; ++k) strings.emplace_back(from_abi(a.strings[k]));
        value = std::move(strings);
        break;
      }
      case ONNXPORT_ATTR_TENSOR: {
        value = read_tensor(a.tensor);
        break;
      }
      case ONNXPORT_ATTR_BLOCK:
        if (a.i < 0 || static_cast<size_t>(a.i) >= c.blocks.size())
          throw Error("T505", "a block attribute that names no block");
        value = c.blocks[static_cast<size_t>(a.i)];
        break;
      default:
        throw Error("T505", "an attribute of kind " + std::to_string(a.kind));
    }
    out.push_back(c.builder.attribute(from_abi(a.name), std::move(value)));
  }
  return out;
}

const onnxport_graph_api kGraphApi = {sizeof(onnxport_graph_api),
                                      0,
                                      dtype,
                                      rank,
                                      static_dim,
                                      same_dim,
                                      constant_data,
                                      is_complex,
                                      is_number,
                                      target_opset,
                                      current_opset};
const onnxport_emit_api kEmitApi = {sizeof(onnxport_emit_api),
                                    0,
                                    emit_node,
                                    make_constant,
                                    emit_dim,
                                    emit_shape,
                                    begin_block,
                                    end_block,
                                    set_complex,
                                    set_type};

}  // namespace onnxport
