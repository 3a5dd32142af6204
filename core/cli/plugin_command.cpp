// onnxport plugin list, plugin inspect, plugin which, plugin check, plugin new.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "core/cli/arguments.h"
#include "core/cli/child.h"
#include "core/cli/commands.h"
#include "core/cli/terminal.h"
#include "onnxport/plugin_check.h"
#include "onnxport/plugin_new.h"
#include "onnxport/version.h"

namespace onnxport::cli {
namespace {

std::string offers_of(const PluginInfo& p) {
  std::vector<std::string> offers;
  if (p.mappings != 0) offers.push_back(fmt::format("{} operator{}", p.mappings, p.mappings == 1 ? "" : "s"));
  for (int v : p.opsets) offers.push_back(fmt::format("opset {}", v));
  for (const std::string& name : p.passes) offers.push_back("pass " + name);
  std::string out;
  for (const std::string& offer : offers) out += (out.empty() ? "" : ", ") + offer;
  return out;
}

void print_listing(const PluginListing& listing) {
  std::vector<std::vector<std::string>> rows = {{"PLUGIN", "VERSION", "TIER", "STATE", "OFFERS", "MANIFEST"}};
  std::string reasons;
  for (const PluginInfo& p : listing.plugins) {
    const std::string state = p.locked ? p.state + ", locked" : p.state;
    rows.push_back({p.id, p.version, p.tier, p.code.empty() ? state : state + " " + p.code, offers_of(p),
                    p.manifest.string()});
    if (p.reason.empty()) continue;
    reasons +=
        p.code.empty() ? fmt::format("{}: {} {}\n", p.manifest.string(), p.state, p.reason) : p.reason + "\n";
  }
  fmt::print("{}", table(rows));
  std::vector<std::vector<std::string>> folders = {{"FOLDER", "TIER", "STATE"}};
  for (const PluginFolder& f : listing.folders) folders.push_back({f.folder.string(), f.tier, f.state});
  fmt::print("\n{}", table(folders));
  if (!reasons.empty()) fmt::print("\n{}", reasons);
}

// That of the first plugin which cannot be used, or of a folder that was left out.
int status_of(const PluginListing& listing) {
  for (const PluginInfo& p : listing.plugins) {
    if (!p.code.empty()) return exit_status(p.code);
  }
  for (const Diagnostic& d : listing.notes) {
    if (d.severity == Severity::warning) return exit_status(d.code);
  }
  return 0;
}

int list(Arguments& arguments, const Common& common) {
  arguments.apply();
  const PluginListing listing = list_plugins(arguments.options.plugins);
  if (common.json) {
    fmt::print("{}\n", to_json(listing));
  } else {
    print_listing(listing);
    // What is wrong with a manifest is among the reasons already.
    std::vector<Diagnostic> others;
    for (const Diagnostic& d : listing.notes) {
      const bool told = std::any_of(listing.plugins.begin(), listing.plugins.end(), [&](const PluginInfo& p) {
        return !p.code.empty() && p.manifest.string() == d.place.file;
      });
      if (!told) others.push_back(d);
    }
    print_diagnostics(others, common.verbose);
  }
  return status_of(listing);
}

struct InspectArguments : Arguments {
  std::string plugin;
};

std::string opsets_of(const PluginOperator& op) {
  if (op.min_opset <= 1 && (op.max_opset == 0 || op.max_opset >= 1000)) return "";
  std::string out = "opset";
  if (op.min_opset > 1) out += fmt::format(" >={}", op.min_opset);
  if (op.max_opset != 0 && op.max_opset < 1000) out += fmt::format(" <={}", op.max_opset);
  return out;
}

void print_details(const PluginDetails& p) {
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](const char* what, const std::string& text) {
    if (!text.empty()) rows.push_back({what, text});
  };
  const auto list = [&](const char* what, const std::vector<std::string>& items) {
    for (size_t i = 0; i < items.size(); ++i) rows.push_back({i == 0 ? what : "", items[i]});
  };
  row("plugin", p.id + " " + p.version + (p.name.empty() ? "" : ", " + p.name));
  row("publisher", p.publisher);
  row("license", p.license);
  row("url", p.url);
  row("about", p.description);
  row("state", p.code.empty() ? p.state : p.state + " " + p.code);
  row("tier", p.tier);
  row("manifest", p.manifest.string());
  row("sha256", p.manifest_sha256);
  row("library", p.library.string());
  row("sha256", p.library_sha256);
  row("abi", p.library.empty() ? "" : p.abi);
  list("requires", p.requirements);
  list("overrides", p.overrides);
  list("domains", p.domains);
  list("passes", p.passes);
  for (size_t i = 0; i < p.opsets.size(); ++i)
    rows.push_back({i == 0 ? "opsets" : "", std::to_string(p.opsets[i])});
  list("schemas", p.schemas);
  fmt::print("{}", table(rows));
  rows.clear();
  for (const PluginOperator& op : p.operators) rows.push_back({op.torch_op, op.by, opsets_of(op)});
  if (!rows.empty()) fmt::print("\n{}", table(rows));
  if (!p.code.empty()) fmt::print("\n{}\n", p.reason);
}

int inspect(InspectArguments& arguments, const Common& common) {
  arguments.apply();
  const PluginDetails details = inspect_plugin(arguments.plugin, arguments.options.plugins);
  if (common.json)
    fmt::print("{}\n", to_json(details));
  else
    print_details(details);
  return details.code.empty() ? 0 : exit_status(details.code);
}

struct WhichArguments : Arguments {
  std::string op;
};

int who_maps(WhichArguments& arguments, const Common& common) {
  arguments.apply();
  const std::vector<WhichInfo> found =
      which(arguments.op, arguments.options.opset, arguments.options.plugins);
  if (found.empty()) {
    throw Error("T501",
                "no plugin maps " + arguments.op + " at opset " + std::to_string(arguments.options.opset), {},
                "a composite operator may still be decomposed into smaller ones; a plugin can map it: " +
                    manual_page("plugins.md"));
  }
  std::vector<Diagnostic> problems;
  bool wins = false;
  for (const WhichInfo& i : found) {
    wins = wins || i.wins;
    const char* mark = i.wins ? "*" : i.problem ? "!" : " ";
    if (!common.json) {
      fmt::print("{} {}  {}  {}\n", styled(mark, i.wins ? Style::green : Style::red, STDOUT_FILENO), i.entry,
                 i.plugin, i.reason);
    }
    const auto same = [&](const Diagnostic& d) { return i.problem && d.text() == i.problem->text(); };
    if (i.problem && std::none_of(problems.begin(), problems.end(), same)) problems.push_back(*i.problem);
  }
  if (common.json) {
    fmt::print("{}\n", to_json(found));
  } else {
    print_diagnostics(problems, common.verbose);
  }
  return wins || problems.empty() ? 0 : exit_status(problems.front().code);
}

std::string json_list(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return "[" + out + "]";
}

struct LockArguments : Arguments {
  std::vector<std::string> ids;
  std::filesystem::path output = "onnxport.lock.yaml";
};

int lock(LockArguments& arguments, const Common& common) {
  arguments.apply();
  const LockedPlugins locked = Session(arguments.options.plugins).lock(arguments.output, arguments.ids);
  print_diagnostics(locked.left_out, common.verbose);
  if (common.json) {
    std::vector<std::string> ids;
    for (const std::string& id : locked.ids) ids.push_back(json_string(id));
    fmt::print("{{\"file\": {}, \"plugins\": {}, \"diagnostics\": {}}}\n",
               json_string(arguments.output.string()), json_list(ids), to_json(locked.left_out));
  } else if (!common.quiet) {
    fmt::print("{}: {} plugin{}\n", arguments.output.string(), locked.ids.size(),
               locked.ids.size() == 1 ? "" : "s");
  }
  return 0;
}

CLI::App* add_lock(CLI::App& plugin, LockArguments& arguments) {
  CLI::App* c = plugin.add_subcommand(
      "lock", "Write down which plugins may be used, by the sha256 of their files, for --plugin-lock");
  c->add_option(
       "plugins", arguments.ids,
       "Ids to write anew, beside what the file lists (default: all plugins found but onnxport's own, and no "
       "others)")
      ->type_name("ID");
  arguments.paths.push_back(
      c->add_option("-o,--output", arguments.output, "The file (default: onnxport.lock.yaml)")
          ->type_name("FILE"));
  add_plugin_options(*c, arguments);
  return c;
}

struct CheckArguments : Arguments {
  std::filesystem::path manifest;
  std::vector<std::string> calls;
  bool here = false;
  int time_limit = 60;
};

std::string check_json(const PluginCheck& check) {
  std::vector<std::string> trials;
  for (const PluginTrial& trial : check.trials) {
    trials.push_back(
        fmt::format(R"({{"what": {}, "result": {}}})", json_string(trial.what), json_string(trial.result)));
  }
  return fmt::format(R"({{"id": {}, "version": {}, "trials": {}, "diagnostics": {}}})", json_string(check.id),
                     json_string(check.version), json_list(trials), to_json(check.findings));
}

// The status is that of the first error.
int check(CheckArguments& arguments, const Common& common) {
  if (!arguments.here) {
    std::vector<std::string> words = common.words;
    words.emplace_back("--here");
    return run_in_child(words, arguments.time_limit);
  }
  arguments.apply();
  const PluginCheck found = check_plugin(arguments.manifest, arguments.options.plugins, arguments.calls);
  if (common.json) {
    fmt::print("{}\n", check_json(found));
  } else {
    if (!common.quiet) {
      fmt::print("{} {}\n", found.id.empty() ? arguments.manifest.string() : found.id, found.version);
      std::vector<std::vector<std::string>> rows;
      for (const PluginTrial& trial : found.trials) rows.push_back({"  " + trial.what, trial.result});
      fmt::print("{}", table(rows));
    }
    print_diagnostics(found.findings, common.verbose);
  }
  for (const Diagnostic& d : found.findings) {
    if (d.severity == Severity::error) return exit_status(d.code);
  }
  return 0;
}

struct NewArguments {
  NewPlugin plugin;
  std::map<std::string, bool> kinds;  // by option
};

int make_new(NewArguments& arguments, const Common& common) {
  for (const auto& [kind, chosen] : arguments.kinds) {
    if (chosen) arguments.plugin.kind = kind;
  }
  const std::vector<std::filesystem::path> files = new_plugin(arguments.plugin);
  std::vector<std::string> names;
  for (const std::filesystem::path& file : files) names.push_back(json_string(file.string()));
  if (common.json) {
    fmt::print(R"({{"files": {}}})"
               "\n",
               json_list(names));
  } else if (!common.quiet) {
    for (const std::filesystem::path& file : files) fmt::print("{}\n", file.string());
  }
  return 0;
}

CLI::App* add_new(CLI::App& plugin, NewArguments& arguments) {
  CLI::App* c = plugin.add_subcommand(
      "new", "Write a project for a plugin: it builds, is tested, and has one line to write");
  c->add_option("id", arguments.plugin.id, "The plugin's id: com.acme.ops")->required()->type_name("ID");
  c->add_option("--op", arguments.plugin.op,
                "The operator, as PyTorch registers it: 'acme::swish(Tensor x) -> Tensor'")
      ->type_name("SCHEMA");
  c->add_option("-o,--output", arguments.plugin.folder, "The folder (default: the last word of the id)")
      ->type_name("DIR");
  const std::pair<const char*, const char*> kinds[] = {{"yaml", "--yaml-only"},
                                                       {"c", "--c"},
                                                       {"pass", "--pass"},
                                                       {"opset", "--opset"},
                                                       {"target", "--target"}};
  const std::map<std::string, std::string> texts = {
      {"yaml", "A manifest alone, no library"},
      {"c", "A library in C99"},
      {"pass", "A pass that fuses two operators, in YAML"},
      {"opset", "A library that brings opsets"},
      {"target", "A target: mappings, their profile, the opsets it takes"}};
  auto* group = c->add_option_group("Kind", "What the plugin is (default: a mapping in C++)");
  for (const auto& [kind, option] : kinds) group->add_flag(option, arguments.kinds[kind], texts.at(kind));
  group->require_option(0, 1);
  c->footer(
      "Examples:\n"
      "  onnxport plugin new com.acme.ops --op 'acme::swish(Tensor x, float beta=1) -> Tensor'\n"
      "  onnxport plugin new com.acme.npu --target");
  return c;
}

}  // namespace

