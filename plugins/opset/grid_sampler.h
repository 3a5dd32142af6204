// GridSample by hand: the elements around each place are gathered and weighted. Of images below 16, of volumes below 20.
#pragma once

#include <functional>

#include "shared.h"

namespace shared {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

class GridSampler {
 public:
  explicit GridSampler(Node& node)
      : node_(node),
        x_(node.input(0)),
        t_(node.input(1).dtype()),
        padding_(node.string("padding_mode", "zeros")),
        centres_(node.integer("align_corners", 0) != 0) {
    for (int64_t i = 2; i < x_.rank(); ++i) {
      const Value count = node_.dim(x_, i);
      axes_.push_back({node_.cast(count, t_), count});
    }
    // Rows of the channels of one element each: (batch * elements, channels).
    std::vector<int64_t> order = {0}, behind;
    for (int64_t i = 2; i < x_.rank(); ++i) order.push_back(i), behind.push_back(i - 1);
    order.push_back(1);
    rows_ = node.reshape(node.permute(x_, order), {node.constant(-1), node.dim(x_, 1)});
    Value each = axes_[0].count;
    for (size_t i = 1; i < axes_.size(); ++i) each = each * axes_[i].count;
    first_ = node.unsqueeze(node.arange(node.dim(x_, 0)) * each, behind);
  }

  Value run() {
    const Value grid = node_.input(1);
    const auto count = static_cast<int64_t>(axes_.size());
    Values at;  // of each axis; the grid names the last axis first
    for (int64_t i = 0; i < count; ++i) {
      const Value g = node_.Gather(grid, node_.constant(count - 1 - i), {attr::axis(count + 1)});
      at.push_back(unnormalized(g, axes_[static_cast<size_t>(i)]));
    }
    const std::string mode = node_.string("mode", "linear");
    const bool cubic = mode == "cubic" || mode == "bicubic";
    if (!cubic && padding_ != "zeros") {
      for (size_t i = 0; i < at.size(); ++i) at[i] = inside(at[i], axes_[i]);
    }
    if (mode == "nearest") {
      for (Value& v : at) v = node_.Round(v);
    }
    const Value out = mode == "nearest" ? element_at(at) : cubic ? by_cubic(at) : by_lines(at);
    std::vector<int64_t> order = {0, count + 1};  // the channels go back to the front
    for (int64_t i = 1; i <= count; ++i) order.push_back(i);
    return node_.permute(out, order);
  }

 private:
  struct Axis {
    Value size;   // as a real
    Value count;  // the same, i64
  };

  // From -1 … 1 to elements: the outermost centres, or the outer edges.
  Value unnormalized(const Value& g, const Axis& a) {
    return centres_ ? (g + 1.0) * 0.5 * (a.size - 1.0) : ((g + 1.0) * a.size - 1.0) * 0.5;
  }

  Value reflected(const Value& v, const Axis& a) {
    const Value low = node_.like(v, centres_ ? 0.0 : -0.5);
    const Value span = centres_ ? node_.maximum(a.size - 1.0, node_.like(v, 1e-30)) : a.size;
    const Value distance = node_.Abs(v - low);
    const Value flips = node_.Floor(distance / span);
    const Value extra = distance - flips * span;
    const Value odd = node_.less(node_.like(v, 0.25), flips * 0.5 - node_.Floor(flips * 0.5));
    return node_.where(odd, span - extra, extra) + low;
  }

  Value clipped(const Value& v, const Axis& a) {
    return node_.minimum(node_.maximum(v, node_.like(v, 0.0)), a.size - 1.0);
  }

  Value inside(const Value& v, const Axis& a) {
    return clipped(padding_ == "reflection" ? reflected(v, a) : v, a);
  }

  // The channels of the elements at whole coordinates.
  Value element_at(const Values& at) {
    Value index, hit;
    for (size_t i = 0; i < at.size(); ++i) {
      const Value kept = clipped(at[i], axes_[i]);
      const Value place = node_.cast(kept, DType::i64);
      index = index ? index * axes_[i].count + place : place;
      const Value same = padding_ == "zeros" ? node_.equal(kept, at[i]) : Value();
      hit = hit ? hit & same : same;
    }
    const Value out = node_.Gather(rows_, index + first_, {attr::axis(0)});
    if (padding_ != "zeros") return out;
    return node_.where(node_.unsqueeze(hit, {channels()}), out, node_.like(out, 0.0));
  }

  int64_t channels() const { return static_cast<int64_t>(axes_.size()) + 1; }
  Value weight(const Value& w) { return node_.cast(node_.unsqueeze(w, {channels()}), x_.dtype()); }

  // Between the two neighbours along each axis, the last one first.
  Value by_lines(const Values& at) {
    Values before, weights;
    for (const Value& v : at) {
      before.push_back(node_.Floor(v));
      weights.push_back(weight(v - before.back()));
    }
    const std::function<Value(Values)> along = [&](const Values& chosen) -> Value {
      const size_t i = chosen.size();
      if (i == at.size()) return element_at(chosen);
      Values near = chosen, far = chosen;
      near.push_back(before[i]);
      far.push_back(before[i] + 1.0);
      const Value a = along(near), b = along(far);
      return a * (1.0 - weights[i]) + b * weights[i];
    };
    return along({});
  }

  // Of Keys' kernel with a = -0.75, for the elements at -1, 0, 1 and 2 from the one before.
  Values cubic_weights(const Value& t) {
    constexpr double a = -0.75;
    const auto near = [&](const Value& d) { return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0; };
    const auto far = [&](const Value& d) { return ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a; };
    return {far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)};
  }

  Value by_cubic(const Values& at) {
    Values before;
    std::vector<Values> weights;
    for (const Value& v : at) {
      before.push_back(node_.Floor(v));
      weights.push_back(cubic_weights(v - before.back()));
    }
    const std::function<Value(Values)> along = [&](const Values& chosen) -> Value {
      const size_t i = chosen.size();
      if (i == at.size()) return element_at(chosen);
      Value out;
      for (int tap = 0; tap < 4; ++tap) {
        const Value v = before[i] + static_cast<double>(tap - 1);
        Values next = chosen;
        next.push_back(padding_ == "zeros" ? v : inside(v, axes_[i]));
        const Value part = along(next) * weight(weights[i][static_cast<size_t>(tap)]);
        out = out ? out + part : part;
      }
      return out;
    };
    return along({});
  }

  Node& node_;
  Value x_;
  DType t_;
  std::string padding_;
  bool centres_;
  std::vector<Axis> axes_;  // of space, from the second on
  Value rows_, first_;
};

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace shared
