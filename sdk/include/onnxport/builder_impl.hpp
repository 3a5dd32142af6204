// Bodies of Value and Builder. Part of onnxport/plugin.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "onnxport/builder.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {
namespace detail {

// Rounds to nearest even, as a cast of torch does.
inline uint16_t to_bf16(float f) {
  uint32_t u = 0;
  std::memcpy(&u, &f, sizeof u);
  if (std::isnan(f)) return 0x7fc0;
  return static_cast<uint16_t>((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

inline uint16_t to_f16(float f) {
  uint32_t u = 0;
  std::memcpy(&u, &f, sizeof u);
  const uint32_t sign = (u >> 16) & 0x8000;
  const uint32_t rest = u & 0x7fffffff;
  if (rest > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
  if (rest > 0x477fefff) return static_cast<uint16_t>(sign | 0x7c00);
  if (rest < 0x33000001) return static_cast<uint16_t>(sign);
  const int exponent = static_cast<int>(rest >> 23);
  uint32_t mantissa = rest & 0x7fffff;
  uint32_t half = 0;
  uint32_t dropped = 0;
  int shift = 13;
  if (exponent < 113) {  // subnormal in half precision
    mantissa |= 0x800000;
    shift = 126 - exponent;
    half = mantissa >> shift;
  } else {
    half = (static_cast<uint32_t>(exponent - 112) << 10) | (mantissa >> 13);
  }
  dropped = mantissa & ((1u << shift) - 1);
  const uint32_t middle = 1u << (shift - 1);
  if (dropped > middle || (dropped == middle && (half & 1) != 0)) ++half;
  return static_cast<uint16_t>(sign | half);
}

inline float from_f16(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 0x1f;
  const uint32_t mantissa = h & 0x3ff;
  float magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = mantissa != 0 ? std::nanf("") : INFINITY;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(mantissa | 0x400), static_cast<int>(exponent) - 25);
  }
  return sign != 0 ? -magnitude : magnitude;
}

inline float from_bf16(uint16_t b) {
  const uint32_t u = static_cast<uint32_t>(b) << 16;
  float f = 0;
  std::memcpy(&f, &u, sizeof f);
  return f;
}

template <typename T>
void append_number(std::vector<unsigned char>& out, T value, size_t count) {
  const size_t start = out.size();
  out.resize(start + count * sizeof(T));
  for (size_t i = 0; i < count; ++i) std::memcpy(out.data() + start + i * sizeof(T), &value, sizeof(T));
}

// A double as an integer type: saturating, since an overflowing conversion is undefined in C++.
template <typename T>
T integer_from(double number) {
  if (std::isnan(number)) return 0;
  if (number <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  if (number >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  return static_cast<T>(number);
}

template <typename To, typename From>
std::vector<To> read_as(const onnxport_tensor& t) {
  std::vector<To> out(static_cast<size_t>(t.bytes / sizeof(From)));
  for (size_t i = 0; i < out.size(); ++i) {
    From value{};
    std::memcpy(&value, static_cast<const char*>(t.data) + i * sizeof(From), sizeof(From));
    out[i] = static_cast<To>(value);
  }
  return out;
}

inline onnxport_tensor tensor_to_fill() {
  onnxport_tensor t{};
  t.struct_size = sizeof t;
  return t;
}

}  // namespace detail

inline Builder& Value::builder() const {
  if (builder_ == nullptr) throw Failed("an absent value was calculated with");
  return *builder_;
}
inline DType Value::dtype() const {
  if (handle_ == 0) throw Failed("the element type of an absent value was asked for");
  return static_cast<DType>(builder_->api().graph->dtype(builder_->context(), handle_));
}
inline bool Value::has_rank() const {
  return handle_ != 0 && builder_->api().graph->rank(builder_->context(), handle_) >= 0;
}
inline int64_t Value::rank() const {
  if (handle_ == 0) throw Failed("the rank of an absent value was asked for");
  const int32_t r = builder_->api().graph->rank(builder_->context(), handle_);
  if (r < 0) throw Declined("needs the rank of a value whose rank is known at run time only");
  return is_complex() ? r - 1 : r;
}
inline std::optional<int64_t> Value::static_dim(int64_t axis) const {
  const int64_t r = rank();
  const int64_t a = axis < 0 ? axis + r : axis;
  if (a < 0 || a >= r) return std::nullopt;
  const int64_t size = builder_->api().graph->dim(builder_->context(), handle_, static_cast<uint32_t>(a));
  return size < 0 ? std::nullopt : std::optional<int64_t>(size);
}
inline bool Value::is_complex() const {
  return handle_ != 0 && builder_->api().graph->is_complex(builder_->context(), handle_) != 0;
}
inline bool Value::is_number() const {
  return handle_ != 0 && builder_->api().graph->is_number(builder_->context(), handle_) != 0;
}
inline bool Value::is_constant() const {
  onnxport_tensor t = detail::tensor_to_fill();
  return handle_ != 0 && builder_->api().graph->constant(builder_->context(), handle_, &t) == 1;
}
inline std::optional<std::vector<int64_t>> Value::constant_ints() const {
  onnxport_tensor t = detail::tensor_to_fill();
  if (handle_ == 0 || builder_->api().graph->constant(builder_->context(), handle_, &t) != 1)
    return std::nullopt;
  switch (static_cast<DType>(t.dtype)) {
    case DType::i64:
      return detail::read_as<int64_t, int64_t>(t);
    case DType::i32:
      return detail::read_as<int64_t, int32_t>(t);
    case DType::i16:
      return detail::read_as<int64_t, int16_t>(t);
    case DType::i8:
      return detail::read_as<int64_t, int8_t>(t);
    case DType::u8:
    case DType::boolean:
      return detail::read_as<int64_t, uint8_t>(t);
    default:
      return std::nullopt;
  }
}
inline std::optional<std::vector<double>> Value::constant_reals() const {
  onnxport_tensor t = detail::tensor_to_fill();
  if (handle_ == 0 || builder_->api().graph->constant(builder_->context(), handle_, &t) != 1)
    return std::nullopt;
  switch (static_cast<DType>(t.dtype)) {
    case DType::f32:
      return detail::read_as<double, float>(t);
    case DType::f64:
      return detail::read_as<double, double>(t);
    case DType::f16:
    case DType::bf16: {
      const bool half = static_cast<DType>(t.dtype) == DType::f16;
      std::vector<double> out;
      for (uint16_t bits : detail::read_as<uint16_t, uint16_t>(t)) {
        out.push_back(half ? detail::from_f16(bits) : detail::from_bf16(bits));
      }
      return out;
    }
    default:
      return std::nullopt;
  }
}

inline Tensor Builder::tensor(double number, DType dtype, const std::vector<int64_t>& dims) {
  size_t count = 1;
  for (int64_t d : dims) count *= static_cast<size_t>(d);
  Tensor t{dtype, dims, {}};
  const float single = static_cast<float>(number);
  switch (dtype) {
    case DType::f32:
      detail::append_number(t.data, single, count);
      break;
    case DType::f64:
      detail::append_number(t.data, number, count);
      break;
    case DType::f16:
      detail::append_number(t.data, detail::to_f16(single), count);
      break;
    case DType::bf16:
      detail::append_number(t.data, detail::to_bf16(single), count);
      break;
    case DType::i64:
      detail::append_number(t.data, detail::integer_from<int64_t>(number), count);
      break;
    case DType::i32:
      detail::append_number(t.data, detail::integer_from<int32_t>(number), count);
      break;
    case DType::i16:
      detail::append_number(t.data, detail::integer_from<int16_t>(number), count);
      break;
    case DType::i8:
      detail::append_number(t.data, detail::integer_from<int8_t>(number), count);
      break;
    case DType::u64:
      detail::append_number(t.data, detail::integer_from<uint64_t>(number), count);
      break;
    case DType::u32:
      detail::append_number(t.data, detail::integer_from<uint32_t>(number), count);
      break;
    case DType::u16:
      detail::append_number(t.data, detail::integer_from<uint16_t>(number), count);
      break;
    case DType::u8:
      detail::append_number(t.data, detail::integer_from<uint8_t>(number), count);
      break;
    case DType::boolean:
      detail::append_number(t.data, static_cast<uint8_t>(number != 0), count);
      break;
    default:
      throw Failed("no constant can be made of this element type");
  }
  return t;
}

namespace detail {
inline onnxport_tensor to_abi_tensor(const Tensor& t) {
  return {sizeof(onnxport_tensor),
          static_cast<int32_t>(t.dtype),
          static_cast<uint32_t>(t.dims.size()),
          0,
          t.dims.data(),
          t.data.data(),
          t.data.size()};
}
}  // namespace detail

inline double ConstantView::real(size_t i) const {
  switch (dtype) {
    case DType::f32:
      return static_cast<double>(static_cast<const float*>(data)[i]);
    case DType::f64:
      return static_cast<const double*>(data)[i];
    case DType::f16:
      return static_cast<double>(detail::from_f16(static_cast<const uint16_t*>(data)[i]));
    case DType::bf16:
      return static_cast<double>(detail::from_bf16(static_cast<const uint16_t*>(data)[i]));
    default:
      return 0;
  }
}

inline void NewConstant::set_real(size_t i, double number) {
  const auto single = static_cast<float>(number);
  switch (dtype) {
    case DType::f32:
      static_cast<float*>(data)[i] = single;
      break;
    case DType::f64:
      static_cast<double*>(data)[i] = number;
      break;
    case DType::f16:
      static_cast<uint16_t*>(data)[i] = detail::to_f16(single);
      break;
    case DType::bf16:
      static_cast<uint16_t*>(data)[i] = detail::to_bf16(single);
      break;
    default:
      break;
  }
}

inline std::optional<ConstantView> Value::constant() const {
  onnxport_tensor t = detail::tensor_to_fill();
  if (handle_ == 0 || builder_->api().graph->constant(builder_->context(), handle_, &t) != 1)
    return std::nullopt;
  ConstantView out{
      static_cast<DType>(t.dtype), {t.dims, t.dims + t.rank}, t.data, static_cast<size_t>(t.bytes), 1};
  for (const int64_t d : out.dims) out.count *= static_cast<size_t>(d);
  return out;
}

inline NewConstant Builder::new_constant(DType dtype, const std::vector<int64_t>& dims, const Value& model) {
  if (api_.weight == nullptr) fail("this onnxport offers no room for a large constant (onnxport.weight/1)");
  NewConstant out;
  out.dtype = dtype;
  out.count = 1;
  for (const int64_t d : dims) out.count *= static_cast<size_t>(d);
  out.value =
      checked(api_.weight->create(context_, static_cast<int32_t>(dtype), static_cast<uint32_t>(dims.size()),
                                  dims.data(), model.handle(), &out.data));
  return out;
}

inline Value Builder::constant(const Tensor& t) {
  const onnxport_tensor abi = detail::to_abi_tensor(t);
  return checked(api_.emit->constant(context_, &abi));
}

namespace detail {

// Attributes in ABI form; keeps what the pointers point to.
class AbiAttrs {
 public:
  explicit AbiAttrs(const Attrs& attrs) {
    strings_.reserve(attrs.size());
    tensors_.reserve(attrs.size());
    for (const Attr& a : attrs) std::visit([&](const auto& data) { add(a.name(), data); }, a.data());
  }
  const onnxport_attr* data() const { return list_.data(); }
  uint32_t size() const { return static_cast<uint32_t>(list_.size()); }

 private:
  onnxport_attr& start(const std::string& name, int32_t kind) {
    onnxport_attr a{};
    a.name = to_abi(name);
    a.kind = kind;
    list_.push_back(a);
    return list_.back();
  }
  void add(const std::string& n, int64_t v) { start(n, ONNXPORT_ATTR_INT).i = v; }
  void add(const std::string& n, double v) { start(n, ONNXPORT_ATTR_FLOAT).f = v; }
  void add(const std::string& n, const std::string& v) { start(n, ONNXPORT_ATTR_STRING).s = to_abi(v); }
  void add(const std::string& n, Block v) { start(n, ONNXPORT_ATTR_BLOCK).i = v.number; }
  void add(const std::string& n, const std::vector<int64_t>& v) {
    onnxport_attr& a = start(n, ONNXPORT_ATTR_INTS);
    a.ints = v.data();
    a.count = static_cast<uint32_t>(v.size());
  }
  void add(const std::string& n, const std::vector<double>& v) {
    onnxport_attr& a = start(n, ONNXPORT_ATTR_FLOATS);
    a.floats = v.data();
    a.count = static_cast<uint32_t>(v.size());
  }
  void add(const std::string& n, const std::vector<std::string>& v) {
    strings_.emplace_back();
    for (const std::string& s : v) strings_.back().push_back(to_abi(s));
    onnxport_attr& a = start(n, ONNXPORT_ATTR_STRINGS);
    a.strings = strings_.back().data();
    a.count = static_cast<uint32_t>(v.size());
  }
  void add(const std::string& n, const Tensor& t) {
    tensors_.push_back(to_abi_tensor(t));
    start(n, ONNXPORT_ATTR_TENSOR).tensor = &tensors_.back();
  }

  std::vector<onnxport_attr> list_;
  std::vector<std::vector<onnxport_str>> strings_;
  std::vector<onnxport_tensor> tensors_;
};

inline std::vector<onnxport_value> handles(const Values& values) {
  std::vector<onnxport_value> out;
  out.reserve(values.size());
  for (const Value& v : values) out.push_back(v.handle());
  return out;
}

}  // namespace detail

inline Values Builder::node(std::string_view op_type, const Values& inputs, const Attrs& attrs,
                            size_t outputs, std::string_view domain) {
  std::vector<onnxport_value> in = detail::handles(inputs);
  while (!in.empty() && in.back() == 0) in.pop_back();
  std::vector<onnxport_value> out(outputs, 0);
  const detail::AbiAttrs abi(attrs);
  const int32_t status = api_.emit->node(
      context_, to_abi(domain), to_abi(op_type), in.data(), static_cast<uint32_t>(in.size()), abi.data(),
      abi.size(), sizeof(onnxport_attr), out.data(), static_cast<uint32_t>(out.size()));
  if (status != ONNXPORT_OK) throw Failed("");
  Values result;
  result.reserve(outputs);
  for (onnxport_value handle : out) result.emplace_back(*this, handle);
  return result;
}

inline Value Builder::dim(const Value& x, int64_t axis) {
  return checked(api_.emit->dim(context_, x.handle(), static_cast<uint32_t>(normalized(axis, x.rank()))));
}
inline Value Builder::shape(const Values& parts) {
  const std::vector<onnxport_value> in = detail::handles(parts);
  return checked(api_.emit->shape(context_, in.data(), static_cast<uint32_t>(in.size())));
}
inline Value Builder::shape_of(const Value& x) {
  if (!x.is_complex()) return Shape(x);
  return current_opset() < 15 ? slice(Shape(as_real(x)), 0, 0, -1) : Shape(x, {attr::end(-1)});
}

namespace detail {

// A type in ABI form; keeps what the pointers point to.
class AbiType {
 public:
  AbiType(Builder& builder, DType dtype, int64_t rank, const Dims& dims, bool is_sequence = false) {
    for (const Dim& d : dims) dims_.push_back(d.handle(builder));
    type_ = {sizeof(onnxport_type),
             is_sequence ? ONNXPORT_TYPE_SEQUENCE : ONNXPORT_TYPE_TENSOR,
             static_cast<int32_t>(dtype),
             static_cast<int32_t>(rank),
             dims_.empty() ? nullptr : dims_.data(),
             0,
             0};
  }
  AbiType(const AbiType&) = delete;
  AbiType& operator=(const AbiType&) = delete;
  const onnxport_type* get() const { return &type_; }

 private:
  std::vector<onnxport_dim> dims_;
  onnxport_type type_{};
};

}  // namespace detail

inline Block Builder::block(const std::vector<Param>& params,
                            const std::function<Values(const Values&)>& body) {
  std::vector<std::unique_ptr<detail::AbiType>> types;
  std::vector<onnxport_block_param> abi;
  for (const Param& p : params) {
    if (p.like) {
      abi.push_back({to_abi(p.name), nullptr, p.like.handle(), 0});
    } else {
      types.push_back(std::make_unique<detail::AbiType>(*this, p.dtype, p.rank, p.dims, p.is_sequence));
      abi.push_back({to_abi(p.name), types.back()->get(), 0, 0});
    }
  }
  std::vector<onnxport_value> in(params.size(), 0);
  if (api_.emit->begin_block(context_, abi.data(), static_cast<uint32_t>(abi.size()),
                             sizeof(onnxport_block_param), in.data()) != ONNXPORT_OK) {
    throw Failed("");
  }
  Values arguments;
  for (onnxport_value handle : in) arguments.emplace_back(*this, handle);
  const std::vector<onnxport_value> out = detail::handles(body(arguments));
  const int64_t number = api_.emit->end_block(context_, out.data(), static_cast<uint32_t>(out.size()));
  if (number < 0) throw Failed("");
  return {number};
}

inline Value Builder::typed(const Value& x, DType dtype, const Dims& dims) {
  const detail::AbiType type(*this, dtype, static_cast<int64_t>(dims.size()), dims);
  if (api_.emit->set_type(context_, x.handle(), type.get()) != ONNXPORT_OK) throw Failed("");
  return x;
}
inline Value Builder::typed_like(const Value& x, const Value& model) {
  if (api_.emit->set_type_like(context_, x.handle(), model.handle()) != ONNXPORT_OK) throw Failed("");
  return x;
}
inline Value Builder::with_shape(const Value& x, const Dims& dims) {
  std::vector<onnxport_dim> handles;
  for (const Dim& d : dims) handles.push_back(d.handle(*this));
  if (api_.emit->set_shape(context_, x.handle(), handles.data(), static_cast<uint32_t>(handles.size())) !=
      ONNXPORT_OK) {
    throw Failed("");
  }
  return x;
}

// ---- sizes ----

inline Dim Value::size(int64_t axis) const {
  Builder& b = builder();
  return {b, b.api().dim->of_axis(b.context(), handle_, static_cast<uint32_t>(b.normalized(axis, rank())))};
}
inline Dims Value::sizes() const {
  Dims out;
  for (int64_t axis = 0; axis < rank(); ++axis) out.push_back(size(axis));
  return out;
}
inline Dim Value::element(int64_t index) const {
  Builder& b = builder();
  return {b, b.api().dim->of_element(b.context(), handle_, static_cast<uint32_t>(index))};
}

inline std::optional<int64_t> Dim::number() const {
  if (builder_ == nullptr) return known_ && number_ >= 0 ? std::optional(number_) : std::nullopt;
  const int64_t n = builder_->api().dim->static_size(builder_->context(), handle_);
  return n < 0 ? std::nullopt : std::optional(n);
}
inline std::string Dim::text() const {
  if (builder_ == nullptr) return known_ ? std::to_string(number_) : "?";
  return std::string(from_abi(builder_->api().dim->text(builder_->context(), handle_)));
}
inline onnxport_dim Dim::handle(Builder& builder) const {
  if (builder_ != nullptr || !known_) return handle_;
  return builder.api().dim->number(builder.context(), number_);
}
inline Dim Dim::combine(const Dim& a, const Dim& b, Operation operation) {
  if (!a.known_ || !b.known_) return {};
  Builder* builder = a.builder_ != nullptr ? a.builder_ : b.builder_;
  if (builder == nullptr) throw Failed("arithmetic on numbers alone is C++'s, not Dim's");
  return {*builder,
          (builder->api().dim->*operation)(builder->context(), a.handle(*builder), b.handle(*builder))};
}
inline Dim operator+(const Dim& a, const Dim& b) { return Dim::combine(a, b, &onnxport_dim_api::add); }
inline Dim operator-(const Dim& a, const Dim& b) { return Dim::combine(a, b, &onnxport_dim_api::sub); }
inline Dim operator*(const Dim& a, const Dim& b) { return Dim::combine(a, b, &onnxport_dim_api::mul); }
inline Dim operator/(const Dim& a, const Dim& b) { return Dim::combine(a, b, &onnxport_dim_api::floor_div); }
inline Dim operator%(const Dim& a, const Dim& b) { return Dim::combine(a, b, &onnxport_dim_api::mod); }
inline Dim min(const Dim& a, const Dim& b) { return Dim::combine(a, b, &onnxport_dim_api::min); }
inline Dim max(const Dim& a, const Dim& b) { return Dim::combine(a, b, &onnxport_dim_api::max); }
inline bool operator==(const Dim& a, const Dim& b) {
  if (!a.known_ || !b.known_) return false;
  Builder* builder = a.builder_ != nullptr ? a.builder_ : b.builder_;
  if (builder == nullptr) return a.number_ == b.number_;
  return builder->api().dim->equal(builder->context(), a.handle(*builder), b.handle(*builder)) == 1;
}

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport
