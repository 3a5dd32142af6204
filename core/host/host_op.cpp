// "onnxport.op/1" and "onnxport.diag/1": the torch call a mapping reads, and its words.
#include "core/host/context.h"

namespace onnxport {
namespace {

onnxport_str to_abi(std::string_view s) { return {s.data(), s.size()}; }
std::string_view from_abi(onnxport_str s) {
  return s.data == nullptr ? std::string_view() : std::string_view(s.data, static_cast<size_t>(s.size));
}

onnxport_str name(onnxport_context* c) {
  return c->call == nullptr ? onnxport_str{nullptr, 0} : to_abi(c->call->name);
}

onnxport_arg find_arg(onnxport_context* c, onnxport_str name) {
  if (c->failed || c->call == nullptr || c->call->schema == nullptr) return 0;
  const int i = c->call->schema->find(from_abi(name));
  if (i < 0 || static_cast<size_t>(i) >= c->call->arguments.size()) return 0;
  return c->arg_handle(&c->call->arguments[static_cast<size_t>(i)]);
}

int32_t arg_kind(onnxport_context* c, onnxport_arg handle) {
  const Argument* b = c->failed ? nullptr : c->arg(handle);
  if (b == nullptr) return ONNXPORT_ARG_NONE;
  switch (b->kind) {
    case Argument::Kind::none:
      return ONNXPORT_ARG_NONE;
    case Argument::Kind::value:
    case Argument::Kind::complex_number:
      return ONNXPORT_ARG_VALUE;
    case Argument::Kind::integer:
      return ONNXPORT_ARG_INT;
    case Argument::Kind::real:
      return ONNXPORT_ARG_REAL;
    case Argument::Kind::boolean:
      return ONNXPORT_ARG_BOOL;
    case Argument::Kind::string:
      return ONNXPORT_ARG_STRING;
    case Argument::Kind::dtype:
      return ONNXPORT_ARG_DTYPE;
    case Argument::Kind::list:
      return ONNXPORT_ARG_LIST;
    case Argument::Kind::sequence:
      return ONNXPORT_ARG_SEQUENCE;
  }
  return ONNXPORT_ARG_NONE;
}

int64_t arg_int(onnxport_context* c, onnxport_arg handle) {
  const Argument* b = c->failed ? nullptr : c->arg(handle);
  return b == nullptr ? 0 : b->integer;
}

double arg_real(onnxport_context* c, onnxport_arg handle) {
  const Argument* b = c->failed ? nullptr : c->arg(handle);
  if (b == nullptr) return 0;
  return b->kind == Argument::Kind::real ? b->real : static_cast<double>(b->integer);
}

onnxport_str arg_string(onnxport_context* c, onnxport_arg handle) {
  const Argument* b = c->failed ? nullptr : c->arg(handle);
  return b == nullptr ? onnxport_str{nullptr, 0} : to_abi(b->string);
}

uint32_t arg_size(onnxport_context* c, onnxport_arg handle) {
  const Argument* b = c->failed ? nullptr : c->arg(handle);
  return b == nullptr ? 0 : static_cast<uint32_t>(b->items.size());
}

onnxport_arg arg_item(onnxport_context* c, onnxport_arg handle, uint32_t index) {
  const Argument* b = c->failed ? nullptr : c->arg(handle);
  if (b == nullptr) return 0;
  if (index >= b->items.size()) {
    c->fail("T505", "element " + std::to_string(index) + " of a list of " + std::to_string(b->items.size()) +
                        " was asked for");
    return 0;
  }
  return c->arg_handle(&b->items[index]);
}

onnxport_value arg_value(onnxport_context* c, onnxport_arg handle) {
  return c->guarded<onnxport_value>(0, [&]() -> onnxport_value {
    const Argument* b = c->arg(handle);
    if (b == nullptr || b->kind == Argument::Kind::none) return 0;
    ir::Value* v = materialize(*b, c->builder);
    if (v == nullptr) {
      c->fail(
          "an argument that has no ONNX form (a string, or a list of tensors) was asked for as one value");
      return 0;
    }
    const bool number = b->kind == Argument::Kind::value
                            ? b->is_number
                            : b->kind != Argument::Kind::list && b->kind != Argument::Kind::sequence;
    return c->handle(v, number, number && b->kind != Argument::Kind::value ? b : nullptr);
  });
}

int32_t result_type_of(onnxport_context* c, const onnxport_arg* args, uint32_t count) {
  return c->guarded<int32_t>(ONNXPORT_UNDEFINED, [&] {
    std::vector<const Argument*> bounds;
    for (uint32_t i = 0; i < count; ++i) {
      if (args[i] == 0) continue;
      const Argument* b = c->arg(args[i]);
      if (b != nullptr) bounds.push_back(b);
    }
    return static_cast<int32_t>(result_type(bounds));
  });
}

uint32_t output_count(onnxport_context* c) {
  return c->call == nullptr ? 0 : static_cast<uint32_t>(c->call->outputs.size());
}

int32_t output_used(onnxport_context* c, uint32_t index) {
  return c->call != nullptr && index < c->call->outputs.size() && c->call->outputs[index]->has_uses() ? 1 : 0;
}

int32_t output_dtype(onnxport_context* c, uint32_t index) {
  if (c->call == nullptr || index >= c->call->outputs.size()) return ONNXPORT_UNDEFINED;
  const ir::Type& type = c->call->outputs[index]->type();
  return type.is_tensor() ? static_cast<int32_t>(type.dtype()) : ONNXPORT_UNDEFINED;
}

Argument bound_of(onnxport_context* c, onnxport_value handle) {
  const onnxport_context::Slot* slot = c->slot(handle);
  if (slot == nullptr) return {};
  return slot->known != nullptr ? *slot->known : Argument::of(slot->value, slot->is_number);
}

int32_t set_results(onnxport_context* c, const onnxport_value* values, uint32_t count) {
  if (!c->ok()) return ONNXPORT_FAILED;
  if (c->finished) {
    c->fail("T505", "results were given twice");
    return ONNXPORT_FAILED;
  }
  c->finished = true;
  for (uint32_t i = 0; i < count; ++i) c->results.push_back(bound_of(c, values[i]));
  return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
}

int32_t set_list_result(onnxport_context* c, uint32_t index, const onnxport_value* values, uint32_t count) {
  if (!c->ok()) return ONNXPORT_FAILED;
  c->finished = true;
  std::vector<Argument> items;
  for (uint32_t i = 0; i < count; ++i) items.push_back(bound_of(c, values[i]));
  if (c->results.size() <= index) c->results.resize(index + 1);
  c->results[index] = Argument::of_list(std::move(items));
  return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
}

int32_t training(onnxport_context* c) { return c->call != nullptr && c->call->training ? 1 : 0; }

void decline(onnxport_context* c, onnxport_str reason) { c->decline(std::string(from_abi(reason))); }
void fail(onnxport_context* c, onnxport_str reason) { c->fail(std::string(from_abi(reason))); }
void note(onnxport_context* c, onnxport_str text) {
  if (c->notes.size() < 1000) c->notes.emplace_back(from_abi(text));
}

}  // namespace

const onnxport_op_api kOpApi = {sizeof(onnxport_op_api),
                                0,
                                name,
                                find_arg,
                                arg_kind,
                                arg_int,
                                arg_real,
                                arg_string,
                                arg_size,
                                arg_item,
                                arg_value,
                                result_type_of,
                                output_count,
                                output_used,
                                output_dtype,
                                set_results,
                                set_list_result,
                                training};
const onnxport_diag_api kDiagApi = {sizeof(onnxport_diag_api), 0, decline, fail, note};

}  // namespace onnxport
