// A torch::nn::Module of the C++ frontend to ONNX, in one call:
//
//   #include <torch/torch.h>
//   #include <onnxport/module.h>
//
//   Net net;                                                  // any module with a forward
//   onnxport::ExportOptions options;
//   options.inputs = {"x:f32[batch,3,h,w]"};                  // names and dynamic dims, over the examples
//   onnxport::export_module(*net, {torch::randn({2, 3, 64, 64})}, "net.onnx", options);
//
// C++20, as the rest of these headers. Link onnxport::onnxport, onnxport::torch and the libtorch that onnxport was built with.
#pragma once

#include <c10/util/Type.h>
#include <torch/nn/module.h>

#include <concepts>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "onnxport/callable.h"
#include "onnxport/export.h"

namespace onnxport {
namespace detail {

// ---- what forward returns, as values ----

template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
constexpr bool kIsVector = false;
template <typename T>
constexpr bool kIsVector<std::vector<T>> = true;
template <typename T>
concept IsTuple = requires {
  std::tuple_size<T>::value;
};  // std::pair and std::array too
template <typename T>
concept IsMap = requires {
  typename T::mapped_type;
};

template <typename T>
c10::IValue to_value(const T& value);

template <typename Map>
c10::IValue map_to_value(const Map& values) {
  // In the order of their keys, whatever the map's is: results keep their places.
  std::map<typename Map::key_type, c10::IValue> sorted;
  for (const auto& [key, value] : values) sorted.emplace(key, to_value(value));
  c10::impl::GenericDict out(std::is_integral_v<typename Map::key_type>
                                 ? c10::TypePtr(c10::IntType::get())
                                 : c10::TypePtr(c10::StringType::get()),
                             c10::AnyType::get());
  for (const auto& [key, value] : sorted) out.insert(to_value(key), value);
  return out;
}

template <typename T>
c10::IValue to_value(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<int64_t>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(value);
  } else if constexpr (kIsOptional<T>) {
    return value ? to_value(*value) : c10::IValue();
  } else if constexpr (kIsVector<T>) {
    std::vector<c10::IValue> items;
    for (const auto& item : value) items.push_back(to_value(item));
    return c10::ivalue::Tuple::create(std::move(items));
  } else if constexpr (IsTuple<T>) {
    return std::apply(
        [](const auto&... item) {
          return c10::ivalue::Tuple::create(std::vector<c10::IValue>{to_value(item)...});
        },
        value);
  } else if constexpr (IsMap<T>) {
    return map_to_value(value);
  } else {
    static_assert(std::is_constructible_v<c10::IValue, const T&>,
                  "forward returns a type that is neither a tensor nor made of tensors: return tensors, or "
                  "take the result apart in a function for export_callable");
    return c10::IValue(value);
  }
}

// ---- examples, as what forward takes ----

template <typename T>
struct FromValue {
  static T get(const c10::IValue& value) { return value.to<T>(); }
};
template <typename T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) struct FromValue<T> {
  static T get(const c10::IValue& value) { return static_cast<T>(value.toInt()); }
};
template <typename T>
requires(std::is_floating_point_v<T>) struct FromValue<T> {  // as in C++, a whole number will do
  static T get(const c10::IValue& value) {
    return value.isInt() ? static_cast<T>(value.toInt()) : static_cast<T>(value.toDouble());
  }
};
template <>
struct FromValue<at::Tensor> {  // None is an undefined tensor
  static at::Tensor get(const c10::IValue& value) { return value.isNone() ? at::Tensor() : value.toTensor(); }
};
template <typename T>
struct FromValue<std::optional<T>> {
  static auto get(const c10::IValue& value) {
    using Inner = decltype(FromValue<T>::get(value));
    return value.isNone() ? std::optional<Inner>() : std::optional<Inner>(FromValue<T>::get(value));
  }
};
template <typename T>
struct FromValue<std::vector<T>> {
  static std::vector<T> get(const c10::IValue& value) {
    std::vector<T> out;
    if (value.isTuple()) {
      for (const c10::IValue& item : value.toTupleRef().elements()) out.push_back(FromValue<T>::get(item));
    } else {
      for (const c10::IValue& item : value.toListRef()) out.push_back(FromValue<T>::get(item));
    }
    return out;
  }
};
template <typename T>
struct FromValue<c10::ArrayRef<T>> : FromValue<std::vector<T>> {};  // which lives as long as the call
template <typename... T>
struct FromValue<std::tuple<T...>> {
  static std::tuple<T...> get(const c10::IValue& value) {
    return get(value, std::index_sequence_for<T...>());
  }
  template <std::size_t... I>
  static std::tuple<T...> get(const c10::IValue& value, std::index_sequence<I...> /*each*/) {
    const auto& items = value.toTupleRef().elements();
    return std::tuple<T...>(FromValue<T>::get(items.at(I))...);
  }
};
template <typename A, typename B>
struct FromValue<std::pair<A, B>> {
  static std::pair<A, B> get(const c10::IValue& value) {
    return std::make_from_tuple<std::pair<A, B>>(FromValue<std::tuple<A, B>>::get(value));
  }
};
template <typename Map>
requires IsMap<Map>
struct FromValue<Map> {
  static Map get(const c10::IValue& value) {
    Map out;
    for (const auto& entry : value.toGenericDict())
      out.emplace(FromValue<typename Map::key_type>::get(entry.key()),
                  FromValue<typename Map::mapped_type>::get(entry.value()));
    return out;
  }
};

