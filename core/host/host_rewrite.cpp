// "onnxport.rewrite/1", "onnxport.match/1" and "onnxport.onnx_body/1": the ONNX node that a rule or an inference
// looks at, its neighbours, and what takes its place.
#include <algorithm>

#include "core/builder/function.h"
#include "core/host/context.h"
#include "core/onnx/functions.h"

namespace onnxport {
namespace {

// A node of the graph, or the one to be that an inference looks at.
struct Subject {
  const ir::Node* node = nullptr;
  const onnx::NodeView* view = nullptr;

  std::string_view domain() const {
    return view != nullptr ? view->domain : onnx::split_op(node->op_text()).first;
  }
  std::string_view op_type() const {
    return view != nullptr ? view->op_type : onnx::split_op(node->op_text()).second;
  }
  size_t input_count() const { return view != nullptr ? view->inputs.size() : node->operand_count(); }
  ir::Value* input(size_t i) const { return view != nullptr ? view->inputs[i] : node->operand(i); }
  size_t output_count() const { return view != nullptr ? view->outputs : node->output_count(); }
  std::span<const ir::Attribute> attributes() const {
    return view != nullptr ? view->attributes : std::span<const ir::Attribute>(node->attributes());
  }
};

// Runs `body` on the node that the handle names; 0 names none.
template <typename T, typename Body>
T about(onnxport_context* c, onnxport_node handle, T otherwise, Body body) {
  return guarded<T>(c, otherwise, [&]() -> T {
    if (c->view != nullptr && handle == c->root_handle()) return body(Subject{nullptr, c->view});
    const ir::Node* node = c->node(handle);
    return node == nullptr ? otherwise : body(Subject{node, nullptr});
  });
}

// Runs before the root: what it reads is there for what takes the root's place.
bool is_early(const onnxport_context& c, const ir::Node& node) {
  if (&node == c.root) return true;
  const auto outputs = node.outputs();
  return std::any_of(outputs.begin(), outputs.end(), [&](const ir::Value* v) { return c.early.contains(v); });
}

onnxport_node root(onnxport_context* c) {
  return guarded<onnxport_node>(c, 0, [&] { return c->root_handle(); });
}

onnxport_str domain(onnxport_context* c, onnxport_node n) {
  return about<onnxport_str>(c, n, {nullptr, 0}, [](const Subject& s) { return to_abi(s.domain()); });
}
onnxport_str op_type(onnxport_context* c, onnxport_node n) {
  return about<onnxport_str>(c, n, {nullptr, 0}, [](const Subject& s) { return to_abi(s.op_type()); });
}
uint32_t input_count(onnxport_context* c, onnxport_node n) {
  return about<uint32_t>(c, n, 0, [](const Subject& s) { return static_cast<uint32_t>(s.input_count()); });
}
onnxport_value input(onnxport_context* c, onnxport_node n, uint32_t index) {
  return about<onnxport_value>(c, n, 0, [&](const Subject& s) -> onnxport_value {
    ir::Value* v = index < s.input_count() ? s.input(index) : nullptr;
    if (v != nullptr && s.node != nullptr && is_early(*c, *s.node)) c->early.insert(v);
    return c->handle(v);
  });
}
uint32_t output_count(onnxport_context* c, onnxport_node n) {
  return about<uint32_t>(c, n, 0, [](const Subject& s) { return static_cast<uint32_t>(s.output_count()); });
}
onnxport_value output(onnxport_context* c, onnxport_node n, uint32_t index) {
  return about<onnxport_value>(c, n, 0, [&](const Subject& s) -> onnxport_value {
    return s.node != nullptr && index < s.node->output_count() ? c->handle(s.node->output(index)) : 0;
  });
}
int32_t output_used(onnxport_context* c, onnxport_node n, uint32_t index) {
  return about<int32_t>(c, n, 0, [&](const Subject& s) -> int32_t {
    if (s.node == nullptr) return index < s.output_count() ? 1 : 0;
    return index < s.node->output_count() && s.node->output(index)->has_uses() ? 1 : 0;
  });
}
uint32_t attr_count(onnxport_context* c, onnxport_node n) {
  return about<uint32_t>(c, n, 0,
                         [](const Subject& s) { return static_cast<uint32_t>(s.attributes().size()); });
}

int32_t write(onnxport_context* c, const ir::Attribute& attribute, onnxport_attr* out, uint64_t size) {
  if (out == nullptr || size < ONNXPORT_ATTR_1_0_SIZE)
    misused("an attribute of " + std::to_string(out == nullptr ? 0 : size) + " bytes is to be written");
  onnxport_attr made{};
  if (!write_attribute(*c, attribute, made)) return 0;
  write_sized(out, size, made);
  return 1;
}

int32_t attr(onnxport_context* c, onnxport_node n, uint32_t index, onnxport_attr* out, uint64_t size) {
  return about<int32_t>(c, n, 0, [&](const Subject& s) {
    return index < s.attributes().size() ? write(c, s.attributes()[index], out, size) : 0;
  });
}

int32_t find_attr(onnxport_context* c, onnxport_node n, onnxport_str text, onnxport_attr* out,
                  uint64_t size) {
  return about<int32_t>(c, n, 0, [&](const Subject& s) {
    const std::string_view name = text_of(text, "the name of an attribute");
    for (const ir::Attribute& attribute : s.attributes()) {
      if (attribute.name == name) return write(c, attribute, out, size);
    }
    return 0;
  });
}

int32_t replace(onnxport_context* c, onnxport_node handle, const onnxport_value* values, uint32_t count) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    c->may_fail();
    if (c->root == nullptr) misused("a node is replaced outside of a rule");
    ir::Node* node = c->node(handle);
    if (node == nullptr) misused("no node is replaced");
    const bool twice = std::any_of(c->replacements.begin(), c->replacements.end(),
                                   [&](const Replacement& r) { return r.node == node; });
    if (twice) misused("a node is replaced twice");
    if (count > node->output_count()) {
      misused(std::to_string(count) + " values are given for the " + std::to_string(node->output_count()) +
              " outputs of " + std::string(node->op_text()));
    }
    Replacement made{node, {}};
    for (const onnxport_value v : array(values, count, "values that replace outputs"))
      made.values.push_back(c->usable(v));
    made.values.resize(node->output_count(), nullptr);
    c->finished = true;
    c->replacements.push_back(std::move(made));
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

// ---- match ----

onnxport_node producer(onnxport_context* c, onnxport_value handle) {
  return guarded<onnxport_node>(c, 0, [&]() -> onnxport_node {
    const ir::Value* v = c->value(handle);
    return v == nullptr || v->producer() == nullptr ? 0 : c->node_handle(v->producer());
  });
}

// A result is read by a node that is in no block.
bool is_result(const ir::Operand& use) {
  return use.user()->parent() == nullptr && use.user()->op_text() == "return";
}

uint32_t use_count(onnxport_context* c, onnxport_value handle) {
  return guarded<uint32_t>(c, 0, [&]() -> uint32_t {
    const ir::Value* v = c->value(handle);
    uint32_t count = 0;
    for (const ir::Operand* use = v == nullptr ? nullptr : v->first_use(); use != nullptr; use = use->next())
      ++count;
    return count;
  });
}

const ir::Operand* use_at(onnxport_context* c, onnxport_value handle, uint32_t index) {
  const ir::Value* v = c->value(handle);
  const ir::Operand* use = v == nullptr ? nullptr : v->first_use();
  for (; use != nullptr && index > 0; --index) use = use->next();
  if (use == nullptr && !c->failed) misused("a use of a value is asked for that there is not");
  return use;
}

onnxport_node user(onnxport_context* c, onnxport_value handle, uint32_t index) {
  return guarded<onnxport_node>(c, 0, [&]() -> onnxport_node {
    const ir::Operand* use = use_at(c, handle, index);
    return use == nullptr || is_result(*use) ? 0 : c->node_handle(use->user());
  });
}

uint32_t user_input(onnxport_context* c, onnxport_value handle, uint32_t index) {
  return guarded<uint32_t>(c, 0, [&]() -> uint32_t {
    const ir::Operand* use = use_at(c, handle, index);
    return use == nullptr ? 0 : use->index();
  });
}

int32_t is_output(onnxport_context* c, onnxport_value handle) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const ir::Value* v = c->value(handle);
    for (const ir::Operand* use = v == nullptr ? nullptr : v->first_use(); use != nullptr;
         use = use->next()) {
      if (is_result(*use)) return 1;
    }
    return 0;
  });
}

