// Torch graphs in tests: short texts in, short texts out.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "core/ir/graph.h"
#include "core/prepare/node_facts.h"

namespace onnxport::test {

inline constexpr const char* kSchemas[] = {
    "aten::relu(Tensor self) -> Tensor",
    "aten::relu_(Tensor(a!) self) -> Tensor(a!)",
    "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)",
    "aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)",
    "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    "aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)",
    "aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)",
    "aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)",
    "aten::zero_(Tensor(a!) self) -> Tensor(a!)",
    "aten::resize_(Tensor(a!) self, int[] size) -> Tensor(a!)",
    "aten::index_put_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False) -> "
    "Tensor(a!)",
    "aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor",
    "aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)",
    "aten::slice.Tensor(Tensor(a) self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor(a)",
    "aten::narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)",
    "aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)",
    "aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)",
    "aten::view(Tensor(a) self, int[] size) -> Tensor(a)",
    "aten::reshape(Tensor(a) self, int[] shape) -> Tensor(a)",
    "aten::expand(Tensor(a) self, int[] size, *, bool implicit=False) -> Tensor(a)",
    "aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)",
    "aten::unsqueeze_(Tensor(a!) self, int dim) -> Tensor(a!)",
    "aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
    "aten::as_strided(Tensor(a) self, int[] size, int[] stride, int? storage_offset=None) -> Tensor(a)",
    "aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]",
    "aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]",
    "aten::split.Tensor(Tensor(a) self, int split_size, int dim=0) -> Tensor[]",
    "aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, "
    "MemoryFormat? memory_format=None) -> "
    "Tensor(a)",
    "aten::cat(Tensor[] tensors, int dim=0) -> Tensor",
    "aten::detach(Tensor(a) self) -> Tensor(a)",
    "aten::append.t(t[](a!) self, t(c -> *) el) -> t[](a!)",
    "aten::insert.t(t[](a!) self, int idx, t(b -> *) el) -> ()",
    "aten::pop.t(t[](a!) self, int idx=-1) -> t(*)",
    "aten::_set_item.t(t[](a!) l, int idx, t(b -> *) el) -> t[](a!)",
    "aten::_set_item.str(Dict(str, t)(a!) l, str(b -> *) idx, t(c -> *) v) -> ()",
    "aten::__getitem__.t(t[](a) list, int idx) -> t(*)",
    "aten::__getitem__.Dict_str(Dict(str, t) self, str key) -> t(*)",
    "aten::len.t(t[] a) -> int",
    "aten::add.int(int a, int b) -> int",
    "aten::mul.int(int a, int b) -> int",
    "aten::gt.int(int a, int b) -> bool",
    "aten::__isnot__(t1 self, t2 obj) -> bool",
    "aten::__is__(t1 self, t2 obj) -> bool",
    "aten::Bool.Tensor(Tensor a) -> bool",
    "aten::size.int(Tensor self, int dim) -> int",
    "aten::dropout(Tensor input, float p, bool train) -> Tensor",
    "aten::warn(str message, int stacklevel=2) -> ()",
};

// `inputs` as "%x: f32[2], %y"; `body` the nodes and the return.
inline std::unique_ptr<ir::Graph> torch_graph(const std::string& inputs, const std::string& body,
                                              const std::string& facts = {}) {
  std::string text = "torch graph \"test\"(" + inputs + ") {\n" + facts;
  for (const char* schema : kSchemas) text += "schema \"" + std::string(schema) + "\"\n";
  // Small numbers that every test uses.
  for (int i = -1; i <= 9; ++i) {
    const std::string name = i < 0 ? "m1" : "c" + std::to_string(i);
    text += '%' + name + ": int = prim::Constant() {value = " + std::to_string(i) + "}\n";
  }
  text +=
      "%none: none = prim::Constant() {value = none}\n%true: bool = prim::Constant() {value = true}\n"
      "%false: bool = prim::Constant() {value = false}\n";
  return ir::parse_graph(text + body + "\n}");
}

class Renderer {
 public:
  std::string render(const ir::Graph& graph) {
    for (const ir::Value* v : graph.body().parameters()) names_[v] = std::string(v->name().text());
    for (const ir::Value* v : graph.initializers()) names_[v] = std::string(v->name().text());
    block(graph.body(), 0);
    return out_;
  }

 private:
  std::string use(const ir::Value* value) {
    if (value == nullptr) return "_";
    if (const ir::AttributeValue* constant = constant_value(value)) {
      if (std::holds_alternative<std::monostate>(*constant)) return "None";
      if (const auto* i = std::get_if<int64_t>(constant)) return std::to_string(*i);
      if (const auto* b = std::get_if<bool>(constant)) return *b ? "True" : "False";
      if (const auto* s = std::get_if<std::string>(constant)) return '"' + *s + '"';
      if (const auto* l = std::get_if<std::vector<int64_t>>(constant)) {
        std::string out = "[";
        for (size_t i = 0; i < l->size(); ++i) out += (i == 0 ? "" : ",") + std::to_string((*l)[i]);
        return out + ']';
      }
      return "constant";
    }
    std::string& name = names_[value];
    if (name.empty()) name = std::to_string(next_++);
    return name;
  }

  void block(const ir::Block& block, size_t depth) {
    const std::string indent(depth * 2, ' ');
    for (const ir::Node* node : block) {
      if (node->op() == "prim::Constant") continue;
      out_ += indent;
      for (size_t i = 0; i < node->output_count(); ++i) out_ += (i == 0 ? "" : ", ") + use(node->output(i));
      out_ += (node->output_count() > 0 ? " = " : "") + std::string(node->op_text()) + '(';
      for (size_t i = 0; i < node->operand_count(); ++i) out_ += (i == 0 ? "" : ", ") + use(node->operand(i));
      out_ += ")\n";
      for (const ir::Block* inner : node->blocks()) {
        out_ += indent + " (";
        for (size_t i = 0; i < inner->parameters().size(); ++i)
          out_ += (i == 0 ? "" : ", ") + use(inner->parameters()[i]);
        out_ += ")\n";
        this->block(*inner, depth + 1);
      }
    }
    out_ += indent + "return";
    for (size_t i = 0; i < block.result_count(); ++i) out_ += (i == 0 ? " " : ", ") + use(block.result(i));
    out_ += '\n';
  }

  std::string out_;
  std::unordered_map<const ir::Value*, std::string> names_;
  int next_ = 0;
};

// Constants are shown where they are used, other values numbered in order of appearance.
inline std::string render(const ir::Graph& graph) {
  EXPECT_THAT(ir::check_invariants(graph), ::testing::IsEmpty());
  return '\n' + Renderer().render(graph);
}

}  // namespace onnxport::test
