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

#include <torch/nn/module.h>

#include <filesystem>
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

inline c10::IValue to_value(const at::Tensor& tensor) { return tensor; }
inline c10::IValue to_value(int64_t number) { return number; }
inline c10::IValue to_value(double number) { return number; }
inline c10::IValue to_value(bool flag) { return flag; }
template <typename T>
c10::IValue to_value(const std::optional<T>& value);
template <typename T>
c10::IValue to_value(const std::vector<T>& values);
template <typename T>
c10::IValue to_value(const std::map<std::string, T>& values);
template <typename A, typename B>
c10::IValue to_value(const std::pair<A, B>& values);
template <typename... T>
c10::IValue to_value(const std::tuple<T...>& values);

template <typename T>
c10::IValue to_value(const std::optional<T>& value) {
  return value ? to_value(*value) : c10::IValue();
}
template <typename T>
c10::IValue to_value(const std::vector<T>& values) {
  std::vector<c10::IValue> items;
  for (const T& value : values) items.push_back(to_value(value));
  return c10::ivalue::Tuple::create(std::move(items));
}
template <typename T>
c10::IValue to_value(const std::map<std::string, T>& values) {
  c10::impl::GenericDict out(c10::StringType::get(), c10::AnyType::get());
  for (const auto& [name, value] : values) out.insert(name, to_value(value));
  return out;
}
template <typename A, typename B>
c10::IValue to_value(const std::pair<A, B>& values) {
  return c10::ivalue::Tuple::create({to_value(values.first), to_value(values.second)});
}
template <typename... T>
c10::IValue to_value(const std::tuple<T...>& values) {
  return std::apply(
      [](const T&... value) {
        return c10::ivalue::Tuple::create(std::vector<c10::IValue>{to_value(value)...});
      },
      values);
}

// ---- examples, as what forward takes ----

