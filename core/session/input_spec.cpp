#include "core/session/input_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "core/onnx/read_model.h"

namespace onnxport {
namespace {

using Symbols = std::map<std::string, ir::SymbolInfo, std::less<>>;

constexpr std::string_view kForm =
    "write name:dtype[dims], for example x:f32[batch=2,3,224,224], n:i64[] for a number, or name=3 to fix it";

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error("I106", "input '" + std::string(text) + "': " + why, {}, std::string(kForm));
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool is_name(std::string_view s) {
  return !s.empty() && (std::isalpha(static_cast<unsigned char>(s.front())) != 0 || s.front() == '_') &&
         std::all_of(s.begin(), s.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
         });
}

std::optional<int64_t> to_int(std::string_view s) {
  int64_t v = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
  if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return v;
}

std::optional<double> to_real(std::string_view s) {
  const std::string copy(s);
  char* end = nullptr;
  const double v = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0') return std::nullopt;
  return v;
}

ir::AttributeValue literal(std::string_view text, std::string_view whole) {
  if (text == "None" || text == "none") return std::monostate{};
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  if (const auto i = to_int(text)) return *i;
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    return std::string(text.substr(1, text.size() - 2));
  }
  if (const auto d = to_real(text)) return *d;
  refuse(whole, "'" + std::string(text) + "' is no number, true, false, None or quoted text");
}

void note_symbol(std::string_view name, std::optional<int64_t> size, std::string_view text,
                 Symbols& symbols) {
  ir::SymbolInfo& info = symbols[std::string(name)];
  if (size && info.hint && *info.hint != *size) {
    refuse(text, "dim '" + std::string(name) + "' has two example sizes, " + std::to_string(*info.hint) +
                     " and " + std::to_string(*size));
  }
  if (size && (*size < info.min || *size > info.max.value_or(*size)))
    refuse(text, "the example size " + std::to_string(*size) + " of dim '" + std::string(name) +
                     "' is not in its range");
  if (size) info.hint = size;
}

// "64..640": the sizes that a dim may have.
bool note_range(std::string_view name, std::string_view range, std::string_view text, Symbols& symbols) {
  const size_t dots = range.find("..");
  if (dots == std::string_view::npos) return false;
  const auto least = to_int(trim(range.substr(0, dots))), most = to_int(trim(range.substr(dots + 2)));
  if (!least || !most || *least < 0 || *most < *least)
    refuse(text, "the range '" + std::string(range) + "' of dim '" + std::string(name) +
                     "' is not of the form LEAST..MOST");
  const auto [known, fresh] = symbols.try_emplace(std::string(name));
  ir::SymbolInfo& info = known->second;
  const bool said = !fresh && (info.min != 0 || info.max);
  if (said && (info.min != *least || info.max != *most))
    refuse(text, "dim '" + std::string(name) + "' has two ranges");
  if (info.hint && (*info.hint < *least || *info.hint > *most))
    refuse(text, "the example size " + std::to_string(*info.hint) + " of dim '" + std::string(name) +
                     "' is not in its range");
  info.min = *least;
  info.max = *most;
  return true;
}

ir::Dim parse_dim(std::string_view dim, std::string_view text, Symbols& symbols) {
  dim = trim(dim);
  if (dim.empty()) refuse(text, "a dim is empty");
  if (const auto number = to_int(dim)) {
    if (*number < 0) refuse(text, "a dim is negative; give a name to a dim of any size");
    return {*number};
  }
  const size_t equals = dim.find('=');
  const std::string_view name = trim(dim.substr(0, equals));
  if (equals != std::string_view::npos) {
    if (!is_name(name)) refuse(text, "'" + std::string(name) + "' is no name for a dim");
    if (note_range(name, trim(dim.substr(equals + 1)), text, symbols)) return ir::Dim::symbol(name);
    const auto size = to_int(trim(dim.substr(equals + 1)));
    if (!size || *size < 0) refuse(text, "the example size of dim '" + std::string(name) + "' is no number");
    note_symbol(name, size, text, symbols);
    return ir::Dim::symbol(name);
  }
  const std::optional<ir::Dim> parsed = ir::Dim::parse(dim);
  if (!parsed || parsed->is_unknown() || parsed->is_anonymous()) {
    refuse(text, "'" + std::string(dim) + "' is no number, name or expression of names");
  }
  if (parsed->is_constant() && parsed->value() < 0) {
    refuse(text, "the dim '" + std::string(dim) + "' is negative, " + std::to_string(parsed->value()));
  }
  parsed->for_each_symbol([&](std::string_view symbol) { note_symbol(symbol, std::nullopt, text, symbols); });
  return *parsed;
}

