#pragma once

#include <string>
#include <string_view>

namespace onnxport {

/// The version of the library that is loaded, "major.minor.patch".
__attribute__((visibility("default"))) const char* version() noexcept;

/// Where a page of the manual is, for messages: of an installed onnxport its file ("…/share/doc/onnxport/plugins.md"), else its
/// place in the sources ("docs/plugins.md").
__attribute__((visibility("default"))) std::string manual_page(std::string_view name);

}  // namespace onnxport
