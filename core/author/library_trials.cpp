#include "core/author/library_trials.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include "core/author/other_hosts.h"
#include "core/errors/breadcrumb.h"
#include "core/host/host.h"
#include "core/plugin/library.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

constexpr int kThreads = 8;
constexpr int kTimesOpened = 100;
constexpr int64_t kSlowQuery = 5'000'000;  // nanoseconds
constexpr std::string_view kTables[] = {"onnxport.mapping/1", "onnxport.opset/1", "onnxport.pass/1",
                                        "onnxport.infer/1", "com.example.unknown/1"};

struct Closer {
  void operator()(void* library) const { dlclose(library); }
};
using Handle = std::unique_ptr<void, Closer>;

// What a query answers, that two answers must have in common.
struct Answer {
  const onnxport_plugin* plugin = nullptr;
  std::vector<const void*> tables;
  bool operator==(const Answer&) const = default;
};

class Trials {
 public:
  explicit Trials(const Manifest& manifest) : manifest_(manifest) { place_.file = manifest.file.string(); }

  LibraryTrials run() {
    const Breadcrumb crumb(manifest_.id, manifest_.version, "while its library is tried", "L231");
    attempt("the query answers the same each time and in each thread", "L231", [&] { ask_often(); });
    attempt("the library opened and closed a hundred times", "L231", [&] { open_often(); });
    for (const HostRelease release : {HostRelease::oldest, HostRelease::newest, HostRelease::without_tables})
      attempt("the query in " + std::string(name_of(release)), "L232", [&] { ask_in(release); });
    attempt("the minor that it needs, in each host", "L232", [&] { check_minor(); });
    return std::move(out_);
  }

 private:
  struct Wrong {
    std::string message, hint;
  };

  template <typename Work>
  void attempt(const std::string& what, std::string_view code, Work work) {
    try {
      work();
      out_.trials.push_back({what, "ok"});
    } catch (const Wrong& wrong) {
      fail(what, code, wrong);
    } catch (const std::exception& e) {
      fail(what, code,
           {std::string("an exception left the query: ") + e.what(), "no exception may leave a plugin"});
    } catch (...) {
      fail(what, code, {"an exception left the query", "no exception may leave a plugin"});
    }
  }
  void fail(const std::string& what, std::string_view code, const Wrong& wrong) {
    out_.trials.push_back({what, std::string(code)});
    out_.findings.push_back({Severity::error, std::string(code), wrong.message, place_, wrong.hint});
  }

