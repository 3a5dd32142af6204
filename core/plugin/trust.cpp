#include "core/plugin/trust.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "onnxport/version.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

// Whoever owns the code that is running already chooses it.
uid_t owner_of_onnxport() {
  static const uid_t owner = [] {
    Dl_info info{};
    struct stat status {};
    const bool known = dladdr(reinterpret_cast<const void*>(&version), &info) != 0 &&
                       info.dli_fname != nullptr && stat(info.dli_fname, &status) == 0;
    return known ? status.st_uid : 0;
  }();
  return owner;
}

bool is_below(const fs::path& file, const fs::path& folder) {
  const auto [in_folder, in_file] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return in_folder == folder.end() && in_file != file.end();
}

}  // namespace

Trust Trust::of_process() {
  Trust out;
  out.owners_ = {0, geteuid(), owner_of_onnxport(), 0};
  return out;
}

Trust Trust::with_owner_of(const fs::path& named) const {
  Trust out = *this;
  struct stat status {};
  if (stat(named.c_str(), &status) == 0) out.owners_.back() = status.st_uid;
  return out;
}

std::string Trust::why_not(const fs::path& file) const {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return "";
  // A sticky folder (/tmp) does not let others replace files that are not theirs, but lets them add some.
  if ((status.st_mode & S_IWOTH) != 0) return "writable by everybody (chmod o-w " + file.string() + ")";
  if (std::find(owners_.begin(), owners_.end(), status.st_uid) != owners_.end()) return "";
  return "it belongs to the user " + std::to_string(status.st_uid) +
         ", who is neither you, nor root, nor the owner of onnxport (chown it, or name it with --plugin or "
         "--plugin-path)";
}

std::string Trust::why_not_library(const fs::path& library, const fs::path& manifest) const {
  std::error_code error;
  const fs::path real = fs::canonical(library, error);
  if (error) return "";
  fs::path home = fs::canonical(manifest.parent_path().empty() ? "." : manifest.parent_path(), error);
  if (!is_below(real, home)) home = fs::canonical(manifest, error).parent_path();
  if (!is_below(real, home)) return "it is a link that leaves the manifest's folder, to " + real.string();
  for (fs::path at = real; at != home; at = at.parent_path()) {
    if (std::string why = why_not(at); !why.empty()) return why;
  }
  return "";
}

std::string why_no_file(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return lstat(file.c_str(), &status) == 0 ? "a link to nothing" : "";
  if (S_ISDIR(status.st_mode)) return "a folder";
  if (S_ISFIFO(status.st_mode)) return "a named pipe";
  if (S_ISSOCK(status.st_mode)) return "a socket";
  return S_ISREG(status.st_mode) ? "" : "a device";
}

}  // namespace onnxport
