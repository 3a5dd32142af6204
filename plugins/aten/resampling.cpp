// Resizing, and sampling at a grid of points.
#include "axis_map.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The factors of the axes, where the call gave them: as a list (.vec), one for all, or one by one.
std::vector<double> factors(Op& op) {
  if (op.has("scale_factors")) return op.reals("scale_factors");
  if (op.has("scale_factor")) {
    if (op.is_list("scale_factor")) return op.reals("scale_factor");
    return std::vector<double>(static_cast<size_t>(op["input"].rank() - 2), op.real("scale_factor"));
  }
  std::vector<double> out;
  for (const char* arg : {"scales", "scales_d", "scales_h", "scales_w"}) {
    if (op.has(arg)) out.push_back(op.real(arg));
  }
  return out;
}

Value resize_input(Op& op) { return op.has("input") ? op["input"] : op["self"]; }

// The argument that holds the sizes.
std::string_view sizes_of(Op& op) { return op.has("size") ? "size" : "output_size"; }

Value output_size(Op& op, size_t spatial) {
  if (op.is_list(sizes_of(op))) return op.shape(sizes_of(op));
  return op.shape(Values(spatial, op[sizes_of(op)]));  // one for all
}

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
  return op.Resize(x, {}, {}, output_size(op, spatial), attrs);
}

// Where torch's nearest neighbours of one axis are, in its own arithmetic: that of doubles for doubles.
template <typename T>
std::vector<int64_t> nearest_positions(int64_t in, int64_t out, double factor, bool exact) {
  const T scale = factor > 0 ? static_cast<T>(1 / factor) : static_cast<T>(in) / static_cast<T>(out);
  std::vector<int64_t> at;
  for (int64_t i = 0; i < out; ++i) {
    const T source =
        exact ? static_cast<T>((static_cast<double>(i) + 0.5) * scale) : static_cast<T>(i) * scale;
    at.push_back(std::min(static_cast<int64_t>(std::floor(source)), in - 1));
  }
  return at;
}

// Where Resize finds them: it divides by the factor, as f32.
std::vector<int64_t> resize_positions(int64_t in, int64_t out, double factor, bool exact) {
  const float scale =
      factor > 0 ? static_cast<float>(factor) : static_cast<float>(out) / static_cast<float>(in);
  std::vector<int64_t> at;
  for (int64_t i = 0; i < out; ++i) {
    const float source =
        exact ? (static_cast<float>(i) + 0.5f) / scale - 0.5f : static_cast<float>(i) / scale;
    const float near = std::floor(exact ? source + 0.5f : source);
    at.push_back(std::clamp<int64_t>(static_cast<int64_t>(near), 0, in - 1));
  }
  return at;
}

// The positions along each axis, where sizes are known and Resize would round to others than torch does.
std::optional<std::vector<std::vector<int64_t>>> positions_that_differ(Op& op, const Value& x, bool exact) {
  const std::vector<double> by = factors(op);
  const auto spatial = static_cast<size_t>(x.rank() - 2);
  const bool by_factor = by.size() == spatial;
  const bool by_size = op.has(sizes_of(op));
  if (!by_factor && !op.is_known(sizes_of(op))) return std::nullopt;
  std::vector<std::vector<int64_t>> all;
  bool differ = false;
  for (size_t i = 0; i < spatial; ++i) {
    const auto in = x.static_dim(static_cast<int64_t>(i) + 2);
    if (!in || *in == 0) return std::nullopt;
    const double factor = by_factor ? by[i] : 0;
    const int64_t out = by_size ? op.integers(sizes_of(op), spatial)[i]
                                : static_cast<int64_t>(static_cast<double>(*in) * factor);
    all.push_back(x.dtype() == DType::f64 ? nearest_positions<double>(*in, out, factor, exact)
                                          : nearest_positions<float>(*in, out, factor, exact));
    differ = differ || all.back() != resize_positions(*in, out, factor, exact);
  }
  return differ ? std::optional(all) : std::nullopt;
}

Value nearest_neighbours(Op& op, bool exact) {
  Value x = resize_input(op);
  if (const auto positions = positions_that_differ(op, x, exact)) {
    for (size_t i = 0; i < positions->size(); ++i) {
      x = op.Gather(x, op.ints((*positions)[i]), {attr::axis(i + 2)});
    }
    return x;
  }
  return resized(
      op, {attr::mode("nearest"), attr::coordinate_transformation_mode(exact ? "half_pixel" : "asymmetric"),
           attr::nearest_mode(exact ? "round_prefer_ceil" : "floor")});
}

// aten::upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor
// aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None) -> Tensor
Value nearest(Op& op) { return nearest_neighbours(op, false); }

// aten::_upsample_nearest_exact2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor
Value nearest_exact(Op& op) { return nearest_neighbours(op, true); }

const char* coordinates(Op& op) {
  return op.has("align_corners") && op.boolean("align_corners") ? "align_corners" : "half_pixel";
}

// aten::upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool align_corners,
//     float[]? scale_factors) -> Tensor
Value linear(Op& op) {
  return resized(op, {attr::mode("linear"), attr::coordinate_transformation_mode(coordinates(op))});
}

// aten::upsample_bicubic2d.vec(Tensor input, SymInt[]? output_size, bool align_corners,
//     float[]? scale_factors) -> Tensor
Value cubic(Op& op) {
  return resized(op, {attr::mode("cubic"), attr::coordinate_transformation_mode(coordinates(op)),
                      attr::cubic_coeff_a(-0.75)});
}

