// Resize by hand: along each axis, the elements around each place are gathered and weighted.
#pragma once

#include "shared.h"

namespace shared {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

class Resampler {
 public:
  explicit Resampler(Node& node)
      : node_(node),
        mode_(node.string("mode", "nearest")),
        transformation_(node.string("coordinate_transformation_mode", "half_pixel")),
        rounding_(node.string("nearest_mode", "round_prefer_floor")),
        axes_(node.has_attr("axes") ? node.integers("axes") : axes_up_to(node.input(0).rank())) {
    for (int64_t& axis : axes_) axis = node_.normalized(axis, node.input(0).rank());
  }
  virtual ~Resampler() = default;
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  Value run() {
    node_.require(transformation_ != "tf_crop_and_resize", "it crops");
    Value x = node_.input(0);
    for (size_t i = 0; i < axes_.size(); ++i) {
      const Scale s = scale(x, axes_[i], static_cast<int64_t>(i));
      if (!s.same) x = along(x, axes_[i], s);
    }
    return x;
  }

 protected:
  struct Scale {
    Value out;     // size
    Value factor;  // out / in
    bool same = false;
  };

  static bool is_given(const Value& v) { return v && v.static_dim(0) != 0; }

  // `i`: where the scales and sizes speak of the axis.
  Scale scale(const Value& x, int64_t axis, int64_t i) {
    const Value in = node_.dim(x, axis);
    if (is_given(node_.input(3))) {
      const Value out = element(node_, node_.input(3), i);
      const auto from = in.constant_ints(), to = out.constant_ints();
      const bool same = (from && to && *from == *to) || x.size(axis) == node_.input(3).element(i);
      return {out, node_.cast(out, DType::f32) / node_.cast(in, DType::f32), same};
    }
    node_.require(is_given(node_.input(2)), "neither scales nor sizes are known to be given");
    if (const auto all = node_.input(2).constant_reals()) {
      const double factor = (*all)[static_cast<size_t>(i)];
      const auto size = x.static_dim(axis);
      const Value out =
          size ? node_.constant(static_cast<int64_t>(std::floor(static_cast<double>(*size) * factor)))
               : node_.cast(node_.Floor(node_.cast(in, DType::f32) * node_.constant(factor, DType::f32)),
                            DType::i64);
      return {out, node_.constant(factor, DType::f32), factor == 1.0};
    }
    const Value factor = node_.Gather(node_.input(2), node_.constant(i));
    return {node_.cast(node_.Floor(node_.cast(in, DType::f32) * factor), DType::i64), factor, false};
  }

  // Where in the input each element of the output lies.
  Value places(const Scale& s, const Value& in) {
    const Value index = node_.cast(node_.arange(s.out), DType::f32);
    const Value in_size = node_.cast(in, DType::f32), out_size = node_.cast(s.out, DType::f32);
    if (transformation_ == "asymmetric") return index / s.factor;
    if (transformation_ == "align_corners") {
      const Value gaps = node_.maximum(out_size - 1.0, node_.constant(1.0, DType::f32));
      return index * (in_size - 1.0) / gaps;
    }
    const Value centred = (index + 0.5) / s.factor - 0.5;
    if (transformation_ == "pytorch_half_pixel")  // a single element lies at the start
      return centred * node_.cast(node_.less(node_.constant(1.0, DType::f32), out_size), DType::f32);
    if (transformation_ == "half_pixel_symmetric") {
      const Value exact = in_size * s.factor;
      return centred + in_size / 2.0 * (1.0 - out_size / exact);
    }
    node_.require(transformation_ == "half_pixel", "its coordinates are transformed as " + transformation_);
    return centred;
  }

  Value gathered(const Value& x, int64_t axis, const Value& place, const Value& last) {
    const Value inside = node_.minimum(node_.maximum(place, node_.constant(0.0, DType::f32)), last);
    return node_.Gather(x, node_.cast(inside, DType::i64), {attr::axis(axis)});
  }

  Value weight(const Value& w, const Value& x, int64_t axis) {
    return node_.unsqueeze_around(node_.cast(w, x.dtype()), axis, x.rank());
  }

  virtual Value along(const Value& x, int64_t axis, const Scale& s) {
    const Value in = node_.dim(x, axis);
    const Value last = node_.cast(in - 1, DType::f32);
    const Value at = places(s, in);
    if (mode_ == "nearest") return gathered(x, axis, rounded(at), last);
    node_.require(is_floating(x.dtype()), "integers are interpolated");
    if (mode_ == "cubic") return cubic(x, axis, at, last);
    const Value inside = node_.minimum(node_.maximum(at, node_.constant(0.0, DType::f32)), last);
    const Value before = node_.Floor(inside);
    const Value w = weight(inside - before, x, axis);
    return gathered(x, axis, before, last) * (1.0 - w) + gathered(x, axis, before + 1.0, last) * w;
  }

  Value rounded(const Value& at) {
    if (rounding_ == "floor") return node_.Floor(at);
    if (rounding_ == "ceil") return node_.Ceil(at);
    return rounding_ == "round_prefer_ceil" ? node_.Floor(at + 0.5) : node_.Ceil(at - 0.5);
  }

  Value cubic(const Value& x, int64_t axis, const Value& at, const Value& last) {
    node_.require(node_.integer("exclude_outside", 0) == 0, "it excludes what is outside");
    const double a = node_.real("cubic_coeff_a", -0.75);
    const auto near = [&](const Value& d) { return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0; };
    const auto far = [&](const Value& d) { return ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a; };
    const Value before = node_.Floor(at);
    const Value t = at - before;
    const Values weights = {far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)};
    Value out;
    for (int i = 0; i < 4; ++i) {
      const Value tap = gathered(x, axis, before + static_cast<double>(i - 1), last) *
                        weight(weights[static_cast<size_t>(i)], x, axis);
      out = out ? out + tap : tap;
    }
    return out;
  }

  Node& node_;
  std::string mode_, transformation_, rounding_;
  std::vector<int64_t> axes_;  // that change, from the front
};

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace shared
