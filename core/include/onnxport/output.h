// Files that are written: what is asked of them before work starts, and what becomes of them when it ends early.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "onnxport/session.h"

namespace onnxport {

#pragma GCC visibility push(default)

// Whether the target can be written to `file`: it has a name, its folder exists and can be written to, it is no folder, no
// link that leads nowhere and not the model itself, and what is there may be replaced; likewise FILE.data, where weights may go
// there, and the test case of VerifyOptions::write_case. Throws Error S705, S709. Program::write() asks the same before it
// starts; who writes several files asks for all of them first.
void check_output(const std::filesystem::path& file, const Target& target, const Source& source);
// The same of a file of text beside them, such as a report.
void check_report(const std::filesystem::path& file, bool overwrite, const Source& source);
// That no two files, or the data beside them, are one, under whatever names. Throws Error I112.
void check_apart(std::span<const std::filesystem::path> files);

// Writes a text whole or not at all; a file that is replaced keeps its mode. Throws Error S705.
void write_report(const std::filesystem::path& file, std::string_view text);

// Removes what is half written by any thread of the process. For a signal's handler: it allocates nothing and takes no lock.
void remove_unfinished_files() noexcept;

#pragma GCC visibility pop

}  // namespace onnxport
