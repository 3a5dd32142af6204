// Lists, tuples and dicts whose elements are known.
#include <algorithm>
#include <string>
#include <utility>

#include "core/argument/scalars.h"
#include "core/prepare/aliases.h"
#include "core/prepare/functionalize.h"

namespace onnxport {

namespace {

std::optional<size_t> position(std::optional<int64_t> index, size_t size) {
  return index ? resolve_index(*index, size) : std::nullopt;
}

// Dicts are kept as key, value, key, value. Keys that are no constants could be anything.
struct Entry {
  bool known = false;
  size_t value = 0;  // index of the value; the size when the key is not there
};

Entry find_key(const std::vector<ir::Value*>& elements, const ir::Value* key) {
  const ir::AttributeValue* wanted = constant_value(key);
  if (wanted == nullptr || std::holds_alternative<ir::Tensor>(*wanted)) return {};
  for (size_t i = 0; i + 1 < elements.size(); i += 2) {
    const ir::AttributeValue* has = constant_value(elements[i]);
    if (has == nullptr) return {};
    if (equal(to_argument(*wanted), to_argument(*has))) return {true, i + 1};
  }
  return {true, elements.size()};
}

}  // namespace

// Reading an element of a known container: the result is that element, not a node. True: done with the node.
bool Functionalizer::take_apart(ir::Node& node) {
  const std::string_view op = node.op_text();
  const bool unpack = op == "prim::ListUnpack" || op == "prim::TupleUnpack";
  const bool item = op.starts_with("aten::__getitem__") || op == "prim::TupleIndex";
  if ((!unpack && !item) || node.operand_count() == 0 || node.operand(0) == nullptr) return false;
  Storage* container = find(node.operand(0));
  if (container == nullptr || !container->state.elements) {
    // A list that an operator made of a tensor's memory: its elements are views. Of any other we know
    // nothing.
    ir::Value* list = node.operand(0);
    for (size_t i = 0; i < node.output_count(); ++i) {
      if (!has_storage(*node.output(i))) continue;
      if (container != nullptr && container->parent != nullptr) {
        add_view(node.output(i), *container, node, 0, i);
      } else if (container != nullptr || list->producer() == nullptr ||
                 list->producer()->schema() == nullptr) {
        share(node.output(i), list);
      }
    }
    read_operands(node);
    return true;
  }
  const std::vector<ir::Value*>& elements = *container->state.elements;
  if (unpack) {
    if (elements.size() != node.output_count()) return false;
    for (size_t i = 0; i < elements.size(); ++i) {
      if (elements[i] == nullptr) return false;
    }
    for (size_t i = 0; i < elements.size(); ++i) node.output(i)->replace_all_uses_with(elements[i]);
    drop(node);
    return true;
  }
  const bool dict = container->origin->producer() != nullptr &&
                    container->origin->producer()->op() == "prim::DictConstruct";
  std::optional<size_t> at = dict ? std::nullopt : position(constant_int(node.operand(1)), elements.size());
  if (dict) {
    const Entry entry = find_key(elements, node.operand(1));
    if (entry.known && entry.value < elements.size()) at = entry.value;
  }
  if (at && elements[*at] != nullptr) {
    node.output()->replace_all_uses_with(elements[*at]);
    drop(node);
    return true;
  }
  if (has_storage(*node.output())) {
    for (ir::Value* element : elements) {
      if (element != nullptr && has_storage(*element)) share(node.output(), element);
    }
    share(node.output(), container->origin);
  }
  read_operands(node);
  return true;
}

bool Functionalizer::write_container(ir::Node& node) {
  ir::Value* target = node.operand(static_cast<size_t>(written_operand(node)));
  if (target == nullptr) return false;
  Storage& list = storage_of(target);
  check_shared(*list.root, node, true);
  if (is_held(*list.root)) note_container(node, *list.root);
  const std::string_view name = operator_base_name(node.op_text());
  if (list.state.elements && edit_known(node, list)) {
    ++counter_;
    if (node.output_count() > 0 && name != "aten::pop") node.output()->replace_all_uses_with(target);
    drop(node);
    return true;
  }
  const bool is_dict = target->type().kind() == ir::Type::Kind::dict ||
                       (target->producer() != nullptr && target->producer()->op() == "prim::DictConstruct");
  NodeMaker make(node);
  ir::Value* edited = is_dict ? edit_unknown_dict(node, *target, make) : edit_unknown(node, *target, make);
  if (edited == nullptr) return false;
  if (list.state.elements) forget_elements(list);
  set_root(*list.root, edited);
  if (node.output_count() > 0 && name != "aten::pop") node.output()->replace_all_uses_with(target);
  drop(node);
  return true;
}

// What an edit reads, as it is now; empty where something is absent.
std::vector<ir::Value*> Functionalizer::operands_of_edit(ir::Node& node, ir::Value& target, NodeMaker& make) {
  std::vector<ir::Value*> operands = {read(&target, make)};
  for (size_t i = 1; i < node.operand_count(); ++i) {
    if (node.operand(i) == nullptr) return {};
    if (has_storage(*node.operand(i))) share(&target, node.operand(i));
    operands.push_back(read(node.operand(i), make));
  }
  return operands;
}

// The same of a dict, whose keys may be known once loops are unrolled.
ir::Value* Functionalizer::edit_unknown_dict(ir::Node& node, ir::Value& target, NodeMaker& make) {
  const std::string_view name = operator_base_name(node.op_text());
  const ir::Type& type = target.type();
  std::vector<ir::Value*> operands = operands_of_edit(node, target, make);
  if (name == "aten::clear") return make.node("prim::DictConstruct", {}, nullptr, 1, type)->output();
  if (operands.size() == 3 && name == "aten::_set_item")
    return make.call("prim::dict_set(Dict(t, t) dict, t key, t el) -> Dict(t, t)", operands, type);
  if (operands.size() != 2) return nullptr;
  if (name == "aten::update")
    return make.call("prim::dict_update(Dict(t, t) dict, Dict(t, t) other) -> Dict(t, t)", operands, type);
  if (name != "aten::Delete" && name != "aten::pop") return nullptr;
  if (name == "aten::pop") {
    ir::Value* item = make.call("aten::__getitem__.Dict_str(Dict(t, t) self, t key) -> t(*)", operands,
                                node.output()->type());
    if (has_storage(*item)) share(item, &target);
    node.output()->replace_all_uses_with(item);
  }
  return make.call("prim::dict_delete(Dict(t, t) dict, t key) -> Dict(t, t)", operands, type);
}

// The list that a write to `target`, of unknown length or at an unknown position, leaves behind; null when the operator
// is none of these.
ir::Value* Functionalizer::edit_unknown(ir::Node& node, ir::Value& target, NodeMaker& make) {
  const std::string_view name = operator_base_name(node.op_text());
  const ir::Type& type = target.type();
  std::vector<ir::Value*> operands = operands_of_edit(node, target, make);
  if (operands.empty()) return nullptr;
  if (name == "aten::clear") return make.node("prim::ListConstruct", {}, nullptr, 1, type)->output();
  if (name == "aten::reverse") return make.call("prim::list_reversed(t[] list) -> t[]", operands, type);
  if (name == "aten::sort") {
    if (operands.size() == 1) operands.push_back(make.constant(false, ir::Type::boolean()));
    return make.call("prim::list_sorted(t[] list, bool reverse) -> t[]", operands, type);
  }
  if (operands.size() < 2) return nullptr;
  if (name == "aten::append") {
    operands[1] = make.node("prim::ListConstruct", {&operands[1], 1}, nullptr, 1, type)->output();
    return make.call("aten::add.t(t[] a, t[] b) -> t[]", operands, type);
  }
  if (name == "aten::extend" || name == "aten::add_")
    return make.call("aten::add.t(t[] a, t[] b) -> t[]", operands, type);
  if (name == "aten::pop") {
    ir::Value* item =
        make.call("aten::__getitem__.t(t[](a) list, int idx) -> t(*)", operands, node.output()->type());
    if (has_storage(*item)) share(item, &target);
    node.output()->replace_all_uses_with(item);
  }
  if (name == "aten::remove")
    operands[1] = make.call("aten::index.list_int(int[] self, int el) -> int", operands, ir::Type::integer());
  if (name == "aten::pop" || name == "aten::Delete" || name == "aten::remove")
    return make.call("prim::list_delete(t[] list, int idx) -> t[]", operands, type);
  if (operands.size() < 3) return nullptr;
  if (name == "aten::insert")
    return make.call("prim::list_insert(t[] list, int idx, t el) -> t[]", operands, type);
  if (name == "aten::_set_item")
    return make.call("prim::list_set(t[] list, int idx, t el) -> t[]", operands, type);
  return nullptr;
}

// dict.update(other), when the keys of both are known.
bool Functionalizer::update_known(Storage& dict, const ir::Value* other) {
  const Storage* from = other == nullptr ? nullptr : find(other);
  if (from == nullptr || !from->state.elements || other->producer() == nullptr ||
      !(other->producer()->op() == "prim::DictConstruct"))
    return false;
  std::vector<ir::Value*> elements = *dict.state.elements;
  for (size_t i = 0; i + 1 < from->state.elements->size(); i += 2) {
    ir::Value* key = (*from->state.elements)[i];
    ir::Value* value = (*from->state.elements)[i + 1];
    const Entry entry = find_key(elements, key);
    if (!entry.known) return false;
    if (entry.value == elements.size()) {
      elements.insert(elements.end(), {key, value});
    } else {
      elements[entry.value] = value;
    }
    hold(value, dict);
  }
  edit(dict).elements = std::move(elements);
  return true;
}

bool Functionalizer::edit_known(ir::Node& node, Storage& list) {
  const std::string_view name = operator_base_name(node.op_text());
  const auto argument = [&](size_t i) { return i < node.operand_count() ? node.operand(i) : nullptr; };
  const size_t size = list.state.elements->size();
  for (size_t i = 1; i < node.operand_count(); ++i) hold(node.operand(i), list);
  const bool dict =
      list.origin->producer() != nullptr && list.origin->producer()->op() == "prim::DictConstruct";
  if (name == "aten::append") {
    edit(list).elements->push_back(argument(1));
  } else if (name == "aten::clear") {
    edit(list).elements->clear();
  } else if (name == "aten::reverse") {
    auto& elements = *edit(list).elements;
    std::reverse(elements.begin(), elements.end());
  } else if (name == "aten::extend" || name == "aten::add_") {
    const Storage* other = argument(1) == nullptr ? nullptr : find(argument(1));
    if (other == nullptr || !other->state.elements) return false;
    const std::vector<ir::Value*> added = *other->state.elements;
    for (const ir::Value* element : added) hold(element, list);
    auto& elements = *edit(list).elements;
    elements.insert(elements.end(), added.begin(), added.end());
  } else if (dict && name == "aten::update") {
    return update_known(list, argument(1));
  } else if (dict) {
    const Entry entry = find_key(*list.state.elements, argument(1));
    if (!entry.known) return false;
    if (name == "aten::_set_item") {
      auto& elements = *edit(list).elements;
      if (entry.value == size) {
        elements.insert(elements.end(), {argument(1), argument(2)});
      } else {
        elements[entry.value] = argument(2);
      }
      return true;
    }
    if ((name != "aten::Delete" && name != "aten::pop") || entry.value == size) return false;
    if (name == "aten::pop") node.output()->replace_all_uses_with((*list.state.elements)[entry.value]);
    auto& elements = *edit(list).elements;
    const auto key = elements.begin() + static_cast<std::ptrdiff_t>(entry.value) - 1;
    elements.erase(key, key + 2);
  } else if (name == "aten::insert") {
    auto index = constant_int(argument(1));
    if (!index) return false;
    const auto count = static_cast<int64_t>(size);
    if (*index < 0) index = std::max<int64_t>(0, *index + count);
    auto& elements = *edit(list).elements;
    elements.insert(elements.begin() + static_cast<std::ptrdiff_t>(std::min(*index, count)), argument(2));
  } else {
    const auto at = position(constant_int(argument(1)), size);
    if (!at || (name != "aten::_set_item" && name != "aten::Delete" && name != "aten::pop")) return false;
    if (name == "aten::_set_item") {
      (*edit(list).elements)[*at] = argument(2);
      return true;
    }
    if (name == "aten::pop") node.output()->replace_all_uses_with((*list.state.elements)[*at]);
    auto& elements = *edit(list).elements;
    elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(*at));
  }
  return true;
}

