#include <fmt/core.h>
#include <unistd.h>

#include "core/cli/arguments.h"
#include "core/cli/commands.h"
#include "core/cli/targets.h"
#include "core/cli/terminal.h"

namespace onnxport::cli {

std::pair<CLI::App*, Command> add_show(CLI::App& app, const Common&) {
  struct ShowArguments : Arguments {
    std::filesystem::path model;
    std::string after = "capture";
    std::string opset = "20";
  };
  auto a = std::make_shared<ShowArguments>();
  CLI::App* c = app.add_subcommand("show", "Print a model's graph, after any stage");
  c->add_option("model", a->model, "TorchScript (.pt), an exported program (.pt2) or an ONNX file (.onnx)")
      ->required()
      ->type_name("MODEL");
  c->add_option("--after", a->after, "The stage to print (default: capture)")
      ->check(CLI::IsMember({"capture", "prepare", "translate", "legalize"}));
  c->add_option("--opset", a->opset, "The opset of --after legalize (default 20), or ai.onnx=18,com.acme=2")
      ->type_name("VERSION");
  add_input_options(*c, *a);
  add_plugin_options(*c, *a);
  return {c, [a] {
            a->apply();
            read_opsets(a->opset, a->options);
            fmt::print("{}", show(a->model, a->after, a->options));
            return 0;
          }};
}

std::vector<std::pair<CLI::App*, Command>> add_plugin(CLI::App& app, const Common& common) {
  CLI::App* c = app.add_subcommand("plugin", "What plugins are found, and who maps an operator");
  c->require_subcommand(1);
  auto listed = std::make_shared<Arguments>();
  CLI::App* list = c->add_subcommand("list", "Every manifest found: where, its state, what it offers");
  add_plugin_options(*list, *listed);
  const Command run_list = [listed, &common] {
    listed->apply();
    std::vector<std::vector<std::string>> rows = {{"PLUGIN", "VERSION", "TIER", "STATE", "OFFERS"}};
    std::string json;
    std::string reasons;
    for (const PluginInfo& p : list_plugins(listed->options.plugins)) {
      std::string offers = p.mappings == 0 ? "" : fmt::format("{} operators", p.mappings);
      for (int v : p.opsets) offers += fmt::format("{}opset {}", offers.empty() ? "" : ", ", v);
      rows.push_back({p.id, p.version, p.tier, p.state, offers});
      if (!p.reason.empty()) reasons += fmt::format("{}: {}\n", p.manifest.string(), p.reason);
      json += fmt::format(
          R"({}{{"id": {}, "version": {}, "publisher": {}, "tier": {}, "state": {}, "reason": {}, "manifest": {}, "mappings": {}}})",
          json.empty() ? "" : ", ", json_string(p.id), json_string(p.version), json_string(p.publisher),
          json_string(p.tier), json_string(p.state), json_string(p.reason), json_string(p.manifest.string()),
          p.mappings);
    }
    fmt::print("{}", common.json ? fmt::format("[{}]\n", json) : table(rows));
    if (!common.json && !reasons.empty()) fmt::print("\n{}", reasons);
    return 0;
  };

  struct WhichArguments : Arguments {
    std::string op;
  };
  auto w = std::make_shared<WhichArguments>();
  CLI::App* which_command = c->add_subcommand("which", "Who maps a torch operator at an opset, and why");
  which_command->add_option("operator", w->op, "aten::gelu, aten::add.Tensor")->required()->type_name("OP");
  which_command->add_option("--opset", w->options.opset, "The target opset (default 20)");
  add_plugin_options(*which_command, *w);
  const Command run_which = [w, &common] {
    w->apply();
    const std::vector<WhichInfo> found = which(w->op, w->options.opset, w->options.plugins);
    std::string json;
    for (const WhichInfo& i : found) {
      json += fmt::format(R"({}{{"plugin": {}, "entry": {}, "wins": {}, "reason": {}}})",
                          json.empty() ? "" : ", ", json_string(i.plugin), json_string(i.entry), i.wins,
                          json_string(i.reason));
      if (!common.json) {
        fmt::print("{} {}  {}  {}\n", i.wins ? styled("*", Style::green, STDOUT_FILENO) : " ", i.entry,
                   i.plugin, i.reason);
      }
    }
    if (common.json) fmt::print("[{}]\n", json);
    if (found.empty()) {
      throw Error(
          "T501", "no plugin maps " + w->op + " at opset " + std::to_string(w->options.opset), {},
          "a composite operator may still be split into smaller ones; a plugin can map it: docs/plugins.md");
    }
    return 0;
  };
  return {{list, run_list}, {which_command, run_which}};
}

}  // namespace onnxport::cli
