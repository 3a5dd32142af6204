#include "onnxport/plugin_check.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <set>

#include "core/author/example_call.h"
#include "core/author/library_facts.h"
#include "core/author/library_trials.h"
#include "core/author/other_hosts.h"
#include "core/host/host.h"
#include "core/host/host_calls.h"
#include "core/ir/schema_table.h"
#include "core/legalize/legalize.h"
#include "core/plugin/plugin_set.h"
#include "core/plugin/registry.h"
#include "core/translate/translate.h"

namespace onnxport {
namespace {

constexpr std::string_view kEntry = "onnxport_plugin_query";

// What of libraries would bring a second copy of what is in the process already, or much more than a plugin needs.
constexpr std::string_view kForbidden[] = {"libtorch", "libc10", "libprotobuf", "libonnx", "libonnxport"};

// Codes by which an example turns out to be none for the operator: no fault of the plugin.
bool is_refusal(std::string_view code) {
  for (const std::string_view refusal : {"T501", "T502", "T503", "T510", "T513", "O6"}) {
    if (code.starts_with(refusal)) return true;
  }
  return false;
}

std::optional<ir::Schema> schema_of(const PluginSet& plugins, const std::string& op,
                                    const ManifestMapping* mapping = nullptr) {
  if (mapping != nullptr && mapping->schema) return mapping->schema;
  for (const auto& active : plugins.active()) {
    for (const Manifest::GivenSchema& given : active->manifest().schemas) {
      if (without_default(given.schema.qualified_name()) == without_default(op)) return given.schema;
    }
    for (const ManifestMapping& other : active->manifest().mappings) {
      if (other.schema && without_default(other.torch_op) == without_default(op)) return other.schema;
    }
  }
  return find_aten_schema(op);
}

// The torch graph of a call that somebody wrote.
std::unique_ptr<ir::Graph> called(const PluginSet& plugins, const std::string& text) {
  const WrittenCall call = WrittenCall::parse(text);
  const auto schema = schema_of(plugins, call.op);
  if (!schema)
    throw Error("T552", "nobody gives the schema of " + call.op, {},
                "add it to the manifest: provides: schemas: [\"" + call.op + "(Tensor x) -> Tensor\"]");
  return written_call(*schema, call.by_name(*schema));
}

std::unique_ptr<ir::Graph> translated(const Registry& registry, const ir::Graph& graph, int version) {
  Registry own = registry.for_export();
  TranslateOptions options;
  options.target_opset = version;
  Translated made = translate(graph, own, options);
  std::vector<Diagnostic> notes;
  legalize(*made.graph, version, own, notes);
  return std::move(made.graph);
}

std::string exported(const Registry& registry, const ir::Graph& graph, int version) {
  return ir::print(*translated(registry, graph, version));
}

class Check {
 public:
  Check(const std::filesystem::path& manifest, PluginOptions options, const std::vector<std::string>& calls)
      : options_(std::move(options)), calls_(calls) {
    options_.files.insert(options_.files.begin(), manifest);
  }

  PluginCheck run() {
    attempt("the manifest", [&] {
      set_ = std::make_unique<PluginSet>(options_, plugin_host(), Environment::of_process());
      entry_ = set_->active().empty() ? nullptr : set_->active().front().get();
      if (entry_ == nullptr || entry_->tier() != "explicit")
        throw Error("C405", "the plugin is disabled", {}, "name it alone");
    });
    if (entry_ == nullptr) return std::move(out_);
    out_.id = entry_->id();
    out_.version = entry_->manifest().version;
    if (!entry_->manifest().libraries.empty()) check_library();
    if (!has_errors()) check_passes_and_opsets();
    if (!has_errors()) check_mappings();
    return std::move(out_);
  }

 private:
  bool has_errors() const {
    return std::any_of(out_.findings.begin(), out_.findings.end(),
                       [](const Diagnostic& d) { return d.severity == Severity::error; });
  }

  void add(std::string what, std::string result) {
    out_.trials.push_back({std::move(what), std::move(result)});
  }

