// What a torch operator is given and gives: one type from prepare to the host of plugins, decomposition and the
// interpreter of captured graphs.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/ir/graph.h"

namespace onnxport {

struct Argument;

// A list, a tuple, or a dict, whose items are key, value, key, value, … in the order of insertion; or `maybe`, which
// is None or a value as run time decides: its items are whether there is one, and the value; or `zipped`, a list of tuples
// of run-time length: its items are the lists of the tuples' parts. Copies share the items.
class ArgumentList {
 public:
  enum class Form : uint8_t { list, tuple, dict, maybe, zipped };

  ArgumentList() = default;
  explicit ArgumentList(std::vector<Argument> items, Form form = Form::list);

  std::span<const Argument> items() const;
  size_t size() const;
  Form form() const { return form_; }

 private:
  std::shared_ptr<const std::vector<Argument>> items_;
  Form form_ = Form::list;
};

// A value of a graph: of the torch graph in prepare, of the ONNX graph from translate on.
struct GraphValue {
  ir::Value* value = nullptr;
  bool is_number =
      false;  // a Python number in the model, though the graph holds a tensor: it promotes weakly
  bool is_list =
      false;  // a list of run-time length: the graph's tensor has its elements along the first axis
  // Of a tensor that the program may have begun as the empty vector (torch.zeros(0)): its type from when it is more.
  // Where it still is that vector, all dims of the graph's tensor, which has the later rank, are 0.
  std::shared_ptr<const ir::Type> later = nullptr;
};

// What a variable is before anything is assigned to it (prim::Uninitialized): nobody reads it.
struct Unset {};

struct Argument {
  // In the order of `content`.
  enum class Kind : uint8_t {
    none,
    integer,
    real,
    boolean,
    string,
    dtype,
    complex_number,
    tensor,
    value,
    list,
    unset
  };

  std::variant<std::monostate, int64_t, double, bool, std::string, ir::DType, std::complex<double>,
               ir::Tensor, GraphValue, ArgumentList, Unset>
      content;

  static Argument of(ir::Value* value, bool is_number = false) { return {GraphValue{value, is_number}}; }
  // A list whose elements lie along the first axis of `value`.
  static Argument stacked(ir::Value* value) { return {GraphValue{value, false, true}}; }
  static Argument list_of(std::vector<Argument> items, ArgumentList::Form form = ArgumentList::Form::list) {
    return {ArgumentList(std::move(items), form)};
  }

  Kind kind() const { return static_cast<Kind>(content.index()); }
  // The content when it is of that type, else null.
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&content);
  }
  bool is_none() const { return kind() == Kind::none; }
  bool is_unset() const { return kind() == Kind::unset; }
  bool is_zipped() const { return list() != nullptr && list()->form() == ArgumentList::Form::zipped; }
  bool is_maybe() const { return list() != nullptr && list()->form() == ArgumentList::Form::maybe; }
  const ArgumentList* list() const { return as<ArgumentList>(); }
  // Of a list, tuple or dict; none of anything else.
  std::span<const Argument> items() const;
  // The graph's value, or null.
  ir::Value* value() const;
  // A Python number: it promotes weakly.
  bool is_number() const;
  // An int or a bool.
  std::optional<int64_t> to_int() const;
  // An int, a bool or a float.
  std::optional<double> to_real() const;
  // Whether it is the string.
  bool is_string(std::string_view text) const;
  // No value of a graph anywhere inside.
  bool is_known() const;
};

// What an attribute of the torch dialect holds. A block gives none.
Argument to_argument(const ir::AttributeValue& attribute);
// nullopt for what no attribute can hold: tuples, dicts, mixed or nested lists, values of a graph.
std::optional<ir::AttributeValue> to_attribute(const Argument& argument);

// The same kinds with the same contents all through: the same value of a graph, the same bits of a number.
bool identical(const Argument& a, const Argument& b);

// The type a torch program sees where the ONNX graph has `type`: pairs of numbers are complex ones.
ir::Type torch_type(const ir::Type& type);

// torch's result dtype (tensors > 0-d tensors > numbers), see promotion.h. Values are those of an ONNX graph.
ir::DType result_type(std::span<const Argument* const> arguments);

// torch's number of a dtype (c10::ScalarType): TorchScript compares dtypes as ints.
int64_t torch_scalar_type(ir::DType dtype);
// The other way; undefined for a number that no dtype here has.
ir::DType dtype_of_torch(int64_t scalar_type);

}  // namespace onnxport
