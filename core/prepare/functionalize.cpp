#include "core/prepare/functionalize.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/ir/custom_writes.h"
#include "core/ir/node_location.h"
#include "core/prepare/aliases.h"
#include "core/prepare/functional_form.h"

namespace onnxport {

Functionalizer::Functionalizer(ir::Graph& graph, State state, std::vector<Diagnostic>& notes)
    : graph_(graph), notes_(notes), handling_(state) {}

void Functionalizer::run() {
  drop_stores_of_own_elements();
  number(graph_.body());
  walk(graph_.body());
  NodeMaker make(graph_.body(), nullptr, nullptr);
  ir::Node& returns = graph_.body().returns();
  for (size_t i = 0; i < returns.operand_count(); ++i) {
    if (returns.operand(i) != nullptr) returns.set_operand(i, read(returns.operand(i), make));
  }
  finish_states(make);
  if (!errors_.empty()) throw Error(std::move(errors_));
  for (ir::Node* node : dropped_) graph_.erase(node);
}

void Functionalizer::number(const ir::Block& block) {
  for (const ir::Node* node : block) {
    order_.emplace(node, static_cast<int>(order_.size()));
    for (const ir::Block* inner : node->blocks()) number(*inner);
    if (!node->blocks().empty()) last_.emplace(node, static_cast<int>(order_.size()) - 1);
  }
}

void Functionalizer::walk(ir::Block& block) {
  for (ir::Node* node = block.first(); node != nullptr;) {
    ir::Node* next = node->next();
    process(*node);
    node = next;
  }
}

void Functionalizer::process(ir::Node& node) {
  if (node.op() == "prim::If") return process_if(node);
  if (node.op() == "prim::Loop") return process_loop(node);
  if (node.op() == "prim::Scan") return process_scan(node);
  if (node.op() == "prim::SetAttr") {
    write_attribute(node);
    return drop(node);
  }
  if (is_construct(node)) {
    for (ir::Value* output : node.outputs()) {
      std::vector<ir::Value*> elements;
      for (size_t i = 0; i < node.operand_count(); ++i) elements.push_back(node.operand(i));
      read_operands(node);
      Storage& storage = storage_of(output);
      for (const ir::Value* element : elements) hold(element, storage);
      storage.state.elements = std::move(elements);
      storage.state.checked = counter_;
    }
    return;
  }
  if (take_apart(node)) return;
  if (writes_container(node)) {
    if (!write_container(node)) {
      fail(node, "the list or dict is changed in a way whose result is only known at run time",
           "use constant indices and keys, or build a new list instead");
    }
    return;
  }
  if (changes_geometry(node)) return change_geometry(node);
  if (written_operand(node) >= 0) return write_in_place(node);
  relate_outputs(node);
  read_operands(node);
}

void Functionalizer::read_operands(ir::Node& node) {
  if (counter_ == 0) return;  // nothing was written yet: every value still holds its own contents
  NodeMaker make(node);
  for (size_t i = 0; i < node.operand_count(); ++i) {
    if (node.operand(i) != nullptr) node.set_operand(i, read(node.operand(i), make));
  }
}

// Before the operands are replaced by their current values: storages are known by the values as captured.
void Functionalizer::relate_outputs(ir::Node& node) {
  for (size_t i = 0; i < node.output_count(); ++i) {
    const Aliasing aliasing = aliasing_of(node, i);
    ir::Value* operand = aliasing.kind == Aliasing::Kind::fresh ? nullptr : node.operand(aliasing.operand);
    if (operand == nullptr) continue;
    switch (aliasing.kind) {
      case Aliasing::Kind::same:
        node.output(i)->replace_all_uses_with(operand);
        break;
      case Aliasing::Kind::view:
        add_view(node.output(i), storage_of(operand), node, aliasing.operand, i);
        break;
      case Aliasing::Kind::either:
        share(node.output(i), operand);
        break;
      case Aliasing::Kind::fresh:
        break;
    }
  }
}

void Functionalizer::write_in_place(ir::Node& node) {
  if (!node.op_text().starts_with("aten::") && !node.op_text().starts_with("prim::"))
    return write_by_custom_operator(node);
  const auto written = static_cast<size_t>(written_operand(node));
  ir::Value* target = node.operand(written);
  if (target == nullptr) return fail(node, "it writes to an argument that is None", "give it a tensor");
  if (node.output_count() > 0) node.output()->replace_all_uses_with(target);
  read_operands(node);
  NodeMaker make(node);
  ir::Value* contents = functional_form(node, target->type(), make);
  if (contents == nullptr) {
    return fail(node, "it writes in place and no operator is known that computes the same without writing",
                "use the functional form of the operator");
  }
  if (node.output_count() > 0) contents->set_name(node.output()->name());
  write(storage_of(target), contents, node, make);
  drop(node);
}

// An operator of another library: its mapping gives what it returns, then the new contents of each argument
// it writes, in the order of its schema.
void Functionalizer::write_by_custom_operator(ir::Node& node) {
  const ir::CustomWrites writes = ir::custom_writes(node);
  if (writes.of_lists)
    return fail(node, "it writes to the tensors of a list", "give it the tensors one by one");
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (writes.returned[i] >= 0)
      node.output(i)->replace_all_uses_with(node.operand(static_cast<size_t>(writes.returned[i])));
  }
  std::vector<ir::Value*> targets;
  for (const size_t k : writes.arguments) targets.push_back(node.operand(k));
  read_operands(node);
  NodeMaker make(node);
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < node.operand_count(); ++i) operands.push_back(node.operand(i));
  const ir::Schema* schema = graph_.keep_apart(ir::functional_schema_of(*node.schema(), writes));
  ir::Node* made = make.node(node.op_text(), operands, schema, schema->returns.size(), ir::Type::tensor());
  size_t at = 0;
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (writes.returned[i] >= 0) continue;
    made->output(at)->set_type(node.output(i)->type());
    made->output(at)->set_name(node.output(i)->name());
    node.output(i)->replace_all_uses_with(made->output(at++));
  }
  for (ir::Value* target : targets) {
    ir::Value* contents = made->output(at++);
    if (target == nullptr || !target->type().is_tensor()) continue;  // an optional one that is None
    contents->set_type(target->type());
    write(storage_of(target), contents, node, make);
  }
  drop(node);
}

