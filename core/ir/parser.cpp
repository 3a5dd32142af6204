#include <cctype>
#include <unordered_map>
#include <utility>

#include "core/ir/attribute_parser.h"
#include "core/ir/graph.h"
#include "core/ir/scanner.h"
#include "onnxport/errors.h"

namespace onnxport::ir {

namespace {

// Each level of blocks is a level of recursion.
constexpr int kMaxDepth = 200;

// A value's name in the text: "%conv.weight", "%\"odd name\"#2", "%7" (no name of its own).
struct Reference {
  std::string key;   // unique in the text
  std::string name;  // empty: none
};

class Parser {
 public:
  explicit Parser(std::string_view text) : scan_(text) {}

  std::unique_ptr<Graph> graph() {
    const bool torch = scan_.take_word("torch");
    if (!torch && !scan_.take_word("onnx")) scan_.fail("expected 'torch graph' or 'onnx graph'");
    graph_ = std::make_unique<Graph>(torch ? Graph::Dialect::torch : Graph::Dialect::onnx);
    if (!scan_.take_word("graph")) scan_.fail("expected 'graph'");
    graph_->graph_name = scan_.quoted();
    parameters(graph_->body());
    scan_.expect("{");
    while (fact()) {
    }
    nodes(graph_->body());
    if (!scan_.at_end()) scan_.fail("unexpected text after the graph");
    return std::move(graph_);
  }

 private:
  // One line before the nodes; false when there is none left.
  bool fact() {
    if (scan_.take_word("opset")) {
      const std::string domain = scan_.quoted();
      graph_->opsets[domain] = static_cast<int>(scan_.integer());
    } else if (scan_.take_word("symbol")) {
      symbol();
    } else if (scan_.take_word("metadata")) {
      const std::string key = scan_.quoted();
      graph_->metadata[key] = scan_.quoted();
    } else if (scan_.take_word("function")) {
      LocalFunction function;
      function.domain = scan_.quoted();
      function.name = scan_.quoted();
      function.proto_bytes = scan_.hex_bytes();
      graph_->functions.push_back(std::move(function));
    } else if (scan_.take_word("inputs")) {
      names(graph_->input_names);
    } else if (scan_.take_word("outputs")) {
      names(graph_->output_names);
    } else if (scan_.take_word("schema")) {
      schema();
    } else if (scan_.take_word("initializer")) {
      initializer();
    } else {
      return false;
    }
    return true;
  }

  void symbol() {
    SymbolInfo& info = graph_->symbols[scan_.quoted()];
    info.min = scan_.integer();
    scan_.expect("..");
    if (!scan_.take("*")) info.max = scan_.integer();
    if (scan_.take_word("hint")) info.hint = scan_.integer();
  }

  void names(std::vector<std::string>& out) {
    do {
      out.push_back(scan_.quoted());
    } while (scan_.take(","));
  }

  void schema() {
    const std::string text = scan_.quoted();
    try {
      graph_->keep(parse_schema(text));
    } catch (const Error& error) {
      scan_.fail("not a schema: " + error.diagnostics()[0].message);
    }
  }

  void initializer() {
    Reference reference = this->reference();
    scan_.expect(":");
    const Type type = scan_.type();
    scan_.expect("=");
    Value* value = graph_->add_initializer(reference.name, parse_elements(scan_, type));
    define(std::move(reference.key), value);
  }

  Reference reference() {
    scan_.expect("%");
    Reference out;
    if (std::isdigit(static_cast<unsigned char>(scan_.peek())) != 0) {
      out.key = std::to_string(scan_.integer());
      return out;
    }
    out.name = scan_.word_or_quoted();
    const int64_t copy = scan_.take_copy_mark() ? scan_.integer() : 1;
    out.key = 'n' + std::to_string(copy) + ':' + out.name;
    return out;
  }

  void define(std::string key, Value* value) {
    if (!values_.emplace(key, value).second) scan_.fail("this value is defined twice");
    scope_.push_back(std::move(key));
  }

  Value* use() {
    if (scan_.take("_")) return nullptr;
    const Reference reference = this->reference();
    const auto found = values_.find(reference.key);
    if (found == values_.end()) scan_.fail("%" + reference.name + " is not defined before its use");
    return found->second;
  }

