// Lists of a length that is known at run time only, in the ONNX graph: a Sequence, or a tensor whose first axis the
// elements lie along ("stacked": a list of numbers is a 1-D tensor).
#pragma once

#include <optional>
#include <span>

#include "core/argument/argument.h"
#include "core/builder/graph_builder.h"

namespace onnxport {

// ---- types ----
bool is_sequence(const ir::Value& list);
// What is kept of the type of one element: sizes that are not known outside the iteration that made it are open.
ir::Type list_element_type(const ir::Type& tensor);
// Of a list of both; nullopt for two element types.
std::optional<ir::Type> join_elements(const ir::Type& a, const ir::Type& b);
// Of a list; nullopt while nothing is known of it.
std::optional<ir::Type> list_element(const ir::Type& list);
// The type of the list when its length may be any.
ir::Type open_list_type(const ir::Type& list);

// ---- values ----
// The list of the parts at `k` of a list of tuples, known or zipped.
Argument column_of(const Argument& list, size_t k);
// A known list, or one in the other form, as a list of that type.
ir::Value* as_run_time_list(const Argument& list, const ir::Type& type, GraphBuilder& builder);
// The elements of a known list along a new first axis; of numbers one 1-D tensor.
ir::Value* stack_elements(std::span<const Argument> items, GraphBuilder& builder);

// 0-d i64. Positions may be negative, as Python's.
ir::Value* list_length(ir::Value* list, GraphBuilder& builder);
ir::Value* list_item(ir::Value* list, ir::Value* index, GraphBuilder& builder);
ir::Value* list_with(ir::Value* list, ir::Value* index, ir::Value* element, GraphBuilder& builder);
ir::Value* list_inserted(ir::Value* list, ir::Value* index, ir::Value* element, GraphBuilder& builder);
ir::Value* list_without(ir::Value* list, ir::Value* index, GraphBuilder& builder);
// Two lists of one form.
ir::Value* lists_joined(ir::Value* a, ir::Value* b, GraphBuilder& builder);
// The elements at the positions (1-D i64, none negative).
ir::Value* list_selection(ir::Value* list, ir::Value* positions, GraphBuilder& builder);

}  // namespace onnxport
