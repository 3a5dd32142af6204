// Questions a model asks about types: rank, sizes, element type, device. The type answers; nothing is
// computed.
#include "core/translate/translator.h"

namespace onnxport {
namespace {

// The element type a torch program sees.
ir::DType torch_dtype(const ir::Type& type) {
  if (!type.stands_for_complex()) return type.dtype();
  return type.dtype() == ir::DType::f64 ? ir::DType::c128 : ir::DType::c64;
}

int torch_rank(const ir::Type& type) {
  return type.rank() < 0 ? -1 : type.rank() - (type.stands_for_complex() ? 1 : 0);
}

// Properties that are the same for every tensor an export meets: dense, on the CPU, without gradients.
std::optional<bool> constant_property(std::string_view op) {
  for (std::string_view name :
       {"prim::is_cuda", "prim::is_xpu", "prim::is_mkldnn", "prim::is_sparse", "prim::is_nested",
        "prim::is_quantized", "prim::is_meta", "prim::is_vulkan", "prim::is_mps", "prim::requires_grad",
        "aten::is_conj", "aten::is_neg", "aten::is_inference"}) {
    if (op == name) return false;
  }
  if (op == "prim::is_cpu" || op == "aten::is_contiguous") return true;
  return std::nullopt;
}

}  // namespace

bool Translator::translate_query(ir::Node& node) {
  const std::string_view op = node.op_text();
  if (node.operand_count() == 0 || node.operand(0) == nullptr || node.output_count() != 1) return false;
  if (const auto property = constant_property(op)) {
    bind(node.output(), Argument::of_bool(*property));
    return true;
  }
  if (op == "prim::device") {
    bind(node.output(), Argument::of_string("cpu"));
    return true;
  }
  if (op == "prim::type") {  // of a device
    bind(node.output(), Argument::of_string("cpu"));
    return true;
  }
  if (op == "prim::layout") {
    bind(node.output(), Argument::of_int(0));  // strided
    return true;
  }
  const Argument& first = bound(node.operand(0));
  if (first.kind != Argument::Kind::value) return false;
  ir::Value* x = first.value;
  const ir::Type& type = x->type();
  if (!type.is_tensor()) return false;

  if (type.dtype() != ir::DType::undefined) {
    const ir::DType dtype = torch_dtype(type);
    if (op == "prim::dtype") return bind(node.output(), Argument::of_dtype(dtype)), true;
    if (op == "aten::is_floating_point")
      return bind(node.output(), Argument::of_bool(ir::is_floating(dtype))), true;
    if (op == "aten::is_complex") return bind(node.output(), Argument::of_bool(ir::is_complex(dtype))), true;
  }
  const int rank = torch_rank(type);
  if (rank < 0) return false;
  if (op == "aten::dim" || op == "prim::dim") return bind(node.output(), Argument::of_int(rank)), true;

  const auto size_of_axis = [&](int64_t axis) {
    Argument b = Argument::of(builder_->dim(x, axis), true);
    return settled(std::move(b), ir::Type::integer());
  };
  if (op == "aten::size" || op == "aten::sym_size" || op == "prim::shape") {
    std::vector<Argument> sizes;
    for (int axis = 0; axis < rank; ++axis) sizes.push_back(size_of_axis(axis));
    bindings_[node.output()] = Argument::of_list(std::move(sizes));
    return true;
  }
  if (op == "aten::len.Tensor" || op == "aten::len") {
    if (rank == 0) throw Error("T512", "len() of a 0-d tensor");
    bindings_[node.output()] = size_of_axis(0);
    return true;
  }
  if ((op == "aten::size.int" || op == "aten::sym_size.int") && node.operand_count() == 2) {
    const Argument& axis = bound(node.operand(1));
    if (axis.kind != Argument::Kind::integer) return false;
    const int64_t at = axis.integer < 0 ? axis.integer + rank : axis.integer;
    if (at < 0 || at >= rank) {
      throw Error("T512", "axis " + std::to_string(axis.integer) + " of a tensor of " + std::to_string(rank) +
                              " dimensions");
    }
    bindings_[node.output()] = size_of_axis(at);
    return true;
  }
  return false;
}

}  // namespace onnxport
