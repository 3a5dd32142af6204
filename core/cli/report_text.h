// What became of a target, as people read it.
#pragma once

#include <filesystem>

#include "core/cli/commands.h"
#include "onnxport/export.h"

namespace onnxport::cli {

// Whether a comparison saw no result that says anything (V808).
bool nothing_verified(const ExportReport& report);
void print_verify(const ExportReport& report);
void print_report(const ExportReport& report, const std::filesystem::path& output);
void print_stages(const std::vector<std::pair<std::string, double>>& stages);

}  // namespace onnxport::cli
