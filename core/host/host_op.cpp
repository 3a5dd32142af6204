// "onnxport.op/1": the torch call that a mapping reads.
#include <algorithm>

#include "core/builder/materialize.h"
#include "core/host/context.h"

namespace onnxport {
namespace {

onnxport_str name(onnxport_context* c) {
  return guarded<onnxport_str>(c, {nullptr, 0}, [&] {
    return c->call == nullptr ? onnxport_str{nullptr, 0} : to_abi(c->call->name);
  });
}

onnxport_arg find_arg(onnxport_context* c, onnxport_str text) {
  return guarded<onnxport_arg>(c, 0, [&]() -> onnxport_arg {
    if (c->call == nullptr || c->call->schema == nullptr) return 0;
    const std::string_view name = text_of(text, "the name of an argument");
    const Argument* found = find_argument(*c->call, name);
    if (found == nullptr) c->note_missing(name);
    return found == nullptr ? 0 : c->arg_handle(found);
  });
}

uint32_t arg_count(onnxport_context* c) {
  return guarded<uint32_t>(c, 0, [&]() -> uint32_t {
    if (c->call == nullptr || c->call->schema == nullptr) return 0;
    return static_cast<uint32_t>(std::min(c->call->schema->arguments.size(), c->call->arguments.size()));
  });
}

onnxport_str arg_name(onnxport_context* c, uint32_t index) {
  return guarded<onnxport_str>(c, {nullptr, 0}, [&]() -> onnxport_str {
    if (c->call == nullptr || c->call->schema == nullptr || index >= c->call->schema->arguments.size())
      return {nullptr, 0};
    return to_abi(c->call->schema->arguments[index].name);
  });
}

int32_t kind_of(const Argument& a) {
  switch (a.kind()) {
    case Argument::Kind::none:
    case Argument::Kind::unset:
      return ONNXPORT_ARG_NONE;
    case Argument::Kind::value:
      return a.value()->type().kind() == ir::Type::Kind::list ? ONNXPORT_ARG_SEQUENCE : ONNXPORT_ARG_VALUE;
    case Argument::Kind::complex_number:
    case Argument::Kind::tensor:
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
  }
  return ONNXPORT_ARG_NONE;
}

int32_t arg_kind(onnxport_context* c, onnxport_arg handle) {
  return guarded<int32_t>(c, ONNXPORT_ARG_NONE, [&]() -> int32_t {
    const Argument* a = c->arg(handle);
    return a == nullptr ? ONNXPORT_ARG_NONE : kind_of(*a);
  });
}

constexpr const char* kKinds[] = {
    "None",   "a value known at run time", "an int", "a float", "a bool", "a string", "a dtype",
    "a list", "a list known at run time"};

// The argument, which must be of one of these kinds: what is read as another would be a number made up.
const Argument* argument_as(onnxport_context* c, onnxport_arg handle, std::initializer_list<int32_t> kinds,
                            const char* wanted) {
  const Argument* a = c->arg(handle);
  if (c->failed) return nullptr;
  const int32_t kind = a == nullptr ? ONNXPORT_ARG_NONE : kind_of(*a);
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return a;
  misused("an argument that is " + std::string(kKinds[kind]) + " is read as " + wanted);
}

int64_t arg_int(onnxport_context* c, onnxport_arg handle) {
  return guarded<int64_t>(c, 0, [&]() -> int64_t {
    const Argument* a =
        argument_as(c, handle, {ONNXPORT_ARG_INT, ONNXPORT_ARG_BOOL, ONNXPORT_ARG_DTYPE}, "an int");
    if (a == nullptr) return 0;
    if (const auto* dtype = a->as<ir::DType>()) return static_cast<int64_t>(*dtype);
    return a->to_int().value_or(0);
  });
}

double arg_real(onnxport_context* c, onnxport_arg handle) {
  return guarded<double>(c, 0.0, [&]() -> double {
    const Argument* a =
        argument_as(c, handle, {ONNXPORT_ARG_REAL, ONNXPORT_ARG_INT, ONNXPORT_ARG_BOOL}, "a float");
    return a == nullptr ? 0 : a->to_real().value_or(0);
  });
}

onnxport_str arg_string(onnxport_context* c, onnxport_arg handle) {
  return guarded<onnxport_str>(c, {nullptr, 0}, [&]() -> onnxport_str {
    const Argument* a = argument_as(c, handle, {ONNXPORT_ARG_STRING}, "a string");
    return a == nullptr ? onnxport_str{nullptr, 0} : to_abi(*a->as<std::string>());
  });
}

uint32_t arg_size(onnxport_context* c, onnxport_arg handle) {
  return guarded<uint32_t>(c, 0, [&]() -> uint32_t {
    const Argument* a = argument_as(c, handle, {ONNXPORT_ARG_LIST}, "a list");
    return a == nullptr ? 0 : static_cast<uint32_t>(a->items().size());
  });
}

onnxport_arg arg_item(onnxport_context* c, onnxport_arg handle, uint32_t index) {
  return guarded<onnxport_arg>(c, 0, [&]() -> onnxport_arg {
    const Argument* a = argument_as(c, handle, {ONNXPORT_ARG_LIST}, "a list");
    if (a == nullptr) return 0;
    if (index >= a->items().size()) {
      misused("element " + std::to_string(index) + " of a list of " + std::to_string(a->items().size()) +
              " was asked for");
    }
    return c->arg_handle(&a->items()[index]);
  });
}

onnxport_value arg_value(onnxport_context* c, onnxport_arg handle) {
  return guarded<onnxport_value>(c, 0, [&]() -> onnxport_value {
    c->may_fail();
    const Argument* a = c->arg(handle);
    if (a == nullptr || a->is_none()) return 0;
    ir::Value* v = materialize(*a, c->builder);
    if (v == nullptr) {
      c->fail(
          "an argument that has no ONNX form (a string, or a list of tensors) was asked for as one value");
      return 0;
    }
    const bool number = a->is_number();
    return c->handle(v, number, number && a->value() == nullptr ? a : nullptr);
  });
}

int32_t result_type_of(onnxport_context* c, const onnxport_arg* args, uint32_t count) {
  return guarded<int32_t>(c, ONNXPORT_UNDEFINED, [&] {
    std::vector<const Argument*> arguments;
    for (const onnxport_arg handle : array(args, count, "arguments")) {
      const Argument* a = c->arg(handle);
      if (a != nullptr) arguments.push_back(a);
    }
    return c->failed ? ONNXPORT_UNDEFINED : static_cast<int32_t>(result_type(arguments));
  });
}

uint32_t output_count(onnxport_context* c) {
  return guarded<uint32_t>(c, 0, [&]() -> uint32_t {
    return c->call == nullptr ? 0 : static_cast<uint32_t>(c->call->outputs.size());
  });
}

int32_t output_used(onnxport_context* c, uint32_t index) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t {
    const Call* call = c->call;
    return call != nullptr && index < call->outputs.size() && call->outputs[index]->has_uses() ? 1 : 0;
  });
}

