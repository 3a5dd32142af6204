// What is asked of the paths that verification writes.
#pragma once

#include "onnxport/options.h"

namespace onnxport {

// Whether VerifyOptions::write_case, if it is given, can be written. Throws Error S705, S709.
void check_case(const VerifyOptions& options, bool overwrite);

}  // namespace onnxport
