// What a live model is called with: nested values, whose tensors are the inputs of the graph.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

// Calls `visit(tensor, name)` for every tensor of a value, in order; elements of lists, tuples and dicts get the name of what
// holds them and their own: "state_0", "features_p3". Returns what else there is in it, in words ("an int"), for a message.
std::vector<std::string> for_each_tensor(
    const c10::IValue& value, const std::string& name,
    const std::function<void(const at::Tensor&, const std::string&)>& visit);

// The value with its tensors replaced, in the same order.
c10::IValue with_tensors(const c10::IValue& value,
                         const std::function<at::Tensor(const at::Tensor&)>& replace);

// The tensor with other sizes: its own elements, over and over, so that ids, masks and ranges stay what they are.
at::Tensor resized(const at::Tensor& example, const std::vector<int64_t>& sizes);
// Other values of the kind that the example holds, so that what depends on them shows: real numbers are made smaller, whole ones
// stay between those of the example, and so do ids. Only what is empty stays as it is.
at::Tensor with_other_values(const at::Tensor& example);
// Most elements are one: how many there are of a kind is far from what the example has.
at::Tensor with_few_values(const at::Tensor& example);
// Small is large.
at::Tensor with_flipped_values(const at::Tensor& example);
// The same elements in another order.
at::Tensor rolled(const at::Tensor& example);

}  // namespace onnxport
