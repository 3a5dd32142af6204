#include "core/ir/schema.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace onnxport::ir {

namespace {

std::string real_text(double value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  if (std::isnan(value)) return "nan";
  char buffer[40];
  for (const int digits : {6, 15, 17}) {
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
    if (std::strtod(buffer, nullptr) == value) break;
  }
  std::string out = buffer;
  return out.find_first_of(".eE") == std::string::npos ? out + "." : out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  return out + '"';
}

struct DefaultText {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return real_text(v); }
  std::string operator()(bool v) const { return v ? "True" : "False"; }
  std::string operator()(const std::string& v) const { return quoted(v); }
  template <typename T>
  std::string operator()(const std::vector<T>& list) const {
    std::string out = "[";
    for (size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : ", ") + (*this)(static_cast<T>(list[i]));
    return out + ']';
  }
};

// "Tensor[]" + "a!" -> "Tensor(a!)[]", "t[]" + "a!" -> "t[](a!)": a tensor list's marks are of its tensors.
std::string marked_type(const SchemaArgument& argument) {
  if (argument.alias_set.empty()) return argument.type;
  const std::string mark = '(' + argument.alias_set + (argument.is_written ? "!)" : ")");
  const size_t at = argument.type.starts_with("Tensor") ? 6 : argument.type.size();
  return argument.type.substr(0, at) + mark + argument.type.substr(at);
}

// torch writes the default of an "int[2]?" as one number, and takes no list there.
std::string default_text(const SchemaArgument& argument) {
  const auto one = [&](const auto& list) {
    const bool same = !list.empty() && std::equal(list.begin() + 1, list.end(), list.begin());
    return argument.is_optional() && same ? DefaultText()(list.front()) : DefaultText()(list);
  };
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&*argument.default_value)) return one(*ints);
  if (const auto* reals = std::get_if<std::vector<double>>(&*argument.default_value)) return one(*reals);
  return std::visit(DefaultText(), *argument.default_value);
}

std::string argument_text(const SchemaArgument& argument) {
  std::string out = marked_type(argument);
  if (!argument.name.empty()) out += ' ' + argument.name;
  if (argument.default_value) out += '=' + default_text(argument);
  return out;
}

}  // namespace

int Schema::find(std::string_view argument) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].name == argument) return static_cast<int>(i);
  }
  return -1;
}

bool Schema::is_mutating() const {
  for (const SchemaArgument& argument : arguments) {
    if (argument.is_written) return true;
  }
  return false;
}

std::string Schema::text() const {
  std::string out = qualified_name() + '(';
  bool keyword_only = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) out += ", ";
    if (arguments[i].keyword_only && !keyword_only) {
      keyword_only = true;
      out += "*, ";
    }
    out += argument_text(arguments[i]);
  }
  if (more_arguments) out += arguments.empty() ? "..." : ", ...";
  out += ") -> ";
  if (more_returns && returns.empty()) return out + "...";
  // A tuple that is one result has parentheses of its own.
  if (returns.size() == 1 && returns[0].name.empty() && !returns[0].type.starts_with('('))
    return out + marked_type(returns[0]);
  out += '(';
  for (size_t i = 0; i < returns.size(); ++i) out += (i == 0 ? "" : ", ") + argument_text(returns[i]);
  return out + ')';
}

}  // namespace onnxport::ir
