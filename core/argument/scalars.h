// Evaluates TorchScript's operators on numbers, strings, lists and dicts that are known while exporting.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/argument/argument.h"

namespace onnxport {

// The result of `op` ("aten::add.int", "prim::TupleIndex", …), with Python's semantics; an operator with
// several results (divmod, prim::ListUnpack) gives a tuple. What takes lists apart or joins them works on lists
// of any items, values of a graph too. nullopt when the operator is no scalar operator, when it would raise, or
// when the result has no exact value here (integer overflow): then the operator stays in the graph.
std::optional<Argument> evaluate_scalar(std::string_view op, std::span<const Argument> arguments);

// The same, as one per result of a node that has so many.
std::optional<std::vector<Argument>> evaluate_call(std::string_view op, std::span<const Argument> arguments,
                                                   size_t results);

// What Python raises where evaluate_call finds no result because a list or dict does not hold what is taken out of it
// ("index 3 of a list of 2"); empty when that is not the reason.
std::string list_error(std::string_view op, std::span<const Argument> arguments, size_t results);

// Structural equality as Python's ==, numbers across kinds included. Of known arguments.
bool equal(const Argument& a, const Argument& b);

// Python's rules for an index: a negative one counts from the end. nullopt: out of range.
std::optional<size_t> resolve_index(int64_t index, size_t size);

}  // namespace onnxport
