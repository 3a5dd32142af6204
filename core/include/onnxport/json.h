// Reports and diagnostics as JSON, for tools: what `--json` prints and the C API gives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "onnxport/report.h"

namespace onnxport {

#pragma GCC visibility push(default)

// A JSON string literal; what is not UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);
std::string to_json(const std::vector<Diagnostic>& diagnostics);
std::string to_json(const CaptureReport& report);
std::string to_json(const ExportReport& report);
std::string to_json(const PluginListing& listing);
std::string to_json(const PluginDetails& plugin);
std::string to_json(const std::vector<WhichInfo>& candidates);

#pragma GCC visibility pop

}  // namespace onnxport
