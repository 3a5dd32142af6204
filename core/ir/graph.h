// The graph: one IR for both dialects ("aten::…" names before translate, ONNX "domain::Op" names after).
// SSA; nodes, values and operands live in the graph's pools and never move; lists and uses are intrusive, so
// every edit is O(1) and every pass linear.
#pragma once

#include <complex>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/ir/schema.h"
#include "core/ir/tensor.h"
#include "core/ir/type.h"

namespace onnxport::ir {

class Graph;
class Node;
class Block;
class Value;

// An interned string: compares by address, lives as long as its graph.
class Symbol {
 public:
  Symbol() = default;
  std::string_view text() const { return text_ == nullptr ? std::string_view() : std::string_view(*text_); }
  bool empty() const { return text_ == nullptr || text_->empty(); }
  friend bool operator==(Symbol a, Symbol b) { return a.text_ == b.text_; }
  friend bool operator==(Symbol a, std::string_view b) { return a.text() == b; }

 private:
  friend class Graph;
  explicit Symbol(const std::string* text) : text_(text) {}
  const std::string* text_ = nullptr;
};

// What an attribute holds. In the torch dialect only prim::Constant (attribute "value") and the region
// operators have attributes; a None constant is monostate, a dtype constant an ir::DType.
using AttributeValue = std::variant<std::monostate, int64_t, double, bool, std::string, DType,
                                    std::vector<int64_t>, std::vector<double>, std::vector<bool>,
                                    std::vector<std::string>, Tensor, Block*, std::complex<double>>;

struct Attribute {
  Symbol name;
  AttributeValue value;
};

// Where a node comes from: for errors, node names and metadata. Shared by many nodes.
struct Provenance {
  std::string module_path;    // "encoder.layers.3.attn"; empty: the root
  std::string source;         // "model.py:42"; empty: unknown
  std::string original_name;  // value or node name in the model's file
};

// One operand slot: an intrusive link in the used value's list of uses.
class Operand {
 public:
  Value* value() const { return value_; }
  Node* user() const { return user_; }
  uint32_t index() const { return index_; }  // which operand of the user
  Operand* next() const { return next_; }    // the next use of the same value

 private:
  friend class Node;
  friend class Value;
  friend class Graph;
  Value* value_ = nullptr;  // null: an absent (omitted) operand
  Node* user_ = nullptr;
  uint32_t index_ = 0;
  Operand* previous_ = nullptr;
  Operand* next_ = nullptr;
};

class Value {
 public:
  // Exactly one of these says where the value comes from.
  Node* producer() const { return producer_; }  // a node's output
  Block* block() const { return block_; }       // a block's parameter (graph inputs: of the body)
  bool is_constant() const { return constant_ != nullptr; }  // an initializer of the graph
  const Tensor* constant() const { return constant_.get(); }
  void set_constant(Tensor tensor) { constant_ = std::make_unique<Tensor>(std::move(tensor)); }
  uint32_t index() const { return index_; }  // among the producer's outputs or the block's parameters

  const Type& type() const { return type_; }
  void set_type(Type type) { type_ = std::move(type); }
  // May be empty; the printer then makes one up. Unique names are made when serialising.
  Symbol name() const { return name_; }
  void set_name(Symbol name) { name_ = name; }

  Operand* first_use() const { return first_use_; }
  bool has_uses() const { return first_use_ != nullptr; }
  bool has_one_use() const { return first_use_ != nullptr && first_use_->next() == nullptr; }
  // Every use becomes a use of `other` (not null). O(uses).
  void replace_all_uses_with(Value* other);

 private:
  friend class Graph;
  friend class Node;
  friend class Block;
  Node* producer_ = nullptr;
  Block* block_ = nullptr;
  uint32_t index_ = 0;
  Operand* first_use_ = nullptr;
  std::unique_ptr<Tensor> constant_;
  Type type_;
  Symbol name_;
};

class Node {
 public:
  // "aten::add.Tensor", "Add" (ai.onnx), "com.acme::Swish".
  Symbol op() const { return op_; }
  std::string_view op_text() const { return op_.text(); }
  void set_op(Symbol op, const Schema* schema = nullptr) {
    op_ = op;
    schema_ = schema;
  }
  // Torch dialect: the operator's schema; operand i is argument i. Null in the ONNX dialect and for prim:: operators.
  const Schema* schema() const { return schema_; }

  size_t operand_count() const { return operand_count_; }
  Value* operand(size_t i) const { return operands_[i].value(); }  // null: absent
  // The argument of that schema name; null when absent or when there is no such argument.
  Value* argument(std::string_view name) const;
  void set_operand(size_t i, Value* value);
  void set_operands(std::span<Value* const> values);
  void add_operand(Value* value);

