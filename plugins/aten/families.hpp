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
Mappings diagonals();
Mappings dropout();
Mappings eigenvalues();
Mappings elementary();
Mappings embedding();
Mappings factorization();
Mappings fourier();
Mappings indexing();
Mappings joining();
Mappings linear_algebra();
Mappings loss();
Mappings normalization();
Mappings padding();
Mappings pixel_shuffles();
Mappings polynomial();
Mappings pooling();
Mappings python_math();
Mappings python_numbers();
Mappings quantization();
Mappings random();
Mappings reduction();
Mappings repeat_flip_roll();
Mappings resampling();
Mappings rnn();
Mappings scatter();
Mappings sorting();
Mappings special();
Mappings statistics();
Mappings transformer();
Mappings view();

}  // namespace onnxport::aten
