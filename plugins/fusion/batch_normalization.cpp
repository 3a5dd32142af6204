// Conv, ConvTranspose or Gemm followed by BatchNormalization: one node with other weights.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "fusion.h"

namespace fusion {
namespace {

using namespace onnxport;
using Reals = std::vector<double>;

// y = x * factor + shift, per channel.
struct Affine {
  Reals factor, shift;
};

Affine affine_of(Node& norm) {
  norm.require(norm.integer("training_mode", 0) == 0, "it is in training mode");
  for (size_t i = 1; i < norm.output_count(); ++i) norm.require(!norm.is_used(i), "its statistics are read");
  const auto scale = norm.input(1).constant_reals(), bias = norm.input(2).constant_reals(),
             mean = norm.input(3).constant_reals(), variance = norm.input(4).constant_reals();
  norm.require(scale && bias && mean && variance, "its parameters are known at run time only");
  const size_t channels = scale->size();
  norm.require(bias->size() == channels && mean->size() == channels && variance->size() == channels,
               "its parameters are not of one size");
  // As the runtime reads it from the file: a float.
  const auto guard = static_cast<double>(static_cast<float>(norm.real("epsilon", 1e-5)));
  Affine out;
  for (size_t i = 0; i < channels; ++i) {
    const double factor = (*scale)[i] / std::sqrt((*variance)[i] + guard);
    norm.require(std::isfinite(factor), "a factor is not finite");
    out.factor.push_back(factor);
    out.shift.push_back((*bias)[i] - (*mean)[i] * factor);
  }
  return out;
}

// How the output channel of a weight element follows from its index: (index / inner) % channels + group offset.
struct Layout {
  size_t inner = 1;
  size_t channels = 1;                                    // per group
  size_t per_group = std::numeric_limits<size_t>::max();  // elements of one group
};

Layout layout_of(Node& norm, const NodeRef& linear, const ConstantView& weight, size_t channels) {
  const std::vector<int64_t>& dims = weight.dims;
  norm.require(dims.size() >= 2 && weight.count > 0, "the weight is no matrix");
  const auto tail = [&](size_t from) {
    size_t n = 1;
    for (size_t i = from; i < dims.size(); ++i) n *= static_cast<size_t>(dims[i]);
    return n;
  };
  Layout out;
  size_t groups = 1;
  if (linear.is("Conv") || (linear.is("Gemm") && linear.integer("transB", 0) != 0)) {
    out = {tail(1), static_cast<size_t>(dims[0])};
  } else if (linear.is("Gemm")) {
    out = {1, static_cast<size_t>(dims[1])};
  } else {
    groups = static_cast<size_t>(std::max<int64_t>(1, linear.integer("group", 1)));
    out = {tail(2), static_cast<size_t>(dims[1]), weight.count / groups};
  }
  norm.require(out.channels * groups == channels, "the weight has another number of channels");
  return out;
}

// The bias as one number per channel.
Reals bias_of(Node& norm, const NodeRef& linear, size_t channels) {
  const Value given = linear.input(2);
  if (!given) return Reals(channels, 0.0);
  const auto view = given.constant();
  auto bias = given.constant_reals();
  norm.require(view && bias, "the bias is known at run time only");
  if (linear.is("Gemm")) {
    for (double& v : *bias) v *= linear.real("beta", 1.0);
  }
  if (bias->size() == 1 && channels > 1) bias->assign(channels, bias->front());
  norm.require(bias->size() == channels &&
                   (view->dims.size() <= 1 || view->dims.back() == static_cast<int64_t>(channels)),
               "the bias is not one number for each channel");
  return std::move(*bias);
}

Value fold(Node& norm) {
  const NodeRef linear = norm.producer(norm.input(0));
  norm.require(linear.is("Conv") || linear.is("ConvTranspose") || linear.is("Gemm"),
               "nothing linear is before it");
  norm.require(norm.use_count(norm.input(0)) == 1, "others read what it normalizes");
  const Value weight = linear.input(1);
  const auto weights = weight.constant();
  norm.require(weights && is_floating(weights->dtype) && norm.use_count(weight) == 1,
               "the weight is computed, or read by others too");
  norm.require(!linear.is("Gemm") || norm.input(0).rank() == 2, "a Gemm has two dimensions");
  const Affine affine = affine_of(norm);
  const size_t channels = affine.factor.size();
  const Layout layout = layout_of(norm, linear, *weights, channels);
  Reals bias = bias_of(norm, linear, channels);

  NewConstant scaled = norm.new_constant(weights->dtype, weights->dims, weight);
  for (size_t i = 0; i < weights->count; ++i) {
    const size_t channel = i / layout.per_group * layout.channels + i / layout.inner % layout.channels;
    scaled.set_real(i, weights->real(i) * affine.factor[channel]);
  }
  NewConstant shifted = norm.new_constant(weights->dtype, {static_cast<int64_t>(channels)},
                                          linear.input(2) ? linear.input(2) : norm.input(2));
  for (size_t i = 0; i < channels; ++i) shifted.set_real(i, bias[i] * affine.factor[i] + affine.shift[i]);
  // Where the linear node is, which may be outside of the block of the normalization.
  norm.insert_before(linear);
  return norm.node(linear.op_type(), {linear.input(0), scaled.value, shifted.value},
                   linear.attrs_except({"beta"}));
}

}  // namespace

Rules batch_normalization_rules() { return {{"BatchNormalization", fold}}; }

}  // namespace fusion
