#include "core/ir/custom_schemas.h"

#include <algorithm>

namespace onnxport::ir {

void CustomSchemas::add(CustomSchema schema) {
  Entries& entries = by_name_[schema.schema.qualified_name()];
  const std::string text = schema.schema.text();
  const bool same = std::any_of(entries.begin(), entries.end(),
                                [&](const CustomSchema& other) { return other.schema.text() == text; });
  if (!same) entries.push_back(std::move(schema));
}

const CustomSchema* CustomSchemas::only(const Entries& entries) {
  if (entries.size() == 1) return &entries.front();
  const CustomSchema& a = entries[0];
  const CustomSchema& b = entries[1];
  throw Error("C407",
              "two schemas are given for one operator: plugin " + a.plugin + " says \"" + a.schema.text() +
                  "\" (" + a.location.text() + "), plugin " + b.plugin + " says \"" + b.schema.text() + "\"",
              b.location,
              "leave one of the plugins out (--disable-plugin " + a.plugin + " or " + b.plugin +
                  "), or prefer one (--prefer)");
}

const CustomSchema* CustomSchemas::find(std::string_view qualified_name) const {
  const auto found = by_name_.find(qualified_name);
  return found == by_name_.end() ? nullptr : only(found->second);
}

std::vector<const CustomSchema*> CustomSchemas::overloads(std::string_view name) const {
  std::vector<const CustomSchema*> out;
  for (auto at = by_name_.lower_bound(name); at != by_name_.end() && at->first.starts_with(name); ++at) {
    if (at->first.size() == name.size() || at->first[name.size()] == '.') out.push_back(only(at->second));
  }
  return out;
}

}  // namespace onnxport::ir
