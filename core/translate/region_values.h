// What goes into and comes out of a region: torch values, taken apart into ONNX values and put together
// again.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/argument/argument.h"
#include "core/builder/graph_builder.h"

namespace onnxport {

// What holds for both: equal dims stay, others are open. nullopt when element types or ranks differ.
std::optional<ir::Type> join(const ir::Type& a, const ir::Type& b, GraphBuilder& builder);

// How a torch value goes through a region: which ONNX values stand for it, and what is known without any.
struct RegionForm {
  enum class Kind : uint8_t {
    unset,          // nobody reads it: any value will do
    known,          // the same constant (None, a string, a dtype, a number) whatever happens: no ONNX value
    value,          // one tensor
    list,           // so many parts: of a list, tuple or dict
    maybe,          // whether there is a value, and the value: the part
    run_time_list,  // one ONNX value: a Sequence, or a tensor with the elements along its first axis
  };
  Kind kind = Kind::unset;
  Argument known;
  ArgumentList::Form list_form = ArgumentList::Form::list;
  std::vector<RegionForm> parts;
  ir::Type type;  // of a value and of a run-time list
  bool is_number = false;
  bool may_be_empty = false;  // of a value that is of `type` later, see GraphValue

  bool is_sequence() const { return type.kind() == ir::Type::Kind::list; }
};

// Of one value. Throws Error T513 for what has no ONNX form.
RegionForm form_of(const Argument& argument, GraphBuilder& builder);
// That both values have. `why` says what is in the way where there is none.
std::optional<RegionForm> common_form(const RegionForm& a, const RegionForm& b, std::string& why);
// torch.zeros(0), torch.tensor([]).
bool is_empty_vector(const ir::Type& type);
// What stands for the empty vector among tensors of that type: of its rank, every dim 0.
ir::Tensor empty_tensor(const ir::Type& type);
// A number that an iteration may change is a value from the start.
void open_numbers(RegionForm& form);
bool same_structure(const RegionForm& a, const RegionForm& b);

// Appends the ONNX values that stand for `argument` in the form, made at the builder's place where they are missing.
void emit_as(const Argument& argument, const RegionForm& form, GraphBuilder& builder,
             std::vector<ir::Value*>& out);
// The torch value of that form whose ONNX values are those from values[next] on; `next` steps over them.
Argument rebuild(const RegionForm& form, std::span<ir::Value* const> values, size_t& next);

// A region hands out what it computed itself: an outer value or a constant gets a node of its own.
void own_results(std::vector<ir::Value*>& results, GraphBuilder& builder);

}  // namespace onnxport
