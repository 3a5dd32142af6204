// The tables of a plugin's library: every pointer, count and size is checked before it is used.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/ir/utf8.h"
#include "core/plugin/library.h"

namespace onnxport {
namespace {

// More rows than any plugin has; a count beyond is a size that was read as one.
constexpr uint64_t kMostRows = 1u << 20;
constexpr uint64_t kLongestName = 1u << 16;
constexpr std::array<std::string_view, 3> kStages = {"translate", "optimize", "target"};

class TableReader {
 public:
  TableReader(std::string id, LibraryTables& out) : id_(std::move(id)), out_(out) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw TableError("its table " + id_ + ": " + what);
  }

  void check_size(uint64_t size, uint64_t least, const std::string& what) const {
    if (size < least) {
      fail(what + " has " + std::to_string(size) + " bytes, ABI 1.0 has " + std::to_string(least));
    }
  }

  // The rows as T: those of another size are copied, and what they lack is zero.
  template <typename T>
  std::span<const T> rows(const T* first, uint64_t count, uint64_t size, uint64_t least,
                          const std::string& what) {
    if (count == 0) return {};
    check_size(size, least, what);
    if (first == nullptr) fail(std::to_string(count) + " times '" + what + "' at a null pointer");
    if (count > kMostRows || size > kMostRows) {
      fail(std::to_string(count) + " times '" + what + "' of " + std::to_string(size) + " bytes");
    }
    if (reinterpret_cast<uintptr_t>(first) % alignof(T) != 0 || size % alignof(T) != 0)
      fail("'" + what + "' is not aligned");
    if (size == sizeof(T)) return {first, static_cast<size_t>(count)};
    const auto copy = std::make_shared<std::vector<T>>(static_cast<size_t>(count));
    const auto* bytes = reinterpret_cast<const std::byte*>(first);
    for (size_t i = 0; i < copy->size(); ++i) {
      std::memcpy(&(*copy)[i], bytes + i * size, static_cast<size_t>(std::min<uint64_t>(size, sizeof(T))));
    }
    out_.owned.push_back(copy);
    return *copy;
  }

  // A text that must be there.
  std::string_view text(onnxport_str s, const std::string& what) const {
    const std::string_view text = text_or_empty(s, what);
    if (text.empty()) fail(what + " is empty");
    return text;
  }
  std::string_view text_or_empty(onnxport_str s, const std::string& what) const {
    if (s.size == 0) return {};
    if (s.data == nullptr || s.size > kLongestName) fail(what + " is no text");
    const std::string_view text(s.data, static_cast<size_t>(s.size));
    if (!ir::is_utf8(text)) fail(what + " is not UTF-8");
    return text;
  }
  std::string_view text(const char* s, const std::string& what) const {
    if (s == nullptr) fail(what + " is a null pointer");
    return text({s, strnlen(s, kLongestName + 1)}, what);
  }

  void check_function(onnxport_translate_fn function, std::string_view of) const {
    if (function == nullptr) fail("'" + std::string(of) + "' has a null function");
  }

  std::span<const onnxport_rule> rules(const onnxport_rule* first, uint64_t count, uint64_t size) {
    const auto out = rows(first, count, size, ONNXPORT_RULE_1_0_SIZE, "a rule");
    for (const onnxport_rule& rule : out) {
      text_or_empty(rule.domain, "the domain of a rule");
      check_function(rule.rewrite, text(rule.op_type, "the operator of a rule"));
    }
    return out;
  }

