// The host as other releases of onnxport are it: what a library is opened with to see whether it holds to the ABI.
#pragma once

#include <string_view>

#include "onnxport/abi.h"

namespace onnxport {

enum class HostRelease {
  oldest,  // 1.0 without what a host of 1.0 may lack; each table ends in its own memory where 1.0 ended it
  newest,  // a minor that there is not yet: longer tables, and more of them
  without_tables,  // one that has none of the tables that a plugin may need
};

std::string_view name_of(HostRelease release);
// Lives as long as the process, as a plugin may expect.
const onnxport_host* host_of(HostRelease release);

}  // namespace onnxport
