#include "rules.h"
#include "shared.h"
#include "table.h"

using shared::sure;

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport::Plugin plugin(host, {"org.onnxport.opset.17", "0.1.0"}, {},
                                       {opset_with({{"DFT", dft_to_16},
                                                    {"STFT", sure<stft_to_16>},
                                                    {"LayerNormalization", layer_normalization_to_16}})});
  return plugin.table();
}
