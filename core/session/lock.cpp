// The lock file: which of the plugins found may be used from now on.
#include <algorithm>

#include "core/plugin/plugin_lock.h"
#include "core/plugin/registry.h"
#include "onnxport/output.h"
#include "onnxport/session.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

// Nobody's plugin is lost to a slip of -o.
void check_no_plugin(const fs::path& file, const PluginListing& listing) {
  for (const PluginInfo& plugin : listing.plugins) {
    for (const fs::path& own : {plugin.manifest, plugin.library}) {
      std::error_code error;
      if (own.empty() || !fs::equivalent(file, own, error)) continue;
      throw Error("S705", "the lock file would replace " + own.string() + ", which belongs to a plugin", {},
                  "give another output");
    }
  }
}

}  // namespace

LockedPlugins Session::lock(const fs::path& file, const std::vector<std::string>& ids) const {
  check_report(file, true, Source(fs::path()));
  check_no_plugin(file, plugins());
  PluginLock lock;
  if (fs::exists(file)) lock = read_lock(file);
  LockedPlugins out;
  out.ids = registry_->lock(ids, lock, out.left_out);
  if (ids.empty()) {
    std::erase_if(lock.plugins, [&](const LockedPlugin& p) {
      return std::find(out.ids.begin(), out.ids.end(), p.id) == out.ids.end();
    });
  }
  write_report(file, lock.text());
  return out;
}

}  // namespace onnxport
