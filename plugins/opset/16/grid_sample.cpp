// GridSample is new in 16: before, the pixels around each place are gathered and weighted.
#include "rules.h"

using namespace onnxport;

namespace {

struct Axis {
  Value size;   // as a real
  Value count;  // the same, i64
};

class Sampler {
 public:
  explicit Sampler(Node& node)
      : node_(node),
        x_(node.input(0)),
        t_(node.input(1).dtype()),
        padding_(node.string("padding_mode", "zeros")),
        centres_(node.integer("align_corners", 0) != 0),
        height_(axis(2)),
        width_(axis(3)) {
    // Rows of the channels of one pixel each: (batch * height * width, channels).
    const Value last = node.permute(x_, {0, 2, 3, 1});
    pixels_ = node.reshape(last, {node.constant(-1), node.dim(x_, 1)});
    const Value first = node.arange(node.dim(x_, 0)) * (height_.count * width_.count);
    first_ = node.unsqueeze(first, {1, 2});
  }

  Value run() {
    const Value grid = node_.input(1);
    const auto along = [&](int64_t i, const Axis& a) {
      return unnormalized(node_.Gather(grid, node_.constant(i), {attr::axis(3)}), a);
    };
    Value x = along(0, width_), y = along(1, height_);
    const std::string mode = node_.string("mode", "bilinear");
    Value out;  // (batch, rows, columns, channels)
    if (mode == "bicubic") {
      out = cubic(x, y);
    } else {
      if (padding_ != "zeros") x = inside(x, width_), y = inside(y, height_);
      out = mode == "nearest" ? pixel(node_.Round(x), node_.Round(y)) : linear(x, y);
    }
    return node_.permute(out, {0, 3, 1, 2});
  }

 private:
  Axis axis(int64_t i) {
    const Value count = node_.dim(x_, i);
    return {node_.cast(count, t_), count};
  }

  // From -1 … 1 to pixels: the outermost centres, or the outer edges.
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

  // The channels of the pixels at whole coordinates.
  Value pixel(const Value& x, const Value& y) {
    const Value cx = clipped(x, width_), cy = clipped(y, height_);
    const Value index = node_.cast(cy, DType::i64) * width_.count + node_.cast(cx, DType::i64) + first_;
    Value out = node_.Gather(pixels_, index, {attr::axis(0)});
    if (padding_ != "zeros") return out;
    const Value hit = node_.equal(cx, x) & node_.equal(cy, y);
    return node_.where(node_.unsqueeze(hit, {3}), out, node_.like(out, 0.0));
  }

  Value weight(const Value& w) { return node_.cast(node_.unsqueeze(w, {3}), x_.dtype()); }

  Value linear(const Value& x, const Value& y) {
    const Value left = node_.Floor(x), top = node_.Floor(y);
    const Value wx = weight(x - left), wy = weight(y - top);
    const auto row = [&](const Value& at) {
      const Value a = pixel(left, at), b = pixel(left + 1.0, at);
      return a * (1.0 - wx) + b * wx;
    };
    return row(top) * (1.0 - wy) + row(top + 1.0) * wy;
  }

  // Of Keys' kernel with a = -0.75, for the pixels at -1, 0, 1 and 2 from the one before.
  Values cubic_weights(const Value& t) {
    constexpr double a = -0.75;
    const auto near = [&](const Value& d) { return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0; };
    const auto far = [&](const Value& d) { return ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a; };
    return {far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)};
  }

  Value cubic(const Value& x, const Value& y) {
    const Value left = node_.Floor(x), top = node_.Floor(y);
    const Values wx = cubic_weights(x - left), wy = cubic_weights(y - top);
    const auto tap = [&](const Value& at, int i, const Axis& a) {
      const Value v = at + static_cast<double>(i - 1);
      return padding_ == "zeros" ? v : inside(v, a);
    };
    Value out;
    for (int j = 0; j < 4; ++j) {
      Value row;
      for (int i = 0; i < 4; ++i) {
        const Value p =
            pixel(tap(left, i, width_), tap(top, j, height_)) * weight(wx[static_cast<size_t>(i)]);
        row = row ? row + p : p;
      }
      row = row * weight(wy[static_cast<size_t>(j)]);
      out = out ? out + row : row;
    }
    return out;
  }

  Node& node_;
  Value x_;
  DType t_;
  std::string padding_;
  bool centres_;
  Axis height_, width_;
  Value pixels_, first_;
};

}  // namespace

Value grid_sample_to_15(Node& node) {
  if (node.input(0).rank() != 4)
    node.fail("GridSample of a volume (5-d input) cannot be written below opset 20");
  return Sampler(node).run();
}
