// One entry of provides.passes: a named rewrite, as patterns or from the plugin's library.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/plugin/manifest.h"
#include "core/plugin/manifest_reader.h"

namespace onnxport {

// "translate", "optimize" or "target"; nullopt for any other word.
std::optional<PassStage> parse_stage(std::string_view word);
std::string_view stage_name(PassStage stage);
// "translate (pivot, before folding), optimize (…), …", for hints.
std::string_view stage_words();

// Mistakes are in `in`; nullopt when the entry is beyond use.
std::optional<ManifestPass> read_pass(ManifestReader& in, const yaml::Node& node,
                                      const std::map<std::string, int, std::less<>>& domains);

}  // namespace onnxport