  void find(Diagnostic finding) {
    const auto same = [&](const Diagnostic& d) {
      return d.code == finding.code && d.message == finding.message;
    };
    if (std::none_of(out_.findings.begin(), out_.findings.end(), same))
      out_.findings.push_back(std::move(finding));
  }

  // False, and a finding for each thing that is wrong, when it throws.
  bool attempt(const std::string& what, const std::function<void()>& work) {
    try {
      work();
      add(what, "ok");
      return true;
    } catch (const Error& error) {
      add(what, error.diagnostics().front().code);
      for (const Diagnostic& d : error.diagnostics()) find(d);
      return false;
    }
  }

  Location place() const {
    Location out;
    out.file = entry_->manifest().file.string();
    return out;
  }

  // ---- the library ----

  void check_library() {
    if (!attempt("the library's file", [&] { PluginLibrary::check(entry_->manifest()); })) return;
    check_symbols();
    if (!attempt("opening the library", [&] { (void)entry_->library(); })) return;
    LibraryTrials tried;
    if (!attempt("a copy of the plugin", [&] { tried = try_library(entry_->manifest()); })) return;
    for (PluginTrial& trial : tried.trials) out_.trials.push_back(std::move(trial));
    for (Diagnostic& finding : tried.findings) find(std::move(finding));
    attempt("what the manifest promises", [&] {
      std::string missing;
      for (const std::string& op : entry_->unkept_promises()) missing += (missing.empty() ? "" : ", ") + op;
      if (!missing.empty()) {
        throw Error("M116", "the manifest lists what the library does not register: " + missing, place(),
                    "remove it from provides.ops, or register it");
      }
    });
  }

  void check_symbols() {
    const auto library = entry_->manifest().libraries.find(current_platform());
    const LibraryFacts facts = library_facts(library->second.path);
    std::string others;
    for (const std::string& name : facts.exports) {
      if (name != kEntry) others += (others.empty() ? "" : ", ") + name;
    }
    add("the library's exports", others.empty() ? "ok" : "L214");
    if (!others.empty()) {
      if (others.size() > 300) others = others.substr(0, 300) + " …";
      find({Severity::warning, "L214", "the library shows more than " + std::string(kEntry) + ": " + others,
            place(),
            "compile with -fvisibility=hidden -fvisibility-inlines-hidden: what two plugins both show, the "
            "loader takes for one"});
    }
    std::string needed;
    for (const std::string& name : facts.needed) {
      if (std::any_of(std::begin(kForbidden), std::end(kForbidden),
                      [&, n = &name](std::string_view f) { return n->starts_with(f); }))
        needed += (needed.empty() ? "" : ", ") + name;
    }
    add("what the library needs", needed.empty() ? "ok" : "L215");
    if (!needed.empty()) {
      find({Severity::error, "L215", "the library is linked with " + needed, place(),
            "the SDK needs no library: link with none of these, a second copy of them ends the process"});
    }
  }

  // ---- what it offers ----

  void check_passes_and_opsets() {
    const Manifest& m = entry_->manifest();
    for (const ManifestPass& pass : m.passes)
      attempt("pass " + pass.name, [&] { (void)entry_->open_pass(pass); });
    for (const int version : m.opsets)
      attempt("opset " + std::to_string(version), [&] { (void)entry_->find_opset("", version); });
    for (const auto& [domain, versions] : m.domain_opsets) {
      for (const int version : versions)
        attempt("opset " + std::to_string(version) + " of " + domain,
                [&, d = &domain] { (void)entry_->find_opset(*d, version); });
    }
  }

  void check_mappings() {
    // The plugin comes first for what it maps, as its user will have it.
    options_.prefer.insert(options_.prefer.begin(), entry_->id());
    const Registry registry(options_, plugin_host());
    opsets_ = registry.available_opsets();
    if (opsets_.empty()) return add("mappings", "not tried: no opset plugin was found");
    for (const ManifestMapping& mapping : entry_->manifest().mappings)
      check_mapping(registry, mapping.torch_op, &mapping, mapping.min_opset, mapping.max_opset);
    for (const std::string& op : entry_->manifest().ops) check_mapping(registry, op, nullptr, 0, 0);
    for (const std::string& call : calls_) {
      for (const int version : {opsets_.front(), opsets_.back()}) check_call(registry, call, version);
    }
    if (!entry_->manifest().libraries.empty() && !has_errors()) check_in_other_hosts();
  }

