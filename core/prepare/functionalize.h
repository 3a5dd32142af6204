// functionalize: a torch graph without writes. In-place operators become functional ones, writes through
// views scatters into the base, and views are made again from the new base when they are next read.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/ir/graph.h"
#include "core/prepare/node_facts.h"
#include "onnxport/errors.h"
#include "onnxport/options.h"

namespace onnxport {

// What is known of the memory behind one value. Roots own memory, views derive from a parent by one operator.
struct Storage {
  ir::Value* origin = nullptr;  // the value in the graph as captured
  Storage* parent = nullptr;    // null: a root
  Storage* root = nullptr;
  ir::Node* step = nullptr;  // the operator that derives it from the parent…
  size_t step_operand = 0;   // …which is this operand
  size_t step_output = 0;
  std::vector<Storage*> views;         // derived from this one
  std::vector<ir::Value*> members;     // of a root: every value of its memory
  std::vector<Storage*> maybe_shared;  // of a root: roots whose memory it may share (mutual)

  // What changes as the walk goes on; undone when it leaves a block.
  struct State {
    ir::Value* current = nullptr;  // holds the contents now
    uint64_t version = 0;          // of a view: the root's version that `current` was made of
    uint64_t checked = 0;          // of a container: the write counter when `current` was last compared
    std::optional<std::vector<ir::Value*>> elements;  // of a container whose elements are known
  };
  State state;
};

class Functionalizer {
 public:
  Functionalizer(ir::Graph& graph, State state, std::vector<Diagnostic>& notes);
  // Throws Error with one T520 per write that has no functional form, and one T521 per state with State::error.
  void run();

 private:
  // ---- the walk (functionalize.cpp) ----
  void number(const ir::Block& block);
  void walk(ir::Block& block);
  void process(ir::Node& node);
  void read_operands(ir::Node& node);
  void relate_outputs(ir::Node& node);
  void write_in_place(ir::Node& node);
  void write_by_custom_operator(ir::Node& node);
  void change_geometry(ir::Node& node);
  void drop(ir::Node& node);
  void fail(const ir::Node& node, std::string message, std::string hint);

  // ---- what is kept from call to call (state.cpp) ----
  void note_state(const ir::Node& node, ir::Value& state);
  void write_attribute(ir::Node& node);
  void finish_states(NodeMaker& make);
  // A list or dict that a module holds is changed.
  struct WrittenContainer {
    Storage* container = nullptr;
    Location place;  // of the first write
    bool keeps_length = true;
  };
  void note_container(const ir::Node& node, Storage& container);
  bool is_held(const Storage& container) const;
  void collect_changed(const WrittenContainer& written, NodeMaker& make);
  void tell_of(const WrittenContainer& written);
  ir::Graph::KeptState hand_out(ir::Value& state, ir::Value* contents);
  void take_in(ir::Value& state, ir::Graph::KeptState& kept);

  // ---- storages (storage.cpp) ----
  Storage* find(const ir::Value* value) const;
  Storage& storage_of(ir::Value* value);
  Storage& add_view(ir::Value* value, Storage& parent, ir::Node& step, size_t operand, size_t output);
  void share(ir::Value* a, ir::Value* b);
  Storage::State& edit(Storage& storage);
  // The value that holds what `value` stands for now; what is missing is made by `make`.
  ir::Value* read(ir::Value* value, NodeMaker& make);
  ir::Value* refresh(Storage& storage, NodeMaker& make);
  ir::Value* materialize(Storage& container, NodeMaker& make);
  // False when a view on the way has no inverse.
  bool write(Storage& target, ir::Value* contents, const ir::Node& writer, NodeMaker& make);
  void set_root(Storage& root, ir::Value* contents);
  ir::Value* new_base(Storage& view, ir::Value* contents, NodeMaker& make);
  // A write to a container leaves its elements' memory alone.
  void check_shared(const Storage& root, const ir::Node& writer, bool container = false);
  const ir::Value* read_later(const Storage& root, const ir::Node& writer, int depth = 0) const;
  bool used_later(const ir::Value& value, const ir::Node& writer) const;
  // Notes that `container` has `element` in it, or had: reading the one may read the other.
  void hold(const ir::Value* element, Storage& container);
  void rollback(size_t mark);

  // ---- lists, tuples, dicts (containers.cpp) ----
  bool take_apart(ir::Node& node);
  bool write_container(ir::Node& node);
  bool edit_known(ir::Node& node, Storage& list);
  bool update_known(Storage& dict, const ir::Value* other);
  std::vector<ir::Value*> operands_of_edit(ir::Node& node, ir::Value& target, NodeMaker& make);
  ir::Value* edit_unknown(ir::Node& node, ir::Value& target, NodeMaker& make);
  ir::Value* edit_unknown_dict(ir::Node& node, ir::Value& target, NodeMaker& make);
  void drop_stores_of_own_elements();

  // ---- regions (regions.cpp) ----
  void process_if(ir::Node& node);
  void process_loop(ir::Node& node);
  void process_scan(ir::Node& node);
  std::vector<Storage*> written_from_outside(ir::Node& region);
  void collect_written(ir::Block& block, ir::Node& region, bool containers, std::vector<ir::Value*>& out);
  void trace(ir::Value* value, ir::Node& region, std::unordered_set<ir::Value*>& seen,
             std::vector<ir::Value*>& out);
  bool is_outside(const ir::Value* value, const ir::Node& region) const;
  void forget_elements(Storage& list);
  void finish_block(ir::Block& block, const std::vector<Storage*>& written, const ir::Provenance* provenance);
  void relate_result(ir::Node& region, ir::Value* output, ir::Value* result);

  ir::Graph& graph_;
  std::vector<Diagnostic>& notes_;
  std::vector<Diagnostic> errors_;
  std::deque<Storage> pool_;
  std::unordered_map<const ir::Value*, Storage*> storages_;
  std::unordered_map<const ir::Value*, std::vector<Storage*>> holders_;  // containers by element
  std::unordered_map<const ir::Node*, int> order_;                       // of the nodes as captured
  std::unordered_map<const ir::Node*, int> last_;  // of a node with blocks: the order of the last node inside
  std::vector<std::pair<Storage*, Storage::State>> log_;
  State handling_;
  std::vector<WrittenContainer> written_containers_;
  // Written states in the order of their first write; with the value an attribute was set to, else null.
  std::vector<std::pair<ir::Value*, ir::Value*>> written_states_;
  std::vector<ir::Node*> dropped_;
  uint64_t counter_ = 0;  // writes so far: the source of versions
  int depth_ = 0;         // of blocks: outside all of them nothing is ever undone
};

void functionalize(ir::Graph& graph, State state, std::vector<Diagnostic>& notes);

}  // namespace onnxport
