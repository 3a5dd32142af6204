// One entry of provides.mappings.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/plugin/manifest.h"
#include "core/plugin/manifest_reader.h"

namespace onnxport {

// "ns::name" or "ns::name.overload".
bool is_operator_name(std::string_view text);
// A schema given in a manifest; M112 with its place when the text is none.
std::optional<ir::Schema> read_schema(ManifestReader& in, const yaml::Node& at, const std::string& text);
// nullopt when the entry has mistakes (they are in `in`).
std::optional<ManifestMapping> read_mapping(ManifestReader& in, const yaml::Node& node,
                                            const std::map<std::string, int, std::less<>>& domains);

// The symbols of a size expression that stand for "argument.axis": "x.0" is written for Dim as the name "x.0"
// in quotes.
struct SizeExpression {
  ir::Dim dim;
  // nullopt when the text is no expression.
  static std::optional<SizeExpression> parse(std::string_view text);
};

// Several sizes of a result at once, as Python slices them: "x[:-1]" is all of x's but the last.
struct SizeSlice {
  std::string argument;
  std::optional<int64_t> begin, end;  // negative ones count from the end

  // nullopt when the text is none.
  static std::optional<SizeSlice> parse(std::string_view text);
  // The first axis and the one behind the last, of so many.
  std::pair<size_t, size_t> of(size_t rank) const;
};

}  // namespace onnxport
