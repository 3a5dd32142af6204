// Conv, ConvTranspose or Gemm followed by BatchNormalization: one node with other weights.
#include <cmath>

#include "core/evaluate/elements.h"
#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {

namespace {

using Reals = std::vector<double>;

// y = x * factor + shift, per channel.
struct Affine {
  Reals factor, shift;
};

std::optional<Reals> reals_of(const ir::Value* value) {
  if (value == nullptr || !value->is_constant() || !is_computed_float(value->constant()->dtype()))
    return std::nullopt;
  return value->constant()->to_reals();
}

std::optional<Affine> affine_of(const ir::Node& norm) {
  if (norm.operand_count() != 5 || integer_attribute(norm, "training_mode", 0) != 0) return std::nullopt;
  for (size_t i = 1; i < norm.output_count(); ++i) {
    if (norm.output(i)->has_uses()) return std::nullopt;
  }
  const auto scale = reals_of(norm.operand(1)), bias = reals_of(norm.operand(2)),
             mean = reals_of(norm.operand(3)), variance = reals_of(norm.operand(4));
  if (!scale || !bias || !mean || !variance) return std::nullopt;
  const size_t channels = scale->size();
  if (bias->size() != channels || mean->size() != channels || variance->size() != channels)
    return std::nullopt;
  const auto* epsilon = norm.attribute_as<double>("epsilon");
  // As the runtime reads it from the file: a float.
  const double guard = static_cast<double>(static_cast<float>(epsilon == nullptr ? 1e-5 : *epsilon));
  Affine out;
  for (size_t i = 0; i < channels; ++i) {
    const double factor = (*scale)[i] / std::sqrt((*variance)[i] + guard);
    if (!std::isfinite(factor)) return std::nullopt;
    out.factor.push_back(factor);
    out.shift.push_back((*bias)[i] - (*mean)[i] * factor);
  }
  return out;
}

// How the output channel of a weight element follows from its index: (index / inner) % channels + group offset.
struct Layout {
  size_t inner = 1;
  size_t channels = 1;          // per group
  size_t per_group = SIZE_MAX;  // elements of one group
};

std::optional<Layout> layout_of(const ir::Node& node, const ir::Tensor& weight, size_t channels) {
  const auto& dims = weight.dims();
  if (dims.size() < 2 || weight.count() == 0) return std::nullopt;
  const auto tail = [&](size_t from) {
    size_t n = 1;
    for (size_t i = from; i < dims.size(); ++i) n *= static_cast<size_t>(dims[i]);
    return n;
  };
  Layout out;
  if (is_op(&node, "Conv") || (is_op(&node, "Gemm") && integer_attribute(node, "transB", 0) != 0)) {
    out = {tail(1), static_cast<size_t>(dims[0]), SIZE_MAX};
  } else if (is_op(&node, "Gemm")) {
    out = {1, static_cast<size_t>(dims[1]), SIZE_MAX};
  } else {
    const auto groups = static_cast<size_t>(std::max<int64_t>(1, integer_attribute(node, "group", 1)));
    out = {tail(2), static_cast<size_t>(dims[1]), static_cast<size_t>(weight.count()) / groups};
    return out.channels * groups == channels ? std::optional(out) : std::nullopt;
  }
  return out.channels == channels ? std::optional(out) : std::nullopt;
}

// The bias as one number per channel; nullopt when it is something else.
std::optional<Reals> bias_of(const ir::Node& node, size_t channels) {
  const ir::Value* value = operand_or_null(node, 2);
  if (value == nullptr) return Reals(channels, 0.0);
  auto bias = reals_of(value);
  if (!bias) return std::nullopt;
  if (is_op(&node, "Gemm")) {
    const auto* beta = node.attribute_as<double>("beta");
    for (double& v : *bias) v *= beta == nullptr ? 1.0 : *beta;
  }
  if (bias->size() == 1 && channels > 1) bias->assign(channels, (*bias)[0]);
  const auto& dims = value->constant()->dims();
  if (bias->size() != channels || (dims.size() > 1 && dims.back() != static_cast<int64_t>(channels)))
    return std::nullopt;
  return bias;
}

bool fold_into(ir::Graph& graph, ir::Node& node, ir::Node& norm) {
  ir::Value* weight = operand_or_null(node, 1);
  if (weight == nullptr || !weight->is_constant() || !weight->has_one_use()) return false;
  if (is_op(&node, "Gemm") && norm.operand(0)->type().rank() != 2) return false;
  const auto affine = affine_of(norm);
  if (!affine) return false;
  const size_t channels = affine->factor.size();
  const ir::Tensor& tensor = *weight->constant();
  const auto layout = layout_of(node, tensor, channels);
  auto weights = reals_of(weight);
  auto bias = bias_of(node, channels);
  if (!layout || !weights || !bias) return false;
  for (size_t i = 0; i < weights->size(); ++i) {
    const size_t group = i / layout->per_group;
    (*weights)[i] *= affine->factor[group * layout->channels + i / layout->inner % layout->channels];
  }
  for (size_t i = 0; i < channels; ++i) (*bias)[i] = (*bias)[i] * affine->factor[i] + affine->shift[i];
  if (!can_replace(norm.output(0), node.output(0))) return false;

  const ir::Value* named = operand_or_null(node, 2) != nullptr ? node.operand(2) : norm.operand(2);
  ir::Value* operands[] = {
      node.operand(0),
      graph.add_initializer(weight->name().text(), *from_reals(tensor.dtype(), tensor.dims(), *weights)),
      graph.add_initializer(named->name().text(),
                            *from_reals(tensor.dtype(), {static_cast<int64_t>(channels)}, *bias))};
  node.set_operands(operands);
  if (is_op(&node, "Gemm")) node.remove_attribute("beta");
  norm.output(0)->replace_all_uses_with(node.output(0));
  graph.erase(&norm);
  return true;
}

}  // namespace

void fold_batch_norm(ir::Graph& graph) {
  ir::for_each_node(graph.body(), [&](ir::Node* norm) {
    if (!is_op(norm, "BatchNormalization")) return;
    ir::Node* node = norm->operand(0)->producer();
    const bool linear = is_op(node, "Conv") || is_op(node, "ConvTranspose") || is_op(node, "Gemm");
    if (linear && norm->operand(0)->has_one_use() && node->parent() == norm->parent())
      fold_into(graph, *node, *norm);
  });
  graph.remove_unused_initializers();
}

}  // namespace onnxport
