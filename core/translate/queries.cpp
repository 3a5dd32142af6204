// Questions a model asks about types: rank, sizes, element type, device. The type answers; nothing is
// computed.
#include <unordered_map>

#include "core/translate/translator.h"

namespace onnxport {
namespace {

// What is the same for every tensor an export meets: dense, on the CPU, without gradients.
const Argument* constant_answer(std::string_view op) {
  static const Argument kNo{false};
  static const Argument kYes{true};
  static const Argument kCpu{std::string("cpu")};
  static const Argument kStrided{int64_t{0}};
  static const std::unordered_map<std::string_view, const Argument*> kAnswers = {
      {"prim::is_cuda", &kNo},
      {"prim::is_xpu", &kNo},
      {"prim::is_mkldnn", &kNo},
      {"prim::is_sparse", &kNo},
      {"prim::is_nested", &kNo},
      {"prim::is_quantized", &kNo},
      {"prim::is_meta", &kNo},
      {"prim::is_vulkan", &kNo},
      {"prim::is_mps", &kNo},
      {"prim::requires_grad", &kNo},
      {"aten::is_conj", &kNo},
      {"aten::is_neg", &kNo},
      {"aten::is_inference", &kNo},
      {"prim::is_cpu", &kYes},
      {"aten::is_contiguous", &kYes},
      {"prim::device", &kCpu},
      {"prim::type", &kCpu} /* of a device */,
      {"prim::layout", &kStrided},
  };
  const auto found = kAnswers.find(op);
  return found == kAnswers.end() ? nullptr : found->second;
}

}  // namespace

// The size of an axis, counted as torch counts them: a number where it is known.
Argument Translator::size_of_axis(ir::Value* x, int64_t axis) {
  return settled(Argument::of(builder_->dim(x, axis), true), ir::Type::integer());
}

std::optional<Argument> Translator::query_dtype(ir::Node& node, const Tensor& x) {
  if (x.type.dtype() == ir::DType::undefined) return std::nullopt;
  if (node.op() == "prim::dtype") return Argument{x.type.dtype()};
  if (node.op() == "aten::is_complex") return Argument{ir::is_complex(x.type.dtype())};
  return Argument{ir::is_floating(x.type.dtype())};
}

std::optional<Argument> Translator::query_rank(ir::Node& /*node*/, const Tensor& x) {
  if (x.type.rank() < 0) return std::nullopt;
  return Argument{static_cast<int64_t>(x.type.rank())};
}

std::optional<Argument> Translator::query_sizes(ir::Node& /*node*/, const Tensor& x) {
  if (x.type.rank() < 0) return std::nullopt;
  std::vector<Argument> sizes;
  for (int axis = 0; axis < x.type.rank(); ++axis) sizes.push_back(size_of_axis(x.value, axis));
  return Argument::list_of(std::move(sizes));
}

std::optional<Argument> Translator::query_length(ir::Node& /*node*/, const Tensor& x) {
  if (x.type.rank() < 0) {  // branches of unlike ranks: the size is there all the same
    ir::Value* const sizes = builder_->emit1("Shape", {x.value});
    return Argument::of(builder_->emit1("Gather", {sizes, builder_->constant(int64_t{0})}));
  }
  if (x.type.rank() == 0) throw Error("T512", "len() of a 0-d tensor");
  return size_of_axis(x.value, 0);
}

std::optional<Argument> Translator::query_size(ir::Node& node, const Tensor& x) {
  const int rank = x.type.rank();
  if (rank < 0 || node.operand_count() != 2) return std::nullopt;
  const Argument axis = argument_of(node, 1);
  if (axis.as<int64_t>() == nullptr) return std::nullopt;
  const int64_t asked = *axis.as<int64_t>();
  const int64_t at = asked < 0 ? asked + rank : asked;
  if (at < 0 || at >= rank)
    throw Error("T512",
                "axis " + std::to_string(asked) + " of a tensor of " + std::to_string(rank) + " dimensions");
  return size_of_axis(x.value, at);
}

bool Translator::translate_query(ir::Node& node) {
  using Handler = std::optional<Argument> (Translator::*)(ir::Node&, const Tensor&);
  static const std::unordered_map<std::string_view, Handler> kHandlers = {
      {"prim::dtype", &Translator::query_dtype},      {"aten::is_floating_point", &Translator::query_dtype},
      {"aten::is_complex", &Translator::query_dtype}, {"aten::dim", &Translator::query_rank},
      {"prim::dim", &Translator::query_rank},         {"aten::size", &Translator::query_sizes},
      {"aten::sym_size", &Translator::query_sizes},   {"prim::shape", &Translator::query_sizes},
      {"aten::len", &Translator::query_length},       {"aten::len.Tensor", &Translator::query_length},
      {"aten::size.int", &Translator::query_size},    {"aten::sym_size.int", &Translator::query_size},
  };
  if (node.operand_count() == 0 || node.operand(0) == nullptr || node.output_count() != 1) return false;
  if (const Argument* answer = constant_answer(node.op_text())) return bind(node.output(), *answer), true;
  const auto handler = kHandlers.find(node.op_text());
  if (handler == kHandlers.end() && !(node.op() == "aten::numel")) return false;
  const Argument asked = as_present(refined(bound(node.operand(0)), ir::Type::tensor()));
  ir::Value* value = asked.value();
  if (value == nullptr || !value->type().is_tensor()) return false;
  if (asked.as<GraphValue>()->later != nullptr) {
    if (auto answer = query_empty(node, *asked.as<GraphValue>()))
      return bind(node.output(), std::move(*answer)), true;
  }
  if (handler == kHandlers.end()) return false;
  std::optional<Argument> answer = (this->*handler->second)(node, {value, torch_type(value->type())});
  if (!answer) return false;
  bindings_[node.output()] = std::move(*answer);
  return true;
}

}  // namespace onnxport
