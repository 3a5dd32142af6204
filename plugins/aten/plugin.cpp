// The built-in mappings of PyTorch's ATen operators, written against ONNX opset 23.
#include "families.hpp"

namespace onnxport::aten {
namespace {

Mappings all() {
  Mappings mappings;
  for (Mappings (*family)() : {activation,
                               adaptive_pooling,
                               arithmetic,
                               attention,
                               bessel,
                               comparison,
                               complex,
                               conversion,
                               convolution,
                               counting,
                               creation,
                               diagonals,
                               dropout,
                               eigenvalues,
                               elementary,
                               embedding,
                               factorization,
                               fourier,
                               indexing,
                               joining,
                               linear_algebra,
                               loss,
                               normalization,
                               padding,
                               pixel_shuffles,
                               polynomial,
                               pooling,
                               python_math,
                               python_numbers,
                               quantization,
                               random,
                               reduction,
                               repeat_flip_roll,
                               resampling,
                               rnn,
                               scatter,
                               sorting,
                               special,
                               statistics,
                               transformer,
                               view}) {
    for (Mapping& m : family()) mappings.push_back(std::move(m));
  }
  return mappings;
}

}  // namespace
}  // namespace onnxport::aten

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport::Plugin plugin(host, {"org.onnxport.aten", "0.1.0"}, onnxport::aten::all());
  return plugin.table();
}
