#include "core/plugin/library.h"

#include "core/errors/breadcrumb.h"
#include "core/errors/floating_point_state.h"
#include "core/ir/utf8.h"
#include "core/loader/shared_library.h"
#include "core/plugin/abi_text.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

// Of what a library says before it is known to be sound.
constexpr size_t kLongestShown = 256;

class LibraryLoader {
 public:
  LibraryLoader(const Manifest& manifest, const onnxport_host* host) : manifest_(manifest), host_(host) {}

  const onnxport_plugin& run() {
    check();
    return check_answer(query(load()));
  }

  // All that can be known without opening it.
  void check() {
    find_file();
    check_file();
  }

  [[noreturn]] void fail(std::string_view code, const std::string& message, std::string hint) const {
    throw Error(code, "plugin " + manifest_.id + ": " + message, place_, std::move(hint));
  }

 private:
  void find_file() {
    place_.file = manifest_.file.string();
    const std::string platform(current_platform());
    const auto found = manifest_.libraries.find(platform);
    if (found == manifest_.libraries.end()) {
      std::string others;
      for (const auto& [name, library] : manifest_.libraries) others += (others.empty() ? "" : ", ") + name;
      fail("L201", "has no library for " + platform + " (it has: " + (others.empty() ? "none" : others) + ")",
           "ask the publisher for a build for " + platform);
    }
    library_ = &found->second;
    place_ = library_->place;
  }

  void check_file() const {
    const fs::path& file = library_->path;
    std::error_code error;
    if (!fs::is_regular_file(file, error)) {
      const std::string kind = why_no_file(file);
      fail("L202", "the library " + file.string() + (kind.empty() ? " does not exist" : " is " + kind),
           "put it there, or correct the path in the manifest");
    }
    if (const std::string why = manifest_.trust.why_not_library(file, manifest_.file); !why.empty()) {
      fail("L202", "the library " + file.string() + " is refused: " + why,
           "others could put code there that runs as you");
    }
    if (const std::string why = why_not_loadable(file); !why.empty()) {
      fail("L202", "the library " + file.string() + " " + why, "copy or build it again");
    }
    if (library_->sha256.empty()) return;
    const std::string is = sha256_of(file);
    if (is != library_->sha256) {
      fail("L203",
           "the library " + file.string() + " is not the one the manifest names: sha256 " + is +
               ", expected " + library_->sha256,
           "install the plugin's files of one release together");
    }
  }

  onnxport_plugin_query_fn load() const {
    const std::string file = library_->path.string();
    try {
      const SharedLibrary library = SharedLibrary::open(file);
      if (const auto query = library.function<onnxport_plugin_query_fn>(ONNXPORT_QUERY_SYMBOL)) return query;
    } catch (const LoadError& e) {
      fail("L204", std::string("the library cannot be opened: ") + e.what(),
           "a plugin links nothing but the C and C++ run-time libraries; ldd -r shows what it misses");
    }
    fail("L205", "the library " + file + " does not export a function " ONNXPORT_QUERY_SYMBOL,
         "define it with ONNXPORT_EXPORT, as in sdk/example");
  }

  const onnxport_plugin* query(onnxport_plugin_query_fn function) const {
    const onnxport_plugin* answer = nullptr;
    try {
      answer = function(host_);
    } catch (const std::exception& e) {
      fail("L206", std::string(ONNXPORT_QUERY_SYMBOL " threw: ") + e.what(),
           "no exception may leave a plugin: report this to its publisher");
    } catch (...) {
      fail("L206", ONNXPORT_QUERY_SYMBOL " threw something that is not a std::exception",
           "no exception may leave a plugin: report this to its publisher");
    }
    if (answer == nullptr) {
      fail("L206", ONNXPORT_QUERY_SYMBOL " returned null",
           "the plugin refuses this host: ask its publisher for a release for onnxport " ONNXPORT_VERSION);
    }
    return answer;
  }

  const onnxport_plugin& check_answer(const onnxport_plugin* answer) const {
    // struct_size is read first: what lies behind it may not exist.
    if (answer->struct_size < ONNXPORT_PLUGIN_1_0_SIZE) {
      fail("A303",
           "its description has " + std::to_string(answer->struct_size) + " bytes, ABI 1.0 has " +
               std::to_string(ONNXPORT_PLUGIN_1_0_SIZE),
           "build the plugin with the headers of an onnxport release");
    }
    if (answer->abi_major != ONNXPORT_ABI_MAJOR) {
      fail("A302", "needs ABI " + std::to_string(answer->abi_major) + ", this onnxport has " + host_abi(),
           "take the plugin's release for ABI " + std::to_string(ONNXPORT_ABI_MAJOR));
    }
    if (answer->min_abi_minor > ONNXPORT_ABI_MINOR) {
      fail("A301",
           "needs ABI " + std::to_string(answer->abi_major) + "." + std::to_string(answer->min_abi_minor) +
               ", this onnxport has " + host_abi(),
           "update onnxport, or take an older release of the plugin");
    }
    const std::string id(ir::beginning(text_of(answer->id), kLongestShown));
    const std::string version(ir::beginning(text_of(answer->version), kLongestShown));
    if (id != manifest_.id || version != manifest_.version) {
      fail("L207",
           "the library says it is " + id + " " + version + ", the manifest says " + manifest_.id + " " +
               manifest_.version,
           "install the manifest and the library of one release together");
    }
    if (answer->get_interface == nullptr)
      fail("A303", "its description has no get_interface", "return the table of onnxport::Plugin");
    return *answer;
  }

  static std::string host_abi() {
    return std::to_string(ONNXPORT_ABI_MAJOR) + "." + std::to_string(ONNXPORT_ABI_MINOR);
  }

  const Manifest& manifest_;
  const onnxport_host* host_;
  const Manifest::Library* library_ = nullptr;
  Location place_;
};

}  // namespace

void PluginLibrary::check(const Manifest& manifest) { LibraryLoader(manifest, nullptr).check(); }

PluginLibrary PluginLibrary::open(const Manifest& manifest, const onnxport_host* host) {
  LibraryLoader opening(manifest, host);
  const Breadcrumb crumb(manifest.id, manifest.version, "while its library is opened", "L206");
  const FloatingPointState state;
  const onnxport_plugin& plugin = opening.run();
  PluginLibrary out;
  try {
    out.tables_ = read_tables(plugin);
  } catch (const TableError& e) {
    opening.fail("A304", e.what(), "this is a defect of the plugin: report it to its publisher");
  } catch (...) {
    opening.fail("L206", "get_interface threw",
                 "no exception may leave a plugin: report this to its publisher");
  }
  return out;
}

}  // namespace onnxport