  static Handle open(const fs::path& file) {
    Handle library(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (library == nullptr) throw Wrong{"it cannot be opened again: " + std::string(dlerror()), ""};
    return library;
  }
  static onnxport_plugin_query_fn query_of(const Handle& library) {
    const auto query =
        reinterpret_cast<onnxport_plugin_query_fn>(dlsym(library.get(), ONNXPORT_QUERY_SYMBOL));
    if (query == nullptr) throw Wrong{"the entry symbol is gone", ""};
    return query;
  }
  static Answer ask(onnxport_plugin_query_fn query, const onnxport_host* host) {
    Answer out;
    out.plugin = query(host);
    if (out.plugin == nullptr || out.plugin->struct_size < ONNXPORT_PLUGIN_1_0_SIZE) return out;
    for (const std::string_view table : kTables)
      out.tables.push_back(out.plugin->get_interface(out.plugin, {table.data(), table.size()}));
    return out;
  }

  // It does no work and gives static data: the same, whoever asks, from threads that all ask first.
  void ask_often() {
    const PluginCopy copy(manifest_);
    const Handle library = open(copy.library());
    const onnxport_plugin_query_fn query = query_of(library);
    std::vector<Answer> answers(kThreads);
    std::vector<std::string> thrown(kThreads);
    std::atomic<bool> start = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, at = static_cast<size_t>(i)] {
        while (!start) std::this_thread::yield();
        try {
          answers[at] = ask(query, plugin_host());
        } catch (...) {
          thrown[at] = "an exception left the query in one of several threads";
        }
      });
    }
    start = true;
    for (std::thread& thread : threads) thread.join();
    for (const std::string& words : thrown) {
      if (!words.empty()) throw Wrong{words, "no exception may leave a plugin"};
    }
    int64_t fastest = INT64_MAX;
    for (int i = 0; i < kThreads; ++i) {
      const int64_t before = cpu_time();
      answers.push_back(ask(query, plugin_host()));
      fastest = std::min(fastest, cpu_time() - before);
    }
    for (const Answer& answer : answers) {
      if (answer != answers.front())
        throw Wrong{"its query gives another answer each time, or in each thread",
                    "return static data: the query may be asked more than once, and from any thread"};
    }
    if (!answers.front().tables.empty() && answers.front().tables.back() != nullptr)
      throw Wrong{"it has a table for every id, those it cannot know too",
                  "get_interface gives null for an id that is unknown"};
    if (fastest > kSlowQuery) {
      out_.findings.push_back(
          {Severity::warning, "L231", "its query takes more than 5 ms of a processor each time", place_,
           "the query does no work: what takes time belongs into the first call of a mapping"});
    }
  }

  static int64_t cpu_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }

  // What a leak checker sees at the end of the process is what opening and closing leaves behind.
  void open_often() {
    const PluginCopy copy(manifest_);
    for (int i = 0; i < kTimesOpened; ++i) {
      const Handle library = open(copy.library());
      if (ask(query_of(library), plugin_host()).plugin == nullptr)
        throw Wrong{"its query gives nothing when the library is opened for time " + std::to_string(i + 1),
                    "what a library sets up when it is opened it sets up each time"};
    }
  }

  // The minor that the plugin says it needs.
  int needed_minor() {
    if (needed_) return *needed_;
    const PluginCopy copy(manifest_);
    const Handle library = open(copy.library());
    const onnxport_plugin* plugin = query_of(library)(plugin_host());
    needed_ = plugin == nullptr ? 0 : plugin->min_abi_minor;
    return *needed_;
  }

  void ask_in(HostRelease release) {
    const PluginCopy copy(manifest_);
    const Handle library = open(copy.library());
    const onnxport_host* host = host_of(release);
    const Answer answer = ask(query_of(library), host);
    if (answer.plugin == nullptr) {
      // A plugin refuses a host that is too old for it, or that lacks what it needs.
      if (release == HostRelease::without_tables || host->abi_minor < needed_minor()) return;
      throw Wrong{"its query gives nothing in " + std::string(name_of(release)),
                  "say the lowest minor that suffices in min_abi_minor, and read a table as far as its "
                  "struct_size reaches"};
    }
    check_answer(*answer.plugin, release);
  }

  void check_answer(const onnxport_plugin& plugin, HostRelease release) {
    const std::string where = " in " + std::string(name_of(release));
    if (plugin.struct_size < ONNXPORT_PLUGIN_1_0_SIZE || plugin.abi_major != ONNXPORT_ABI_MAJOR)
      throw Wrong{"its description is another one" + where,
                  "say the ABI that the plugin was built for, whoever asks"};
    const auto text = [](onnxport_str s) { return std::string_view(s.data, s.size); };
    if (text(plugin.id) != manifest_.id || text(plugin.version) != manifest_.version)
      throw Wrong{"it says another id or version" + where, "a plugin is the same in every host"};
    try {
      (void)read_tables(plugin);
    } catch (const TableError& e) {
      throw Wrong{e.what() + where, "give whole tables, or null from the query"};
    }
  }

  // Which minor it needs is the same whoever asks: a host that is too old refuses it by that (A301).
  void check_minor() {
    for (const HostRelease release : {HostRelease::oldest, HostRelease::newest}) {
      const PluginCopy copy(manifest_);
      const Handle library = open(copy.library());
      const onnxport_plugin* plugin = query_of(library)(host_of(release));
      if (plugin != nullptr && plugin->min_abi_minor != needed_minor())
        throw Wrong{"it needs ABI minor " + std::to_string(plugin->min_abi_minor) + " in " +
                        std::string(name_of(release)) + " and " + std::to_string(needed_minor()) +
                        " in this one",
                    "min_abi_minor is the lowest host that suffices: a host that is older refuses the plugin "
                    "by it (A301)"};
    }
  }

  const Manifest& manifest_;
  Location place_;
  LibraryTrials out_;
  std::optional<int> needed_;
};

}  // namespace

PluginCopy::PluginCopy(const Manifest& manifest) {
  std::string folder = (fs::temp_directory_path() / "onnxport-check-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr)
    throw Error("L231", "no folder can be made in " + fs::temp_directory_path().string(), {}, "set TMPDIR");
  folder_ = folder;
  manifest_ = folder_ / manifest.file.filename();
  try {
    copy_files(manifest);
  } catch (const fs::filesystem_error& e) {
    throw Error("L231", std::string("the plugin cannot be copied: ") + e.what(), {}, "set TMPDIR");
  }
}

void PluginCopy::copy_files(const Manifest& manifest) {
  fs::copy_file(manifest.file, manifest_);
  const auto library = manifest.libraries.find(current_platform());
  if (library == manifest.libraries.end()) return;
  const fs::path source = fs::absolute(library->second.path);
  library_ = folder_ / source.lexically_relative(fs::absolute(manifest.file).parent_path());
  fs::create_directories(library_.parent_path());
  fs::copy_file(source, library_);
  // What it finds beside itself it finds there too.
  for (const auto& beside : fs::directory_iterator(source.parent_path())) {
    std::error_code taken;  // by the library, or by the manifest
    fs::create_symlink(beside.path(), library_.parent_path() / beside.path().filename(), taken);
  }
}

PluginCopy::~PluginCopy() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

LibraryTrials try_library(const Manifest& manifest) { return Trials(manifest).run(); }

}  // namespace onnxport