std::vector<std::string_view> split_dims(std::string_view s) {
  std::vector<std::string_view> out;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i <= s.size(); ++i) {
    if (i < s.size() && s[i] == '(') ++depth;
    if (i < s.size() && s[i] == ')') --depth;
    if (i == s.size() || (s[i] == ',' && depth == 0)) {
      out.push_back(s.substr(start, i - start));
      start = i + 1;
    }
  }
  return out;
}

// "quint8(0.05,128)": the type of the integers, and their grid.
std::optional<ir::DType> quantized_type(std::string_view type, std::string_view text, InputSpec& spec) {
  const size_t open = type.find('(');
  const std::string_view name = trim(type.substr(0, open));
  const std::optional<ir::DType> dtype = name == "quint8"   ? std::optional(ir::DType::u8)
                                         : name == "qint8"  ? std::optional(ir::DType::i8)
                                         : name == "qint32" ? std::optional(ir::DType::i32)
                                                            : std::nullopt;
  if (!dtype) return std::nullopt;
  if (open == std::string_view::npos || type.back() != ')')
    refuse(text, "a quantized input has a scale and a zero point: " + std::string(name) + "(0.05,0)[…]");
  const std::string_view inside = type.substr(open + 1, type.size() - open - 2);
  const size_t comma = std::min(inside.find(','), inside.size());
  const auto scale = to_real(trim(inside.substr(0, comma)));
  if (!scale || !(static_cast<float>(*scale) > 0) || !std::isfinite(static_cast<float>(*scale)))
    refuse(text, "the scale '" + std::string(inside.substr(0, comma)) + "' is no number above 0");
  const auto zero = to_int(trim(inside.substr(std::min(comma + 1, inside.size()))));
  const auto [low, high] = name == "quint8"  ? std::pair(int64_t{0}, int64_t{255})
                           : name == "qint8" ? std::pair(int64_t{-128}, int64_t{127})
                                             : std::pair(int64_t{0}, int64_t{0});
  if (!zero || *zero < low || *zero > high)
    refuse(text, "the zero point of " + std::string(name) + " is a number from " + std::to_string(low) +
                     " to " + std::to_string(high));
  spec.grid = QuantizedGrid{*scale, *zero};
  return dtype;
}

void apply_dynamic_axes(std::vector<InputSpec>& specs, const ProgramOptions& options, Symbols& symbols) {
  for (const auto& [name, axes] : options.dynamic_axes) {
    for (const auto& [axis, symbol] : axes) {
      if (!is_name(symbol))
        throw Error("I107",
                    "axis " + std::to_string(axis) + " of '" + name + "' is called '" + symbol +
                        "', which is no name",
                    {}, "a name has letters, digits and _");
    }
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&, n = &name](const InputSpec& s) { return s.name == *n; });
    if (spec == specs.end()) continue;  // of an output
    if (!spec->type.is_tensor() || !spec->type.shape()) {
      throw Error("I107", "dynamic axes are given for '" + name + "', which is no tensor input with dims", {},
                  "name one of the inputs given");
    }
    ir::Shape shape = *spec->type.shape();
    for (const auto& [axis, symbol] : axes) {
      const int at = axis < 0 ? axis + static_cast<int>(shape.size()) : axis;
      if (at < 0 || at >= static_cast<int>(shape.size())) {
        throw Error("I107", "axis " + std::to_string(axis) + " of '" + name + "' is given the name '" +
                                symbol + "', and it has " + std::to_string(shape.size()) + " axes");
      }
      ir::Dim& dim = shape[static_cast<size_t>(at)];
      note_symbol(symbol, dim.is_constant() ? std::optional(dim.value()) : std::nullopt, name, symbols);
      dim = ir::Dim::symbol(symbol);
    }
    spec->type = ir::Type::tensor(spec->type.dtype(), std::move(shape));
  }
}

}  // namespace

