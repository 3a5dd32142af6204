// The families of the ATen plugin: each file of that name maps the operators it lists in its table.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

Mappings activation();
Mappings adaptive_pooling();
Mappings arithmetic();
Mappings attention();
Mappings bessel();
Mappings comparison();
Mappings complex();
Mappings conversion();
Mappings convolution();
Mappings counting();
Mappings creation();
Mappings dropout();
Mappings elementary();
Mappings embedding();
Mappings factorization();
Mappings fourier();
Mappings indexing();
Mappings joining();
Mappings linear_algebra();
Mappings loss();
Mappings movement();
Mappings normalization();
Mappings padding();
Mappings polynomial();
Mappings pooling();
Mappings quantization();
Mappings random();
Mappings rearrangement();
Mappings reduction();
Mappings resampling();
Mappings rnn();
Mappings scalar();
Mappings scatter();
Mappings searching();
Mappings special();
Mappings spectrum();
Mappings statistics();
Mappings transformer();
Mappings view();

}  // namespace onnxport::aten
