// Pad and Resize in the forms that 10 has.
#include "resample.h"
#include "rules.h"

using namespace onnxport;

namespace {

// What one axis is padded with, as blocks before and after it.
class Joined {
 public:
  Joined(Node& node, const Value& x, int64_t axis) : node_(node), x_(x), axis_(axis) {}

  Value run() {
    const Value before = shared::element(node_, node_.input(1), axis_);
    const Value after = shared::element(node_, node_.input(1), axis_ + x_.rank());
    Values parts;
    if (is_added(before)) parts.push_back(block(before));
    parts.push_back(cut(before, after));
    if (is_added(after)) parts.push_back(block(after));
    return parts.size() == 1 ? parts[0] : node_.Concat(parts, {attr::axis(axis_)});
  }

 private:
  static std::optional<int64_t> known(const Value& size) {
    const auto number = size.constant_ints();
    return number ? std::optional(number->front()) : std::nullopt;
  }
  static bool is_added(const Value& size) { return !known(size) || *known(size) > 0; }

  Value at_least_0(const Value& size) {
    return known(size) ? node_.constant(std::max<int64_t>(0, *known(size)))
                       : node_.maximum(size, node_.constant(0));
  }

  // Pads below 0 take elements away.
  Value cut(const Value& before, const Value& after) {
    if (known(before).value_or(-1) >= 0 && known(after).value_or(-1) >= 0) return x_;
    return node_.slice(x_, axis_, at_least_0(-before), node_.dim(x_, axis_) - at_least_0(-after));
  }

  Value block(const Value& size) {
    Values dims = node_.dims(x_, 0, x_.rank());
    dims[static_cast<size_t>(axis_)] = at_least_0(size);
    const Value shape = node_.shape(dims);
    const Value fill = node_.input(2);
    if (!fill) return node_.full(shape, 0, x_.dtype());
    if (const auto real = fill.constant_reals(); real && !real->empty())
      return node_.full(shape, real->front(), x_.dtype());
    if (const auto whole = fill.constant_ints(); whole && !whole->empty())
      return node_.full(shape, static_cast<double>(whole->front()), x_.dtype());
    return node_.expand(fill, shape);
  }

  Node& node_;
  Value x_;
  int64_t axis_;
};

}  // namespace

// Pad took constant pads and floats. What it cannot pad with is joined.
Value pad_to_10(Node& node) {
  const Value x = node.input(0);
  const std::string mode = node.string("mode", "constant");
  const auto pads = node.input(1).constant_ints();
  const Value fill = node.input(2);
  const auto number = fill ? fill.constant_reals() : std::vector<double>{0.0};
  const bool is_constant = mode == "constant";
  if (pads && is_floating(x.dtype()) && (!is_constant || (number && !number->empty()))) {
    Attrs attrs = {{"pads", *pads}, {"mode", mode}};
    if (fill && is_constant) attrs.emplace_back("value", number->front());
    return node.node("Pad", {x}, attrs);
  }
  node.require(is_constant, "the pads of mode " + mode + " must be constant, and the elements floats");
  Value out = x;
  for (int64_t axis = 0; axis < x.rank(); ++axis) out = Joined(node, out, axis).run();
  return out;
}

// Resize took scales only and knew one transformation, which 11 calls asymmetric, and of the nearest the one before.
Value resize_to_10(Node& node) {
  const std::string mode = node.string("mode", "nearest");
  const bool as_before = node.string("coordinate_transformation_mode", "half_pixel") == "asymmetric" &&
                         (mode == "linear" || (mode == "nearest" &&
                                               node.string("nearest_mode", "round_prefer_floor") == "floor"));
  const Value scales = node.input(2);
  const bool by_scales = scales && scales.static_dim(0) != 0 && !node.input(3);
  if (as_before && by_scales && (mode == "nearest" || node.input(0).rank() == 4))
    return node.node("Resize", {node.input(0), scales}, {{"mode", mode}});
  return shared::Resampler(node).run();
}
