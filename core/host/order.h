// Whether what a rule emitted, and what it replaces, leaves every value computed before it is read.
#pragma once

#include <string>

#include "core/host/context.h"

namespace onnxport {

// What is wrong; empty: nothing. Costs nothing for a rule that replaces its root by values that come before it.
std::string wrong_order(const onnxport_context& context);

}  // namespace onnxport
