// "onnxport.weight/1": constants that a rule fills where they will be written from.
#include "core/host/context.h"

namespace onnxport {
namespace {

constexpr uint32_t kMostDims = 64;

onnxport_value create(onnxport_context* c, int32_t dtype, uint32_t rank, const int64_t* dims,
                      onnxport_value model, void** data) {
  return guarded<onnxport_value>(c, 0, [&]() -> onnxport_value {
    if (c->view != nullptr) misused("an inference makes a constant");
    if (data == nullptr) misused("a constant is made, and nobody is told where its bytes are");
    if (rank > kMostDims) misused("a constant of " + std::to_string(rank) + " dimensions");
    const auto sizes = array(dims, rank, "dims of a constant");
    const auto element = static_cast<ir::DType>(dtype);
    const auto bytes = std::make_shared<std::vector<std::byte>>(tensor_bytes(element, sizes));
    const ir::Value* named = c->value(model);
    ir::Tensor tensor(element, {sizes.begin(), sizes.end()}, *bytes, bytes);
    *data = bytes->data();
    return c->handle(c->builder.own_constant(named == nullptr ? std::string_view() : named->name().text(),
                                             std::move(tensor)));
  });
}

}  // namespace

const onnxport_weight_api kWeightApi = {
    .struct_size = sizeof(onnxport_weight_api), .reserved = 0, .create = create};

}  // namespace onnxport
