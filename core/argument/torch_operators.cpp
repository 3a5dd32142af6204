#include "core/argument/torch_operators.h"

#include <algorithm>
#include <array>

namespace onnxport {

bool hands_operand_on(std::string_view op) {
  static constexpr std::array<std::string_view, 5> kOperators = {
      "prim::unchecked_cast", "prim::unchecked_unwrap_optional", "aten::_unwrap_optional", "prim::data",
      "aten::wait"};
  return std::find(kOperators.begin(), kOperators.end(), op) != kOperators.end();
}

bool has_no_effect(std::string_view op) {
  static constexpr std::array<std::string_view, 9> kOperators = {"prim::Print",
                                                                 "aten::warn",
                                                                 "prim::Uninitialized",
                                                                 "aten::_assert_scalar",
                                                                 "aten::_assert_async",
                                                                 "aten::_assert_async.msg",
                                                                 "aten::_assert_tensor_metadata",
                                                                 "aten::sym_constrain_range",
                                                                 "aten::sym_constrain_range_for_size"};
  return std::find(kOperators.begin(), kOperators.end(), op) != kOperators.end();
}

}  // namespace onnxport
