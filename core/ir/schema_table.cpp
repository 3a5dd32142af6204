#include "core/ir/schema_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "aten_schemas.inc"  // kAtenSchemas: one schema per line, made from aten_schemas.txt when the build is configured; '#' is a comment

namespace onnxport {
namespace {

std::string_view name_of(std::string_view line) { return line.substr(0, line.find('(')); }

const std::vector<std::string_view>& table() {
  static const std::vector<std::string_view> lines = [] {
    std::vector<std::string_view> out;
    std::string_view rest = kAtenSchemas;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      if (end > 0 && rest.front() != '#') out.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::sort(out.begin(), out.end(),
              [](std::string_view a, std::string_view b) { return name_of(a) < name_of(b); });
    return out;
  }();
  return lines;
}

}  // namespace

std::optional<ir::Schema> find_aten_schema(std::string_view qualified_name) {
  const auto& lines = table();
  const auto found =
      std::lower_bound(lines.begin(), lines.end(), qualified_name,
                       [](std::string_view line, std::string_view name) { return name_of(line) < name; });
  if (found == lines.end() || name_of(*found) != qualified_name) return std::nullopt;
  return ir::parse_schema(*found);
}

}  // namespace onnxport