 private:
  std::string id_;
  LibraryTables& out_;
};

void read_mappings(const onnxport_mapping_api& api, TableReader& reader, LibraryTables& out) {
  out.mappings =
      reader.rows(api.mappings, api.count, api.mapping_size, ONNXPORT_MAPPING_1_0_SIZE, "a mapping");
  constexpr uint32_t known = ONNXPORT_TAKES_COMPLEX | ONNXPORT_ONLY_COMPLEX;
  for (const onnxport_mapping& m : out.mappings) {
    const std::string op(reader.text(m.torch_op, "the operator of a mapping"));
    reader.check_function(m.translate, op);
    if ((m.flags & ~known) != 0) reader.fail("'" + op + "' has flags that ABI 1.0 does not have");
    if (m.min_opset < 0 || m.max_opset < 0 || (m.max_opset != 0 && m.min_opset > m.max_opset)) {
      reader.fail("'" + op + "' is for opsets " + std::to_string(m.min_opset) + " to " +
                  std::to_string(m.max_opset) + ", of which there is none");
    }
  }
}

void check_definition(const onnxport_op_def& op, const TableReader& reader) {
  const std::string of = " of " + std::string(reader.text(op.name, "the name of an operator"));
  for (uint32_t i = 0; i < op.input_count; ++i) reader.text(op.inputs[i].name, "the name of an input" + of);
  for (uint32_t i = 0; i < op.output_count; ++i)
    reader.text(op.outputs[i].name, "the name of an output" + of);
  for (uint32_t i = 0; i < op.attr_count; ++i) {
    const onnxport_attr_def& a = op.attrs[i];
    reader.text(a.name, "the name of an attribute" + of);
    const bool lacks = (a.kind == ONNXPORT_ATTR_STRING && a.s == nullptr) ||
                       (a.count != 0 && ((a.kind == ONNXPORT_ATTR_INTS && a.ints == nullptr) ||
                                         (a.kind == ONNXPORT_ATTR_FLOATS && a.floats == nullptr) ||
                                         (a.kind == ONNXPORT_ATTR_STRINGS && a.strings == nullptr)));
    if (a.has_default != 0 && lacks)
      reader.fail("the default of the attribute '" + std::string(a.name) + "'" + of + " is a null pointer");
    if (a.count > kMostRows) reader.fail("a default of " + std::to_string(a.count) + " elements" + of);
  }
  if (op.has_body == ONNXPORT_BODY_TEXT) reader.text(op.body, "the body" + of);
}

void read_opsets(const onnxport_opset_api& api, TableReader& reader, LibraryTables& out) {
  for (const onnxport_opset& o :
       reader.rows(api.opsets, api.count, api.opset_size, ONNXPORT_OPSET_1_0_SIZE, "an opset")) {
    PluginOpset opset;
    opset.domain = reader.text_or_empty(o.domain, "the domain of an opset");
    if (opset.domain == "ai.onnx") opset.domain.clear();
    opset.version = o.version;
    opset.ir_version = o.ir_version;
    if (o.version <= 0) reader.fail("an opset of version " + std::to_string(o.version));
    if (opset.domain.empty() && o.ir_version <= 0) {
      reader.fail("opset " + std::to_string(o.version) + " of ai.onnx has IR version " +
                  std::to_string(o.ir_version));
    }
    const auto source = reader.rows(o.ops, o.op_count, api.op_size, ONNXPORT_OP_DEF_1_0_SIZE, "an operator");
    const auto ops = std::make_shared<std::vector<onnxport_op_def>>(source.begin(), source.end());
    for (onnxport_op_def& op : *ops) {
      op.inputs =
          reader.rows(op.inputs, op.input_count, api.param_size, ONNXPORT_PARAM_1_0_SIZE, "an input").data();
      op.outputs =
          reader.rows(op.outputs, op.output_count, api.param_size, ONNXPORT_PARAM_1_0_SIZE, "an output")
              .data();
      op.attrs =
          reader.rows(op.attrs, op.attr_count, api.attr_def_size, ONNXPORT_ATTR_DEF_1_0_SIZE, "an attribute")
              .data();
      check_definition(op, reader);
    }
    opset.ops = *ops;
    out.owned.push_back(ops);
    opset.down = reader.rules(o.down, o.down_count, api.rule_size);
    opset.up = reader.rules(o.up, o.up_count, api.rule_size);
    const bool twice = std::any_of(out.opsets.begin(), out.opsets.end(), [&](const PluginOpset& other) {
      return other.domain == opset.domain && other.version == opset.version;
    });
    if (twice) {
      reader.fail("opset " + std::to_string(opset.version) + " of " +
                  (opset.domain.empty() ? "ai.onnx" : opset.domain) + " is there twice");
    }
    out.opsets.push_back(std::move(opset));
  }
}

void read_passes(const onnxport_pass_api& api, TableReader& reader, LibraryTables& out) {
  const auto source = reader.rows(api.passes, api.count, api.pass_size, ONNXPORT_PASS_1_0_SIZE, "a pass");
  out.passes.assign(source.begin(), source.end());
  for (onnxport_pass& pass : out.passes) {
    const std::string name(reader.text(pass.name, "the name of a pass"));
    const std::string_view stage = reader.text(pass.stage, "the stage of the pass '" + name + "'");
    if (std::find(kStages.begin(), kStages.end(), stage) == kStages.end()) {
      reader.fail("the pass '" + name + "' is for the stage '" + std::string(stage) +
                  "'; there are translate, optimize and target");
    }
    pass.rules = reader.rules(pass.rules, pass.rule_count, api.rule_size).data();
  }
}

void read_inferences(const onnxport_infer_api& api, TableReader& reader, LibraryTables& out) {
  out.inferences =
      reader.rows(api.inferences, api.count, api.inference_size, ONNXPORT_INFERENCE_1_0_SIZE, "an inference");
  for (const onnxport_inference& i : out.inferences) {
    reader.text_or_empty(i.domain, "the domain of an inference");
    reader.check_function(i.infer, reader.text(i.op_type, "the operator of an inference"));
  }
}

// A table may be shorter than this host's: what it lacks is zero.
template <typename Api, typename Read>
void read(const onnxport_plugin& plugin, std::string_view id, uint64_t least, LibraryTables& out, Read read) {
  const auto* table = static_cast<const Api*>(plugin.get_interface(&plugin, {id.data(), id.size()}));
  if (table == nullptr) return;
  TableReader reader{std::string(id), out};
  const uint32_t size = table->struct_size;
  reader.check_size(size, least, "it");
  Api api{};
  std::memcpy(&api, table, std::min<size_t>(size, sizeof(Api)));
  read(api, reader, out);
}

}  // namespace

LibraryTables read_tables(const onnxport_plugin& plugin) {
  LibraryTables out;
  read<onnxport_mapping_api>(plugin, "onnxport.mapping/1", ONNXPORT_MAPPING_API_1_0_SIZE, out, read_mappings);
  read<onnxport_opset_api>(plugin, "onnxport.opset/1", ONNXPORT_OPSET_API_1_0_SIZE, out, read_opsets);
  read<onnxport_pass_api>(plugin, "onnxport.pass/1", ONNXPORT_PASS_API_1_0_SIZE, out, read_passes);
  read<onnxport_infer_api>(plugin, "onnxport.infer/1", ONNXPORT_INFER_API_1_0_SIZE, out, read_inferences);
  return out;
}

}  // namespace onnxport
