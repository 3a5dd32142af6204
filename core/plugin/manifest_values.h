// Values that several entries of a manifest write alike: names, numbers, literals, ranges of opsets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/plugin/manifest.h"
#include "core/plugin/manifest_reader.h"

namespace onnxport {

// Letters, digits and '_', no digit first.
bool is_identifier(std::string_view text);
// A name that a plugin or a target may have: words of [a-z0-9_-] joined by dots, two at least.
bool is_reverse_dns(std::string_view id);
// The whole text as a number; nullopt when it is none.
std::optional<int64_t> parse_whole(std::string_view text);
std::optional<double> parse_real(std::string_view text);

// A number, true, false, a quoted text, or a list of numbers or of quoted texts. nullopt, and no message, when
// the node is something else.
std::optional<ManifestAttribute::Literal> literal_of(const yaml::Node& node);
// ">=17", "<20", ">=17 <20", "18": the first and the last opset. M105 when the text is no range.
std::optional<std::pair<int, int>> read_opset_range(ManifestReader& in, const yaml::Node& node);
// "f32", "i64", …; M105 when the text is no element type.
std::optional<ir::DType> read_dtype(ManifestReader& in, const yaml::Node& node, std::string_view what);
// Lower case; empty, and M105, when the text is none.
std::string read_sha256(ManifestReader& in, const yaml::Node& node);

}  // namespace onnxport
