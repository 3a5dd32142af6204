#include "core/plugin/freshness.h"

#include <sys/stat.h>

#include <algorithm>

namespace onnxport {
namespace {

FileState state_of(const std::filesystem::path& file) {
  FileState out;
  out.file = file;
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return out;
  out.size = static_cast<uint64_t>(facts.st_size);
  out.inode = facts.st_ino;
  out.device = facts.st_dev;
  out.seconds = facts.st_mtim.tv_sec;
  out.nanoseconds = facts.st_mtim.tv_nsec;
  return out;
}

// Those that choose among plugins, and the folder of the built-in ones; the others choose folders, which are looked at again.
std::vector<std::optional<std::string>> variables_of(const Environment& environment) {
  return {environment.variable("ONNXPORT_PLUGINS_DISABLE"), environment.variable("ONNXPORT_PLUGINS_ENABLE"),
          environment.variable("ONNXPORT_BUILTIN_PLUGINS")};
}

}  // namespace

Freshness::Freshness(const PluginOptions& options, const Environment& environment, const Discovery& found)
    : options_(options),
      environment_(environment),
      variables_(variables_of(environment)),
      found_(found.manifests) {
  for (const FoundManifest& manifest : found_) watch(manifest.file);
}

void Freshness::watch(const std::filesystem::path& file) { files_.push_back(state_of(file)); }

bool Freshness::holds() const {
  if (variables_of(environment_) != variables_) return false;
  const Discovery now = discover(options_, environment_);
  const auto same = [](const FoundManifest& a, const FoundManifest& b) {
    return a.file == b.file && a.tier == b.tier && a.refusal == b.refusal;
  };
  return std::equal(found_.begin(), found_.end(), now.manifests.begin(), now.manifests.end(), same) &&
         std::all_of(files_.begin(), files_.end(),
                     [](const FileState& before) { return state_of(before.file) == before; });
}

}  // namespace onnxport
