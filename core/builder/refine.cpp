// Sizes that ONNX's inference leaves open although the symbols say them: reshapes, concatenations, slices, windows.
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "core/builder/node_inputs.h"

namespace onnxport {

namespace {

using ir::Dim;
using Types = std::vector<ir::Type>;

bool is_open(const Types& types, size_t output, size_t axis) {
  const auto& shape = types[output].shape();
  return shape && axis < shape->size() && (*shape)[axis].is_unknown();
}

void fill(Types& types, size_t output, size_t axis, const Dim& dim) {
  if (dim.is_unknown() || !is_open(types, output, axis)) return;
  ir::Shape shape = *types[output].shape();
  shape[axis] = dim;
  types[output] = ir::Type::tensor(types[output].dtype(), std::move(shape));
}

size_t rank_of(const Types& types, size_t output = 0) {
  return types[output].shape() ? types[output].shape()->size() : 0;
}

Dim product(const ir::Shape& shape, size_t from, size_t to) {
  Dim out = 1;
  for (size_t i = from; i < to; ++i) out = out * shape[i];
  return out;
}

std::optional<size_t> normalize(int64_t axis, size_t rank) {
  const int64_t at = axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
  if (at < 0 || at >= static_cast<int64_t>(rank)) return std::nullopt;
  return static_cast<size_t>(at);
}

// The axes that are named, all where none are; nullopt when one does not exist.
std::optional<std::vector<size_t>> chosen_axes(const std::optional<std::vector<int64_t>>& named,
                                               size_t rank) {
  std::vector<size_t> out;
  for (size_t i = 0; !named && i < rank; ++i) out.push_back(i);
  for (int64_t axis : named.value_or(std::vector<int64_t>{})) {
    const auto at = normalize(axis, rank);
    if (!at) return std::nullopt;
    out.push_back(*at);
  }
  return out;
}

void fill_others(Types& types, const std::vector<size_t>& axes, const ir::Shape& input) {
  for (size_t i = 0; i < input.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) fill(types, 0, i, input[i]);
  }
}

// ---- shapes given as values ----

void reshape(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* target = known.shape_data(1);
  const ir::Shape* input = known.shape(0);
  if (target == nullptr || target->size() != rank_of(types)) return;
  std::optional<size_t> rest;
  for (size_t i = 0; i < target->size(); ++i) {
    const Dim& dim = (*target)[i];
    if (dim.is_constant() && dim.value() == -1) {
      rest = i;
    } else if (!dim.is_constant() || dim.value() > 0) {
      fill(types, 0, i, dim);
    } else if (input != nullptr && i < input->size() && known.integer("allowzero", 0) == 0) {
      fill(types, 0, i, (*input)[i]);
    }
  }
  if (!rest || input == nullptr || !is_open(types, 0, *rest)) return;
  const ir::Shape& out = *types[0].shape();
  // Equal sizes on both sides cancel one by one, so that no product has to be divided where none need be.
  std::vector<Dim> above(input->begin(), input->end());
  std::vector<Dim> below;
  for (size_t i = 0; i < out.size(); ++i) {
    if (i == *rest) continue;
    const auto equal = std::find(above.begin(), above.end(), out[i]);
    if (equal != above.end()) {
      above.erase(equal);
    } else {
      below.push_back(out[i]);
    }
  }
  const Dim divisor = product(below, 0, below.size());
  const Dim total = product(above, 0, above.size());
  fill(types, 0, *rest, divisor == Dim(1) ? total : floor_div(total, divisor));
}

void expand(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* target = known.shape_data(1);
  const ir::Shape* input = known.shape(0);
  const size_t rank = rank_of(types);
  if (target == nullptr || input == nullptr || std::max(target->size(), input->size()) != rank) return;
  for (size_t i = 0; i < rank; ++i) {
    const Dim asked = i + target->size() < rank ? Dim(1) : (*target)[i + target->size() - rank];
    const Dim given = i + input->size() < rank ? Dim(1) : (*input)[i + input->size() - rank];
    if (asked == Dim(1) || asked == given || known.at_least(given, 2)) {
      fill(types, 0, i, given);
    } else if (given == Dim(1) || known.at_least(asked, 2)) {
      fill(types, 0, i, asked);
    }
  }
}

void constant_of_shape(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* target = known.shape_data(0);
  if (target == nullptr || target->size() != rank_of(types)) return;
  for (size_t i = 0; i < target->size(); ++i) fill(types, 0, i, (*target)[i]);
}

// max(0, ceil((limit - start) / step))
void range(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* start = known.shape_data(0);
  const std::vector<Dim>* limit = known.shape_data(1);
  const std::vector<Dim>* step = known.shape_data(2);
  for (const std::vector<Dim>* one : {start, limit, step}) {
    if (one == nullptr || one->size() != 1) return;
  }
  const Dim span = (*limit)[0] - (*start)[0], &by = (*step)[0];
  if (!known.at_least(by, 0)) return;
  Dim count;
  if (by.is_constant() && by.value() > 0) {
    count = floor_div(span + (by - Dim(1)), by);
  } else if (const Dim exact = floor_div(span, by); exact * by == span) {
    count = exact;  // a step that turns out to be 0 is an error then
  }
  fill(types, 0, 0, known.larger(count, Dim(0)));
}

void tile(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* repeats = known.shape_data(1);
  const ir::Shape* input = known.shape(0);
  if (repeats == nullptr || input == nullptr || repeats->size() != input->size()) return;
  for (size_t i = 0; i < input->size(); ++i) fill(types, 0, i, (*input)[i] * (*repeats)[i]);
}

void pad(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* pads = known.shape_data(1);
  const ir::Shape* input = known.shape(0);
  if (pads == nullptr || input == nullptr) return;
  const auto named = known.ints(3);
  if (known.input(3) != nullptr && !named) return;
  const auto axes = chosen_axes(named, input->size());
  if (!axes || pads->size() != 2 * axes->size()) return;
  fill_others(types, *axes, *input);
  for (size_t i = 0; i < axes->size(); ++i) {
    const size_t axis = (*axes)[i];
    fill(types, 0, axis, (*input)[axis] + (*pads)[i] + (*pads)[i + axes->size()]);
  }
}

void top_k(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* k = known.shape_data(1);
  const auto axis = normalize(known.integer("axis", -1), rank_of(types));
  const ir::Shape* input = known.shape(0);
  if (k == nullptr || k->size() != 1 || !axis || input == nullptr || input->size() != rank_of(types)) return;
  for (size_t output = 0; output < types.size(); ++output) {
    for (size_t i = 0; i < input->size(); ++i) fill(types, output, i, i == *axis ? (*k)[0] : (*input)[i]);
  }
}

// ---- cutting and joining ----

// Where a start or end given as `at` falls in an axis of `size`: negative ones count from the end. Unknown
// when its sign is not known.
Dim position(const NodeInputs& known, const Dim& at, const Dim& size) {
  if (at.is_unknown()) return {};
  if (at.is_constant() && at.value() >= INT32_MAX) return size;
  Dim out;
  if (known.at_least(at, 0)) {
    out = at;
  } else if (known.bounds(at).max < 0) {
    out = known.larger(size + at, Dim(0));
  } else {
    return {};
  }
  return known.smaller(out, size);
}

void slice(const NodeInputs& known, Types& types) {
  const std::vector<Dim>* starts = known.shape_data(1);
  const std::vector<Dim>* ends = known.shape_data(2);
  const ir::Shape* input = known.shape(0);
  if (starts == nullptr || ends == nullptr || input == nullptr || starts->size() != ends->size()) return;
  std::vector<int64_t> axes;
  if (known.input(3) != nullptr) {
    const auto given = known.ints(3);
    if (!given || given->size() != starts->size()) return;
    axes = *given;
  } else {
    for (size_t i = 0; i < starts->size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  std::vector<int64_t> steps(starts->size(), 1);
  if (known.input(4) != nullptr) {
    const auto given = known.ints(4);
    if (!given || given->size() != starts->size()) return;
    steps = *given;
  }
  std::vector<bool> cut(input->size(), false);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = normalize(axes[i], input->size());
    if (!axis) return;
    cut[*axis] = true;
    const Dim& size = (*input)[*axis];
    if (steps[i] < 0) {  // only whole reversals
      if (steps[i] == -1 && (*starts)[i] == Dim(-1) && known.bounds((*ends)[i]).max <= -INT32_MAX) {
        fill(types, 0, *axis, size);
      }
      continue;
    }
    // A start behind the end cuts nothing out, wherever it is.
    const Dim& asked = (*starts)[i];
    const Dim start = known.at_least(asked, 0) ? asked : position(known, asked, size);
    const Dim end = position(known, (*ends)[i], size);
    const Dim length = known.larger(end - start, Dim(0));
    fill(types, 0, *axis, steps[i] == 1 ? length : floor_div(length + Dim(steps[i] - 1), Dim(steps[i])));
  }
  for (size_t i = 0; i < cut.size(); ++i) {
    if (!cut[i]) fill(types, 0, i, (*input)[i]);
  }
}

void concat(const NodeInputs& known, Types& types) {
  const auto axis = normalize(known.integer("axis", 0), rank_of(types));
  if (!axis) return;
  Dim sum = 0;
  for (size_t i = 0; i < known.node().inputs.size(); ++i) {
    const ir::Shape* shape = known.shape(i);
    if (shape == nullptr || *axis >= shape->size()) return;
    sum = sum + (*shape)[*axis];
  }
  fill(types, 0, *axis, sum);
}

void split(const NodeInputs& known, Types& types) {
  const ir::Shape* input = known.shape(0);
  if (input == nullptr) return;
  const auto axis = normalize(known.integer("axis", 0), input->size());
  if (!axis) return;
  if (const std::vector<Dim>* sizes = known.shape_data(1)) {
    for (size_t i = 0; i < types.size() && i < sizes->size(); ++i) fill(types, i, *axis, (*sizes)[i]);
    return;
  }
  const auto parts = static_cast<int64_t>(types.size());
  const Dim each = floor_div((*input)[*axis] + Dim(parts - 1), Dim(parts));
  for (size_t i = 0; i + 1 < types.size(); ++i) fill(types, i, *axis, each);
  fill(types, types.size() - 1, *axis, (*input)[*axis] - each * Dim(parts - 1));
}

void flatten(const NodeInputs& known, Types& types) {
  const ir::Shape* input = known.shape(0);
  if (input == nullptr) return;
  int64_t axis = known.integer("axis", 1);
  if (axis < 0) axis += static_cast<int64_t>(input->size());
  if (axis < 0 || axis > static_cast<int64_t>(input->size())) return;
  fill(types, 0, 0, product(*input, 0, static_cast<size_t>(axis)));
  fill(types, 0, 1, product(*input, static_cast<size_t>(axis), input->size()));
}

// ---- windows ----

struct Window {
  std::vector<int64_t> kernel, strides, dilations, pads;
};

// nullopt where padding is not stated or the kernel is not known.
std::optional<Window> window_of(const NodeInputs& known, size_t spatial) {
  const std::string_view automatic = known.string("auto_pad", "NOTSET");
  if ((automatic != "NOTSET" && automatic != "VALID") || known.integer("ceil_mode", 0) != 0)
    return std::nullopt;
  Window out;
  if (auto kernel = known.integers("kernel_shape")) {
    out.kernel = std::move(*kernel);
  } else if (const ir::Shape* weight = known.shape(1); weight != nullptr && weight->size() == spatial + 2) {
    for (size_t i = 2; i < weight->size(); ++i) {
      if (!(*weight)[i].is_constant()) return std::nullopt;
      out.kernel.push_back((*weight)[i].value());
    }
  }
  out.strides = known.integers("strides").value_or(std::vector<int64_t>(spatial, 1));
  out.dilations = known.integers("dilations").value_or(std::vector<int64_t>(spatial, 1));
  out.pads = known.integers("pads").value_or(std::vector<int64_t>(2 * spatial, 0));
  const bool fits = out.kernel.size() == spatial && out.strides.size() == spatial &&
                    out.dilations.size() == spatial && out.pads.size() == 2 * spatial &&
                    std::all_of(out.strides.begin(), out.strides.end(), [](int64_t s) { return s > 0; });
  return fits ? std::optional(std::move(out)) : std::nullopt;
}

void window(const NodeInputs& known, Types& types) {
  const ir::Shape* input = known.shape(0);
  if (input == nullptr || input->size() < 3) return;
  const size_t spatial = input->size() - 2;
  const auto w = window_of(known, spatial);
  if (!w) return;
  for (size_t output = 0; output < types.size(); ++output) {
    for (size_t i = 0; i < spatial; ++i) {
      const int64_t taken = w->dilations[i] * (w->kernel[i] - 1) + 1 - w->pads[i] - w->pads[i + spatial];
      fill(types, output, i + 2, floor_div((*input)[i + 2] - Dim(taken), Dim(w->strides[i])) + Dim(1));
    }
  }
}

void transposed_window(const NodeInputs& known, Types& types) {
  const ir::Shape* input = known.shape(0);
  if (input == nullptr || input->size() < 3 || known.attribute("output_shape") != nullptr) return;
  const size_t spatial = input->size() - 2;
  const auto w = window_of(known, spatial);
  if (!w) return;
  const auto extra = known.integers("output_padding").value_or(std::vector<int64_t>(spatial, 0));
  for (size_t i = 0; i < spatial && i < extra.size(); ++i) {
    const int64_t added =
        extra[i] + w->dilations[i] * (w->kernel[i] - 1) + 1 - w->pads[i] - w->pads[i + spatial];
    fill(types, 0, i + 2, ((*input)[i + 2] - Dim(1)) * Dim(w->strides[i]) + Dim(added));
  }
}

void resize(const NodeInputs& known, Types& types) {
  const ir::Shape* input = known.shape(0);
  if (input == nullptr || input->size() != rank_of(types)) return;
  if (known.string("keep_aspect_ratio_policy", "stretch") != "stretch") return;
  const auto axes = chosen_axes(known.integers("axes"), input->size());
  if (!axes) return;
  fill_others(types, *axes, *input);
  if (const std::vector<Dim>* sizes = known.shape_data(3)) {
    for (size_t i = 0; i < axes->size() && i < sizes->size(); ++i) fill(types, 0, (*axes)[i], (*sizes)[i]);
    return;
  }
  const ir::Value* scales = known.input(2);
  if (scales == nullptr || !scales->is_constant()) return;
  const auto factors = scales->constant()->to_reals();
  for (size_t i = 0; factors && i < axes->size() && i < factors->size(); ++i) {
    if (!(std::abs((*factors)[i]) < 1e9)) continue;
    const auto whole = static_cast<int64_t>((*factors)[i]);
    const size_t axis = (*axes)[i];
    if (static_cast<double>(whole) == (*factors)[i]) fill(types, 0, axis, (*input)[axis] * Dim(whole));
  }
}

// (batch, samples, 1 or 2) -> (batch, frames, frequencies, 2), which ONNX says only where all of it is known.
void short_time_fourier(const NodeInputs& known, Types& types) {
  const ir::Shape* signal = known.shape(0);
  if (signal == nullptr || signal->size() < 2) return;
  if (!types[0].shape()) types[0] = ir::Type::tensor(types[0].dtype(), ir::Shape(4));
  if (rank_of(types) != 4) return;
  const std::vector<Dim>* step = known.shape_data(1);
  const std::vector<Dim>* length = known.shape_data(3);
  const ir::Shape* window = known.shape(2);
  Dim frame;
  if (length != nullptr && length->size() == 1) {
    frame = length->front();
  } else if (length == nullptr && window != nullptr && window->size() == 1) {
    frame = window->front();
  }
  fill(types, 0, 0, signal->front());
  if (step != nullptr && step->size() == 1)
    fill(types, 0, 1, floor_div((*signal)[1] - frame, step->front()) + Dim(1));
  fill(types, 0, 2, known.integer("onesided", 1) != 0 ? floor_div(frame, Dim(2)) + Dim(1) : frame);
  fill(types, 0, 3, Dim(2));
}

// ---- broadcasting ----

// `part` is min(whole, c) with 2 <= c: beyond c the two do not broadcast, up to it they are equal.
bool is_capped(const NodeInputs& known, const Dim& part, const Dim& whole) {
  const int64_t cap = known.bounds(part).max;
  return cap >= 2 && cap < ir::Bounds::kNone && part == min(whole, Dim(cap));
}

// `other` is max(whole, 1): broadcast with a whole of 0, its 1 becomes 0.
bool is_raised(const Dim& other, const Dim& whole) {
  return other == max(whole, Dim(1)) || other - Dim(1) == max(whole - Dim(1), Dim(0));
}

// One side that is 2 or more decides: the other is 1 or the same. So does one of which all others are cut.
void broadcast(const NodeInputs& known, Types& types) {
  const size_t rank = rank_of(types);
  for (size_t axis = 0; axis < rank; ++axis) {
    if (!is_open(types, 0, axis)) continue;
    std::vector<Dim> sides;
    for (size_t i = 0; i < known.node().inputs.size(); ++i) {
      const ir::Shape* shape = known.shape(i);
      if (shape != nullptr && axis + shape->size() >= rank)
        sides.push_back((*shape)[axis + shape->size() - rank]);
    }
    for (const Dim& side : sides) {
      const auto follows = [&](const Dim& other) {
        return other == Dim(1) || other == side || is_capped(known, other, side) || is_raised(other, side);
      };
      if (known.at_least(side, 2) || std::all_of(sides.begin(), sides.end(), follows))
        fill(types, 0, axis, side);
    }
  }
}

bool broadcasts(std::string_view op) {
  static const std::unordered_set<std::string_view> ops = {
      "Add",  "Sub",     "Mul",         "Div",   "Pow", "Mod", "And", "Or",   "Xor",   "Equal",
      "Less", "Greater", "LessOrEqual", "Where", "Min", "Max", "Sum", "Mean", "PRelu", "GreaterOrEqual"};
  return ops.contains(op);
}

using Rule = void (*)(const NodeInputs&, Types&);

Rule find_rule(std::string_view op) {
  static const std::unordered_map<std::string_view, Rule> rules = {
      {"AveragePool", window},
      {"Concat", concat},
      {"ConstantOfShape", constant_of_shape},
      {"Conv", window},
      {"ConvTranspose", transposed_window},
      {"Expand", expand},
      {"Flatten", flatten},
      {"LpPool", window},
      {"MaxPool", window},
      {"Pad", pad},
      {"Range", range},
      {"Reshape", reshape},
      {"Resize", resize},
      {"STFT", short_time_fourier},
      {"Slice", slice},
      {"Split", split},
      {"Tile", tile},
      {"TopK", top_k},
  };
  const auto found = rules.find(op);
  return found != rules.end() ? found->second : broadcasts(op) ? broadcast : nullptr;
}

}  // namespace

void refine_types(const NodeInputs& known, std::vector<ir::Type>& outputs) {
  if (!known.node().domain.empty()) return;
  const bool open = std::any_of(outputs.begin(), outputs.end(), [](const ir::Type& type) {
    return type.is_tensor() && (!type.shape() || std::any_of(type.shape()->begin(), type.shape()->end(),
                                                             [](const Dim& d) { return d.is_unknown(); }));
  });
  if (!open) return;
  if (const Rule rule = find_rule(known.node().op_type)) rule(known, outputs);
}

}  // namespace onnxport
