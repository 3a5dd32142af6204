// Running a command of this program in a process of its own, so that what a plugin does to it ends there.
#pragma once

#include <string>
#include <vector>

#include "core/cli/commands.h"

namespace onnxport::cli {

// Runs the program with these words and waits. Its output and messages go where ours go. Returns its exit status. Throws Error
// L216 when it was ended by a signal, ended without having come to its end (a plugin called exit), or took longer than that many
// seconds (0: any time); it is killed then, and with us.
int run_in_child(const std::vector<std::string>& words, int seconds);

// To be called when a process starts, and when it has come to its end: how its parent knows.
void remember_parent();
void tell_parent_of_the_end();

}  // namespace onnxport::cli