int32_t is_input(onnxport_context* c, onnxport_value handle) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const ir::Value* v = c->value(handle);
    return v != nullptr && v->block() != nullptr && v->block()->owner() == nullptr ? 1 : 0;
  });
}

int32_t insert_before(onnxport_context* c, onnxport_node handle) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    c->may_fail();
    if (c->root == nullptr) misused("insert_before outside of a rule");
    ir::Node* node = c->node(handle);
    if (node == nullptr || node->parent() == nullptr) misused("insert_before names no node of the graph");
    if (c->open_blocks != 0) misused("insert_before inside of a block that is open");
    c->builder.insert_before(node);
    c->builder.set_provenance(node->provenance());  // what stands in its place is of its module
    c->places.push_back({node, c->builder.mark()});
    return ONNXPORT_OK;
  });
}

// ---- bodies ----

int32_t emit_body(onnxport_context* c, int32_t opset, onnxport_value* outputs, uint32_t count) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    c->may_fail();
    if (c->root == nullptr) return ONNXPORT_DECLINED;
    array(outputs, count, "outputs of a body");
    std::vector<ir::Value*> inputs;
    for (size_t i = 0; i < c->root->operand_count(); ++i) inputs.push_back(c->root->operand(i));
    const auto [name_space, type] = onnx::split_op(c->root->op_text());
    const onnx::NodeView view{name_space, type, inputs, c->root->attributes(), c->root->output_count()};
    const auto body = onnx::official_body(view, opset);
    if (!body) return ONNXPORT_DECLINED;
    const std::vector<ir::Value*> made = emit_function(*body, c->builder, inputs, c->root->attributes());
    for (uint32_t i = 0; i < count; ++i) outputs[i] = i < made.size() ? c->handle(made[i]) : 0;
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

