// Schemas that plugins give for operators of their own, so that models are read without the operators' kernels.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/schema.h"
#include "onnxport/errors.h"

namespace onnxport::ir {

struct CustomSchema {
  Schema schema;
  std::string plugin;
  Location location;  // in its manifest
};

class CustomSchemas {
 public:
  // What is added first is preferred only where the later one says the same.
  void add(CustomSchema schema);

  // The schema of "ns::name.overload"; null when no plugin gives one. Throws C407 when two plugins give different ones.
  const CustomSchema* find(std::string_view qualified_name) const;
  // Those of all overloads of "ns::name". Throws C407.
  std::vector<const CustomSchema*> overloads(std::string_view name) const;
  bool empty() const { return by_name_.empty(); }

 private:
  using Entries = std::vector<CustomSchema>;  // the first, and those that say something else
  static const CustomSchema* only(const Entries& entries);

  std::map<std::string, Entries, std::less<>> by_name_;  // by qualified name
};

// Why libtorch would not register the operator ("'Tensr' is no type"), empty when it would. parse_schema()
// reads more than libtorch does: what libtorch prints, and names of types it is not asked about.
std::string why_not_registrable(const Schema& schema);

}  // namespace onnxport::ir