// An argument of forward for as long as the call lasts: forward may take it by reference.
template <typename Argument>
class Held {
  using Value = std::decay_t<Argument>;
  using Stored = decltype(FromValue<Value>::get(std::declval<const c10::IValue&>()));
  static constexpr bool kByReference =
      std::is_lvalue_reference_v<Argument> && !std::is_const_v<std::remove_reference_t<Argument>>;

 public:
  using Passed = std::conditional_t<kByReference, Stored&, Stored&&>;

  Held(const std::vector<c10::IValue>& values, std::size_t position) : stored_(read(values, position)) {}
  Passed pass() { return static_cast<Passed>(stored_); }

 private:
  static Stored read(const std::vector<c10::IValue>& values, std::size_t position) {
    try {
      return FromValue<Value>::get(values[position]);
    } catch (const std::exception&) {  // libtorch's words are of its own code
      throw Error("P601",
                  "example " + std::to_string(position + 1) + " is of the type " +
                      values[position].tagKind() + ", where forward takes " + c10::demangle_type<Value>(),
                  {},
                  "give a value of the argument's own type; c10::IValue() is an absent tensor or optional");
    }
  }

  Stored stored_;
};

// ---- calling forward ----

constexpr std::size_t kMostArguments = 12;

template <typename... T>
struct Types {
  static constexpr std::size_t kCount = sizeof...(T);
};
template <typename Method>
struct ArgumentsOf;
template <typename Class, typename Result, typename... T>
struct ArgumentsOf<Result (Class::*)(T...)> : std::type_identity<Types<T...>> {};
template <typename Class, typename Result, typename... T>
struct ArgumentsOf<Result (Class::*)(T...) const> : std::type_identity<Types<T...>> {};
template <typename Class, typename Result, typename... T>
struct ArgumentsOf<Result (Class::*)(T...) noexcept> : std::type_identity<Types<T...>> {};
template <typename Class, typename Result, typename... T>
struct ArgumentsOf<Result (Class::*)(T...) const noexcept> : std::type_identity<Types<T...>> {};

// A forward that is a template, or one of several, takes what it is given: tensors.
template <typename Module>
concept HasOneForward = requires {
  &Module::forward;
};

template <typename Module>
auto arguments_of() {
  if constexpr (HasOneForward<Module>) {
    return typename ArgumentsOf<decltype(&Module::forward)>::type();
  } else {
    return []<std::size_t... I>(std::index_sequence<I...> /*each*/) {
      return Types<std::conditional_t<I == 0, at::Tensor, at::Tensor>...>();
    }
    (std::make_index_sequence<kMostArguments>());
  }
}

template <typename Module, typename... Passed>
concept Takes = requires(Module& module, Held<Passed>&... held) {
  module.forward(held.pass()...);
};

inline std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

template <typename Module>
[[noreturn]] void refuse_count(std::size_t given) {
  if constexpr (HasOneForward<Module>) {
    throw Error("P601",
                "forward takes " + counted(decltype(arguments_of<Module>())::kCount, "argument") + ", and " +
                    counted(given, "example") + (given == 1 ? " is" : " are") + " given",
                {},
                "give one example for each argument; only those with a default may be left out, at the end");
  } else {
    throw Error(
        "P601", "forward cannot be called with " + counted(given, "tensor"), {},
        "give one tensor for each argument, or export a function that calls forward (export_callable)");
  }
}