  Type optional_type() { return scan_.take(":") ? scan_.type() : Type(); }

  Symbol symbol_of(const std::string& name) { return name.empty() ? Symbol() : graph_->intern(name); }

  void parameters(Block& block) {
    scan_.expect("(");
    if (scan_.take(")")) return;
    do {
      Reference r = reference();
      Value* value = block.add_parameter(optional_type(), symbol_of(r.name));
      define(std::move(r.key), value);
    } while (scan_.take(","));
    scan_.expect(")");
  }

  // Nodes up to and with "return …" and the closing brace.
  void nodes(Block& block) {
    while (!scan_.take_word("return")) {
      if (scan_.at_end()) scan_.fail("expected a node or 'return'");
      node(block);
    }
    std::vector<Value*> results;
    if (scan_.peek() != '}') {
      do {
        results.push_back(use());
      } while (scan_.take(","));
    }
    block.set_results(results);
    scan_.expect("}");
  }

  void node(Block& block) {
    std::vector<std::pair<Reference, Type>> outputs;
    if (scan_.peek() == '%') {
      do {
        Reference r = reference();
        Type type = optional_type();
        outputs.emplace_back(std::move(r), std::move(type));
      } while (scan_.take(","));
      scan_.expect("=");
    }
    const std::string op = scan_.word_or_quoted();
    std::vector<Value*> operands;
    scan_.expect("(");
    if (!scan_.take(")")) {
      do {
        operands.push_back(use());
      } while (scan_.take(","));
      scan_.expect(")");
    }
    Node* node = graph_->create(op, operands, graph_->find_schema(op));
    graph_->append(block, node);
    std::vector<std::pair<Symbol, int64_t>> block_attributes;
    attributes(*node, block_attributes);
    if (scan_.take_word("name")) node->set_name(graph_->intern(scan_.quoted()));
    provenance(*node);
    while (scan_.take_word("block")) inner_block(*node);
    for (const auto& [name, index] : block_attributes) {
      if (index < 0 || static_cast<size_t>(index) >= node->blocks().size())
        scan_.fail("a block reference without its block");
      node->set_attribute(name, node->blocks()[static_cast<size_t>(index)]);
    }
    for (auto& [r, type] : outputs) {
      Value* value = node->add_output(std::move(type));
      value->set_name(symbol_of(r.name));
      define(std::move(r.key), value);
    }
  }

  void attributes(Node& node, std::vector<std::pair<Symbol, int64_t>>& blocks) {
    if (!scan_.take("{") || scan_.take("}")) return;
    do {
      const Symbol name = graph_->intern(scan_.word_or_quoted());
      if (node.attribute(name.text()) != nullptr) scan_.fail("this attribute is given twice");
      scan_.expect("=");
      if (scan_.take("^")) {
        blocks.emplace_back(name, scan_.integer());
        node.set_attribute(name, std::monostate());  // keeps its place; the block is not read yet
      } else {
        node.set_attribute(name, parse_attribute_value(scan_));
      }
    } while (scan_.take(","));
    scan_.expect("}");
  }

  void provenance(Node& node) {
    if (!scan_.take("@")) return;
    Provenance p;
    p.module_path = scan_.quoted();
    if (scan_.peek() == '"') p.source = scan_.quoted();
    if (scan_.peek() == '"') p.original_name = scan_.quoted();
    node.set_provenance(graph_->keep(std::move(p)));
  }

  // What a block defines ends with it.
  void inner_block(Node& node) {
    if (++depth_ > kMaxDepth) scan_.fail("blocks are nested too deeply");
    const size_t outer = scope_.size();
    Block* block = node.add_block();
    parameters(*block);
    scan_.expect("{");
    nodes(*block);
    for (; scope_.size() > outer; scope_.pop_back()) values_.erase(scope_.back());
    --depth_;
  }

  Scanner scan_;
  std::unique_ptr<Graph> graph_;
  std::unordered_map<std::string, Value*> values_;
  std::vector<std::string> scope_;  // keys in order of definition
  int depth_ = 0;
};

}  // namespace

std::unique_ptr<Graph> parse_graph(std::string_view text) { return Parser(text).graph(); }

}  // namespace onnxport::ir