  // One that its author wrote down: it has to be mapped.
  void check_call(const Registry& registry, const std::string& text, int version) {
    const std::string what = "call " + text + " at opset " + std::to_string(version);
    std::unique_ptr<ir::Graph> call;
    std::string graph;
    const bool good = attempt(what, [&] {
      call = called(*set_, text);
      graph = exported(registry, *call, version);
    });
    if (!good) return;
    const std::string op = WrittenCall::parse(text).op;
    if (!entry_->manifest().libraries.empty()) check_failing_calls(registry, *call, op, version);
    made_.push_back({op, std::move(call), version, std::move(graph)});
  }

  // What the mappings made here they make in a host of another release.
  void check_in_other_hosts() {
    for (const HostRelease release : {HostRelease::oldest, HostRelease::newest}) {
      const std::string where = std::string(name_of(release));
      attempt("the mappings in " + where, [&] {
        const PluginCopy copy(entry_->manifest());
        PluginOptions options = options_;
        options.files.front() = copy.manifest();
        const Registry registry(options, host_of(release));
        for (const Made& made : made_) {
          const std::string again = exported(registry, *made.call, made.version);
          if (again == made.graph) continue;
          throw Error("L232", "the mapping of " + made.op + " gives another graph in " + where, place(),
                      "read a table of the host as far as its struct_size reaches, and nothing else of it");
        }
      });
    }
  }

  void check_mapping(const Registry& registry, const std::string& op, const ManifestMapping* mapping, int min,
                     int max) {
    const auto schema = schema_of(*set_, op, mapping);
    if (!schema) return add(op, "not tried: nobody gives its schema (provides: schemas)");
    std::set<int> ends;
    for (const int version : opsets_) {
      if ((min != 0 && version < min) || (max != 0 && version > max)) continue;
      ends.insert(version);
      if (ends.size() > 2) ends.erase(std::next(ends.begin()));  // the lowest and the highest
    }
    if (ends.empty()) {
      find({Severity::warning, "O605", "no opset that is offered is in the range of the mapping of " + op,
            mapping == nullptr ? place() : mapping->place, "onnxport plugin list shows the opsets"});
      return add(op, "O605");
    }
    for (const int version : ends) check_at(registry, *schema, op, version);
  }

  // With the first examples that it takes.
  void check_at(const Registry& registry, const ir::Schema& schema, const std::string& op, int version) {
    const std::string what = op + " at opset " + std::to_string(version);
    std::string reason;
    for (const ExampleTensors& tensors : example_tensors()) {
      auto graph = example_call(schema, tensors, reason);
      if (graph == nullptr) return add(what, "not tried: " + reason);
      try {
        const std::string first = exported(registry, *graph, version);
        if (exported(registry, *graph, version) != first) {
          find({Severity::error, "T518",
                "the mapping of " + op + " gives another graph when it is asked again", place(),
                "a mapping is a pure function: what it gives depends on its arguments alone"});
          return add(what, "T518");
        }
        add(what, "ok, with " + tensors.type);
        if (!entry_->manifest().libraries.empty()) check_failing_calls(registry, *graph, op, version);
        made_.push_back({op, std::move(graph), version, first});
        return;
      } catch (const Error& error) {
        const Diagnostic& d = error.diagnostics().front();
        if (!is_refusal(d.code)) {
          for (const Diagnostic& each : error.diagnostics()) find(each);
          return add(what, d.code);
        }
        if (reason.empty()) reason = d.message;
      } catch (const std::exception& error) {  // of libtorch, where it decomposes what the mapping declines
        if (reason.empty()) reason = error.what();
      }
    }
    add(what, "takes none of the examples: " + reason);
  }