// aten::__interpolate(Tensor input, int? size=None, float? scale_factor=None, str mode="nearest", bool? align_corners=None,
//     bool? recompute_scale_factor=None, bool antialias=False) -> Tensor
// What functional.interpolate was to TorchScript before 1.6; its overloads take lists.
Value interpolate(Op& op) {
  const std::string mode = op.string("mode");
  op.require(!op.boolean("antialias"), "interpolation without antialias");
  op.require(
      !op.has("recompute_scale_factor") || !op.boolean("recompute_scale_factor") || !op.has("scale_factor"),
      "factors that are taken as they are");
  if (mode == "nearest") return nearest(op);
  if (mode == "nearest-exact") return nearest_exact(op);
  if (mode == "bicubic") return cubic(op);
  op.require(mode == "linear" || mode == "bilinear" || mode == "trilinear",
             "interpolation by nearest neighbours, linear or cubic");
  return linear(op);
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

// The same of sizes known at run time only: (out, in), computed in the graph.
Value filtered_at_run_time(Op& op, const Value& in_size, const Value& out_size, const Value& scale,
                           double radius, Value (*filter)(Op&, const Value&)) {
  const auto real = [&](const Value& x) { return op.cast(x, DType::f32); };
  Value stretch = op.Max({scale, op.like(scale, 1)}), support = stretch * radius;
  Value centre = scale * (op.unsqueeze(real(op.arange(out_size)), {1}) + 0.5);
  Value begin = op.Floor(centre - support + 0.5), end = op.Floor(centre + support + 0.5);
  Value j = real(op.arange(in_size));
  Value weights = filter(op, (j - centre + 0.5) / stretch);
  Value inside = op.Where((begin <= j) & (j < end), weights, op.like(weights, 0));
  return inside / op.reduce_sum(inside, {1}, true);
}

Value triangle_of(Op& op, const Value& x) { return op.Max({1 - op.Abs(x), op.like(x, 0)}); }
Value keys_of(Op& op, const Value& signed_x) {
  constexpr double a = -0.5;
  Value x = op.Abs(signed_x);
  Value inner = (x * (a + 2) - (a + 3)) * x * x + 1, outer = (((x - 5) * x + 8) * x - 4) * a;
  return op.Where(x < 1, inner, op.Where(x < 2, outer, op.like(x, 0)));
}

struct Filter {
  double radius;
  double (*known)(double);
  Value (*at_run_time)(Op&, const Value&);
};

// By which factor one axis of the source is larger than the result. `factor`: the one given, or null.
Value scale_at_run_time(Op& op, const Value& in, const Value& out, const double* factor) {
  const auto real = [&](const Value& x) { return op.cast(x, DType::f32); };
  if (op.boolean("align_corners")) {
    Value gaps = real(out - 1);
    return op.Where(gaps > 0, real(in - 1) / op.Max({gaps, op.like(gaps, 1)}), op.like(gaps, 0));
  }
  return factor != nullptr ? op.constant(1 / *factor, DType::f32) : real(in) / real(out);
}

double known_scale(Op& op, int64_t in, int64_t out, const double* factor) {
  if (op.boolean("align_corners")) {
    return out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
  }
  return factor != nullptr ? 1 / *factor : static_cast<double>(in) / static_cast<double>(out);
}

// Antialiased resizing: ONNX's own is not torch's when it makes smaller.
Value antialiased(Op& op, const Filter& filter) {
  Value x = resize_input(op);
  op.require(x.rank() == 4, "antialiased resizing of other than images");
  std::vector<double> by = factors(op);
  if (by.size() != 2) by.clear();
  const Values sizes = op.has("output_size") ? op.values("output_size") : Values{};
  for (int64_t axis = 2; axis < 4; ++axis) {
    const auto i = static_cast<size_t>(axis - 2);
    const double* factor = by.empty() ? nullptr : &by[i];
    const Value in = op.dim(x, axis);
    const Value out = sizes.empty() ? op.cast(op.Floor(op.cast(in, DType::f64) * by.at(i)), DType::i64)
                                    : sizes.at(sizes.size() == 1 ? 0 : i);
    const auto known_in = in.constant_ints(), known_out = out.constant_ints();
    if (known_in && known_out) {
      const int64_t from = known_in->front(), to = known_out->front();
      const double scale = known_scale(op, from, to, factor);
      x = apply(op, x, axis, filtered(from, to, scale, filter.radius, filter.known));
    } else {
      const Value scale = scale_at_run_time(op, in, out, factor);
      x = apply(op, x, axis, filtered_at_run_time(op, in, out, scale, filter.radius, filter.at_run_time));
    }
  }
  return x;
}

// aten::_upsample_bilinear2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None,
//     float? scales_w=None) -> Tensor
Value linear_antialiased(Op& op) { return antialiased(op, {1, triangle, triangle_of}); }

// aten::_upsample_bicubic2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None,
//     float? scales_w=None) -> Tensor
Value cubic_antialiased(Op& op) { return antialiased(op, {2, keys, keys_of}); }

// aten::grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor
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
      {"aten::__interpolate", interpolate},
      {"aten::grid_sampler", grid_sampler},
      {"aten::grid_sampler_2d", grid_sampler},
      {"aten::grid_sampler_3d", grid_sampler},
      {"aten::affine_grid_generator", affine_grid_generator},
  };
}

}  // namespace onnxport::aten
