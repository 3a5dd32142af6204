#include "onnxport/version.h"

namespace onnxport {

const char* version() noexcept { return ONNXPORT_VERSION; }

}  // namespace onnxport
