// The families of the ATen plugin: each file of that name maps the operators it lists in its table.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

Mappings activation();
Mappings adaptive_pooling();
Mappings arithmetic();
Mappings comparison();
Mappings convolution();
Mappings dropout();
Mappings elementary();
Mappings loss();
Mappings normalization();
Mappings padding();
Mappings pooling();
Mappings quantization();
Mappings rearrangement();
Mappings reduction();
Mappings resampling();
Mappings statistics();

}  // namespace onnxport::aten