// With the first arguments of forward: the compiler tries whether the others have defaults.
template <typename Module, typename... T, std::size_t... I>
c10::IValue call_with(Module& module, const std::vector<c10::IValue>& values, Types<T...> /*all*/,
                      std::index_sequence<I...> /*first*/) {
  using All = std::tuple<std::type_identity<T>...>;
  if constexpr (Takes<Module, typename std::tuple_element_t<I, All>::type...>) {
    std::tuple<Held<typename std::tuple_element_t<I, All>::type>...> held{
        Held<typename std::tuple_element_t<I, All>::type>(values, I)...};
    if constexpr (std::is_void_v<decltype(module.forward(std::get<I>(held).pass()...))>) {
      module.forward(std::get<I>(held).pass()...);
      return c10::ivalue::Tuple::create(std::vector<c10::IValue>{});
    } else {
      return to_value(module.forward(std::get<I>(held).pass()...));
    }
  } else {
    refuse_count<Module>(values.size());
  }
}

template <typename Module>
c10::IValue call_forward(Module& module, const std::vector<c10::IValue>& values) {
  constexpr auto all = decltype(arguments_of<Module>())();
  c10::IValue out;
  bool called = false;
  const auto attempt = [&]<std::size_t Count>(std::integral_constant<std::size_t, Count> /*count*/) {
    if (values.size() != Count) return;
    called = true;
    out = call_with(module, values, all, std::make_index_sequence<Count>());
  };
  [&]<std::size_t... Count>(std::index_sequence<Count...> /*each*/) {
    (attempt(std::integral_constant<std::size_t, Count>()), ...);
  }
  (std::make_index_sequence<decltype(all)::kCount + 1>());
  if (!called) refuse_count<Module>(values.size());
  return out;
}

// Training mode is a flag of each submodule: each gets its own back.
inline std::function<void()> set_mode(torch::nn::Module& module, bool training) {
  std::vector<std::pair<std::shared_ptr<torch::nn::Module>, bool>> before;
  for (const auto& each : module.modules(/*include_self=*/false))
    before.emplace_back(each, each->is_training());
  const bool own = module.is_training();
  module.train(training);
  return [&module, own, before] {
    module.train(own);
    for (const auto& [each, flag] : before) each->train(flag);
  };
}

}  // namespace detail

// A module as Session::capture and export_file take it; see live_source() for what happens there. `module` must live until then.
// `examples`: one value per argument of forward, those with defaults may be left out at the end; an empty IValue is an absent tensor.
template <typename Module>
Source module_source(Module& module, std::vector<c10::IValue> examples, std::string name = "module") {
  static_assert(std::is_base_of<torch::nn::Module, Module>::value,
                "a torch::nn::Module is needed: write *net for a holder");
  detail::check_libtorch(TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR);
  Callable model;
  for (const auto& item : module.named_parameters())
    model.tensors.push_back({item.key(), item.value(), true});
  for (const auto& item : module.named_buffers()) model.tensors.push_back({item.key(), item.value(), false});
  model.examples = std::move(examples);
  model.name = std::move(name);
  model.set_mode = [&module](bool training) { return detail::set_mode(module, training); };
  model.forward = [&module](const std::vector<c10::IValue>& values) {
    c10::IValue out = detail::call_forward(module, values);
    // The elements of a tuple are results of their own.
    return out.isTuple() ? out.toTupleRef().elements().vec() : std::vector<c10::IValue>{std::move(out)};
  };
  return live_source(std::move(model));
}

// Records the module and writes `file`, as export_file does for a file. Throws Error.
template <typename Module>
ExportResult export_module(Module& module, std::vector<c10::IValue> examples,
                           const std::filesystem::path& file, const ExportOptions& options = {}) {
  return export_file(module_source(module, std::move(examples)), file, options);
}

// The same for any code; `tensors` are its weights.
inline ExportResult export_callable(Forward forward, std::vector<NamedTensor> tensors,
                                    std::vector<c10::IValue> examples, const std::filesystem::path& file,
                                    const ExportOptions& options = {}) {
  return export_file(callable_source(std::move(forward), std::move(tensors), std::move(examples)), file,
                     options);
}

}  // namespace onnxport
