#include "core/plugin/library_pass.h"

#include "core/plugin/abi_text.h"
#include "core/plugin/manifest_pass.h"

namespace onnxport {
OpenedPass find_library_pass(const PluginLibrary& library, const Manifest& manifest,
                             const ManifestPass& pass) {
  const auto refuse = [&](const std::string& what, std::string hint) {
    throw Error("M115", "the library of plugin " + manifest.id + " " + what, pass.place, std::move(hint));
  };
  for (const onnxport_pass& found : library.passes()) {
    if (text_of(found.name) != pass.name) continue;
    const std::string said(text_of(found.stage));
    const auto stage = parse_stage(said);  // one that there is: the table was read
    if (pass.stage && *pass.stage != *stage)
      refuse("has its pass '" + pass.name + "' at the stage " + said + ", its manifest at " +
                 std::string(stage_name(*pass.stage)),
             "say the same in both, or leave the stage out of the manifest");
    return {stage.value(), {found.rules, found.rule_count}};
  }
  refuse("has no pass '" + pass.name + "', which its manifest lists",
         "give the pass rules in the manifest, or remove it from there");
  return {};
}

}  // namespace onnxport
