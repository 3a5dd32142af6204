#include "core/author/written_call.h"

#include "core/ir/utf8.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error("T552", "the call '" + std::string(ir::beginning(text, 200)) + "' cannot be read: " + why, {},
              "write it so: acme::swish(f32[n,4], beta=0.5, sizes=[1, 2], mode='fast', dtype=f16)");
}

bool is_name(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
  for (const char c : text) {
    if (!good(c)) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> split_written(std::string_view text) {
  std::vector<std::string> out;
  int depth = 0;
  char quote = 0;
  std::string part;
  const auto end_part = [&] {
    const std::string_view item = trimmed(part);
    if (item.empty()) refuse(text, "an argument is empty");
    out.emplace_back(item);
    part.clear();
  };
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '[' || c == '(') {
      ++depth;
    } else if (c == ']' || c == ')') {
      if (--depth < 0) refuse(text, "a bracket is closed that was not opened");
    } else if (c == ',' && depth == 0) {
      end_part();
      continue;
    }
    part += c;
  }
  if (depth != 0 || quote != 0) refuse(text, "a bracket or a quote is left open");
  if (!out.empty() || !trimmed(part).empty()) end_part();
  return out;
}

WrittenCall WrittenCall::parse(std::string_view text) {
  const std::string_view whole = trimmed(text);
  const size_t open = whole.find('(');
  if (open == std::string_view::npos || whole.back() != ')') refuse(text, "it has no parentheses");
  WrittenCall out;
  out.op = trimmed(whole.substr(0, open));
  if (out.op.find("::") == std::string::npos) refuse(text, "an operator is written acme::swish");
  for (const std::string& part : split_written(whole.substr(open + 1, whole.size() - open - 2))) {
    const size_t equals = part.find('=');
    const std::string_view name =
        equals == std::string::npos ? std::string_view() : trimmed(std::string_view(part).substr(0, equals));
    if (is_name(name)) {
      out.arguments.emplace_back(name, trimmed(std::string_view(part).substr(equals + 1)));
    } else {
      out.arguments.emplace_back("", part);
    }
  }
  return out;
}

WrittenArguments WrittenCall::by_name(const ir::Schema& schema) const {
  WrittenArguments out;
  size_t place = 0;
  for (const auto& [name, value] : arguments) {
    if (name.empty() && place >= schema.arguments.size())
      refuse(op, "the operator has " + std::to_string(schema.arguments.size()) + " arguments");
    const std::string& which = name.empty() ? schema.arguments[place++].name : name;
    if (schema.find(which) < 0) refuse(op, "the operator has no argument '" + which + "'");
    if (!out.emplace(which, value).second) refuse(op, "the argument '" + which + "' is given twice");
  }
  return out;
}

}  // namespace onnxport