int64_t default_size(std::string_view symbol) {
  const bool batch = symbol == "batch" || symbol == "N" || symbol == "n" || symbol == "b" || symbol == "B";
  return batch ? 2 : 8;
}

InputSpec parse_input_spec(std::string_view text, Symbols& symbols) {
  const std::string_view all = trim(text);
  InputSpec spec;
  const size_t bracket = all.find('[');
  const size_t equals = all.find('=');
  if (equals != std::string_view::npos && (bracket == std::string_view::npos || equals < bracket)) {
    const std::string_view name = trim(all.substr(0, equals));
    if (!is_name(name)) refuse(text, "'" + std::string(name) + "' is no name");
    spec.name = name;
    spec.fixed = literal(trim(all.substr(equals + 1)), text);
    return spec;
  }
  if (bracket == std::string_view::npos || all.back() != ']') refuse(text, "no [dims] at its end");
  const std::string_view head = all.substr(0, bracket);
  const size_t colon = head.find(':');
  const std::string_view name =
      colon == std::string_view::npos ? std::string_view() : trim(head.substr(0, colon));
  const std::string_view type = trim(colon == std::string_view::npos ? head : head.substr(colon + 1));
  if (colon != std::string_view::npos && !is_name(name))
    refuse(text, "'" + std::string(name) + "' is no name");
  std::optional<ir::DType> dtype = quantized_type(type, text, spec);
  if (!dtype) dtype = ir::parse_dtype(type);
  if (!dtype) {
    refuse(text, "'" + std::string(type) +
                     "' is no element type (f32 f16 bf16 f64 i64 i32 i16 i8 u8 bool c64 or float32 …, "
                     "quint8(scale,zero))");
  }
  ir::Shape shape;
  const std::string_view dims = trim(all.substr(bracket + 1, all.size() - bracket - 2));
  if (!dims.empty()) {
    for (std::string_view d : split_dims(dims)) shape.push_back(parse_dim(d, text, symbols));
  }
  spec.name = name;
  spec.type = ir::Type::tensor(*dtype, std::move(shape));
  return spec;
}

std::vector<InputSpec> read_inputs(const ProgramOptions& options, Symbols& symbols) {
  std::vector<InputSpec> specs;
  for (const std::string& text : options.inputs) specs.push_back(parse_input_spec(text, symbols));
  for (size_t i = 0; i < specs.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (!specs[i].name.empty() && specs[i].name == specs[k].name)
        refuse(options.inputs[i], "the name is given twice");
    }
  }
  if (options.inputs_dir) {
    std::vector<InputSpec> examples;
    for (size_t i = 0;; ++i) {
      const std::filesystem::path file = *options.inputs_dir / ("input_" + std::to_string(i) + ".pb");
      std::error_code ignored;
      if (!std::filesystem::exists(file, ignored)) break;
      InputSpec spec;
      ir::Tensor tensor = read_tensor_file(file, &spec.name);
      spec.type = tensor.type();
      spec.example = std::move(tensor);
      examples.push_back(std::move(spec));
    }
    if (examples.empty()) {
      throw Error("I107", "no input_0.pb in " + options.inputs_dir->string(), {},
                  "the folder holds input_0.pb, input_1.pb …, each a TensorProto");
    }
    // Given specs say types and names; the files then are their example values, in order.
    if (specs.empty()) {
      specs = std::move(examples);
    } else {
      for (size_t i = 0; i < specs.size() && i < examples.size(); ++i)
        specs[i].example = std::move(examples[i].example);
    }
  }
  apply_dynamic_axes(specs, options, symbols);
  return specs;
}

void give_default_sizes(Symbols& symbols) {
  for (auto& [name, info] : symbols) {
    if (!info.hint) info.hint = std::clamp(default_size(name), info.min, info.max.value_or(INT64_MAX));
  }
}

}  // namespace onnxport
