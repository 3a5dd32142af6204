// Attributes of ONNX operators that the compiler checks. Part of onnxport/plugin.hpp.
#pragma once

#include <initializer_list>

#include "onnxport/value.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

namespace detail {

// An integer attribute is also what ONNX says a flag or an element type with.
struct AttrInt {
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  AttrInt(T v) : value(static_cast<int64_t>(v)) {}
  AttrInt(DType v) : value(static_cast<int64_t>(v)) {}
  int64_t value;
};

}  // namespace detail

// The attributes of one node, each of a type among `Names`: op.Gather(x, index, {attr::axis(1)}). A name that is
// misspelt, that the operator does not take, or whose value is of another kind does not compile.
template <typename... Names>
class AttributeList {
 public:
  class Item {
   public:
    template <typename T, std::enable_if_t<(std::is_same_v<T, Names> || ...), int> = 0>
    Item(T attribute) : attribute_(std::move(attribute)) {}
    const Attr& attribute() const { return attribute_; }

   private:
    Attr attribute_;
  };

  AttributeList() = default;
  AttributeList(std::initializer_list<Item> items) {
    list_.reserve(items.size());
    for (const Item& item : items) list_.push_back(item.attribute());
  }
  // Attributes that several operators share serve each of them.
  template <typename... Fewer>
  AttributeList(const AttributeList<Fewer...>& shared) : list_(shared.list()) {
    static_assert((takes<Fewer>() && ...), "the operator does not take one of these attributes");
  }

  // Adds one that only some cases need.
  void add(Item item) { list_.push_back(item.attribute()); }
  const Attrs& list() const { return list_; }

 private:
  template <typename T>
  static constexpr bool takes() {
    return (std::is_same_v<T, Names> || ...);
  }
  Attrs list_;
};

// Asks for the optional outputs too: op.MaxPool(all_outputs, x, {…}).Indices.
struct AllOutputs {};
inline constexpr AllOutputs all_outputs{};

#include "onnxport/onnx_attributes.inc"

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport
