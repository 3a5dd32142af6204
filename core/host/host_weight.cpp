// "onnxport.weight/1": constants that a rule fills where they will be written from.
#include <algorithm>

#include "core/host/context.h"

namespace onnxport {
namespace {

constexpr uint32_t kMostDims = 64;
constexpr uint64_t kTimesTheModel = 16;  // what a constant may grow to: 4 bits that become a float, padded

// What a call may fill by such constants: so much of its own, and a multiple of the constants that they take the place of.
uint64_t take_room(onnxport_context* c, const ir::Value* model, ir::DType element,
                   std::span<const int64_t> sizes) {
  const uint64_t bytes = tensor_bytes(element, sizes);
  if (model != nullptr && model->is_constant()) {
    const uint64_t there = tensor_bytes(model->constant()->dtype(), model->constant()->dims());
    c->room_for_constants += std::min(there, uint64_t{1} << 50) * kTimesTheModel;
  }
  if (bytes > c->room_for_constants) misused("a constant of " + std::to_string(bytes) + " bytes is made");
  c->room_for_constants -= bytes;
  return bytes;
}

onnxport_value create(onnxport_context* c, int32_t dtype, uint32_t rank, const int64_t* dims,
                      onnxport_value model, void** data) {
  return guarded<onnxport_value>(c, 0, [&]() -> onnxport_value {
    c->may_fail();
    if (c->view != nullptr) misused("an inference makes a constant");
    if (data == nullptr) misused("a constant is made, and nobody is told where its bytes are");
    if (rank > kMostDims) misused("a constant of " + std::to_string(rank) + " dimensions");
    const auto sizes = array(dims, rank, "dims of a constant");
    const auto element = static_cast<ir::DType>(dtype);
    const ir::Value* named = c->value(model);
    if (c->failed) return 0;
    const auto bytes = std::make_shared<std::vector<std::byte>>(take_room(c, named, element, sizes));
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
