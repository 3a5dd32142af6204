#include "core/cli/depfile.h"

#include <algorithm>

namespace onnxport::cli {
namespace {

// Make reads a blank as an end, $ as a variable and # as a comment.
std::string escaped(const std::filesystem::path& file) {
  std::string out;
  for (const char c : file.string()) {
    if (c == ' ' || c == '#' || c == '\\') out += '\\';
    if (c == '$') out += '$';
    out += c;
  }
  return out;
}

}  // namespace

std::string depfile_text(const std::vector<std::filesystem::path>& targets,
                         const std::set<std::filesystem::path>& inputs) {
  std::string out;
  for (const auto& file : targets) out += (out.empty() ? "" : " ") + escaped(file);
  out += ":";
  for (const auto& file : inputs) out += " \\\n  " + escaped(file);
  return out + "\n";
}

std::set<std::filesystem::path> files_of_plugins(const Session& session,
                                                 const std::vector<std::string>& ids) {
  std::set<std::filesystem::path> out;
  for (const PluginInfo& info : session.plugins().plugins) {
    if (info.state != "active" || std::find(ids.begin(), ids.end(), info.id) == ids.end()) continue;
    out.insert(info.manifest);
    if (!info.library.empty()) out.insert(info.library);
  }
  return out;
}

}  // namespace onnxport::cli
