// Whose files may choose the code that runs: the one policy for manifests, libraries and the folders they are in.
#pragma once

#include <sys/types.h>

#include <array>
#include <filesystem>
#include <string>

namespace onnxport {

// A file or folder is trusted when nobody can change it but root, the user of this process, whoever installed
// onnxport, and the owner of what the user named. So nothing that everybody may write, and nothing that
// belongs to anybody else.
class Trust {
 public:
  // For what is found in the environment's, the user's, the system's and the built-in folders.
  static Trust of_process();
  // For a manifest or a folder that the user named: its owner is trusted too.
  Trust with_owner_of(const std::filesystem::path& named) const;

  // "writable by everybody (chmod o-w FILE)", "belongs to the user 1007, …"; empty when it is trusted, or is
  // not there. Links are followed.
  std::string why_not(const std::filesystem::path& file) const;
  // The same for the library of a manifest and each folder between the two. Links must not lead out of the
  // manifest's folder (its own, or that of the file which the manifest is a link to).
  std::string why_not_library(const std::filesystem::path& library,
                              const std::filesystem::path& manifest) const;

 private:
  std::array<uid_t, 4> owners_{};  // those that are not set are root
};

// "a folder", "a named pipe", "a socket", "a device", "a link to nothing"; empty for a regular file, and for
// what is not there. Never opens it: a pipe would wait for its writer.
std::string why_no_file(const std::filesystem::path& file);

}  // namespace onnxport
