// onnxport plugin list, plugin inspect, plugin which.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "core/cli/arguments.h"
#include "core/cli/commands.h"
#include "core/cli/terminal.h"

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
    rows.push_back({p.id, p.version, p.tier, p.code.empty() ? p.state : p.state + " " + p.code, offers_of(p),
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
                "a composite operator may still be decomposed into smaller ones; a plugin can map it: "
                "docs/plugins.md");
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
  return {{list_command, [listed, &common] { return list(*listed, common); }},
          {inspect_command, [inspected, &common] { return inspect(*inspected, common); }},
          {which_command, [asked, &common] { return who_maps(*asked, common); }}};
}

}  // namespace onnxport::cli
