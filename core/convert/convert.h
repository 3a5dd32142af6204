// An ONNX file at one opset -> the same model at another, by the walk that exports take.
#pragma once

#include <vector>

#include "core/legalize/legalize.h"
#include "core/onnx/model_file.h"
#include "core/plugin/registry.h"

namespace onnxport {

// Brings the graph and the local functions of `model`, which was read from `file`, to `opset` of ai.onnx and to `domains`.
// Functions keep their places; one is put in place of its calls where what must change depends on them: on an attribute that
// a call gives, or on an element type that its calls do not agree on. Domains that nobody knows are left alone. Throws Error
// O60x with all that cannot be taken along, I126 with the nodes that are wrong at the file's own opset.
void convert(onnx::ModelForm& model, const onnx::ModelFile& file, int opset, const DomainOpsets& domains,
             Registry& registry, std::vector<Diagnostic>& notes);

}  // namespace onnxport
