// Resize with antialias is new in 18: before, each axis is multiplied by a matrix of the filter's weights. The filter is
// stretched where the result is smaller, so that every element counts.
#include "resample.h"
#include "rules.h"

using namespace onnxport;

namespace {

class Antialiased : public shared::Resampler {
 public:
  explicit Antialiased(Node& node)
      : Resampler(node),
        is_cubic_(mode_ == "cubic"),
        outside_counts_(node.integer("exclude_outside", 0) == 0),
        a_(node.real("cubic_coeff_a", -0.75)) {
    node_.require(is_floating(node.input(0).dtype()), "integers are interpolated");
  }

 private:
  Value along(const Value& x, int64_t axis, const Scale& s) override {
    const Value in = node_.dim(x, axis);
    const Value weights = node_.cast(matrix(in, s), x.dtype());  // (in, out)
    if (axis == x.rank() - 1) return node_.MatMul(x, weights);
    return node_.transpose(node_.MatMul(node_.transpose(x, axis, -1), weights), axis, -1);
  }

  double radius() const { return is_cubic_ ? 2 : 1; }

  Value matrix(const Value& in, const Scale& s) {
    constexpr int64_t kLargest = 1 << 22;  // elements of a constant
    const auto from = in.constant_ints(), to = s.out.constant_ints();
    const auto factor = s.factor.constant_reals();
    if (from && to && from->front() > 0 && from->front() * to->front() <= kLargest) {
      const double f =
          factor ? factor->front() : static_cast<double>(to->front()) / static_cast<double>(from->front());
      return known_matrix(from->front(), to->front(), f);
    }
    return node_.permute(matrix_at_run_time(in, s), {1, 0});
  }

  // ---- sizes that are known ----

  double known_place(int64_t i, int64_t in, int64_t out, double factor) {
    const auto index = static_cast<double>(i), gaps = static_cast<double>(out - 1);
    if (transformation_ == "asymmetric") return index / factor;
    if (transformation_ == "align_corners") return out == 1 ? 0 : index * static_cast<double>(in - 1) / gaps;
    const double centred = (index + 0.5) / factor - 0.5;
    if (transformation_ == "pytorch_half_pixel") return out == 1 ? 0 : centred;
    if (transformation_ == "half_pixel_symmetric") {
      const auto size = static_cast<double>(in);
      return centred + size / 2 * (1 - static_cast<double>(out) / (size * factor));
    }
    node_.require(transformation_ == "half_pixel", "its coordinates are transformed as " + transformation_);
    return centred;
  }

  double known_weight(double distance) const {
    const double d = std::abs(distance);
    if (!is_cubic_) return std::max(0.0, 1 - d);
    if (d < 1) return ((a_ + 2) * d - (a_ + 3)) * d * d + 1;
    return d < 2 ? ((a_ * d - 5 * a_) * d + 8 * a_) * d - 4 * a_ : 0;
  }

  Value known_matrix(int64_t in, int64_t out, double factor) {
    std::vector<float> weights(static_cast<size_t>(in * out), 0);
    const double squash = std::min(factor, 1.0);
    for (int64_t i = 0; i < out; ++i) {
      const double at = known_place(i, in, out, factor);
      const auto reach = radius() / squash;
      double total = 0;
      std::vector<double> column(static_cast<size_t>(in), 0);
      for (auto j = static_cast<int64_t>(std::floor(at - reach));
           j <= static_cast<int64_t>(std::ceil(at + reach)); ++j) {
        if (!outside_counts_ && (j < 0 || j >= in)) continue;
        const double w = known_weight((static_cast<double>(j) - at) * squash);
        column[static_cast<size_t>(std::clamp<int64_t>(j, 0, in - 1))] += w;
        total += w;
      }
      for (int64_t j = 0; j < in; ++j)
        weights[static_cast<size_t>(j * out + i)] =
            static_cast<float>(column[static_cast<size_t>(j)] / total);
    }
    return node_.constant(Tensor{DType::f32, {in, out}, Builder::bytes_of(weights.data(), weights.size())});
  }

  // ---- sizes known at run time only ----

  Value weight_at_run_time(const Value& distance) {
    const Value d = node_.Abs(distance);
    if (!is_cubic_) return node_.maximum(1.0 - d, node_.like(d, 0.0));
    const Value near = ((a_ + 2) * d - (a_ + 3)) * d * d + 1.0;
    const Value far = ((a_ * d - 5 * a_) * d + 8 * a_) * d - 4 * a_;
    const Value beyond = node_.where(d < 2.0, far, node_.like(d, 0.0));
    return node_.where(d < 1.0, near, beyond);
  }

  // (out, in)
  Value matrix_at_run_time(const Value& in, const Scale& s) {
    const Value at = node_.unsqueeze(places(s, in), {1});
    const Value squash = node_.minimum(s.factor, node_.constant(1.0, DType::f32));
    Value first = node_.constant(0), end = in, reach;
    if (outside_counts_) {
      reach = node_.cast(node_.Ceil(radius() / squash), DType::i64) + 1;
      first = -reach;
      end = in + reach;
    }
    const Value j = node_.arange(first, end, node_.constant(1));
    const Value weights = weight_at_run_time((node_.cast(j, DType::f32) - at) * squash);
    const Value shares = weights / node_.reduce_sum(weights, {1}, true);
    return outside_counts_ ? with_edges(shares, in, reach) : shares;
  }

  // The weights of what lies outside count for the first element, and for the last.
  Value with_edges(const Value& shares, const Value& in, const Value& reach) {
    const Value end = reach + in;
    const auto outside = [&](const Value& from, const Value& to, const Value& edge) {
      const Value whole = node_.reduce_sum(node_.slice(shares, 1, from, to), {1}, true);
      return whole * node_.cast(node_.equal(node_.arange(in), edge), DType::f32);
    };
    const Value inside = node_.slice(shares, 1, reach, end);
    return inside + outside(node_.constant(0), reach, node_.constant(0)) + outside(end, end + reach, in - 1);
  }

  bool is_cubic_;
  bool outside_counts_;  // as the edges repeated
  double a_;
};

}  // namespace

Value antialiased_to_17(Node& node) { return Antialiased(node).run(); }
