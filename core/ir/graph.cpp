#include "core/ir/graph.h"

#include <algorithm>
#include <cassert>

#include "onnxport/errors.h"

namespace onnxport::ir {

// ---- Value, Operand ----

void Value::replace_all_uses_with(Value* other) {
  assert(other != nullptr);
  if (other == this) return;
  while (first_use_ != nullptr) first_use_->user_->set_operand(first_use_->index_, other);
}

// ---- Node ----

Value* Node::argument(std::string_view name) const {
  const int i = schema_ == nullptr ? -1 : schema_->find(name);
  return i < 0 || static_cast<uint32_t>(i) >= operand_count_ ? nullptr : operand(static_cast<size_t>(i));
}

void Node::set_operand(size_t i, Value* value) {
  Operand& slot = operands_[i];
  if (slot.value_ == value) return;
  if (slot.value_ != nullptr) {
    (slot.previous_ != nullptr ? slot.previous_->next_ : slot.value_->first_use_) = slot.next_;
    if (slot.next_ != nullptr) slot.next_->previous_ = slot.previous_;
  }
  slot.value_ = value;
  slot.previous_ = nullptr;
  slot.next_ = nullptr;
  if (value != nullptr) {
    slot.next_ = value->first_use_;
    if (slot.next_ != nullptr) slot.next_->previous_ = &slot;
    value->first_use_ = &slot;
  }
}

void Node::set_operands(std::span<Value* const> values) {
  const std::vector<Value*> kept(values.begin(), values.end());  // may view our own operands
  for (uint32_t i = 0; i < operand_count_; ++i) set_operand(i, nullptr);
  operand_count_ = 0;
  if (kept.size() > operand_capacity_) {
    operands_ = graph_->make_operands(kept.size());
    operand_capacity_ = static_cast<uint32_t>(kept.size());
  }
  for (Value* v : kept) {
    Operand& slot = operands_[operand_count_];
    slot.user_ = this;
    slot.index_ = operand_count_++;
    set_operand(slot.index_, v);
  }
}

void Node::add_operand(Value* value) {
  if (operand_count_ == operand_capacity_) {
    std::vector<Value*> values;
    for (uint32_t i = 0; i < operand_count_; ++i) values.push_back(operands_[i].value_);
    for (uint32_t i = 0; i < operand_count_; ++i) set_operand(i, nullptr);
    operand_capacity_ = std::max<uint32_t>(4, 2 * operand_capacity_);
    operands_ = graph_->make_operands(operand_capacity_);
    for (uint32_t i = 0; i < values.size(); ++i) {
      operands_[i].user_ = this;
      operands_[i].index_ = i;
      set_operand(i, values[i]);
    }
  }
  Operand& slot = operands_[operand_count_];
  slot.user_ = this;
  slot.index_ = operand_count_++;
  set_operand(slot.index_, value);
}

Value* Node::add_output(Type type) {
  Value* v = graph_->make_value();
  v->producer_ = this;
  v->index_ = static_cast<uint32_t>(outputs_.size());
  v->type_ = std::move(type);
  outputs_.push_back(v);
  return v;
}

void Node::truncate_outputs(size_t count) {
  while (outputs_.size() > count) {
    assert(!outputs_.back()->has_uses());
    outputs_.pop_back();
  }
}

const AttributeValue* Node::attribute(std::string_view name) const {
  for (const Attribute& a : attributes_) {
    if (a.name == name) return &a.value;
  }
  return nullptr;
}

void Node::set_attribute(Symbol name, AttributeValue value) {
  for (Attribute& a : attributes_) {
    if (a.name == name) {
      a.value = std::move(value);
      return;
    }
  }
  attributes_.push_back({name, std::move(value)});
}

void Node::remove_attribute(std::string_view name) {
  std::erase_if(attributes_, [&](const Attribute& a) { return a.name == name; });
}

Block* Node::add_block() {
  blocks_.push_back(graph_->make_block(this));
  return blocks_.back();
}

void Node::adopt_block(Block* block) {
  if (block->owner_ != nullptr) std::erase(block->owner_->blocks_, block);
  block->owner_ = this;
  blocks_.push_back(block);
}

// ---- Block ----

Value* Block::add_parameter(Type type, Symbol name) {
  Value* v = graph_->make_value();
  v->block_ = this;
  v->index_ = static_cast<uint32_t>(parameters_.size());
  v->type_ = std::move(type);
  v->name_ = name;
  parameters_.push_back(v);
  return v;
}

void Block::remove_parameter(size_t i) {
  assert(!parameters_[i]->has_uses());
  parameters_.erase(parameters_.begin() + static_cast<std::ptrdiff_t>(i));
  for (size_t k = i; k < parameters_.size(); ++k) parameters_[k]->index_ = static_cast<uint32_t>(k);
}

// ---- Graph ----

Graph::Graph(Dialect dialect) : dialect_(dialect) { body_ = make_block(nullptr); }
Graph::~Graph() = default;

Symbol Graph::intern(std::string_view text) {
  const auto found = strings_.find(text);
  if (found != strings_.end()) return Symbol(found->second.get());
  auto owned = std::make_unique<std::string>(text);
  const std::string* address = owned.get();
  strings_.emplace(std::string_view(*address), std::move(owned));
  return Symbol(address);
}

const Provenance* Graph::keep(Provenance provenance) {
  if (!provenances_.empty()) {
    const Provenance& last = provenances_.back();
    if (last.module_path == provenance.module_path && last.source == provenance.source &&
        last.original_name == provenance.original_name) {
      return &last;
    }
  }
  provenances_.push_back(std::move(provenance));
  return &provenances_.back();
}

const Schema* Graph::keep(Schema schema) {
  const std::string name = schema.qualified_name();
  const auto found = schemas_.find(name);
  if (found != schemas_.end()) return found->second.get();
  auto owned = std::make_unique<Schema>(std::move(schema));
  const Schema* address = owned.get();
  schemas_.emplace(intern(name).text(), std::move(owned));
  return address;
}

const Schema* Graph::keep_apart(Schema schema) { return &own_schemas_.emplace_back(std::move(schema)); }

const Schema* Graph::find_schema(std::string_view qualified_name) const {
  const auto found = schemas_.find(qualified_name);
  return found == schemas_.end() ? nullptr : found->second.get();
}

namespace {

// Of one export, whatever makes them: inlined calls, unrolled loops, decompositions. The largest models have some ten
// thousands; what reaches this has no end.
constexpr size_t kMostNodes = 1'000'000;

}  // namespace

Node* Graph::create(Symbol op, std::span<Value* const> operands, const Schema* schema) {
  if (nodes_.size() >= kMostNodes) {
    throw Error("T546", "the model's graph would have more than " + std::to_string(kMostNodes) + " nodes", {},
                "calls and loops of fixed length are written out: let fewer of them nest");
  }
  nodes_.push_back(Node(this));
  Node* node = &nodes_.back();
  node->op_ = op;
  node->schema_ = schema;
  if (!operands.empty()) node->set_operands(operands);
  return node;
}

void Graph::append(Block& block, Node* node) {
  assert(node->parent_ == nullptr);
  node->parent_ = &block;
  node->previous_ = block.last_;
  node->next_ = nullptr;
  (block.last_ != nullptr ? block.last_->next_ : block.first_) = node;
  block.last_ = node;
}

void Graph::insert_before(Node* position, Node* node) {
  assert(node->parent_ == nullptr && position->parent_ != nullptr);
  Block& block = *position->parent_;
  node->parent_ = &block;
  node->previous_ = position->previous_;
  node->next_ = position;
  (position->previous_ != nullptr ? position->previous_->next_ : block.first_) = node;
  position->previous_ = node;
}

void Graph::insert_after(Node* position, Node* node) {
  if (position->next_ != nullptr) {
    insert_before(position->next_, node);
  } else {
    append(*position->parent_, node);
  }
}

void Graph::unlink(Node* node) {
  Block* block = node->parent_;
  if (block == nullptr) return;
  (node->previous_ != nullptr ? node->previous_->next_ : block->first_) = node->next_;
  (node->next_ != nullptr ? node->next_->previous_ : block->last_) = node->previous_;
  node->parent_ = nullptr;
  node->previous_ = nullptr;
  node->next_ = nullptr;
}

namespace {

void drop_operands(Node* node) {
  node->set_operands({});
  for (Block* block : node->blocks()) {
    for (Node* inner : *block) drop_operands(inner);
    block->returns().set_operands({});
  }
}

}  // namespace

void Graph::erase(Node* node) {
  unlink(node);
  drop_operands(node);
}

Value* Graph::add_initializer(std::string_view name, Tensor tensor) {
  Value* v = make_value();
  v->type_ = tensor.type();
  v->name_ = intern(name);
  v->constant_ = std::make_unique<Tensor>(std::move(tensor));
  initializers_.push_back(v);
  return v;
}

void Graph::remove_unused_initializers() {
  std::erase_if(initializers_, [](const Value* v) { return !v->has_uses(); });
}

Value* Graph::make_value() {
  values_.emplace_back();
  return &values_.back();
}

Block* Graph::make_block(Node* owner) {
  blocks_.emplace_back();
  Block* block = &blocks_.back();
  block->graph_ = this;
  block->owner_ = owner;
  block->returns_ = create("return");
  return block;
}

Operand* Graph::make_operands(size_t count) {
  constexpr size_t kChunk = 4096;
  if (operand_chunks_.empty() || operand_chunk_used_ + count > operand_chunk_size_) {
    operand_chunk_size_ = std::max(kChunk, count);
    operand_chunks_.push_back(std::make_unique<Operand[]>(operand_chunk_size_));
    operand_chunk_used_ = 0;
  }
  Operand* out = operand_chunks_.back().get() + operand_chunk_used_;
  operand_chunk_used_ += count;
  return out;
}

}  // namespace onnxport::ir