struct AttributeWriter {
  onnxport_context& c;
  onnxport_attr& out;

  bool operator()(std::monostate) const { return false; }
  bool operator()(const std::complex<double>&) const { return false; }
  bool operator()(const std::vector<bool>&) const { return false; }
  bool operator()(int64_t v) const { return integer(v); }
  bool operator()(bool v) const { return integer(v ? 1 : 0); }
  bool operator()(ir::DType v) const { return integer(static_cast<int64_t>(v)); }
  bool integer(int64_t v) const {
    out.kind = ONNXPORT_ATTR_INT;
    out.i = v;
    return true;
  }
  bool operator()(double v) const {
    out.kind = ONNXPORT_ATTR_FLOAT;
    out.f = v;
    return true;
  }
  bool operator()(const std::string& v) const {
    out.kind = ONNXPORT_ATTR_STRING;
    out.s = to_abi(v);
    return true;
  }
  bool operator()(const std::vector<int64_t>& v) const {
    out.kind = ONNXPORT_ATTR_INTS;
    out.ints = v.data();
    out.count = static_cast<uint32_t>(v.size());
    return true;
  }
  bool operator()(const std::vector<double>& v) const {
    out.kind = ONNXPORT_ATTR_FLOATS;
    out.floats = v.data();
    out.count = static_cast<uint32_t>(v.size());
    return true;
  }
  bool operator()(const std::vector<std::string>& v) const {
    out.kind = ONNXPORT_ATTR_STRINGS;
    c.strings.emplace_back();
    for (const std::string& s : v) c.strings.back().push_back(to_abi(s));
    out.strings = c.strings.back().data();
    out.count = static_cast<uint32_t>(v.size());
    return true;
  }
  bool operator()(const ir::Tensor& t) const {
    out.kind = ONNXPORT_ATTR_TENSOR;
    c.tensors.push_back(write_tensor(c, t));
    out.tensor = &c.tensors.back();
    return true;
  }
  bool operator()(ir::Block* block) const {
    out.kind = ONNXPORT_ATTR_BLOCK;
    out.i = c.block_number(block);
    return true;
  }
};

}  // namespace

bool write_attribute(onnxport_context& c, const ir::Attribute& attribute, onnxport_attr& out) {
  out.name = to_abi(attribute.name.text());
  return std::visit(AttributeWriter{c, out}, attribute.value);
}

const onnxport_rewrite_api kRewriteApi = {
    .struct_size = sizeof(onnxport_rewrite_api),
    .reserved = 0,
    .root = root,
    .domain = domain,
    .op_type = op_type,
    .input_count = input_count,
    .input = input,
    .output_count = output_count,
    .output = output,
    .output_used = output_used,
    .attr_count = attr_count,
    .attr = attr,
    .find_attr = find_attr,
    .replace = replace,
};
const onnxport_match_api kMatchApi = {
    .struct_size = sizeof(onnxport_match_api),
    .reserved = 0,
    .producer = producer,
    .use_count = use_count,
    .user = user,
    .user_input = user_input,
    .is_output = is_output,
    .is_input = is_input,
    .insert_before = insert_before,
};
const onnxport_onnx_body_api kOnnxBodyApi = {
    .struct_size = sizeof(onnxport_onnx_body_api), .reserved = 0, .emit_body = emit_body};

}  // namespace onnxport
