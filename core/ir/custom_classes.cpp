#include "core/ir/custom_classes.h"

#include <algorithm>

namespace onnxport::ir {
namespace {

constexpr std::string_view kPrefix = "__torch__.torch.classes.";
constexpr std::string_view kPartTypes[] = {"Tensor", "Tensor?", "Tensor[]", "int",    "int[]",
                                           "int?",   "float",   "float[]",  "float?", "bool",
                                           "bool[]", "bool?",   "str",      "str?"};

}  // namespace

std::string CustomClass::text() const {
  std::string out;
  for (const SchemaArgument& part : parts) out += (out.empty() ? "" : ", ") + part.type + " " + part.name;
  return name + "(" + out + ")";
}

CustomClass parse_class(std::string_view text) {
  std::string schema(text);
  const size_t dot = schema.find('.');
  const char* const hint =
      "write the class as it is registered, and its state: \"acme.Table(Tensor weight, float scale)\"";
  if (dot == std::string::npos || schema.find("::") != std::string::npos ||
      schema.find("->") != std::string::npos)
    throw Error("M112", "'" + schema + "' is no class with its parts", {}, hint);
  schema.replace(dot, 1, "::");
  const Schema read = parse_schema(schema + " -> ()");
  CustomClass out{std::string(text.substr(0, text.find('('))), read.arguments, {}, {}};
  if (out.parts.empty() || !read.overload.empty())
    throw Error("M112", "'" + std::string(text) + "' names no parts", {}, hint);
  for (const SchemaArgument& part : out.parts) {
    const bool known =
        std::find(std::begin(kPartTypes), std::end(kPartTypes), part.type) != std::end(kPartTypes);
    if (known && !part.default_value && !part.keyword_only) continue;
    throw Error(
        "M105", "the part '" + part.name + "' of " + out.name + " cannot be '" + part.type + "'", {},
        "a part is a Tensor, int, float, bool or str, one of these that may be None (float?), or a list "
        "(Tensor[], int[], float[], bool[]), and has no default");
  }
  return out;
}

std::string_view class_of_type(std::string_view type) {
  return type.starts_with(kPrefix) ? type.substr(kPrefix.size()) : std::string_view();
}

void CustomClasses::add(CustomClass described) {
  std::vector<CustomClass>& entries = by_name_[described.name];
  const std::string text = described.text();
  const bool same = std::any_of(entries.begin(), entries.end(),
                                [&](const CustomClass& other) { return other.text() == text; });
  if (!same) entries.push_back(std::move(described));
}

const CustomClass* CustomClasses::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  if (found->second.size() == 1) return &found->second.front();
  const CustomClass &a = found->second[0], &b = found->second[1];
  throw Error("C407",
              "two plugins say different things of one class: plugin " + a.plugin + " says \"" + a.text() +
                  "\" (" + a.location.text() + "), plugin " + b.plugin + " says \"" + b.text() + "\"",
              b.location, "leave one of the plugins out: --disable-plugin " + a.plugin + " or " + b.plugin);
}

std::optional<NamedArgument> CustomClasses::find_argument(const Schema& schema, std::string_view name) const {
  if (const int i = schema.find(name); i >= 0) {
    const auto index = static_cast<size_t>(i);
    return NamedArgument{index, std::nullopt, &schema.arguments[index]};
  }
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const SchemaArgument& argument = schema.arguments[i];
    const std::string_view type = class_of_type(argument.type);
    if (type.empty() || !name.starts_with(argument.name + "_")) continue;
    const CustomClass* described = find(type);
    for (size_t k = 0; described != nullptr && k < described->parts.size(); ++k) {
      if (described->parts[k].name == name.substr(argument.name.size() + 1))
        return NamedArgument{i, k, &described->parts[k]};
    }
  }
  return std::nullopt;
}

}  // namespace onnxport::ir
