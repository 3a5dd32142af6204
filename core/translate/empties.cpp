// Tensors that begin as the empty vector (torch.zeros(0), torch.tensor([])) and have more dims later, as caches and
// accumulators of scripted models do. In the ONNX graph such a one has the later rank all along; where the program
// still has the empty vector, all its dims are 0.
#include <algorithm>
#include <array>
#include <set>

#include "core/argument/scalars.h"
#include "core/translate/translator.h"

namespace onnxport {
namespace {

bool may_be_empty(const Argument& argument) {
  const auto* own = argument.as<GraphValue>();
  return own != nullptr && own->later != nullptr;
}

bool holds_empty(const Argument& argument) {
  return may_be_empty(argument) || std::any_of(argument.items().begin(), argument.items().end(), holds_empty);
}

std::string_view base_name(const ir::Node& node) {
  return node.op_text().substr(0, node.op_text().find('.'));
}

bool joins(const ir::Node& node) {
  const std::string_view name = base_name(node);
  return name == "aten::cat" || name == "aten::concat" || name == "aten::concatenate";
}

// Gives the empty vector for the empty vector, and keeps the rank of any other.
bool keeps_empty(const ir::Node& node) {
  static constexpr std::array<std::string_view, 7> kKeep = {
      "aten::to",    "aten::clone",      "aten::detach",  "aten::contiguous",
      "aten::alias", "aten::lift_fresh", "aten::_to_copy"};
  return std::find(kKeep.begin(), kKeep.end(), base_name(node)) != kKeep.end();
}

// Its sizes are only read one by one: no more of them than there are.
bool is_only_indexed(const ir::Value& sizes) {
  for (const ir::Operand* use = sizes.first_use(); use != nullptr; use = use->next()) {
    if (!use->user()->op_text().starts_with("aten::__getitem__")) return false;
  }
  return true;
}

}  // namespace

// ---- what is asked ----

std::optional<Argument> Translator::query_empty(ir::Node& node, const GraphValue& tensor) {
  ir::Value* const x = tensor.value;
  asked_[x] = tensor.later;
  const std::string_view op = node.op_text();
  const int rank = x->type().rank();
  const auto noted = [&](Argument size) {
    note_at_absence(size, x, Argument{int64_t{0}});
    return size;
  };
  if (op == "aten::len" || op == "aten::len.Tensor") return noted(size_of_axis(x, 0));
  if (op == "aten::numel") return noted(Argument::of(builder_->emit1("Size", {x}), true));
  if (op == "aten::size.int" || op == "aten::sym_size.int") {
    std::optional<Argument> size = query_size(node, {x, torch_type(x->type())});
    return size ? std::optional(noted(*size)) : std::nullopt;
  }
  if (op == "aten::size" || op == "prim::shape" || op == "aten::sym_size") {
    if (!is_only_indexed(*node.output()))
      assume_present(subject(node) + " asks for all its sizes", location_of(node), x);
    std::vector<Argument> sizes;
    for (int axis = 0; axis < rank; ++axis) sizes.push_back(noted(size_of_axis(x, axis)));
    return Argument::list_of(std::move(sizes));
  }
  if (op != "aten::dim" && op != "prim::dim") return std::nullopt;
  ir::Value* largest = builder_->emit1("ReduceMax", {builder_->emit1("Shape", {x})},
                                       {builder_->attribute("keepdims", int64_t{0})});
  ir::Value* present = builder_->emit1("Greater", {largest, builder_->constant(int64_t{0})});
  const Argument dims = Argument::of(
      builder_->emit1("Where", {present, builder_->constant(int64_t{rank}), builder_->constant(int64_t{1})}),
      true);
  note_at_absence(dims, x, Argument{int64_t{1}});
  return dims;
}

Argument Translator::as_present(const Argument& argument) const {
  const auto found = may_be_empty(argument) ? present_.find(argument.value()) : present_.end();
  return found == present_.end() ? argument : Argument::of(found->second, argument.is_number());
}

ir::Value* Translator::of_later_type(ir::Value* value, const ir::Type& later) {
  ir::Shape shape = *later.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].is_unknown()) shape[i] = (*value->type().shape())[i];
  }
  ir::Value* out = builder_->emit1("Identity", {value});
  out->set_type(ir::Type::tensor(later.dtype(), std::move(shape)));
  return out;
}

// ---- what it is used for ----

// torch.cat passes over empty vectors: here one has the sizes of another tensor, and none along the axis.
void Translator::join_empties(std::vector<Argument>& arguments) {
  const auto axis = arguments.size() < 2 ? std::optional<int64_t>(0) : arguments[1].to_int();
  if (!axis || arguments[0].list() == nullptr) return;
  std::vector<Argument> items(arguments[0].items().begin(), arguments[0].items().end());
  for (Argument& item : items) item = as_present(item);
  for (Argument& item : items) {
    if (!may_be_empty(item)) continue;
    ir::Value* value = item.value();
    const int rank = value->type().rank();
    const auto other = std::find_if(items.begin(), items.end(), [&](const Argument& a) {
      return a.value() != nullptr && !may_be_empty(a) && a.value()->type().rank() == rank;
    });
    if (other == items.end()) continue;
    std::vector<ir::Value*> sizes;
    for (int i = 0; i < rank; ++i) {
      const bool along = i == (*axis < 0 ? *axis + rank : *axis);
      sizes.push_back(builder_->dim(along ? value : other->value(), i));
    }
    item = Argument::of(builder_->emit1("Reshape", {value, builder_->shape(sizes)}));
  }
  arguments[0] = Argument::list_of(std::move(items), arguments[0].list()->form());
}

