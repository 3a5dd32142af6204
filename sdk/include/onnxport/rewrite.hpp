// Node: the ONNX node that an opset rule, a pass or an inference looks at, and its neighbours. Part of
// onnxport/plugin.hpp.
#pragma once

#include "onnxport/builder.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

// A node of the graph, or none. Cheap to copy; lives as long as the call it was found in.
class NodeRef {
 public:
  NodeRef() = default;
  NodeRef(Builder& builder, onnxport_node handle) : builder_(&builder), handle_(handle) {}

  explicit operator bool() const { return handle_ != 0; }
  onnxport_node handle() const { return handle_; }
  friend bool operator==(const NodeRef& a, const NodeRef& b) { return a.handle_ == b.handle_; }

  std::string_view domain() const { return handle_ == 0 ? "" : from_abi(api().domain(context(), handle_)); }
  std::string_view op_type() const { return handle_ == 0 ? "" : from_abi(api().op_type(context(), handle_)); }
  // An operator of ai.onnx, or of the domain; false for no node.
  bool is(std::string_view op, std::string_view of_domain = {}) const {
    return handle_ != 0 && op_type() == op && domain() == of_domain;
  }
  size_t input_count() const { return handle_ == 0 ? 0 : api().input_count(context(), handle_); }
  // Absent where omitted or beyond the last.
  Value input(size_t index) const {
    if (handle_ == 0) return {};
    return {*builder_, api().input(context(), handle_, static_cast<uint32_t>(index))};
  }
  Values inputs() const {
    Values out;
    for (size_t i = 0; i < input_count(); ++i) out.push_back(input(i));
    return out;
  }
  size_t output_count() const { return handle_ == 0 ? 0 : api().output_count(context(), handle_); }
  Value output(size_t index = 0) const {
    if (handle_ == 0) return {};
    return {*builder_, api().output(context(), handle_, static_cast<uint32_t>(index))};
  }
  // Whether anything reads the output.
  bool is_used(size_t index) const {
    return handle_ != 0 && api().output_used(context(), handle_, static_cast<uint32_t>(index)) != 0;
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
  std::vector<double> reals(std::string_view name, std::vector<double> otherwise = {}) const {
    onnxport_attr a{};
    if (!find(name, a) || a.kind != ONNXPORT_ATTR_FLOATS) return otherwise;
    return {a.floats, a.floats + a.count};
  }
  // All attributes but those named, to hand on to a new node.
  Attrs attrs_except(std::initializer_list<std::string_view> names = {}) const {
    Attrs out;
    const uint32_t count = handle_ == 0 ? 0 : api().attr_count(context(), handle_);
    for (uint32_t i = 0; i < count; ++i) {
      onnxport_attr a{};
      if (api().attr(context(), handle_, i, &a, sizeof a) != 1) continue;
      if (std::find(names.begin(), names.end(), from_abi(a.name)) == names.end()) out.push_back(copy(a));
    }
    return out;
  }

 protected:
  const onnxport_rewrite_api& api() const { return *builder_->api().rewrite; }
  onnxport_context* context() const { return builder_->context(); }
  bool find(std::string_view name, onnxport_attr& out) const {
    return handle_ != 0 && api().find_attr(context(), handle_, to_abi(name), &out, sizeof out) == 1;
  }

 private:
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

  Builder* builder_ = nullptr;
  onnxport_node handle_ = 0;
};

// The node a rule was called for (its root), and what can be done about it. A rule returns the values that replace the
// root's outputs, or declines: the node then stays as it is for a pass, and the next way down (an official body, an
// error) is taken for an opset step. A rule that returns nothing has replaced nodes through replace().
class Node : public Builder, public NodeRef {
 public:
  Node(const HostApi& api, onnxport_context* context)
      : Builder(api, context), NodeRef(*this, api.rewrite->root(context)) {}

  // ---- neighbours ----
  // Who computes the value; none for an input of the graph, a constant and a parameter of a block.
  NodeRef producer(const Value& x) {
    return x ? NodeRef(*this, api_.match->producer(context_, x.handle())) : NodeRef();
  }
  // The producer of input `index` where it is of that operator and nothing else reads what it computes; declines
  // otherwise: const NodeRef matmul = node.sole_producer(0, "MatMul").
  NodeRef sole_producer(size_t index, std::string_view op, std::string_view of_domain = {}) {
    const Value x = input(index);
    const NodeRef made_by = producer(x);
    if (!made_by.is(op, of_domain) || use_count(x) != 1)
      decline("input " + std::to_string(index) + " is not of " + std::string(op) + " alone");
    return made_by;
  }
  // Readings of the value: by nodes, in blocks too, and as results of the graph or of a block.
  size_t use_count(const Value& x) { return api_.match->use_count(context_, x.handle()); }
  struct Use {
    NodeRef user;      // none: a result
    size_t input = 0;  // of the user
  };
  std::vector<Use> uses(const Value& x) {
    std::vector<Use> out;
    const auto count = static_cast<uint32_t>(use_count(x));
    for (uint32_t i = 0; i < count; ++i) {
      out.push_back({NodeRef(*this, api_.match->user(context_, x.handle(), i)),
                     api_.match->user_input(context_, x.handle(), i)});
    }
    return out;
  }
  bool is_output(const Value& x) { return api_.match->is_output(context_, x.handle()) == 1; }
  bool is_input(const Value& x) { return api_.match->is_input(context_, x.handle()) == 1; }

  // ---- replacing ----
  // Nodes emitted from now on go before that one; at first that is the root.
  void insert_before(const NodeRef& node) {
    if (api_.match->insert_before(context_, node.handle()) != ONNXPORT_OK) throw Failed("");
  }
  // That node's outputs are these values from now on. Of the root, what the rule returns does it.
  void replace(const NodeRef& node, const Values& values) {
    const std::vector<onnxport_value> out = detail::handles(values);
    if (api_.rewrite->replace(context_, node.handle(), out.data(), static_cast<uint32_t>(out.size())) !=
        ONNXPORT_OK)
      throw Failed("");
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

  using Builder::api;
  using Builder::context;
};

// The node whose types an inference tells: it reads inputs and attributes, and emits nothing.
class Inferred : public Node {
 public:
  using Node::Node;

  void set(size_t output, DType dtype, const Dims& dims) {
    const detail::AbiType type(*this, dtype, static_cast<int64_t>(dims.size()), dims);
    check(api_.infer_result->set_type(context_, static_cast<uint32_t>(output), type.get()));
  }
  // The rank is unknown.
  void set(size_t output, DType dtype) {
    const detail::AbiType type(*this, dtype, -1, {});
    check(api_.infer_result->set_type(context_, static_cast<uint32_t>(output), type.get()));
  }
  void set_like(size_t output, const Value& model) {
    check(api_.infer_result->set_type_like(context_, static_cast<uint32_t>(output), model.handle()));
  }
  // What an integer output holds, element by element: sizes computed of it are known on.
  void set_elements(size_t output, const Dims& elements) {
    std::vector<onnxport_dim> handles;
    for (const Dim& d : elements) handles.push_back(d.handle(*this));
    check(api_.infer_result->set_elements(context_, static_cast<uint32_t>(output), handles.data(),
                                          static_cast<uint32_t>(handles.size())));
  }

 private:
  static void check(int32_t status) {
    if (status != ONNXPORT_OK) throw Failed("");
  }
};

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport
