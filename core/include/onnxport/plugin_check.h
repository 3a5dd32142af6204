// plugin check: whether a plugin keeps what its manifest promises.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/options.h"

namespace onnxport {

// One thing that was tried.
struct PluginTrial {
  std::string what;    // "acme::swish at opset 18", "the library's exports"
  std::string result;  // "ok", "declines: …", "not tried: …", or the code of a finding
};

struct PluginCheck {
  std::string id, version;
  std::vector<PluginTrial> trials;
  std::vector<Diagnostic> findings;  // errors and warnings
};

#pragma GCC visibility push(default)

// Reads the manifest, looks at the library's file, opens it, holds it to the manifest, opens every pass and opset, and asks
// every mapping about examples made from its schema, at the lowest and the highest opset that it may be asked at: twice, which
// must give the same. Copies of the library are asked by hosts of other releases, by many threads, and again and again; and
// where a mapping takes an example, each of its calls of the host fails once. `calls` are more examples, as map_call takes
// them, each of which the plugin has to map. What the plugin does to the process it does to this one: the program runs this in
// a child. Never throws for what is wrong with the plugin.
PluginCheck check_plugin(const std::filesystem::path& manifest, const PluginOptions& options = {},
                         const std::vector<std::string>& calls = {});

// What a plugin makes of one call.
struct MappedCall {
  std::string graph;                   // as onnxport show prints it
  std::vector<std::string> operators;  // "Sigmoid", "com.acme::Swish", in order
};

// The call is written "acme::swish(f32[n,4], beta=0.5, sizes=[1, 2], mode='fast', dtype=f16)", arguments by place or name: a
// tensor is its type. Throws Error as an export of such a model does, T552 for a text that is no call of the operator.
MappedCall map_call(const std::filesystem::path& manifest, const std::string& call, int opset,
                    const PluginOptions& options = {});

#pragma GCC visibility pop

}  // namespace onnxport
