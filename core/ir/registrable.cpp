// What libtorch's parser of schemas takes, as of 2.13; tests/unit/libtorch compares the two on random schemas.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

#include "core/ir/custom_schemas.h"

namespace onnxport::ir {
namespace {

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

constexpr std::array<std::string_view, 26> kKeywords = {
    "def",   "if",       "else",   "elif",   "return", "while", "for",    "in",   "is",
    "not",   "and",      "or",     "pass",   "break",  "raise", "assert", "None", "True",
    "False", "continue", "global", "import", "as",     "with",  "class",  "del"};
constexpr std::array<std::string_view, 6> kIntegers = {"int",         "ScalarType",   "Layout",
                                                       "DeviceIndex", "MemoryFormat", "ConstQuantizerPtr"};
constexpr std::array<std::string_view, 17> kOtherTypes = {
    "Storage",  "Generator", "QScheme", "Quantizer",    "Device",     "Stream",
    "Scalar",   "str",       "float",   "complex",      "bool",       "None",
    "NoneType", "Capsule",   "Any",     "AnyClassType", "AnyEnumType"};
constexpr std::array<std::string_view, 6> kDictKeys = {"float", "complex", "Tensor", "str", "Device", "bool"};
constexpr std::array<std::string_view, 20> kDevices = {
    "cpu",  "cuda", "ipu", "xpu",  "mkldnn", "opengl", "opencl", "ideep", "hip",  "ve",
    "fpga", "maia", "xla", "lazy", "vulkan", "mps",    "meta",   "hpu",   "mtia", "privateuseone"};

bool is_name(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
         !is_one_of(text, kKeywords);
}

// Reads a type as SchemaArgument holds it: no alias marks, no spaces but after a comma.
class TypeReader {
 public:
  explicit TypeReader(std::string_view text) : text_(text) {}

  // Empty when it is a type of an argument: there alone, a list may state its length.
  std::string refusal() {
    if (std::string why = type(); !why.empty()) return why;
    if (!rest().empty() && rest().front() == '[') {
      at_ = text_.find(']', at_) + 1;
      if (!rest().empty() && rest().front() == '?') ++at_;
    }
    return rest().empty() ? ""
                          : "'" + std::string(text_) + "' is no type: a list of a stated length stands last";
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }

  std::string type() {
    std::string why = base();
    while (why.empty()) {
      if (rest().starts_with("[]"))
        at_ += 2;
      else if (rest().starts_with("?") && !text_.substr(0, at_).ends_with("None") &&
               !text_.substr(0, at_).ends_with("NoneType"))
        ++at_;
      else
        break;
    }
    return why;
  }

  std::string base() {
    if (rest().starts_with("(")) return elements();
    const size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '_' || text_[at_] == '.'))
      ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    if (name == "Dict") {
      if (std::string why = elements(2); !why.empty()) return why;
      const std::string_view inner = text_.substr(start + 5, text_.find(',', start) - start - 5);
      return is_one_of(inner, kDictKeys) || is_one_of(inner, kIntegers)
                 ? ""
                 : "a Dict has no keys of type '" + std::string(inner) + "'";
    }
    if (name == "Future" || name == "RRef" || name == "Await") return elements(1);
    if (name == "Union") return "a Union is a type of libtorch's own operators only";
    const bool variable = !name.empty() && std::islower(static_cast<unsigned char>(name.front())) != 0 &&
                          name.find('.') == std::string_view::npos && is_name(name);
    if (name == "Tensor" || variable || is_one_of(name, kIntegers) || is_one_of(name, kOtherTypes) ||
        name.starts_with("__torch__."))  // a class of C++, which a library may register
      return "";
    return "'" + std::string(name.empty() ? text_ : name) + "' is no type of torch";
  }

