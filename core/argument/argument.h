// What an argument of a torch operator is, from the translation to the host of plugins.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/ir/graph.h"

namespace onnxport {

// What a torch argument is bound to while translating. Lists and tuples are taken apart; numbers known while
// exporting are constants, others 0-d ONNX values.
struct Argument {
  enum class Kind : uint8_t {
    none,
    value,
    integer,
    real,
    boolean,
    string,
    dtype,
    list,
    sequence,
    complex_number
  };
  Kind kind = Kind::none;
  ir::Value* value = nullptr;  // value, sequence
  bool is_number = false;      // a value that is a Python number in the model (promotes weakly)
  bool is_tuple = false;
  int64_t integer = 0;  // integer, boolean, dtype
  double real = 0;
  double imaginary = 0;
  std::string string;
  std::vector<Argument> items;  // list

  static Argument of(ir::Value* v, bool number = false);
  static Argument of_int(int64_t v);
  static Argument of_real(double v);
  static Argument of_bool(bool v);
  static Argument of_string(std::string v);
  static Argument of_dtype(ir::DType v);
  static Argument of_list(std::vector<Argument> items, bool tuple = false);
  bool is_known() const;  // no value anywhere inside
};

// torch's result dtype of bound arguments (tensors > 0-d tensors > numbers), see promotion.h.
ir::DType result_type(std::span<const Argument* const> arguments);

// Argument as an ONNX value: numbers become 0-d constants, lists of ints one 1-d value. Null when that is
// impossible.
ir::Value* materialize(const Argument& bound, GraphBuilder& builder);

}  // namespace onnxport
