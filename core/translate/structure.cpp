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
  bindings_[node.output()] = argument_of(node, 0);
  return true;
}

bool Translator::drop_effect(ir::Node& node) {
  for (ir::Value* v : node.outputs()) bindings_[v] = Argument{};
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
    if (std::string error = list_error(op, arguments, node.output_count()); !error.empty())
      throw Error("T512", std::move(error), {},
                  "the model would raise an exception here: check what it indexes");
    return false;
  }
  for (size_t i = 0; i < results->size(); ++i) bind(node.output(i), (*results)[i]);
  return true;
}

}  // namespace onnxport
