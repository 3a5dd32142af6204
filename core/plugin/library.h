// Opening a plugin's shared library, safely: whatever is wrong with the file is an error before it is a crash.
#pragma once

#include <filesystem>
#include <string>

#include "core/plugin/manifest.h"
#include "onnxport/abi.h"

namespace onnxport {

// Checks the file (ELF extents, sha256 when the manifest gives one), opens it (bound now, local), asks it for its
// plugin table and checks id, version, ABI and sizes against the manifest. The library stays open for the life of the
// process. Throws Error L201…L207, A301…A304.
const onnxport_plugin* open_library(const Manifest& manifest);

// Throws Error L202 unless the file is an ELF shared library as long as its headers say (a truncated one would kill
// the process inside dlopen).
void check_elf_extents(const std::filesystem::path& file);
std::string sha256_of(const std::filesystem::path& file);

}  // namespace onnxport
