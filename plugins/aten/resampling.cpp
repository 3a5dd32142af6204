// Resizing, and sampling at a grid of points.
#include "axis_map.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The factors of the axes, where the call gave them: as a list (.vec) or one by one.
std::vector<double> factors(Op& op) {
  if (op.has("scale_factors")) return op.reals("scale_factors");
  std::vector<double> out;
  for (const char* arg : {"scales", "scales_d", "scales_h", "scales_w"}) {
    if (op.has(arg)) out.push_back(op.real(arg));
  }
  return out;
}

Value resize_input(Op& op) { return op.has("input") ? op["input"] : op["self"]; }

// Resizes all axes but batch and channels, by factors or else to sizes.
Value resized(Op& op, attributes_of::Resize attrs) {
  Value x = resize_input(op);
  const auto spatial = static_cast<size_t>(x.rank() - 2);
  std::vector<float> scales{1, 1};
  for (double factor : factors(op)) scales.push_back(static_cast<float>(factor));
  if (scales.size() == spatial + 2) {
    const Tensor all{DType::f32, {x.rank()}, Builder::bytes_of(scales.data(), scales.size())};
    return op.Resize(x, {}, op.constant(all), {}, attrs);
  }
  std::vector<int64_t> axes(spatial);
  std::iota(axes.begin(), axes.end(), 2);
  attrs.add(attr::axes(axes));
  return op.Resize(x, {}, {}, op.shape("output_size"), attrs);
}

// aten::upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor
// aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None) ->
// Tensor
Value nearest(Op& op) {
  return resized(op, {attr::mode("nearest"), attr::coordinate_transformation_mode("asymmetric"),
                      attr::nearest_mode("floor")});
}

// aten::_upsample_nearest_exact2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor
Value nearest_exact(Op& op) {
  return resized(op, {attr::mode("nearest"), attr::coordinate_transformation_mode("half_pixel"),
                      attr::nearest_mode("round_prefer_ceil")});
}

const char* coordinates(Op& op) { return op.boolean("align_corners") ? "align_corners" : "half_pixel"; }

// aten::upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]?
// scale_factors)
//   -> Tensor
Value linear(Op& op) {
  return resized(op, {attr::mode("linear"), attr::coordinate_transformation_mode(coordinates(op))});
}

// aten::upsample_bicubic2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]?
// scale_factors)
//   -> Tensor
Value cubic(Op& op) {
  return resized(op, {attr::mode("cubic"), attr::coordinate_transformation_mode(coordinates(op)),
                      attr::cubic_coeff_a(-0.75)});
}

// The triangle, and Keys' cubic with the -0.5 that image libraries use.
double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }
double keys(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

// The filter, stretched over the source where the result is smaller, centred on each place of the result.
AxisMap filtered(int64_t in, int64_t out, double scale, double radius, double (*filter)(double)) {
  AxisMap map(in, out);
  const double stretch = std::max(scale, 1.0), support = radius * stretch;
  for (int64_t i = 0; i < out; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    const auto begin = std::max<int64_t>(static_cast<int64_t>(std::floor(centre - support + 0.5)), 0);
    const auto end = std::min<int64_t>(static_cast<int64_t>(std::floor(centre + support + 0.5)), in);
    double total = 0;
    const auto weight = [&](int64_t j) { return filter((static_cast<double>(j) - centre + 0.5) / stretch); };
    for (int64_t j = begin; j < end; ++j) total += weight(j);
    for (int64_t j = begin; j < end; ++j) map.at(i, j) = static_cast<float>(weight(j) / total);
  }
  return map;
}

// Antialiased resizing between known sizes: ONNX's own is not torch's when it makes smaller.
Value antialiased(Op& op, double radius, double (*filter)(double)) {
  Value x = resize_input(op);
  op.require(x.rank() == 4, "antialiased resizing of other than images");
  std::vector<double> by = factors(op);
  if (by.size() != 2) by.clear();
  for (int64_t axis = 2; axis < 4; ++axis) {
    const auto i = static_cast<size_t>(axis - 2);
    op.require(x.static_dim(axis).has_value(), "antialiased resizing of a size known at run time only");
    const int64_t in = *x.static_dim(axis);
    const int64_t out = by.empty() || op.has("output_size")
                            ? op.integers("output_size", 2)[i]
                            : static_cast<int64_t>(static_cast<double>(in) * by[i]);
    double scale = by.empty() ? static_cast<double>(in) / static_cast<double>(out) : 1 / by[i];
    if (op.boolean("align_corners")) {
      scale = out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
    }
    x = apply(op, x, axis, filtered(in, out, scale, radius, filter));
  }
  return x;
}

// aten::_upsample_bilinear2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None,
//                               float? scales_w=None) -> Tensor
Value linear_antialiased(Op& op) { return antialiased(op, 1, triangle); }

// aten::_upsample_bicubic2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None,
//                              float? scales_w=None) -> Tensor
Value cubic_antialiased(Op& op) { return antialiased(op, 2, keys); }

// aten::grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)
// -> Tensor
Value grid_sampler(Op& op) {
  static constexpr const char* modes[] = {"linear", "nearest", "cubic"};
  static constexpr const char* paddings[] = {"zeros", "border", "reflection"};
  const int64_t mode = op.integer("interpolation_mode"), padding = op.integer("padding_mode");
  op.require(mode >= 0 && mode < 3 && padding >= 0 && padding < 3,
             "an unknown interpolation or padding mode");
  return op.GridSample(op["input"], op["grid"],
                       {attr::mode(modes[mode]), attr::padding_mode(paddings[padding]),
                        attr::align_corners(op.boolean("align_corners"))});
}

// aten::affine_grid_generator(Tensor theta, SymInt[] size, bool align_corners) -> Tensor
Value affine_grid_generator(Op& op) {
  return op.AffineGrid(op["theta"], op.shape("size"), {attr::align_corners(op.boolean("align_corners"))});
}

}  // namespace

Mappings resampling() {
  return {
      {"aten::upsample_nearest1d", nearest},
      {"aten::upsample_nearest2d", nearest},
      {"aten::upsample_nearest3d", nearest},
      {"aten::_upsample_nearest_exact1d", nearest_exact},
      {"aten::_upsample_nearest_exact2d", nearest_exact},
      {"aten::_upsample_nearest_exact3d", nearest_exact},
      {"aten::upsample_linear1d", linear},
      {"aten::upsample_bilinear2d", linear},
      {"aten::upsample_trilinear3d", linear},
      {"aten::upsample_bicubic2d", cubic},
      {"aten::_upsample_bilinear2d_aa", linear_antialiased},
      {"aten::_upsample_bicubic2d_aa", cubic_antialiased},
      {"aten::grid_sampler", grid_sampler},
      {"aten::grid_sampler_2d", grid_sampler},
      {"aten::grid_sampler_3d", grid_sampler},
      {"aten::affine_grid_generator", affine_grid_generator},
  };
}

}  // namespace onnxport::aten
