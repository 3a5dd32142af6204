#include "core/ir/type.h"

#include <algorithm>
#include <utility>

#include "core/ir/type_parser.h"

namespace onnxport::ir {

Type Type::tensor(DType dtype, std::optional<Shape> shape) {
  Type out(Kind::tensor);
  out.dtype_ = dtype;
  out.shape_ = std::move(shape);
  return out;
}

Type Type::list(Type element) {
  Type out(Kind::list);
  out.elements_.push_back(std::move(element));
  return out;
}

Type Type::optional(Type element) {
  Type out(Kind::optional);
  out.elements_.push_back(std::move(element));
  return out;
}

Type Type::tuple(std::vector<Type> elements, std::vector<std::string> names) {
  Type out(Kind::tuple);
  out.elements_ = std::move(elements);
  if (names.size() == out.elements_.size()) out.names_ = std::move(names);
  return out;
}

Type Type::dict(Type key, Type value) {
  Type out(Kind::dict);
  out.elements_.push_back(std::move(key));
  out.elements_.push_back(std::move(value));
  return out;
}

namespace {

std::string tensor_text(const Type& type) {
  std::string out = std::string(short_name(type.dtype())) + '[';
  if (!type.shape()) {
    out += '*';
  } else {
    for (size_t i = 0; i < type.shape()->size(); ++i) out += (i == 0 ? "" : ",") + (*type.shape())[i].text();
  }
  out += ']';
  return type.stands_for_complex() ? out + "!complex" : out;
}

std::string container_text(std::string_view word, const Type& type) {
  std::string out = std::string(word) + '<';
  for (size_t i = 0; i < type.elements().size(); ++i) {
    if (i > 0) out += ',';
    if (!type.names().empty()) out += type.names()[i] + ": ";
    out += type.elements()[i].text();
  }
  return out + '>';
}

bool same_dim(const Dim& a, const Dim& b) { return (a.is_unknown() && b.is_unknown()) || a == b; }

}  // namespace

std::string Type::text() const {
  switch (kind_) {
    case Kind::unknown:
      return "?";
    case Kind::none:
      return "none";
    case Kind::tensor:
      return tensor_text(*this);
    case Kind::integer:
      return "int";
    case Kind::real:
      return "float";
    case Kind::boolean:
      return "bool";
    case Kind::string:
      return "str";
    case Kind::dtype:
      return "dtype";
    case Kind::list:
      return container_text("list", *this);
    case Kind::tuple:
      return container_text("tuple", *this);
    case Kind::optional:
      return container_text("optional", *this);
    case Kind::dict:
      return container_text("dict", *this);
    case Kind::object:
      return "object";
  }
  return "?";
}

std::optional<Type> Type::parse(std::string_view text) {
  size_t at = 0;
  auto out = parse_type_at(text, at);
  return out && at == text.size() ? out : std::nullopt;
}

bool operator==(const Type& a, const Type& b) {
  if (a.kind_ != b.kind_ || a.dtype_ != b.dtype_ || a.complex_ != b.complex_ || a.names_ != b.names_)
    return false;
  if (a.shape_.has_value() != b.shape_.has_value()) return false;
  if (a.shape_ &&
      !std::equal(a.shape_->begin(), a.shape_->end(), b.shape_->begin(), b.shape_->end(), same_dim)) {
    return false;
  }
  return a.elements_ == b.elements_;
}

}  // namespace onnxport::ir
