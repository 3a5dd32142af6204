// Is a shared library, and no plugin.
#include "onnxport/abi.h"

extern "C" ONNXPORT_EXPORT int some_other_function() { return 1; }
