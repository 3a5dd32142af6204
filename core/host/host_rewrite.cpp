// "onnxport.rewrite/1" and "onnxport.onnx_body/1": the ONNX node a rule looks at.
#include <cstring>

#include "core/builder/function.h"
#include "core/host/context.h"
#include "core/onnx/functions.h"

namespace onnxport {
namespace {

onnxport_str to_abi(std::string_view s) { return {s.data(), s.size()}; }

onnxport_str domain(onnxport_context* c) {
  return c->node == nullptr ? onnxport_str{nullptr, 0} : to_abi(onnx::split_op(c->node->op_text()).first);
}
onnxport_str op_type(onnxport_context* c) {
  return c->node == nullptr ? onnxport_str{nullptr, 0} : to_abi(onnx::split_op(c->node->op_text()).second);
}
uint32_t input_count(onnxport_context* c) {
  return c->node == nullptr ? 0 : static_cast<uint32_t>(c->node->operand_count());
}
onnxport_value input(onnxport_context* c, uint32_t index) {
  if (c->node == nullptr || index >= c->node->operand_count()) return 0;
  return c->handle(c->node->operand(index));
}
uint32_t output_count(onnxport_context* c) {
  return c->node == nullptr ? 0 : static_cast<uint32_t>(c->node->output_count());
}
onnxport_value output(onnxport_context* c, uint32_t index) {
  if (c->node == nullptr || index >= c->node->output_count()) return 0;
  return c->handle(c->node->output(index));
}
int32_t output_used(onnxport_context* c, uint32_t index) {
  return c->node != nullptr && index < c->node->output_count() && c->node->output(index)->has_uses() ? 1 : 0;
}
uint32_t attr_count(onnxport_context* c) {
  return c->node == nullptr ? 0 : static_cast<uint32_t>(c->node->attributes().size());
}

int32_t attr(onnxport_context* c, uint32_t index, onnxport_attr* out) {
  if (c->node == nullptr || out == nullptr || index >= c->node->attributes().size()) return 0;
  *out = {};
  return write_attribute(*c, c->node->attributes()[index], *out) ? 1 : 0;
}

int32_t replace(onnxport_context* c, const onnxport_value* values, uint32_t count) {
  return c->guarded<int32_t>(ONNXPORT_FAILED, [&]() -> int32_t {
    if (c->node == nullptr || c->finished) {
      c->fail("T505", "replace was called twice, or outside a rule");
      return ONNXPORT_FAILED;
    }
    c->finished = true;
    for (uint32_t i = 0; i < count; ++i) c->replacements.push_back(c->value(values[i]));
    for (size_t i = 0; i < c->node->output_count(); ++i) {
      const bool given = i < c->replacements.size() && c->replacements[i] != nullptr;
      if (!given && c->node->output(i)->has_uses()) {
        c->fail("the rule gives nothing for output " + std::to_string(i) + ", which is used");
        return ONNXPORT_FAILED;
      }
    }
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

int32_t emit_body(onnxport_context* c, int32_t opset, onnxport_value* outputs, uint32_t count) {
  return c->guarded<int32_t>(ONNXPORT_FAILED, [&]() -> int32_t {
    if (c->node == nullptr) return ONNXPORT_DECLINED;
    std::vector<ir::Value*> inputs;
    for (size_t i = 0; i < c->node->operand_count(); ++i) inputs.push_back(c->node->operand(i));
    const auto [name_space, type] = onnx::split_op(c->node->op_text());
    const onnx::NodeView view{name_space, type, inputs, c->node->attributes(), c->node->output_count()};
    const auto body = onnx::official_body(view, opset);
    if (!body) return ONNXPORT_DECLINED;
    const std::vector<ir::Value*> made = emit_function(*body, c->builder, inputs, c->node->attributes());
    for (uint32_t i = 0; i < count; ++i) outputs[i] = i < made.size() ? c->handle(made[i]) : 0;
    return ONNXPORT_OK;
  });
}

}  // namespace

bool write_attribute(onnxport_context& c, const ir::Attribute& attribute, onnxport_attr& out) {
  out.name = to_abi(attribute.name.text());
  struct Visitor {
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
      if (!t.is_contiguous()) c.dense.push_back(t.contiguous());
      const ir::Tensor& seen = t.is_contiguous() ? t : c.dense.back();
      c.tensors.push_back({static_cast<int32_t>(seen.dtype()), static_cast<uint32_t>(seen.dims().size()),
                           seen.dims().data(), seen.bytes().data(), seen.bytes().size()});
      out.tensor = &c.tensors.back();
      return true;
    }
    bool operator()(ir::Block* block) const {
      out.kind = ONNXPORT_ATTR_BLOCK;
      c.blocks.push_back(block);
      out.i = static_cast<int64_t>(c.blocks.size()) - 1;
      return true;
    }
  };
  return std::visit(Visitor{c, out}, attribute.value);
}

const onnxport_rewrite_api kRewriteApi = {sizeof(onnxport_rewrite_api),
                                          0,
                                          domain,
                                          op_type,
                                          input_count,
                                          input,
                                          output_count,
                                          output,
                                          output_used,
                                          attr_count,
                                          attr,
                                          replace};
const onnxport_onnx_body_api kOnnxBodyApi = {sizeof(onnxport_onnx_body_api), 0, emit_body};

}  // namespace onnxport