// transpose_ and its kin leave the memory alone: from here on the value is another view of what it was.
void Functionalizer::change_geometry(ir::Node& node) {
  ir::Value* target = node.operand(0);
  if (target == nullptr || operator_base_name(node.op_text()) == "aten::as_strided_") {
    return fail(node, "it changes the strides of a tensor", "use an operator that makes a new view");
  }
  if (node.output_count() > 0) node.output()->replace_all_uses_with(target);
  Storage& self = storage_of(target);
  const ir::Block* made_in = target->producer() != nullptr ? target->producer()->parent() : target->block();
  if (made_in != nullptr && node.parent() != made_in) {
    return fail(node, "it changes the shape in place of a tensor that was made outside this block",
                "use the form without the underscore and assign its result");
  }
  std::string name(operator_base_name(node.op_text()));
  name.pop_back();
  std::string overload(node.op_text().substr(operator_base_name(node.op_text()).size()));
  if (name == "aten::transpose") overload = ".int";
  // A stand-in for what the value was so far; the value itself becomes a view of it.
  pool_.push_back(self);
  Storage& before = pool_.back();
  for (Storage* view : before.views) view->parent = &before;
  if (before.parent == nullptr) {
    before.root = &before;
    for (ir::Value* member : before.members) {
      if (Storage* storage = find(member)) storage->root = &before;
    }
  } else {
    std::replace(before.parent->views.begin(), before.parent->views.end(), &self, &before);
  }
  self.views.clear();
  before.views.push_back(&self);
  ir::Schema schema = *node.schema();
  schema.name = name;
  schema.overload = overload.empty() ? overload : overload.substr(1);
  for (ir::SchemaArgument& argument : schema.arguments) argument.is_written = false;
  for (ir::SchemaArgument& result : schema.returns) result.is_written = false;
  NodeMaker make(node);
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < node.operand_count(); ++i) operands.push_back(node.operand(i));
  operands[0] = refresh(before, make);
  for (size_t i = 1; i < operands.size(); ++i)
    operands[i] = operands[i] == nullptr ? nullptr : read(operands[i], make);
  ir::Node* step = make.node(name + overload, operands, graph_.keep(std::move(schema)), 1,
                             node.output_count() > 0 ? node.output()->type() : ir::Type::tensor());
  for (Storage* other : before.maybe_shared) {
    for (Storage*& peer : other->maybe_shared) peer = peer == &self ? before.root : peer;
  }
  ++counter_;
  Storage::State& state = edit(self);
  self.parent = &before;
  self.root = before.root;
  self.step = step;
  self.step_operand = 0;
  self.step_output = 0;
  self.maybe_shared.clear();
  state.current = step->output();
  state.version = before.root->state.version;
  drop(node);
}

void Functionalizer::drop(ir::Node& node) {
  // Its operands are current values already, so it keeps nothing alive that matters; erased when the walk is over.
  dropped_.push_back(&node);
}

void Functionalizer::fail(const ir::Node& node, std::string message, std::string hint) {
  Diagnostic error;
  error.code = "T520";
  error.message = std::move(message);
  error.place = location_of(node);
  error.hint = std::move(hint);
  errors_.push_back(std::move(error));
}

namespace {

bool mentions_writes(const ir::Block& block) {
  for (const ir::Node* node : block) {
    if (written_operand(*node) >= 0 || node->op() == "prim::SetAttr") return true;
    for (const ir::Block* inner : node->blocks()) {
      if (mentions_writes(*inner)) return true;
    }
  }
  return false;
}

// Training-mode normalization updates its running statistics without saying so in its schema.
void note_running_statistics(const ir::Block& block, std::vector<Diagnostic>& notes) {
  for (const ir::Node* node : block) {
    for (const ir::Block* inner : node->blocks()) note_running_statistics(*inner, notes);
    const std::string_view name = operator_base_name(node->op_text());
    const bool batch = name == "aten::batch_norm" || name == "aten::native_batch_norm";
    if (!batch && name != "aten::instance_norm") continue;
    const ir::Value* training = node->argument(batch ? "training" : "use_input_stats");
    const ir::Value* mean = node->argument("running_mean");
    const bool has_mean = mean != nullptr && (constant_value(mean) == nullptr ||
                                              !std::holds_alternative<std::monostate>(*constant_value(mean)));
    if (!constant_bool(training).value_or(false) || !has_mean) continue;
    Diagnostic note;
    note.severity = Severity::note;
    note.code = "T521";
    note.message =
        "running statistics are updated in training mode; the exported model does not carry them from call "
        "to call";
    note.place = location_of(*node);
    note.hint = "export in eval mode to use the statistics instead";
    notes.push_back(std::move(note));
  }
}

}  // namespace

void functionalize(ir::Graph& graph, State state, std::vector<Diagnostic>& notes) {
  note_running_statistics(graph.body(), notes);
  if (mentions_writes(graph.body())) Functionalizer(graph, state, notes).run();
}

}  // namespace onnxport
