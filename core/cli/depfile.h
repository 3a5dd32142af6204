// --depfile: what a file was made from, as make and ninja read it.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "onnxport/export.h"

namespace onnxport::cli {

// One rule, "a.onnx b.onnx: model.pt2 profile.yaml …": the targets, and all that they depend on.
std::string depfile_text(const std::vector<std::filesystem::path>& targets,
                         const std::set<std::filesystem::path>& inputs);

// The manifests and libraries of those plugins, as the session found them.
std::set<std::filesystem::path> files_of_plugins(const Session& session, const std::vector<std::string>& ids);

}  // namespace onnxport::cli
