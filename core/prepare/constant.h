// A Python value known while exporting.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/ir/graph.h"

namespace onnxport {

struct Constant;

// A list or a tuple.
struct ConstantList {
  std::vector<Constant> items;
  bool tuple = false;
};

// A dict with string keys, in the order of insertion.
struct ConstantDict {
  std::vector<std::pair<std::string, Constant>> items;
};

struct Constant {
  std::variant<std::monostate, int64_t, double, bool, std::string, ir::DType, std::complex<double>,
               ConstantList, ConstantDict>
      value;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  bool is_none() const { return std::holds_alternative<std::monostate>(value); }
  const ConstantList* list() const { return as<ConstantList>(); }
};

// What a prim::Constant holds; nullopt for a tensor or a block.
std::optional<Constant> to_constant(const ir::AttributeValue& attribute);
// nullopt for what no attribute can hold: tuples, dicts, mixed or nested lists.
std::optional<ir::AttributeValue> to_attribute(const Constant& constant);

// torch's number of a dtype (c10::ScalarType): TorchScript compares dtypes as ints.
int64_t torch_scalar_type(ir::DType dtype);
// The other way; undefined for a number that no dtype here has.
ir::DType dtype_of_torch(int64_t scalar_type);

}  // namespace onnxport