  size_t output_count() const { return outputs_.size(); }
  Value* output(size_t i = 0) const { return outputs_[i]; }
  std::span<Value* const> outputs() const { return outputs_; }
  Value* add_output(Type type = {});
  // Drops outputs from `count` on; they must be unused.
  void truncate_outputs(size_t count);

  const std::vector<Attribute>& attributes() const { return attributes_; }
  const AttributeValue* attribute(std::string_view name) const;
  template <typename T>
  const T* attribute_as(std::string_view name) const {
    const AttributeValue* a = attribute(name);
    return a == nullptr ? nullptr : std::get_if<T>(a);
  }
  void set_attribute(Symbol name, AttributeValue value);
  void remove_attribute(std::string_view name);

  // Regions: bodies of If (then, else), Loop, Scan. In the ONNX dialect a Block* attribute names each.
  std::span<Block* const> blocks() const { return blocks_; }
  Block* add_block();
  // Takes a block made by Graph::create_block (or given up by another node) as its last one.
  void adopt_block(Block* block);

  const Provenance* provenance() const { return provenance_; }
  void set_provenance(const Provenance* p) { provenance_ = p; }
  Symbol name() const { return name_; }
  void set_name(Symbol name) { name_ = name; }

  Block* parent() const { return parent_; }  // null: detached
  Node* next() const { return next_; }
  Node* previous() const { return previous_; }
  Graph& graph() const { return *graph_; }

 private:
  friend class Graph;
  friend class Block;
  explicit Node(Graph* graph) : graph_(graph) {}

  Graph* graph_;
  Block* parent_ = nullptr;
  Node* next_ = nullptr;
  Node* previous_ = nullptr;
  Symbol op_;
  Symbol name_;
  const Schema* schema_ = nullptr;
  const Provenance* provenance_ = nullptr;
  Operand* operands_ = nullptr;
  uint32_t operand_count_ = 0;
  uint32_t operand_capacity_ = 0;
  std::vector<Value*> outputs_;
  std::vector<Attribute> attributes_;
  std::vector<Block*> blocks_;
};

// How deep blocks may be nested: protobuf reads no file that is deeper (100 messages inside each other; a block takes
// three, and the type of a value five more).
inline constexpr size_t kDeepestBlock = 30;

// A list of nodes with parameters and results. Iterating gives Node*; removing the current node while
// iterating is safe only through `for (Node* n = b.first(); n; n = next)` with `next` taken first.
class Block {
 public:
  class Iterator {
   public:
    explicit Iterator(Node* node) : node_(node) {}
    Node* operator*() const { return node_; }
    Iterator& operator++() {
      node_ = node_->next();
      return *this;
    }
    friend bool operator==(Iterator a, Iterator b) { return a.node_ == b.node_; }

   private:
    Node* node_;
  };

  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(nullptr); }
  Node* first() const { return first_; }
  Node* last() const { return last_; }
  bool empty() const { return first_ == nullptr; }

  std::span<Value* const> parameters() const { return parameters_; }
  Value* add_parameter(Type type, Symbol name = {});
  void remove_parameter(size_t i);  // must be unused

  // Results are the operands of a pseudo node "return" that is in no list, so that they are uses like any other.
  Node& returns() const { return *returns_; }
  size_t result_count() const { return returns_->operand_count(); }
  Value* result(size_t i) const { return returns_->operand(i); }
  void set_results(std::span<Value* const> values) { returns_->set_operands(values); }
  void add_result(Value* value) { returns_->add_operand(value); }

  Node* owner() const { return owner_; }  // null: the graph's body
  Graph& graph() const { return *graph_; }

 private:
  friend class Graph;
  friend class Node;
  Graph* graph_ = nullptr;
  Node* owner_ = nullptr;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  Node* returns_ = nullptr;
  std::vector<Value*> parameters_;
};

// A local function kept in the ONNX model (ModelProto.functions), as ONNX's own serialised FunctionProto.
struct LocalFunction {
  std::string domain;
  std::string name;
  std::string proto_bytes;
};

class Graph {
 public:
  enum class Dialect : uint8_t { torch, onnx };

  explicit Graph(Dialect dialect);
  ~Graph();
  Graph(Graph&&) = delete;  // nodes point to their graph; hold it by unique_ptr
  Graph(const Graph&) = delete;

  Dialect dialect() const { return dialect_; }
  Block& body() { return *body_; }
  const Block& body() const { return *body_; }
  Symbol intern(std::string_view text);
  // A copy that lives as long as the graph; equal provenances given in a row are stored once.
  const Provenance* keep(Provenance provenance);
  // Schemas parsed once and shared by name; nullptr when unknown.
  const Schema* keep(Schema schema);
  const Schema* find_schema(std::string_view qualified_name) const;
  // A schema of one node's own, not shared by name: of an operator nobody describes, or without its writes.
  const Schema* keep_apart(Schema schema);