  // Each call that the mapping makes of the host fails once: first those by which it sees that, then, of all of them, as
  // many as are soon done. The export then ends with what that call said, whatever the plugin does; and the plugin neither
  // throws nor, where it saw it, says that all is well.
  void check_failing_calls(const Registry& registry, const ir::Graph& graph, const std::string& op,
                           int version) {
    const std::string what = op + " when a call of the host fails";
    std::string tried;
    for (const HostCalls::Which which : {HostCalls::Which::telling, HostCalls::Which::all}) {
      const size_t count = count_calls(registry, graph, version, which);
      const size_t step = which == HostCalls::Which::all ? count / kReadersTried + 1 : 1;
      std::string wrong;
      for (size_t n = 1; n <= count && wrong.empty(); n += step) {
        wrong = failing_call(registry, graph, op, version, n, which);
      }
      if (!wrong.empty()) {
        find({Severity::error, "T551", "the mapping of " + op + " " + wrong, place(),
              "hand on the status of a host call that fails, and let no exception leave the plugin"});
        return add(what, "T551");
      }
      if (which == HostCalls::Which::telling) tried = "ok, each of " + std::to_string(count);
    }
    add(what, tried);
  }

  size_t count_calls(const Registry& registry, const ir::Graph& graph, int version, HostCalls::Which which) {
    const HostCalls calls(entry_->id(), 0, which);
    (void)exported(registry, graph, version);
    return calls.count();
  }

  // What is wrong where call `n` fails; empty: nothing.
  std::string failing_call(const Registry& registry, const ir::Graph& graph, const std::string& op,
                           int version, size_t n, HostCalls::Which which) {
    const HostCalls calls(entry_->id(), n, which);
    const std::string call = "call " + std::to_string(n) + " of the host";
    std::string wrong;
    try {
      (void)exported(registry, graph, version);
      wrong = "is exported although " + call + " failed";
    } catch (const Error& error) {
      const std::string& code = error.diagnostics().front().code;
      if (code != kFailedOnPurpose) wrong = "ends with " + code + " where " + call + " failed";
    }
    if (calls.exception_left()) return "throws an exception out of the plugin where " + call + " failed";
    if (calls.went_on() && wrong.empty() && which == HostCalls::Which::telling) warn_of_going_on(op, call);
    return wrong;
  }

  void warn_of_going_on(const std::string& op, const std::string& which) {
    find({Severity::warning, "T551",
          "the mapping of " + op + " says that all is well although " + which + " failed", place(),
          "return ONNXPORT_FAILED then: the user reads what the host said either way"});
  }

  static constexpr size_t kReadersTried = 40;

  PluginOptions options_;
  const std::vector<std::string>& calls_;
  PluginCheck out_;
  std::unique_ptr<PluginSet> set_;
  PluginEntry* entry_ = nullptr;
  std::vector<int> opsets_;
  // What was made of the examples that were taken.
  struct Made {
    std::string op;
    std::unique_ptr<ir::Graph> call;
    int version = 0;
    std::string graph;
  };
  std::vector<Made> made_;
};

}  // namespace

PluginCheck check_plugin(const std::filesystem::path& manifest, const PluginOptions& options,
                         const std::vector<std::string>& calls) {
  return Check(manifest, options, calls).run();
}

MappedCall map_call(const std::filesystem::path& manifest, const std::string& call, int opset,
                    const PluginOptions& options) {
  PluginOptions chosen = options;
  chosen.files.insert(chosen.files.begin(), manifest);
  const PluginSet plugins(chosen, plugin_host(), Environment::of_process());
  if (!plugins.active().empty()) chosen.prefer.insert(chosen.prefer.begin(), plugins.active().front()->id());
  const Registry registry(chosen, plugin_host());
  const auto graph = translated(registry, *called(plugins, call), opset);
  MappedCall out;
  out.graph = ir::print(*graph);
  ir::for_each_node(graph->body(), [&](ir::Node* node) { out.operators.emplace_back(node->op_text()); });
  return out;
}

}  // namespace onnxport
