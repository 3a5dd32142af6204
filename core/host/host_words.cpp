// "onnxport.diag/1" and "onnxport.options/1": words for the user, and what the user set.
#include <charconv>

#include "core/host/context.h"

namespace onnxport {
namespace {

constexpr size_t kMostNotes = 1000;  // of one call

void decline(onnxport_context* c, const onnxport_message* message) {
  guarded<int>(c, 0, [&] {
    c->decline(read_message(*c, message, "T502"));
    return 0;
  });
}

void fail(onnxport_context* c, const onnxport_message* message) {
  guarded<int>(c, 0, [&] {
    c->fail(read_message(*c, message, "T503"));
    return 0;
  });
}

void tell(onnxport_context* c, const onnxport_message* message) {
  guarded<int>(c, 0, [&] {
    Diagnostic note = read_message(*c, message, "T503");
    int32_t severity = 0;
    std::memcpy(&severity, &message->severity, sizeof severity);
    if (severity != ONNXPORT_NOTE && severity != ONNXPORT_WARNING)
      misused("a message of severity " + std::to_string(severity));
    note.severity = severity == ONNXPORT_WARNING ? Severity::warning : Severity::note;
    if (c->notes.size() < kMostNotes) c->notes.push_back(std::move(note));
    return 0;
  });
}

// ---- options ----

using Options = std::map<std::string, std::string>;

const Options& options_of(const onnxport_context* c) {
  static const Options none;
  const Options* found = c->registry == nullptr ? nullptr : c->registry->options_of(c->plugin_id);
  return found == nullptr ? none : *found;
}

const std::string* find(const onnxport_context* c, onnxport_str name) {
  const Options& options = options_of(c);
  const auto found = options.find(std::string(text_of(name, "the name of an option")));
  return found == options.end() ? nullptr : &found->second;
}

[[noreturn]] void refuse(const onnxport_context* c, onnxport_str name, const std::string& value,
                         const char* wanted) {
  const std::string option(text_of(name, "the name of an option"));
  throw Error("T507",
              "the option " + option + " of plugin " + c->plugin_id + " is '" + value + "', no " + wanted, {},
              "set it with --plugin-option " + c->plugin_id + ":" + option + "=VALUE");
}

template <typename Number>
Number read_number(const onnxport_context* c, onnxport_str name, const std::string& value,
                   const char* wanted) {
  Number out{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc() || end != value.data() + value.size()) refuse(c, name, value, wanted);
  return out;
}

uint32_t count(onnxport_context* c) {
  return guarded<uint32_t>(c, 0, [&] { return static_cast<uint32_t>(options_of(c).size()); });
}

onnxport_str name(onnxport_context* c, uint32_t index) {
  return guarded<onnxport_str>(c, {nullptr, 0}, [&]() -> onnxport_str {
    const Options& options = options_of(c);
    return index < options.size() ? to_abi(std::next(options.begin(), index)->first)
                                  : onnxport_str{nullptr, 0};
  });
}

int32_t has(onnxport_context* c, onnxport_str name) {
  return guarded<int32_t>(c, 0, [&] { return find(c, name) == nullptr ? 0 : 1; });
}

onnxport_str text(onnxport_context* c, onnxport_str name, onnxport_str otherwise) {
  return guarded<onnxport_str>(c, otherwise, [&] {
    const std::string* value = find(c, name);
    return value == nullptr ? otherwise : to_abi(*value);
  });
}

int64_t integer(onnxport_context* c, onnxport_str name, int64_t otherwise) {
  return guarded<int64_t>(c, otherwise, [&] {
    const std::string* value = find(c, name);
    return value == nullptr ? otherwise : read_number<int64_t>(c, name, *value, "integer");
  });
}

double real(onnxport_context* c, onnxport_str name, double otherwise) {
  return guarded<double>(c, otherwise, [&] {
    const std::string* value = find(c, name);
    return value == nullptr ? otherwise : read_number<double>(c, name, *value, "number");
  });
}

int32_t boolean(onnxport_context* c, onnxport_str name, int32_t otherwise) {
  return guarded<int32_t>(c, otherwise, [&]() -> int32_t {
    const std::string* value = find(c, name);
    if (value == nullptr) return otherwise;
    if (*value == "true") return 1;
    if (*value != "false") refuse(c, name, *value, "bool (true, false)");
    return 0;
  });
}

}  // namespace

const onnxport_diag_api kDiagApi = {
    .struct_size = sizeof(onnxport_diag_api), .reserved = 0, .decline = decline, .fail = fail, .tell = tell};
const onnxport_options_api kOptionsApi = {
    .struct_size = sizeof(onnxport_options_api),
    .reserved = 0,
    .count = count,
    .name = name,
    .has = has,
    .text = text,
    .integer = integer,
    .real = real,
    .boolean = boolean,
};

}  // namespace onnxport
