// What objects of C++ classes (torch.classes) are made of, as manifests say it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/schema.h"
#include "onnxport/errors.h"

namespace onnxport::ir {

// A class and its state, as __getstate__ gives it, by parts.
struct CustomClass {
  std::string name;  // "acme.Table"
  std::vector<SchemaArgument> parts;
  std::string plugin;
  Location location;  // in its manifest

  std::string text() const;  // "acme.Table(Tensor weight, float scale)"
};

// Reads what CustomClass::text() writes. Throws M112 when the text is none, M105 for a type that no part can have.
CustomClass parse_class(std::string_view text);

// "acme.Table" of "__torch__.torch.classes.acme.Table"; empty when the type is no such class.
std::string_view class_of_type(std::string_view type);

// An argument of an operator, or a part of an object that it takes: "table_weight" is the part "weight" of "table".
struct NamedArgument {
  size_t index = 0;  // among the schema's arguments
  std::optional<size_t> part;
  const SchemaArgument* declared = nullptr;
};

class CustomClasses {
 public:
  void add(CustomClass described);
  // Null when nobody describes it. Throws C407 when two plugins say different things of it.
  const CustomClass* find(std::string_view name) const;
  // The argument that goes by the name; nullopt: none does.
  std::optional<NamedArgument> find_argument(const Schema& schema, std::string_view name) const;

 private:
  std::map<std::string, std::vector<CustomClass>, std::less<>> by_name_;  // the first, and those that differ
};

}  // namespace onnxport::ir