int32_t output_dtype(onnxport_context* c, uint32_t index) {
  return guarded<int32_t>(c, ONNXPORT_UNDEFINED, [&]() -> int32_t {
    if (c->call == nullptr || index >= c->call->outputs.size()) return ONNXPORT_UNDEFINED;
    const ir::Type& type = c->call->outputs[index]->type();
    return type.is_tensor() ? static_cast<int32_t>(type.dtype()) : ONNXPORT_UNDEFINED;
  });
}

Argument argument_of(onnxport_context* c, onnxport_value handle) {
  c->usable(handle);
  const onnxport_context::Slot* slot = c->slot(handle);
  if (slot == nullptr) return {};
  return slot->known != nullptr ? *slot->known : Argument::of(slot->value, slot->is_number);
}

int32_t set_results(onnxport_context* c, const onnxport_value* values, uint32_t count) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    c->may_fail();
    if (c->call == nullptr) misused("results were given outside of a mapping");
    if (c->results_given) misused("results were given twice");
    c->results_given = c->finished = true;
    const auto given = array(values, count, "results");
    if (c->results.size() < given.size()) c->results.resize(given.size());
    for (size_t i = 0; i < given.size(); ++i) {
      if (c->results[i].list() == nullptr) c->results[i] = argument_of(c, given[i]);
    }
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

int32_t set_list_result(onnxport_context* c, uint32_t index, const onnxport_value* values, uint32_t count) {
  return guarded<int32_t>(c, ONNXPORT_FAILED, [&]() -> int32_t {
    c->may_fail();
    if (c->call == nullptr) misused("results were given outside of a mapping");
    if (index >= std::max<size_t>(c->call->outputs.size(), 1))
      misused("a list is given for result " + std::to_string(index) + " of " +
              std::to_string(c->call->outputs.size()));
    c->finished = true;
    std::vector<Argument> items;
    for (const onnxport_value value : array(values, count, "elements of a list result"))
      items.push_back(argument_of(c, value));
    if (c->results.size() <= index) c->results.resize(index + 1);
    c->results[index] = Argument::list_of(std::move(items));
    return c->ok() ? ONNXPORT_OK : ONNXPORT_FAILED;
  });
}

int32_t training(onnxport_context* c) {
  return guarded<int32_t>(c, 0, [&]() -> int32_t { return c->call != nullptr && c->call->training ? 1 : 0; });
}

}  // namespace

const onnxport_op_api kOpApi = {
    .struct_size = sizeof(onnxport_op_api),
    .reserved = 0,
    .name = name,
    .arg = find_arg,
    .arg_count = arg_count,
    .arg_name = arg_name,
    .arg_kind = arg_kind,
    .arg_int = arg_int,
    .arg_real = arg_real,
    .arg_string = arg_string,
    .arg_size = arg_size,
    .arg_item = arg_item,
    .arg_value = arg_value,
    .result_type = result_type_of,
    .output_count = output_count,
    .output_used = output_used,
    .output_dtype = output_dtype,
    .set_results = set_results,
    .set_list_result = set_list_result,
    .training = training,
};

}  // namespace onnxport
