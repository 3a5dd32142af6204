// ONNX graphs in tests as short texts: one node a line, with the types of its results.
#pragma once

#include <string>
#include <unordered_map>

#include "core/ir/graph.h"

namespace onnxport::test {

// Values are named by their names, else numbered in order of appearance; small constants are shown where they
// are used.
class OnnxText {
 public:
  std::string of(const ir::Graph& graph) {
    out_ = '\n';
    block(graph.body(), 0);
    return out_;
  }

 private:
  static std::string numbers(const ir::Tensor& tensor) {
    std::string out;
    const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ",") + text; };
    if (const auto ints = tensor.to_ints()) {
      for (const int64_t v : *ints) add(std::to_string(v));
    } else if (const auto reals = tensor.to_reals()) {
      for (const double v : *reals) add(std::to_string(v));
    }
    return tensor.dims().empty() ? out : '[' + out + ']';
  }

  std::string use(const ir::Value* value) {
    if (value == nullptr) return "_";
    if (value->is_constant()) return numbers(*value->constant());
    if (!value->name().empty()) return std::string(value->name().text());
    std::string& name = names_[value];
    if (name.empty()) name = std::to_string(next_++);
    return name;
  }

  std::string attributes(const ir::Node& node) {
    std::string out;
    for (const ir::Attribute& a : node.attributes()) {
      if (const auto* i = std::get_if<int64_t>(&a.value))
        out += ' ' + std::string(a.name.text()) + '=' + std::to_string(*i);
    }
    return out;
  }

  void block(const ir::Block& block, size_t depth) {
    const std::string indent(2 * depth, ' ');
    for (const ir::Node* node : block) {
      std::string inputs;
      for (size_t i = 0; i < node->operand_count(); ++i)
        inputs += (i == 0 ? "" : ", ") + use(node->operand(i));
      out_ += indent;
      for (size_t i = 0; i < node->output_count(); ++i)
        out_ += (i == 0 ? "" : ", ") + use(node->output(i)) + ": " + node->output(i)->type().text();
      out_ += " = " + std::string(node->op_text()) + '(' + inputs + ')' + attributes(*node) + '\n';
      for (const ir::Block* inner : node->blocks()) {
        out_ += indent + " (";
        for (size_t i = 0; i < inner->parameters().size(); ++i)
          out_ += (i == 0 ? "" : ", ") + use(inner->parameters()[i]) + ": " +
                  inner->parameters()[i]->type().text();
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

}  // namespace onnxport::test
