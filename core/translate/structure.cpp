// Constants and containers of the torch dialect: they are taken apart here, so that no mapping ever meets
// one.
#include <algorithm>
#include <unordered_map>

#include "core/argument/scalars.h"
#include "core/argument/torch_operators.h"
#include "core/translate/translator.h"

namespace onnxport {

bool Translator::translate_constant(ir::Node& node) {
  const ir::AttributeValue* attribute = node.attribute("value");
  Argument constant = attribute == nullptr ? Argument{} : to_argument(*attribute);
  if (const auto* tensor = constant.as<ir::Tensor>()) constant = Argument::of(builder_->constant(*tensor));
  bind(node.output(), std::move(constant));
  return true;
}

bool Translator::translate_construct(ir::Node& node, ArgumentList::Form form) {
  bindings_[node.output()] = Argument::list_of(arguments_of(node), form);
  return true;
}

bool Translator::hand_on(ir::Node& node) {
  if (node.operand_count() == 0) return false;
  const Argument argument = argument_of(node, 0);
  // Casts of what is None or a value stand where the program has asked.
  bindings_[node.output()] = argument.is_maybe() ? argument.items()[1] : argument;
  return true;
}

bool Translator::drop_effect(ir::Node& node) {
  for (ir::Value* v : node.outputs()) bindings_[v] = Argument{};
  return true;
}

namespace {

Argument without_maybe(const Argument& a) {
  if (a.is_maybe()) return without_maybe(a.items()[1]);
  if (a.list() == nullptr || a.items().empty()) return a;
  std::vector<Argument> items;
  for (const Argument& item : a.items()) items.push_back(without_maybe(item));
  return Argument::list_of(std::move(items), a.list()->form());
}

bool holds_maybe(const Argument& a) {
  return a.is_maybe() || std::any_of(a.items().begin(), a.items().end(), holds_maybe);
}

}  // namespace

Argument Translator::refined(Argument argument, const ir::Type& type) {
  using Kind = ir::Type::Kind;
  const bool open =
      type.kind() == Kind::optional || type.kind() == Kind::unknown || type.kind() == Kind::none;
  return argument.is_maybe() && !open ? argument.items()[1] : argument;
}

// Where an operator takes no None, TorchScript has made sure that there is none.
void Translator::refine_arguments(const ir::Node& node, std::vector<Argument>& arguments) const {
  const ir::Schema* schema = node.schema();
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!holds_maybe(arguments[i])) continue;
    const bool takes_none = schema != nullptr && i < schema->arguments.size() &&
                            schema->arguments[i].type.find('?') != std::string::npos;
    if (takes_none)
      throw Error("T513", subject(node) + " takes a value that is None or not, as run time decides", {},
                  "ask `is not None` before it is used, or start from a tensor instead of None");
    arguments[i] = without_maybe(arguments[i]);
  }
}

bool Translator::is_none_at_run_time(ir::Node& node, const std::vector<Argument>& arguments) {
  const bool is = node.op() == "aten::__is__";
  if ((!is && !(node.op() == "aten::__isnot__")) || arguments.size() != 2) return false;
  const Argument& asked = arguments[arguments[0].is_none() ? 1 : 0];
  if (!asked.is_maybe() || !(arguments[0].is_none() || arguments[1].is_none())) return false;
  ir::Value* present = materialize(asked.items()[0], *builder_);
  bind(node.output(), Argument::of(is ? builder_->emit1("Not", {present}) : present, true));
  return true;
}

namespace {

bool holds_unset(const Argument& a) {
  return a.is_unset() || std::any_of(a.items().begin(), a.items().end(), holds_unset);
}

}  // namespace

bool Translator::leave_unset(ir::Node& node, const std::vector<Argument>& arguments, bool inside) {
  const auto unset = [&](const Argument& a) { return inside ? holds_unset(a) : a.is_unset(); };
  if (std::none_of(arguments.begin(), arguments.end(), unset)) return false;
  for (ir::Value* v : node.outputs()) bindings_[v] = Argument{Unset{}};
  return true;
}

// A number becomes the tensor that it is in the ONNX graph already.
bool Translator::number_to_tensor(ir::Node& node) {
  ir::Value* v = node.operand_count() == 0 ? nullptr : materialize(argument_of(node, 0), *builder_);
  if (v == nullptr) return false;
  bindings_[node.output()] = Argument::of(v);
  return true;
}

bool Translator::translate_structure(ir::Node& node) {
  using Handler = bool (*)(Translator&, ir::Node&);
  using Form = ArgumentList::Form;
  static constexpr auto kHandOn = [](Translator& t, ir::Node& n) { return t.hand_on(n); };
  static constexpr auto kToTensor = [](Translator& t, ir::Node& n) { return t.number_to_tensor(n); };
  static const std::unordered_map<std::string_view, Handler> kHandlers = {
      {"prim::Constant", [](Translator& t, ir::Node& n) { return t.translate_constant(n); }},
      {"prim::ListConstruct",
       [](Translator& t, ir::Node& n) { return t.translate_construct(n, Form::list); }},
      {"prim::TupleConstruct",
       [](Translator& t, ir::Node& n) { return t.translate_construct(n, Form::tuple); }},
      {"prim::DictConstruct",
       [](Translator& t, ir::Node& n) { return t.translate_construct(n, Form::dict); }},
      {"prim::Uninitialized",
       [](Translator& t, ir::Node& n) {
         t.bindings_[n.output()] = Argument{Unset{}};
         return true;
       }},
      {"prim::NumToTensor", kToTensor},
      {"prim::NumToTensor.Scalar", kToTensor},
      // Nothing changes a list any more: a copy is the list.
      {"aten::list.t", kHandOn},
  };
  const std::string_view op = node.op_text();
  if (const auto handler = kHandlers.find(op); handler != kHandlers.end())
    return handler->second(*this, node);
  if (hands_operand_on(op)) return hand_on(node);
  return has_no_effect(op) && drop_effect(node);
}

// What is asked of lists, tuples and dicts, and arithmetic and comparison of numbers known now, by the evaluator
// that prepare uses.
bool Translator::evaluate(ir::Node& node, const std::vector<Argument>& arguments) {
  const std::string_view op = node.op_text();
  // Whether a value is None is known of every value, computed or not.
  const bool is = op == "aten::__is__";
  if ((is || op == "aten::__isnot__") && arguments.size() == 2 &&
      (arguments[0].is_none() || arguments[1].is_none())) {
    bind(node.output(), Argument{(arguments[0].kind() == arguments[1].kind()) == is});
    return true;
  }
  // A tensor operator on numbers alone (aten::ones([2])) makes a tensor: not ours.
  const auto makes_tensor = [](const ir::Value* v) { return v->type().is_tensor(); };
  const bool of_list = !arguments.empty() && arguments[0].list() != nullptr;
  if (!of_list && std::any_of(node.outputs().begin(), node.outputs().end(), makes_tensor)) return false;
  const auto results = evaluate_call(op, arguments, node.output_count());
  if (!results) {
    std::string error = list_error(op, arguments, node.output_count());
    if (error.empty()) return false;
    if (run_time_depth_ == 0)
      throw Error("T512", std::move(error), {},
                  "the model would raise an exception here: check what it indexes");
    // Where run time decides whether this is reached, it is not: the model would raise an exception.
    for (ir::Value* v : node.outputs()) bindings_[v] = Argument{Unset{}};
    return true;
  }
  for (size_t i = 0; i < results->size(); ++i) bind(node.output(i), (*results)[i]);
  return true;
}

}  // namespace onnxport