template <typename T>
struct FromValue {
  static T get(const c10::IValue& value) { return value.to<T>(); }
};
template <>
struct FromValue<at::Tensor> {  // None is an undefined tensor
  static at::Tensor get(const c10::IValue& value) { return value.isNone() ? at::Tensor() : value.toTensor(); }
};
template <typename T>
struct FromValue<std::optional<T>> {
  static std::optional<T> get(const c10::IValue& value) {
    return value.isNone() ? std::nullopt : std::optional<T>(FromValue<T>::get(value));
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
struct FromValue<c10::ArrayRef<T>> {  // refers to memory of its caller, which a value is not
  static c10::ArrayRef<T> get(const c10::IValue& /*value*/) {
    throw Error("P601", "forward takes a list by reference, which no example can be", {},
                "leave the argument out, or export a callable that gives it");
  }
};
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
template <typename T>
struct FromValue<std::map<std::string, T>> {
  static std::map<std::string, T> get(const c10::IValue& value) {
    std::map<std::string, T> out;
    for (const auto& entry : value.toGenericDict())
      out.emplace(entry.key().toStringRef(), FromValue<T>::get(entry.value()));
    return out;
  }
};

// ---- calling forward ----

constexpr std::size_t kMostArguments = 12;

template <typename Module, typename = void>
struct ForwardOf {  // a template, or several of one name: it takes tensors
  template <std::size_t... I>
  static auto call(Module& module, const std::vector<c10::IValue>& values, std::index_sequence<I...> /*each*/)
      -> decltype(module.forward((static_cast<void>(I), std::declval<const at::Tensor&>())...),
                  c10::IValue()) {
    return to_value(module.forward(FromValue<at::Tensor>::get(values[I])...));
  }
  template <typename Other>
  static c10::IValue call(Other& /*module*/, const std::vector<c10::IValue>& values, ...) {
    throw Error("P601", "forward takes no " + std::to_string(values.size()) + " tensors", {},
                "give as many examples as forward has arguments, or export a callable that calls it");
  }
};

template <typename Module>
struct ForwardOf<Module, std::void_t<decltype(&Module::forward)>> {
  template <typename Class, typename Result, typename... Arguments, std::size_t... I>
  static auto call(Module& module, Result (Class::*)(Arguments...), const std::vector<c10::IValue>& values,
                   std::index_sequence<I...> /*each*/)
      -> decltype(module.forward(
                      FromValue<std::decay_t<std::tuple_element_t<I, std::tuple<Arguments...>>>>::get(
                          values[I])...),
                  c10::IValue()) {
    return to_value(module.forward(
        FromValue<std::decay_t<std::tuple_element_t<I, std::tuple<Arguments...>>>>::get(values[I])...));
  }
  template <typename Class, typename Result, typename... Arguments, std::size_t... I>
  static auto call(Module& module, Result (Class::*)(Arguments...) const,
                   const std::vector<c10::IValue>& values, std::index_sequence<I...> each)
      -> decltype(call(module, static_cast<Result (Class::*)(Arguments...)>(nullptr), values, each)) {
    return call(module, static_cast<Result (Class::*)(Arguments...)>(nullptr), values, each);
  }
};

template <typename Module, typename = void>
struct HasOneForward : std::false_type {};
template <typename Module>
struct HasOneForward<Module, std::void_t<decltype(&Module::forward)>> : std::true_type {};

template <typename Method>
struct ArgumentCount;
template <typename Class, typename Result, typename... Arguments>
struct ArgumentCount<Result (Class::*)(Arguments...)>
    : std::integral_constant<std::size_t, sizeof...(Arguments)> {};
template <typename Class, typename Result, typename... Arguments>
struct ArgumentCount<Result (Class::*)(Arguments...) const>
    : std::integral_constant<std::size_t, sizeof...(Arguments)> {};

// Missing arguments at the end have forward's defaults, if it has those: calls with fewer are tried by the compiler.
template <typename Module, std::size_t Count, typename = void>
struct CallWith {
  static c10::IValue call(Module& /*module*/, const std::vector<c10::IValue>& values) {
    throw Error("P601", "forward does not take " + std::to_string(values.size()) + " arguments", {},
                "give an example of each argument; an empty IValue stands for an absent tensor");
  }
};
template <typename Module, std::size_t Count>
struct CallWith<Module, Count,
                std::void_t<decltype(ForwardOf<Module>::call(std::declval<Module&>(), &Module::forward,
                                                             std::declval<const std::vector<c10::IValue>&>(),
                                                             std::make_index_sequence<Count>()))>> {
  static c10::IValue call(Module& module, const std::vector<c10::IValue>& values) {
    return ForwardOf<Module>::call(module, &Module::forward, values, std::make_index_sequence<Count>());
  }
};

template <typename Module, std::size_t... Count>
c10::IValue call_with_any(Module& module, const std::vector<c10::IValue>& values,
                          std::index_sequence<Count...> /*each*/) {
  c10::IValue out;
  bool called = false;
  const auto attempt = [&](auto count) {
    if (values.size() != decltype(count)::value) return;
    called = true;
    if constexpr (HasOneForward<Module>::value) {
      out = CallWith<Module, decltype(count)::value>::call(module, values);
    } else {
      out = ForwardOf<Module>::call(module, values, std::make_index_sequence<decltype(count)::value>());
    }
  };
  (attempt(std::integral_constant<std::size_t, Count>()), ...);
  if (!called)
    throw Error("P601", std::to_string(values.size()) + " arguments are more than forward takes", {}, "");
  return out;
}

template <typename Module>
c10::IValue call_forward(Module& module, const std::vector<c10::IValue>& values) {
  if constexpr (HasOneForward<Module>::value) {
    return call_with_any(module, values,
                         std::make_index_sequence<ArgumentCount<decltype(&Module::forward)>::value + 1>());
  } else {
    return call_with_any(module, values, std::make_index_sequence<kMostArguments>());
  }
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
