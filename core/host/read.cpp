// What a plugin hands over, read with every pointer, count and size checked first.
#include <algorithm>

#include "core/host/context.h"
#include "core/ir/utf8.h"

namespace onnxport {
namespace {

constexpr uint64_t kLongestBytes = uint64_t{1} << 31;  // what a string of an ONNX model can hold
constexpr uint64_t kLongestText = 1u << 16;
constexpr uint32_t kMostDims = 64;

// Words for the user: what is too long is cut, at a character.
std::string words(onnxport_str s, const char* what) {
  const std::string_view bytes = bytes_of(s, what);
  const std::string_view shown = ir::beginning(bytes, kLongestText);
  return std::string(text_of(to_abi(shown), what)) + (shown.size() < bytes.size() ? "…" : "");
}

ir::Block* block_for_use(onnxport_context& c, ir::Block* block) {
  if (std::find(c.used_blocks.begin(), c.used_blocks.end(), block) != c.used_blocks.end())
    misused("a block is the attribute of two nodes");
  c.used_blocks.push_back(block);
  return block;
}

bool is_code(std::string_view code) {
  const auto good = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  return code.size() <= 32 && std::all_of(code.begin(), code.end(), good);
}

}  // namespace

void misused(std::string message) {
  throw Error("T505", std::move(message), {}, "this is a defect of the plugin: report it to its publisher");
}

std::string_view bytes_of(onnxport_str s, const char* what) {
  if (s.size == 0) return {};
  if (s.data == nullptr) misused(std::string(what) + " at a null pointer");
  if (s.size > kLongestBytes) misused(std::string(what) + " of " + std::to_string(s.size) + " bytes");
  return {s.data, static_cast<size_t>(s.size)};
}

std::string_view text_of(onnxport_str s, const char* what) {
  const std::string_view text = bytes_of(s, what);
  if (!ir::is_utf8(text)) misused(std::string(what) + " is not UTF-8");
  return text;
}

// The data as a tensor of ours, where dtype, dims and bytes agree.
uint64_t tensor_bytes(ir::DType dtype, std::span<const int64_t> dims) {
  const uint64_t bits = ir::bits_of(dtype);
  if (bits == 0) misused("a tensor of the element type " + std::to_string(static_cast<int>(dtype)));
  uint64_t count = bits;
  bool good = true;
  for (const int64_t d : dims)
    good = good && d >= 0 && !__builtin_mul_overflow(count, static_cast<uint64_t>(d), &count);
  if (!good || count > UINT64_MAX - 7) misused("a tensor whose dims are no sizes");
  return (count + 7) / 8;
}

ir::Tensor read_tensor(const onnxport_tensor* source) {
  const onnxport_tensor t = sized(source, ONNXPORT_TENSOR_1_0_SIZE, "a tensor");
  const auto dtype = static_cast<ir::DType>(t.dtype);
  if (t.rank > kMostDims) misused("a tensor of " + std::to_string(t.rank) + " dimensions");
  const auto dims = array(t.dims, t.rank, "dims of a tensor");
  if (tensor_bytes(dtype, dims) != t.bytes)
    misused("a tensor whose bytes do not fit its element type and dims");
  if (t.bytes != 0 && t.data == nullptr) misused("a tensor without data");
  return ir::Tensor::copy_of(dtype, {dims.begin(), dims.end()},
                             {static_cast<const std::byte*>(t.data), static_cast<size_t>(t.bytes)});
}

std::optional<ir::Shape> read_dims(onnxport_context& c, const onnxport_dim* dims, int64_t rank) {
  if (rank < 0) return std::nullopt;
  if (rank > kMostDims) misused("a type of " + std::to_string(rank) + " dimensions");
  ir::Shape shape;
  for (int64_t i = 0; i < rank; ++i) {
    ir::Dim dim = dims == nullptr ? ir::Dim() : c.dim(dims[i]);
    if (dim.is_constant() && dim.value() < 0) misused("a size of " + std::to_string(dim.value()));
    shape.push_back(dim.is_unknown() ? c.builder.fresh_dim() : std::move(dim));
  }
  return shape;
}

ir::Type read_type(onnxport_context& c, const onnxport_type* source) {
  const onnxport_type t = sized(source, ONNXPORT_TYPE_1_0_SIZE, "a type");
  const auto dtype = static_cast<ir::DType>(t.dtype);
  if (t.dtype != ONNXPORT_UNDEFINED && ir::short_name(dtype) == "?") {
    misused("a type of the element type " + std::to_string(t.dtype));
  }
  ir::Type type = ir::Type::tensor(dtype, read_dims(c, t.dims, t.rank));
  if (t.is_complex != 0) {
    const int r = type.rank();
    if (r < 1 || !((*type.shape())[static_cast<size_t>(r - 1)] == ir::Dim(2)))
      misused("a complex type needs a last axis of 2");
    type.set_stands_for_complex(true);
  }
  switch (t.kind) {
    case ONNXPORT_TYPE_TENSOR:
      return type;
    case ONNXPORT_TYPE_SEQUENCE:
      return ir::Type::list(std::move(type));
    case ONNXPORT_TYPE_OPTIONAL:
      return ir::Type::optional(std::move(type));
    default:
      misused("a type of kind " + std::to_string(t.kind));
  }
}

std::vector<ir::Attribute> read_attributes(onnxport_context& c, const onnxport_attr* attrs, uint32_t count,
                                           uint64_t size) {
  std::vector<ir::Attribute> out;
  if (count == 0) return out;
  array(attrs, count, "attributes");
  if (size < ONNXPORT_ATTR_1_0_SIZE || size > kMostItems)
    misused("attributes of " + std::to_string(size) + " bytes each");
  for (uint32_t i = 0; i < count; ++i) {
    const onnxport_attr a = row(attrs, size, i);
    const std::string_view name = text_of(a.name, "the name of an attribute");
    if (name.empty()) misused("an attribute without a name");
    ir::AttributeValue value;
    switch (a.kind) {
      case ONNXPORT_ATTR_INT:
        value = a.i;
        break;
      case ONNXPORT_ATTR_FLOAT:
        value = a.f;
        break;
      case ONNXPORT_ATTR_STRING:
        value = std::string(bytes_of(a.s, "a string attribute"));
        break;
      case ONNXPORT_ATTR_INTS: {
        const auto items = array(a.ints, a.count, "ints of an attribute");
        value = std::vector<int64_t>(items.begin(), items.end());
        break;
      }
      case ONNXPORT_ATTR_FLOATS: {
        const auto items = array(a.floats, a.count, "floats of an attribute");
        value = std::vector<double>(items.begin(), items.end());
        break;
      }
      case ONNXPORT_ATTR_STRINGS: {
        std::vector<std::string> strings;
        for (const onnxport_str& s : array(a.strings, a.count, "strings of an attribute"))
          strings.emplace_back(bytes_of(s, "a string of an attribute"));
        value = std::move(strings);
        break;
      }
      case ONNXPORT_ATTR_TENSOR:
        value = read_tensor(a.tensor);
        break;
      case ONNXPORT_ATTR_BLOCK:
        if (a.i < 0 || static_cast<size_t>(a.i) >= c.blocks.size())
          misused("a block attribute that names no block");
        value = block_for_use(c, c.blocks[static_cast<size_t>(a.i)]);
        break;
      default:
        misused("an attribute of kind " + std::to_string(a.kind));
    }
    out.push_back(c.builder.attribute(name, std::move(value)));
  }
  return out;
}

Diagnostic read_message(onnxport_context& c, const onnxport_message* source, std::string_view family) {
  const onnxport_message m = sized(source, ONNXPORT_MESSAGE_1_0_SIZE, "a message");
  Diagnostic out;
  out.message = words(m.text, "the text of a message");
  out.hint = words(m.hint, "the hint of a message");
  const std::string_view code = text_of(m.code, "the code of a message");
  if (!is_code(code)) misused("the code of a message is not up to 32 letters, digits, '-', '_' and '.'");
  // A code of the plugin's own, in the family that the exit status comes from.
  if (!code.empty()) out.code = std::string(family) + "/" + c.plugin_id + "/" + std::string(code);
  return out;
}

}  // namespace onnxport
