// Attributes that the compiler checks. As it is, this compiles; each macro adds one line that must not.
#include "onnxport/plugin.hpp"

using namespace onnxport;

Value good(Op& op) {
  const Value x = op["x"];
  const AttributeList<attr::keepdims> shared{attr::keepdims(false)};
  attributes_of::Conv window{attr::group(2), attr::pads({0, 1, 0, 1})};
  window.add(attr::auto_pad("VALID"));
  const auto [values, indices] = op.TopK(x, op.ints({3}), {attr::axis(-1), attr::largest(true)});
  return op.ReduceSum(op.Conv(values, x, {}, window), {}, shared) +
         op.Cast(op.MaxPool(all_outputs, op.Gather(x, indices), {attr::kernel_shape({2})}).Indices,
                 {attr::to(DType::f32)});
}

#ifdef MISSPELT_ATTRIBUTE
Value misspelt(Op& op) { return op.ReduceSum(op["x"], {}, {attr::keepdim(0)}); }
#endif
#ifdef ATTRIBUTE_OF_ANOTHER_OPERATOR
Value of_another(Op& op) { return op.ReduceSum(op["x"], {}, {attr::alpha(1)}); }
#endif
#ifdef ATTRIBUTE_OF_ANOTHER_KIND
Value of_another_kind(Op& op) { return op.ReduceSum(op["x"], {}, {attr::keepdims("yes")}); }
#endif
#ifdef SHARED_ATTRIBUTES_THAT_DO_NOT_FIT
Value shared(Op& op) {
  const AttributeList<attr::alpha> other{attr::alpha(1)};
  return op.ReduceSum(op["x"], {}, other);
}
#endif
