// The families behind evaluate_scalar. Each returns nullopt for operators that are not its own.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/argument/argument.h"

namespace onnxport::scalars {

using Arguments = std::span<const Argument>;
using Result = std::optional<Argument>;

// `name` is the operator without its overload, `overload` what follows the dot.
Result arithmetic(std::string_view name, std::string_view overload, Arguments arguments);
Result mathematics(std::string_view name, Arguments arguments);
Result comparison(std::string_view name, Arguments arguments);
// What asks for the structure of lists and dicts alone: their items may be values of a graph.
Result lists(std::string_view name, Arguments arguments);
// What looks at the items themselves (sum, sorted, contains, …).
Result list_contents(std::string_view name, Arguments arguments);
Result strings(std::string_view name, Arguments arguments);

// A number as an integer: ints, bools and dtypes (torch counts those as ints).
std::optional<int64_t> as_int(const Argument& c);
// Any real number.
std::optional<double> as_real(const Argument& c);
bool is_integer_kind(const Argument& c);
// A real as an int when it has a value in range.
std::optional<int64_t> real_to_int(double value);
// -1, 0, 1; nullopt when the two have no order (NaN, mixed kinds).
std::optional<int> order(const Argument& a, const Argument& b);
// The value of a key among the items of a dict, or null.
const Argument* find_item(std::span<const Argument> items, const Argument& key);

// Python's rules for slice bounds.
struct SliceBounds {
  int64_t start = 0;
  int64_t step = 1;
  size_t count = 0;
};
std::optional<SliceBounds> resolve_slice(Arguments bounds, size_t size);

}  // namespace onnxport::scalars
