// Node: the ONNX node that an opset rule or a pass looks at. Part of onnxport/plugin.hpp.
#pragma once

#include "onnxport/builder.hpp"

namespace onnxport {
inline namespace sdk_v1 {

// A rule returns the values that replace the node's outputs, or declines: the node then stays as it is for a
// pass, and the next way down (an official body, an error) is taken for an opset step.
class Node : public Builder {
 public:
  using Builder::Builder;

  std::string_view domain() const { return from_abi(api_.rewrite->domain(context_)); }
  std::string_view op_type() const { return from_abi(api_.rewrite->op_type(context_)); }
  size_t input_count() const { return api_.rewrite->input_count(context_); }
  // Absent where omitted or beyond the last.
  Value input(size_t index) { return {*this, api_.rewrite->input(context_, static_cast<uint32_t>(index))}; }
  Values inputs() {
    Values out;
    for (size_t i = 0; i < input_count(); ++i) out.push_back(input(i));
    return out;
  }
  size_t output_count() const { return api_.rewrite->output_count(context_); }
  // For its type only.
  Value output(size_t index) { return {*this, api_.rewrite->output(context_, static_cast<uint32_t>(index))}; }
  bool is_used(size_t index) const {
    return api_.rewrite->output_used(context_, static_cast<uint32_t>(index)) != 0;
  }

  bool has_attr(std::string_view name) const {
    onnxport_attr a{};
    return find(name, a);
  }
  int64_t integer(std::string_view name, int64_t otherwise) const {
    onnxport_attr a{};
    return find(name, a) && a.kind == ONNXPORT_ATTR_INT ? a.i : otherwise;
  }
  double real(std::string_view name, double otherwise) const {
    onnxport_attr a{};
    return find(name, a) && a.kind == ONNXPORT_ATTR_FLOAT ? a.f : otherwise;
  }
  std::string string(std::string_view name, std::string_view otherwise) const {
    onnxport_attr a{};
    return std::string(find(name, a) && a.kind == ONNXPORT_ATTR_STRING ? from_abi(a.s) : otherwise);
  }
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> otherwise = {}) const {
    onnxport_attr a{};
    if (!find(name, a) || a.kind != ONNXPORT_ATTR_INTS) return otherwise;
    return {a.ints, a.ints + a.count};
  }
  // All attributes but those named, to hand on to a new node.
  Attrs attrs_except(std::initializer_list<std::string_view> names = {}) const {
    Attrs out;
    for (uint32_t i = 0; i < api_.rewrite->attr_count(context_); ++i) {
      onnxport_attr a{};
      if (api_.rewrite->attr(context_, i, &a) != 1) continue;
      if (std::find(names.begin(), names.end(), from_abi(a.name)) == names.end()) out.push_back(copy(a));
    }
    return out;
  }
  // The official function body of this node, emitted. Declines where ONNX has none.
  Values official_body() {
    std::vector<onnxport_value> out(output_count(), 0);
    const int32_t status =
        api_.onnx_body->emit_body(context_, current_opset(), out.data(), static_cast<uint32_t>(out.size()));
    if (status == ONNXPORT_DECLINED) decline("ONNX has no function body for " + std::string(op_type()));
    if (status != ONNXPORT_OK) throw Failed("");
    Values values;
    for (onnxport_value handle : out) values.emplace_back(*this, handle);
    return values;
  }

 private:
  bool find(std::string_view name, onnxport_attr& out) const {
    for (uint32_t i = 0; i < api_.rewrite->attr_count(context_); ++i) {
      if (api_.rewrite->attr(context_, i, &out) == 1 && from_abi(out.name) == name) return true;
    }
    return false;
  }
  static Attr copy(const onnxport_attr& a) {
    const std::string name(from_abi(a.name));
    switch (a.kind) {
      case ONNXPORT_ATTR_INT:
        return {name, a.i};
      case ONNXPORT_ATTR_FLOAT:
        return {name, a.f};
      case ONNXPORT_ATTR_STRING:
        return {name, from_abi(a.s)};
      case ONNXPORT_ATTR_INTS:
        return {name, std::vector<int64_t>(a.ints, a.ints + a.count)};
      case ONNXPORT_ATTR_FLOATS:
        return {name, std::vector<double>(a.floats, a.floats + a.count)};
      case ONNXPORT_ATTR_STRINGS: {
        std::vector<std::string> strings;
        for (uint32_t i = 0; i < a.count; ++i) strings.emplace_back(from_abi(a.strings[i]));
        return {name, std::move(strings)};
      }
      case ONNXPORT_ATTR_BLOCK:
        return {name, Block{a.i}};
      case ONNXPORT_ATTR_TENSOR: {
        const auto* bytes = static_cast<const unsigned char*>(a.tensor->data);
        return {name, Tensor{static_cast<DType>(a.tensor->dtype),
                             {a.tensor->dims, a.tensor->dims + a.tensor->rank},
                             {bytes, bytes + a.tensor->bytes}}};
      }
      default:
        throw Failed("attribute '" + name + "' is of an unknown kind");
    }
  }
};

}  // namespace sdk_v1
}  // namespace onnxport
