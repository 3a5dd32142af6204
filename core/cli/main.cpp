// The onnxport program: a thin user of the public API.
#include <fcntl.h>
#include <fmt/core.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <system_error>

#include "core/cli/child.h"
#include "core/cli/commands.h"
#include "core/cli/early_end.h"
#include "core/cli/terminal.h"
#include "onnxport/crash_reports.h"
#include "onnxport/output.h"
#include "onnxport/version.h"

namespace {

int fail(const onnxport::Error& error, const onnxport::cli::Common& common) {
  if (common.json) {
    fmt::print("{{\"diagnostics\": {}}}\n", onnxport::to_json(error.diagnostics()));
  } else {
    onnxport::cli::print_diagnostics(error.diagnostics(), common.verbose);
  }
  for (const onnxport::Diagnostic& d : error.diagnostics()) {
    if (d.severity == onnxport::Severity::error) return onnxport::exit_status(d.code);
  }
  return 1;
}

// What was given back on the way here mostly is enough for words; where it is not, the words are there already.
int fail_without_memory(const onnxport::cli::Common& common) {
  try {
    return fail(onnxport::Error(
                    "I129", "the process gets no more memory", {},
                    "free some, or lift its limit (ulimit -v); --isolate names a plugin that takes it all"),
                common);
  } catch (const std::bad_alloc&) {
    std::fputs("onnxport: error I129: the process gets no more memory\n", stderr);
    return onnxport::exit_status("I129");
  }
}

int cannot_print() {
  std::fputs(
      "onnxport: error: standard output cannot be written\n  -> is its disk full, or its reader gone?\n",
      stderr);
  return 1;
}

int defect(const std::exception& e) {
  onnxport::cli::say(fmt::format(
      "onnxport: error: {}\n  -> this is a defect of onnxport: please report it with the model\n", e.what()));
  return 1;
}

int run(int argc, char** argv) {
  using namespace onnxport::cli;
  CLI::App app{
      "onnxport turns PyTorch models into ONNX, and ONNX files into other opsets, from C++, through plugins.",
      "onnxport"};
  Common common;
  common.words.assign(argv, argv + argc);
  app.set_version_flag("--version", fmt::format("onnxport {}", onnxport::version()));
  app.add_flag("--json", common.json, "Answer in JSON, on standard output");
  app.add_flag("-v,--verbose", common.verbose,
               "Show notes: which candidates were tried, what was split, how long stages took");
  app.add_flag("-q,--quiet", common.quiet, "Say nothing but warnings and errors");
  app.require_subcommand(1);
  app.fallthrough();

  std::vector<std::pair<CLI::App*, Command>> commands;
  commands.push_back(add_export(app, common));
  commands.push_back(add_convert(app, common));
  commands.push_back(add_verify(app, common));
  commands.push_back(add_show(app, common));
  for (auto& c : add_config(app, common)) commands.push_back(std::move(c));
  for (auto& c : add_plugin(app, common)) commands.push_back(std::move(c));
  for (CLI::App* c : app.get_subcommands({})) {
    c->fallthrough();
    for (CLI::App* inner : c->get_subcommands({})) inner->fallthrough();
  }
  app.footer(
      "onnxport COMMAND --help says more. Exit status: 0 done, 1 usage, 10 manifest, 11 library, 12 ABI,\n"
      "13 conflict, 14 translate, 15 opset, 16 serialise, 17 verify, 18 input, 19 profile, 20 module.");
  try {
    app.parse(argc, argv);
    for (auto& [command, action] : commands) {
      if (command->parsed()) return action();
    }
    return 1;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 1;
  } catch (const onnxport::Error& e) {
    return fail(e, common);
  } catch (const std::bad_alloc&) {
    return fail_without_memory(common);
  } catch (const std::system_error& e) {
    if (std::ferror(stdout) != 0) return cannot_print();  // what fmt::print throws then
    return defect(e);
  } catch (const std::exception& e) {
    return defect(e);
  }
}

// Where libtorch is in the process, taking its thousands of registered operators down costs a quarter of what
// an export takes, for memory that goes with the process anyway. Everything of ours is closed and gone by
// now, and what stdio still holds is written here. A leak checker works when a process ends in order.
int leave(int status) {
  if (std::fflush(nullptr) != 0 && status == 0) status = cannot_print();
  onnxport::cli::tell_parent_of_the_end();
  onnxport::cli::this_is_the_end();
#if !defined(__SANITIZE_ADDRESS__)
  std::_Exit(status);
#else
  return status;
#endif
}

// Told to end: takes away what is half written, then ends as the signal says.
void end_early(int signal) {
  onnxport::remove_unfinished_files();
  std::signal(signal, SIG_DFL);
  (void)std::raise(signal);
}

void prepare_process() {
  onnxport::cli::remember_parent();
  // A file that is opened must not get the number that messages are written to.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", O_RDWR);
  }
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (std::signal(signal, end_early) == SIG_IGN) std::signal(signal, SIG_IGN);  // as nohup wants it
  }
  // A file over the limit is an error of writing, with its code, like a full disk; not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  // What a plugin does to the process is told by its name; then what handles the signal above goes on.
  onnxport::install_crash_reports();
  onnxport::cli::watch_for_an_early_end();
#ifdef __GLIBC__
  // Where glibc allocates (a build without tcmalloc): else each large allocation sweeps what libtorch's
  // graphs left behind, the more the larger they are.
  mallopt(M_MXFAST, 0);
#endif
  return leave(run(argc, argv));
}
