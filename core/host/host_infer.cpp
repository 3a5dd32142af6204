// "onnxport.infer_result/1": what an inference says of a node's outputs.
#include "core/host/context.h"

namespace onnxport {
namespace {

void check_output(const onnxport_context* c, uint32_t output) {
  c->may_fail();
  if (c->view == nullptr) misused("a result is inferred outside of an inference");
  if (output >= c->types.size()) {
    misused("output " + std::to_string(output) + " is inferred, of a node that has " +
            std::to_string(c->types.size()));
  }
}

int32_t set_type(onnxport_context* c, uint32_t output, const onnxport_type* type) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    check_output(c, output);
    c->types[output] = read_type(*c, type);
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

int32_t set_type_like(onnxport_context* c, uint32_t output, onnxport_value like) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    check_output(c, output);
    const ir::Value* other = c->value(like);
    if (other == nullptr) misused("an output is to have the type of an absent value");
    c->types[output] = other->type();
    return ONNXPORT_OK;
  });
}

int32_t set_elements(onnxport_context* c, uint32_t output, const onnxport_dim* elements, uint32_t count) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    check_output(c, output);
    std::vector<ir::Dim> dims;
    for (const onnxport_dim element : array(elements, count, "elements of an output")) {
      const ir::Dim dim = c->dim(element);
      dims.push_back(dim.is_unknown() ? c->builder.fresh_dim() : dim);
    }
    c->elements[output] = std::move(dims);
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

}  // namespace

const onnxport_infer_result_api kInferResultApi = {
    .struct_size = sizeof(onnxport_infer_result_api),
    .reserved = 0,
    .set_type = set_type,
    .set_type_like = set_type_like,
    .set_elements = set_elements,
};

}  // namespace onnxport