  // A detached node without outputs.
  Node* create(Symbol op, std::span<Value* const> operands = {}, const Schema* schema = nullptr);
  Node* create(std::string_view op, std::span<Value* const> operands = {}, const Schema* schema = nullptr) {
    return create(intern(op), operands, schema);
  }
  // A detached block, for a node to adopt.
  Block* create_block() { return make_block(nullptr); }
  void append(Block& block, Node* node);
  void insert_before(Node* position, Node* node);
  void insert_after(Node* position, Node* node);
  void unlink(Node* node);  // detaches, keeps
  void move_before(Node* position, Node* node) {
    unlink(node);
    insert_before(position, node);
  }
  // Unlinks and drops the operands; outputs must be unused. The pools keep the memory until the graph goes.
  void erase(Node* node);

  // A graph input.
  Value* add_input(std::string_view name, Type type) {
    return body_->add_parameter(std::move(type), intern(name));
  }
  // A constant or weight. Same storage under the same name-less call is one value (tied weights): see find_initializer.
  Value* add_initializer(std::string_view name, Tensor tensor);
  std::span<Value* const> initializers() const { return initializers_; }
  void remove_unused_initializers();
  // Takes back the initializers added after the first `count`; they must be unused.
  void truncate_initializers(size_t count) { initializers_.resize(count); }

  // Names and facts that travel with the graph.
  std::map<std::string, SymbolInfo, std::less<>> symbols;  // of dims
  std::vector<std::string> input_names;                    // final names, parallel to body().parameters()
  std::vector<std::string> output_names;                   // final names, parallel to results
  std::map<std::string, int, std::less<>> opsets;          // ONNX dialect: domain -> version ("" is ai.onnx)
  std::vector<LocalFunction> functions;                    // ONNX dialect
  int ir_version = 0;  // ONNX dialect: what fits opsets[""], as the plugin of that opset says; 0: nobody said
  std::map<std::string, std::string, std::less<>> metadata;  // goes to metadata_props
  std::string graph_name = "main_graph";
  // What the model keeps from call to call: an output that becomes an input of the next call.
  struct KeptState {
    std::string buffer;           // as the model names it; empty: an input of the model's own
    std::string input, output;    // the names in the file; no input where the model writes before it reads
    std::optional<Tensor> first;  // of a buffer
  };
  std::vector<KeptState> states;
  uint64_t anonymous_symbols = 0;  // dims "?0" … below this one are taken

  // How many nodes were ever made: for budgets and reserves, not for counting those that live.
  size_t node_count() const { return nodes_.size(); }

 private:
  friend class Node;
  friend class Block;
  Value* make_value();
  Block* make_block(Node* owner);
  Operand* make_operands(size_t count);

  Dialect dialect_;
  std::deque<Node> nodes_;
  std::deque<Value> values_;
  std::deque<Block> blocks_;
  std::deque<Provenance> provenances_;
  std::vector<std::unique_ptr<Operand[]>> operand_chunks_;
  size_t operand_chunk_used_ = 0;
  size_t operand_chunk_size_ = 0;
  std::unordered_map<std::string_view, std::unique_ptr<std::string>> strings_;
  std::unordered_map<std::string_view, std::unique_ptr<Schema>> schemas_;
  std::deque<Schema> own_schemas_;
  std::vector<Value*> initializers_;
  Block* body_ = nullptr;
};

// Calls `visit(node)` for every node of the block and of the blocks inside, in order, a node before its
// blocks. The visited node may be erased by `visit`.
template <typename Visit>
void for_each_node(Block& block, Visit&& visit) {
  for (Node* node = block.first(); node != nullptr;) {
    Node* next = node->next();
    const std::vector<Block*> inner(node->blocks().begin(), node->blocks().end());
    visit(node);
    for (Block* b : inner) {
      if (b->owner()->parent() != nullptr) for_each_node(*b, visit);
    }
    node = next;
  }
}

// The text form: prints and parses back. Tensors over `max_elements` elements print as "..." and cannot be parsed.
struct PrintOptions {
  size_t max_elements = 1u << 20;
  bool provenance = true;
};
std::string print(const Graph& graph, const PrintOptions& options = {});
// Throws onnxport::Error I110 with line and column.
std::unique_ptr<Graph> parse_graph(std::string_view text);

// Every broken invariant, in words; empty when the graph is sound: links and use lists agree, definitions
// dominate uses, schemas match operand counts, names and types are consistent, results exist.
std::vector<std::string> check_invariants(const Graph& graph);

}  // namespace onnxport::ir
