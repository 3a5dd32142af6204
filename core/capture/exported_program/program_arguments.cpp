// Every kind of argument a program's schema has, as a value of the graph.
#include "core/capture/exported_program/program_importer.h"
#include "core/capture/exported_program/weights.h"

namespace onnxport {
namespace {

template <typename T, typename Read>
std::vector<T> read_all(const Json& list, Read read) {
  std::vector<T> out;
  for (const Json& item : list.items()) out.push_back(read(item));
  return out;
}

// torch.export's number of a memory format -> c10's.
int64_t memory_format(const Json& value) {
  switch (value.integer()) {
    case 1:
      return 0;  // contiguous
    case 2:
      return 2;  // channels last
    case 3:
      return 3;  // channels last, three dimensions
    case 4:
      return 1;  // preserve
    default:
      value.refuse("is no memory format");
  }
}

}  // namespace

ir::Value* ProgramImporter::find(const Json& name) const {
  const auto found = frame_->values.find(name.text());
  if (found != frame_->values.end()) return found->second;
  // Silent: the node that should have made it has its own error, unless there is none.
  if (!errors_.empty()) throw Error("T541", "");
  name.refuse("names '" + std::string(name.text()) + "', which no node before it makes");
}

ir::Value* ProgramImporter::symbolic(const Json& value, ir::Type type) {
  const auto [tag, inner] = value.tagged();
  if (tag == "as_name") return find(inner);
  if (tag == "as_int") return constant(inner.integer(), ir::Type::integer());
  if (tag == "as_float") return constant(inner.real(), ir::Type::real());
  if (tag == "as_bool") return constant(inner.boolean(), std::move(type));
  value.refuse("is no number");
}

ir::Value* ProgramImporter::list(const std::vector<ir::Value*>& items, ir::Type element) {
  return emit("prim::ListConstruct", items)->add_output(ir::Type::list(std::move(element)));
}

ir::Value* ProgramImporter::list_argument(std::string_view tag, const Json& value) {
  using ir::Type;
  if (tag == "as_ints") {
    return constant(read_all<int64_t>(value, [](const Json& j) { return j.integer(); }),
                    Type::list(Type::integer()));
  }
  if (tag == "as_floats") {
    return constant(read_all<double>(value, [](const Json& j) { return j.real(); }),
                    Type::list(Type::real()));
  }
  if (tag == "as_bools") {
    return constant(read_all<bool>(value, [](const Json& j) { return j.boolean(); }),
                    Type::list(Type::boolean()));
  }
  if (tag == "as_strings") {
    return constant(read_all<std::string>(value, [](const Json& j) { return std::string(j.text()); }),
                    Type::list(Type::string()));
  }
  if (tag == "as_tensors") {
    return list(read_all<ir::Value*>(value, [&](const Json& j) { return find(j.at("name")); }),
                Type::tensor());
  }
  if (tag == "as_optional_tensors") {
    const auto read = [&](const Json& j) {
      return j.has("as_tensor") ? find(j.at("as_tensor").at("name")) : none();
    };
    return list(read_all<ir::Value*>(value, read), Type::optional(Type::tensor()));
  }
  const bool ints = tag == "as_sym_ints";
  if (ints || tag == "as_sym_floats" || tag == "as_sym_bools") {
    const Type element = ints ? Type::integer() : tag == "as_sym_floats" ? Type::real() : Type::boolean();
    return list(read_all<ir::Value*>(value, [&](const Json& j) { return symbolic(j, element); }), element);
  }
  return nullptr;
}

ir::Value* ProgramImporter::argument(const Json& tagged, std::string_view wanted_type) {
  using ir::Type;
  const auto [tag, value] = tagged.tagged();
  if (tag == "as_none") return none();
  if (tag == "as_tensor") return find(value.at("name"));
  if (tag == "as_int") {
    const int64_t number = value.integer();
    if (wanted_type.starts_with("float")) return constant(static_cast<double>(number), Type::real());
    return constant(number, Type::integer());
  }
  if (tag == "as_float") return constant(value.real(), Type::real());
  if (tag == "as_bool") return constant(value.boolean(), Type::boolean());
  if (tag == "as_string") return constant(std::string(value.text()), Type::string());
  if (tag == "as_complex") {
    return constant(std::complex<double>(value.at("real").real(), value.at("imag").real()), Type());
  }
  if (tag == "as_sym_int") return symbolic(value, Type::integer());
  if (tag == "as_sym_float") return symbolic(value, Type::real());
  if (tag == "as_sym_bool") return symbolic(value, Type::boolean());
  if (tag == "as_scalar_type") {
    const ir::DType dtype = dtype_of_program(value.integer());
    if (dtype == ir::DType::undefined)
      unsupported("", "an element type that ONNX does not have", "use another dtype");
    return constant(dtype, Type::dtype_kind());
  }
  if (tag == "as_device") return constant(std::string("cpu"), Type::string());
  if (tag == "as_layout") return constant(int64_t{0}, Type::integer());  // strided
  if (tag == "as_memory_format") return constant(memory_format(value), Type::integer());
  if (ir::Value* list = list_argument(tag, value)) return list;
  unsupported("", "an argument of the kind '" + std::string(tag) + "' cannot be held by a graph",
              tag == "as_custom_obj" ? "pass tensors and numbers instead of objects" : "report this model");
}

}  // namespace onnxport
