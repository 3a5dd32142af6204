#include "core/libtorch/schema_text.h"

#include <torch/csrc/jit/runtime/operator.h>

#include "core/libtorch/convert.h"

namespace onnxport {

std::optional<std::string> registered_schema_text(std::string_view qualified_name) {
  const size_t colons = qualified_name.find("::");
  if (colons == std::string_view::npos) return std::nullopt;
  const size_t dot = qualified_name.find('.', colons);
  const std::string name(qualified_name.substr(0, dot));
  const std::string overload(dot == std::string_view::npos ? std::string_view()
                                                           : qualified_name.substr(dot + 1));
  const auto op = torch::jit::findOperatorFor(c10::OperatorName(name, overload));
  if (!op) return std::nullopt;
  return from_torch(op->schema()).text();
}

}  // namespace onnxport