std::vector<std::pair<CLI::App*, Command>> add_plugin(CLI::App& app, const Common& common) {
  CLI::App* c = app.add_subcommand("plugin", "What plugins are found, and who maps an operator");
  c->require_subcommand(1);
  auto listed = std::make_shared<Arguments>();
  CLI::App* list_command = c->add_subcommand(
      "list", "Every manifest found: where, its state, what it offers; no library is opened");
  add_plugin_options(*list_command, *listed);
  add_pass_options(*list_command, *listed);
  list_command->footer(
      "Exit status: 0 when all is well; else that of the first plugin which cannot be used (10 manifest, 11\n"
      "library, 12 ABI, 13 conflict), or of a plugin folder that is left out (11).");

  auto inspected = std::make_shared<InspectArguments>();
  CLI::App* inspect_command =
      c->add_subcommand("inspect", "All that one plugin says of itself; no library is opened");
  inspect_command->add_option("plugin", inspected->plugin, "Its id, or a manifest")
      ->required()
      ->type_name("ID|FILE");
  add_plugin_options(*inspect_command, *inspected);
  add_pass_options(*inspect_command, *inspected);

  auto asked = std::make_shared<WhichArguments>();
  CLI::App* which_command = c->add_subcommand("which", "Who maps a torch operator at an opset, and why");
  which_command->add_option("operator", asked->op, "aten::gelu, aten::add.Tensor")
      ->required()
      ->type_name("OP");
  which_command->add_option("--opset", asked->options.opset, "The target opset (default 20)");
  add_plugin_options(*which_command, *asked);
  add_pass_options(*which_command, *asked);
  which_command->footer(
      "'*' marks the one that maps it; '!' what is in conflict or cannot be used, with exit status 10 to 13\n"
      "when nobody wins.");
  auto checked = std::make_shared<CheckArguments>();
  CLI::App* check_command = c->add_subcommand(
      "check", "Whether a plugin keeps what it promises: its file, its library, its mappings on examples");
  check_command->add_option("manifest", checked->manifest, "The manifest")->required()->type_name("FILE");
  check_command
      ->add_option("--call", checked->calls,
                   "A call that the plugin has to map, arguments as the schema has them: "
                   "'acme::swish(f32[n,4], beta=0.5)'")
      ->type_name("CALL");
  check_command->add_option("--time-limit", checked->time_limit, "Seconds it may take (default 60)")
      ->check(CLI::Range(1, 1'000'000));
  check_command->add_flag("--here", checked->here, "In this process, not in a child that may be killed");
  add_plugin_options(*check_command, *checked);
  check_command->footer(
      "Exit status: 0 when nothing is wrong, else that of the first error (10 manifest, 11 library, …).");
  auto locked = std::make_shared<LockArguments>();
  CLI::App* lock_command = add_lock(*c, *locked);
  auto made = std::make_shared<NewArguments>();
  CLI::App* new_command = add_new(*c, *made);
  return {{new_command, [made, &common] { return make_new(*made, common); }},
          {lock_command, [locked, &common] { return lock(*locked, common); }},
          {check_command, [checked, &common] { return check(*checked, common); }},
          {list_command, [listed, &common] { return list(*listed, common); }},
          {inspect_command, [inspected, &common] { return inspect(*inspected, common); }},
          {which_command, [asked, &common] { return who_maps(*asked, common); }}};
}

}  // namespace onnxport::cli