  // "(T, T)", of `count` when that is not 0.
  std::string elements(size_t count = 0) {
    if (!rest().starts_with("("))
      return "'" + std::string(text_) + "' needs its element types in parentheses";
    ++at_;
    size_t seen = 0;
    while (!rest().empty() && rest().front() != ')') {
      if (std::string why = type(); !why.empty()) return why;
      ++seen;
      if (rest().starts_with(", "))
        at_ += 2;
      else if (!rest().starts_with(")"))
        return "'" + std::string(text_) + "' is no type: inside another one a list has no length";
    }
    ++at_;
    if (count != 0 && seen != count)
      return "'" + std::string(text_) + "' has another number of element types";
    return "";
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool is_number(const DefaultValue& v) {
  if (const double* real = std::get_if<double>(&v)) return std::isfinite(*real);
  return std::holds_alternative<int64_t>(v);
}

bool is_none(const DefaultValue& v) { return std::holds_alternative<std::monostate>(v); }

// A number, True, None or a text.
bool is_single(const DefaultValue& v) {
  return is_number(v) || is_none(v) || std::holds_alternative<bool>(v) ||
         std::holds_alternative<std::string>(v);
}

// A list that Schema::text() writes as one value: "int[2]? x=1".
bool is_repeated(const DefaultValue& v) {
  const auto same = [](const auto& list) {
    return !list.empty() && std::equal(list.begin() + 1, list.end(), list.begin());
  };
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&v)) return same(*ints);
  const auto* reals = std::get_if<std::vector<double>>(&v);
  return reals != nullptr && same(*reals) && std::isfinite(reals->front());
}

bool is_list_of(std::string_view element, const DefaultValue& v) {
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&v))
    return ints->empty() ? element == "float" || element == "complex" || element == "bool" ||
                               is_one_of(element, kIntegers)
                         : is_one_of(element, kIntegers);
  if (const auto* reals = std::get_if<std::vector<double>>(&v))
    return (element == "float" || element == "complex") &&
           std::all_of(reals->begin(), reals->end(), [](double d) { return std::isfinite(d); });
  return std::holds_alternative<std::vector<bool>>(v) && element == "bool";
}

bool is_device(const DefaultValue& v) {
  const auto* text = std::get_if<std::string>(&v);
  if (text == nullptr) return false;
  const size_t colon = text->find(':');
  const std::string_view number =
      colon == std::string::npos ? "0" : std::string_view(*text).substr(colon + 1);
  return is_one_of(std::string_view(*text).substr(0, colon), kDevices) && !number.empty() &&
         number.size() < 3 &&
         std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         (number.size() == 1 || number.front() != '0');
}

bool is_default_of(std::string_view type, const DefaultValue& v) {
  if (type.ends_with('?')) return is_single(v) || is_repeated(v);
  if (type.ends_with(']')) return is_list_of(type.substr(0, type.rfind('[')), v);
  if (type == "Tensor" || type == "Generator" || type == "Quantizer") return is_none(v);
  if (type == "Device") return is_device(v);
  if (type == "complex") return is_single(v) && !std::holds_alternative<int64_t>(v);
  if (type == "str" || type == "Scalar" || type == "float" || type == "bool" || is_one_of(type, kIntegers))
    return is_single(v);
  return false;
}

std::string name_refusal(std::string_view name, std::string_view what) {
  return is_name(name)
             ? ""
             : "'" + std::string(name) + "' cannot be the name of " + std::string(what) + " in torch";
}

std::string argument_refusal(const SchemaArgument& a, bool& optional_before) {
  if (std::string why = name_refusal(a.name, "an argument"); !why.empty()) return why;
  if (std::string why = TypeReader(a.type).refusal(); !why.empty())
    return why + " (argument '" + a.name + "')";
  if (a.default_value && !is_default_of(a.type, *a.default_value))
    return "the default value of '" + a.name + "' is none that torch takes for " + a.type;
  const bool is_list = a.type.ends_with(']');  // which libtorch lets stand behind one
  if (!a.default_value && optional_before && !a.keyword_only && !is_list)
    return "the argument '" + a.name + "' has no default value, but follows one that has";
  optional_before = optional_before || (a.default_value && !a.keyword_only);
  return "";
}

}  // namespace

std::string why_not_registrable(const Schema& schema) {
  const size_t colons = schema.name.find("::");
  for (const std::string_view part :
       {std::string_view(schema.name).substr(0, colons), std::string_view(schema.name).substr(colons + 2)}) {
    if (std::string why = name_refusal(part, "an operator"); !why.empty()) return why;
  }
  if (!schema.overload.empty()) {
    if (std::string why = name_refusal(schema.overload, "an overload"); !why.empty()) return why;
  }
  bool optional_before = false;
  for (const SchemaArgument& a : schema.arguments) {
    if (std::string why = argument_refusal(a, optional_before); !why.empty()) return why;
  }
  for (const SchemaArgument& r : schema.returns) {
    if (std::string why = TypeReader(r.type).refusal(); !why.empty()) return why + " (of a result)";
    if (!r.name.empty() && !is_name(r.name)) return name_refusal(r.name, "a result");
  }
  return "";
}

}  // namespace onnxport::ir
