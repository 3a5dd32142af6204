// Who took the process down.
#pragma once

namespace onnxport {

// Handles SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGINT and SIGXCPU from now on: a signal that comes while
// a plugin runs leaves a line on stderr that names the plugin, its version and the operator; then what handled the
// signal before goes on with it. The program `onnxport` calls it; an application that uses the library may. Call it
// once, early, from one thread.
void install_crash_reports();

// For a program that learns that its process is being ended before its work is done (a handler of exit, a function _exit of
// its own): where a plugin runs, in this thread or another one, a line on stderr names it, and the status of an error is
// returned; else `status`.
int report_early_end(int status);

}  // namespace onnxport
