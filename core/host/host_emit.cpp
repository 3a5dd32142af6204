// "onnxport.emit/1": adding nodes, constants and blocks.
#include <algorithm>

#include "core/host/context.h"

namespace onnxport {
namespace {

// Emitting is for mappings and rules: what an inference looks at is not in the graph yet.
void check_emits(const onnxport_context* c) {
  c->may_fail();
  if (c->view != nullptr) misused("an inference may not add nodes");
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

void check_names(std::string_view domain, std::string_view op_type) {
  if (is_identifier(op_type) && (domain.empty() || is_identifier(domain, ".-"))) return;
  throw Error("T505",
              "a node whose operator is no identifier: '" + std::string(domain) +
                  (domain.empty() ? "" : "::") + std::string(op_type) + "'",
              {}, "an operator's name is letters, digits and _, a domain has . and - besides");
}

// A manifest is a promise: nodes go to ONNX's own domains and to those it lists.
void check_domain(onnxport_context* c, std::string_view domain, std::string_view op_type) {
  if (domain.empty() || domain.starts_with("ai.onnx") || c->registry == nullptr) return;
  const std::optional<int> stated = c->registry->domain_version(c->plugin_id, domain);
  if (!stated) {
    throw Error("C404",
                c->plugin_id + " emits " + std::string(domain) + "::" + std::string(op_type) +
                    ", a domain that its manifest does not list",
                {},
                "add to its manifest: provides: domains: [{name: " + std::string(domain) + ", version: 1}]");
  }
  c->domains[std::string(domain)] = *stated;
}

// Remembers the nodes that are new since `before` nodes were there: what folds gives what was there already.
void remember(onnxport_context* c, size_t before, std::span<ir::Value* const> made) {
  if (c->builder.graph().node_count() == before) return;
  for (const ir::Value* v : made) {
    if (v != nullptr && v->producer() != nullptr) c->emitted.insert(v->producer());
  }
}

// A number of the model keeps all its digits when a mapping casts it: the cast is made of the number itself.
ir::Value* exact_cast(onnxport_context& c, const Argument& number, ir::DType to) {
  if (!number.to_real()) return nullptr;
  const double real = *number.to_real();
  switch (to) {
    case ir::DType::f64:
      return c.builder.constant(ir::Tensor::of<double>(to, {}, {real}));
    case ir::DType::f32:
      return c.builder.constant(ir::Tensor::of<float>(to, {}, {static_cast<float>(real)}));
    case ir::DType::i64:
      return number.to_int() ? c.builder.constant(*number.to_int()) : nullptr;
    default:
      return nullptr;
  }
}

ir::Value* cast_of_number(onnxport_context* c, onnxport_value input,
                          const std::vector<ir::Attribute>& attributes) {
  const onnxport_context::Slot* s = c->slot(input);
  if (s == nullptr || s->known == nullptr || attributes.empty()) return nullptr;
  const auto* to = std::get_if<int64_t>(&attributes[0].value);
  return to == nullptr ? nullptr : exact_cast(*c, *s->known, static_cast<ir::DType>(*to));
}

int32_t emit_node(onnxport_context* c, onnxport_str domain_text, onnxport_str op_text,
                  const onnxport_value* inputs, uint32_t input_count, const onnxport_attr* attrs,
                  uint32_t attr_count, uint64_t attr_size, onnxport_value* outputs, uint32_t output_count) {
  if (outputs != nullptr && output_count <= kMostItems) std::fill_n(outputs, output_count, 0u);
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    check_emits(c);
    std::string_view domain = text_of(domain_text, "the domain of a node");
    if (domain == "ai.onnx") domain = {};
    const std::string_view op_type = text_of(op_text, "the operator of a node");
    check_names(domain, op_type);
    array(outputs, output_count, "outputs of a node");
    std::vector<ir::Value*> values;
    for (const onnxport_value input : array(inputs, input_count, "inputs of a node")) {
      values.push_back(c->usable(input));
      if (c->failed) return ONNXPORT_FAILED;
    }
    std::vector<ir::Attribute> attributes = read_attributes(*c, attrs, attr_count, attr_size);
    check_domain(c, domain, op_type);
    if (domain.empty() && op_type == "Cast" && input_count == 1 && output_count == 1) {
      if (ir::Value* v = cast_of_number(c, inputs[0], attributes)) {
        outputs[0] = c->handle(v);
        return ONNXPORT_OK;
      }
    }
    const size_t before = c->builder.graph().node_count();
    const std::vector<ir::Value*> made =
        c->builder.emit(domain, op_type, values, std::move(attributes), output_count);
    remember(c, before, made);
    for (uint32_t i = 0; i < output_count; ++i) outputs[i] = c->handle(made[i]);
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

onnxport_value make_constant(onnxport_context* c, const onnxport_tensor* t) {
  return guarded<onnxport_value>(c, 0, [&]() -> onnxport_value {
    check_emits(c);
    return c->handle(c->builder.constant(read_tensor(t)));
  });
}

onnxport_value emit_dim(onnxport_context* c, onnxport_value handle, uint32_t axis) {
  return guarded<onnxport_value>(c, 0, [&]() -> onnxport_value {
    check_emits(c);
    ir::Value* v = c->usable(handle);
    if (v == nullptr) misused("the size of an absent value was asked for");
    return c->handle(c->builder.dim(v, axis));
  });
}

onnxport_value emit_shape(onnxport_context* c, const onnxport_value* parts, uint32_t count) {
  return guarded<onnxport_value>(c, 0, [&]() -> onnxport_value {
    check_emits(c);
    std::vector<ir::Value*> values;
    for (const onnxport_value part : array(parts, count, "parts of a shape")) {
      values.push_back(c->usable(part));
      if (values.back() == nullptr) misused("a part of a shape is absent");
    }
    return c->handle(c->builder.shape(values));
  });
}

ir::Type type_of_param(onnxport_context& c, const onnxport_block_param& p) {
  if (p.type != nullptr) return read_type(c, p.type);
  const ir::Value* like = c.usable(p.like);
  if (like == nullptr) misused("a parameter of a block has neither a type nor a value that it is like");
  return like->type();
}

// How many blocks there are around the place where nodes go.
size_t depth_of(const ir::Block& block, size_t open) {
  size_t depth = open;
  for (const ir::Block* b = &block; b->owner() != nullptr; b = b->owner()->parent()) {
    ++depth;
    if (b->owner()->parent() == nullptr) break;
  }
  return depth;
}

int32_t begin_block(onnxport_context* c, const onnxport_block_param* params, uint32_t count, uint64_t size,
                    onnxport_value* values) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    check_emits(c);
    array(params, count, "parameters of a block");
    array(values, count, "handles of parameters of a block");
    if (count != 0 && (size < ONNXPORT_BLOCK_PARAM_1_0_SIZE || size > kMostItems))
      misused("parameters of a block of " + std::to_string(size) + " bytes each");
    if (depth_of(c->builder.block(), c->builder.open_blocks()) >= ir::kDeepestBlock) {
      throw Error("T517", "blocks are nested more than " + std::to_string(ir::kDeepestBlock) + " deep", {},
                  "an ONNX file that is deeper cannot be read: protobuf has a limit");
    }
    std::vector<std::pair<std::string, ir::Type>> parameters;
    for (uint32_t i = 0; i < count; ++i) {
      const onnxport_block_param p = row(params, size, i);
      parameters.emplace_back(std::string(text_of(p.name, "the name of a parameter")), type_of_param(*c, p));
    }
    const ir::Block* block = c->builder.begin_block(parameters);
    ++c->open_blocks;
    for (uint32_t i = 0; i < count; ++i) values[i] = c->handle(block->parameters()[i]);
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

int64_t end_block(onnxport_context* c, const onnxport_value* results, uint32_t count) {
  return guarded<int64_t>(c, -1, [&]() -> int64_t {
    c->may_fail();
    if (c->open_blocks == 0) misused("end_block without begin_block");
    std::vector<ir::Value*> values;
    for (const onnxport_value result : array(results, count, "results of a block")) {
      ir::Value* v = c->usable(result);
      if (v == nullptr) misused("a block's result is absent");
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
  return guarded<onnxport_value>(c, 0, [&]() -> onnxport_value {
    check_emits(c);
    ir::Value* v = c->usable(handle);
    if (v == nullptr) return 0;
    if (v->type().stands_for_complex() == (on != 0)) return handle;
    const int r = v->type().rank();
    const bool pairs = r > 0 && (*v->type().shape())[static_cast<size_t>(r - 1)] == ir::Dim(2);
    if (on != 0 && !pairs) {
      c->fail("a complex value needs a last axis of 2");
      return 0;
    }
    // The flag belongs to the value, so the other reading gets a value of its own.
    const size_t before = c->builder.graph().node_count();
    ir::Value* other = c->builder.emit1("Identity", {v});
    remember(c, before, {&other, 1});
    ir::Type type = v->type();
    type.set_stands_for_complex(on != 0);
    other->set_type(std::move(type));
    return c->handle(other);
  });
}

// What a node emitted in this attempt gives: the types of all else are known already.
ir::Value* stated(onnxport_context* c, onnxport_value handle) {
  check_emits(c);
  ir::Value* v = c->value(handle);
  if (v == nullptr || v->producer() == nullptr) misused("a type is given to a value that no node makes");
  if (!c->emitted.contains(v->producer())) misused("a type is given to what was there before this call");
  return v;
}

int32_t set_type(onnxport_context* c, onnxport_value handle, const onnxport_type* type) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    ir::Value* v = stated(c, handle);
    v->set_type(read_type(*c, type));
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

int32_t set_type_like(onnxport_context* c, onnxport_value handle, onnxport_value like) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    ir::Value* v = stated(c, handle);
    const ir::Value* other = c->value(like);
    if (other == nullptr) misused("a value is to have the type of an absent one");
    v->set_type(other->type());
    return ONNXPORT_OK;
  });
}

int32_t set_shape(onnxport_context* c, onnxport_value handle, const onnxport_dim* dims, uint32_t r) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    ir::Value* v = stated(c, handle);
    if (!v->type().is_tensor()) misused("a shape is given to a value that is no tensor");
    ir::Type type = ir::Type::tensor(v->type().dtype(), read_dims(*c, dims, int64_t{r}));
    type.set_stands_for_complex(v->type().stands_for_complex());
    v->set_type(std::move(type));
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

}  // namespace

const onnxport_emit_api kEmitApi = {
    .struct_size = sizeof(onnxport_emit_api),
    .reserved = 0,
    .node = emit_node,
    .constant = make_constant,
    .dim = emit_dim,
    .shape = emit_shape,
    .begin_block = begin_block,
    .end_block = end_block,
    .set_complex = set_complex,
    .set_type = set_type,
    .set_type_like = set_type_like,
    .set_shape = set_shape,
};

}  // namespace onnxport