namespace {

// `list[i] += x` of a tensor reads the element, writes it in place and stores it where it was: the store does
// nothing.
bool stores_own_element(const ir::Node& node) {
  if (operator_base_name(node.op_text()) != "aten::_set_item" || node.operand_count() != 3) return false;
  const ir::Value* element = node.operand(2);
  const auto is_read = [](const ir::Node& n) { return n.op_text().starts_with("aten::__getitem__"); };
  for (int steps = 0; element != nullptr && element->producer() != nullptr && steps < 16; ++steps) {
    const ir::Node& maker = *element->producer();
    if (is_read(maker)) break;
    const Aliasing aliasing = aliasing_of(maker, element->index());
    if (aliasing.kind != Aliasing::Kind::same) return false;
    element = maker.operand(aliasing.operand);
  }
  const ir::Node* read = element == nullptr ? nullptr : element->producer();
  if (read == nullptr || !is_read(*read) || read->parent() != node.parent() ||
      read->operand(0) != node.operand(0))
    return false;
  const auto a = constant_int(read->operand(1));
  const auto b = constant_int(node.operand(1));
  if (read->operand(1) != node.operand(1) && !(a && b && *a == *b)) return false;
  // Nothing may change the list in between.
  int steps = 0;
  for (const ir::Node* at = read->next(); at != &node; at = at->next()) {
    if (at == nullptr || ++steps > 64 || writes_container(*at) || !at->blocks().empty()) return false;
  }
  return true;
}

}  // namespace

void Functionalizer::drop_stores_of_own_elements() {
  for_each_node(graph_.body(), [&](ir::Node* node) {
    if (!stores_own_element(*node)) return;
    for (ir::Value* output : node->outputs()) output->replace_all_uses_with(node->operand(0));
    graph_.erase(node);
  });
}

}  // namespace onnxport