void Translator::settle_empties(ir::Node& node, std::vector<Argument>& arguments) {
  if (std::none_of(arguments.begin(), arguments.end(), holds_empty)) return;
  if (joins(node)) join_empties(arguments);
  const bool kept = keeps_empty(node);
  const auto settled = [&](auto&& self, const Argument& argument) -> Argument {
    const Argument given = as_present(argument);
    if (may_be_empty(given)) {
      if (kept) return Argument::of(given.value());
      assume_present(subject(node) + " takes it without asking", location_of(node), given.value());
      return Argument::of(of_later_type(given.value(), *given.as<GraphValue>()->later));
    }
    if (given.value() != argument.value()) return given;
    if (!holds_empty(argument)) return argument;
    std::vector<Argument> items;
    for (const Argument& item : argument.items()) items.push_back(self(self, item));
    return Argument::list_of(std::move(items), argument.list()->form());
  };
  for (Argument& argument : arguments) argument = settled(settled, argument);
}

void Translator::assume_present(const std::string& why, Location place, const ir::Value* value) {
  const bool input = value->producer() == nullptr && !value->name().empty();
  Diagnostic note{
      Severity::warning, "T515",
      "the file is right only where " + (input ? "'" + std::string(value->name().text()) + "'" : "a tensor") +
          " of " + std::to_string(value->type().rank()) +
          " dims is no longer the empty vector that it begins as: " + why,
      std::move(place),
      "ask for its len() before, as in `if len(x) > 0`, or begin with a tensor of its later shape"};
  const bool said = std::any_of(notes_.begin(), notes_.end(), [&](const Diagnostic& d) {
    return d.message == note.message && d.place.text() == note.place.text();
  });
  if (!said) notes_.push_back(std::move(note));
}

// ---- what is known behind a question ----

void Translator::note_at_absence(const Argument& result, ir::Value* tensor, Argument number) {
  if (result.value() != nullptr) at_absence_[result.value()].insert_or_assign(tensor, std::move(number));
}

const Argument* Translator::at_absence(const Argument& argument, ir::Value* tensor) const {
  if (argument.is_known()) return &argument;
  const auto found = at_absence_.find(argument.value());
  if (found == at_absence_.end()) return nullptr;
  const auto number = found->second.find(tensor);
  return number == found->second.end() ? nullptr : &number->second;
}

std::vector<ir::Value*> Translator::present_where(const Argument& condition, bool truth) const {
  std::vector<ir::Value*> out;
  const auto found = at_absence_.find(condition.value());
  if (found == at_absence_.end()) return out;
  for (const auto& [tensor, number] : found->second) {
    if (const auto would_be = number.to_int(); would_be && (*would_be != 0) != truth) out.push_back(tensor);
  }
  return out;
}

void Translator::learn_at_absence(const ir::Node& node) {
  if (node.output_count() != 1) return;
  if (keeps_empty(node)) {
    const Argument given = argument_of(node, 0);
    const auto made = bindings_.find(node.output());
    ir::Value* value = may_be_empty(given) && made != bindings_.end() ? made->second.value() : nullptr;
    if (value == nullptr) return;
    ir::Type later = ir::Type::tensor(value->type().dtype(), given.as<GraphValue>()->later->shape());
    made->second = {GraphValue{value, false, false, std::make_shared<const ir::Type>(std::move(later))}};
    return;
  }
  const auto result = bindings_.find(node.output());
  if (at_absence_.empty() || result == bindings_.end() || result->second.value() == nullptr ||
      !node.output()->type().is_scalar())
    return;
  std::vector<Argument> arguments;
  std::set<ir::Value*> tensors;
  for (size_t i = 0; i < node.operand_count(); ++i) {
    arguments.push_back(argument_of(node, i));
    const auto known = at_absence_.find(arguments.back().value());
    if (known == at_absence_.end()) continue;
    for (const auto& [tensor, number] : known->second) tensors.insert(tensor);
  }
  const std::string_view name = base_name(node);
  const bool both = name == "aten::__and__", either = name == "aten::__or__";
  for (ir::Value* tensor : tensors) {
    std::vector<Argument> numbers;
    for (const Argument& argument : arguments) {
      const Argument* number = at_absence(argument, tensor);
      if (number != nullptr) numbers.push_back(*number);
    }
    if (numbers.size() == arguments.size()) {
      if (auto would_be = evaluate_scalar(node.op_text(), numbers))
        note_at_absence(result->second, tensor, std::move(*would_be));
    } else if (numbers.size() == 1 && (both || either) &&
               numbers[0].to_int().value_or(-1) == (either ? 1 : 0)) {
      note_at_absence(result->second, tensor, numbers[0]);
    }
  }
}

// `a and b` is an if that gives b or False.
void Translator::learn_from_branches(const Argument& condition, const std::array<Argument, 2>& results,
                                     const ir::Value* output) {
  const auto known = at_absence_.find(condition.value());
  if (output == nullptr || known == at_absence_.end()) return;
  const std::map<ir::Value*, Argument> asked = known->second;
  for (const auto& [tensor, number] : asked) {
    const auto truth = number.to_int();
    const Argument* would_be = truth ? at_absence(results[*truth != 0 ? 0 : 1], tensor) : nullptr;
    if (would_be != nullptr && would_be->to_int()) at_absence_[output].insert_or_assign(tensor, *would_be);
  }
}

}  // namespace onnxport
