// The schemas that a plugin gives, as a capture takes them.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "core/ir/custom_schemas.h"

namespace onnxport {

inline std::shared_ptr<const ir::CustomSchemas> schemas_of(std::initializer_list<std::string_view> texts) {
  auto out = std::make_shared<ir::CustomSchemas>();
  for (const std::string_view text : texts) out->add({ir::parse_schema(text), "com.acme.ops", {}});
  return out;
}

}  // namespace onnxport
