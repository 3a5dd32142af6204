#include "core/c_api/options.h"

#include <simdjson.h>

#include <charconv>
#include <limits>
#include <span>
#include <string>

#include "onnxport/errors.h"

namespace onnxport {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error("I140", "option '" + path + "' " + what, {},
              "options are those of onnxport/options.h, by the same names");
}

// ---- values ----

void read(element from, const std::string& path, bool& to) {
  if (from.get(to) != simdjson::SUCCESS) refuse(path, "must be true or false");
}

void read(element from, const std::string& path, int& to) {
  int64_t value = 0;
  if (from.get(value) != simdjson::SUCCESS || value < std::numeric_limits<int>::min() ||
      value > std::numeric_limits<int>::max())
    refuse(path, "must be a whole number");
  to = static_cast<int>(value);
}

void read(element from, const std::string& path, uint64_t& to) {
  if (from.get(to) != simdjson::SUCCESS) refuse(path, "must be a whole number from 0 up");
}

void read(element from, const std::string& path, double& to) {
  if (from.get(to) != simdjson::SUCCESS) refuse(path, "must be a number");
}

void read(element from, const std::string& path, std::string& to) {
  std::string_view text;
  if (from.get(text) != simdjson::SUCCESS) refuse(path, "must be a text");
  to = text;
}

void read(element from, const std::string& path, std::filesystem::path& to) {
  std::string text;
  read(from, path, text);
  to = text;
}

template <typename T>
struct Named {
  std::string_view name;
  T value;
};

template <typename T, size_t N>
void read_one_of(element from, const std::string& path, T& to, const Named<T> (&names)[N]) {
  std::string text;
  read(from, path, text);
  std::string all;
  for (const Named<T>& n : names) {
    if (n.name == text) {
      to = n.value;
      return;
    }
    all.append(all.empty() ? "" : ", ").append(n.name);
  }
  refuse(path, "must be one of " + all + ", not '" + text + "'");
}

void read(element from, const std::string& path, Weights& to) {
  static constexpr Named<Weights> names[] = {{"auto", Weights::automatic},
                                             {"inline", Weights::inline_},
                                             {"external", Weights::external},
                                             {"reference", Weights::reference}};
  read_one_of(from, path, to, names);
}

void read(element from, const std::string& path, Mode& to) {
  static constexpr Named<Mode> names[] = {
      {"eval", Mode::eval}, {"training", Mode::training}, {"preserve", Mode::preserve}};
  read_one_of(from, path, to, names);
}

void read(element from, const std::string& path, State& to) {
  static constexpr Named<State> names[] = {{"error", State::error}, {"io", State::io}, {"drop", State::drop}};
  read_one_of(from, path, to, names);
}

template <typename T>
void read(element from, const std::string& path, std::optional<T>& to) {
  if (from.is_null()) {
    to.reset();
  } else {
    read(from, path, to.emplace());
  }
}

template <typename T>
void read(element from, const std::string& path, std::vector<T>& to) {
  simdjson::dom::array items;
  if (from.get(items) != simdjson::SUCCESS) refuse(path, "must be a list");
  to.clear();
  for (const element item : items)
    read(item, path + "[" + std::to_string(to.size()) + "]", to.emplace_back());
}

void read_key(std::string_view text, const std::string& /*path*/, std::string& to) { to = text; }

void read_key(std::string_view text, const std::string& path, int& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  if (error != std::errc() || end != text.data() + text.size())
    refuse(path, "must be named by a whole number");
}

template <typename Key, typename T>
void read(element from, const std::string& path, std::map<Key, T>& to) {
  object members;
  if (from.get(members) != simdjson::SUCCESS) refuse(path, "must be an object");
  to.clear();
  for (const auto& [name, value] : members) {
    const std::string inner = path + "." + std::string(name);
    Key key{};
    read_key(name, inner, key);
    read(value, inner, to[key]);
  }
}

// ---- options ----

void read(element from, const std::string& path, VerifyOptions& to);
void read(element from, const std::string& path, PluginOptions& to);

template <typename Options>
struct Option {
  std::string_view name;
  void (*read)(element from, const std::string& path, Options& to);
};

template <auto Member, typename Options>
constexpr Option<Options> option(std::string_view name) {
  return {name, [](element from, const std::string& path, Options& to) { read(from, path, to.*Member); }};
}

template <typename Options>
void read_members(element from, const std::string& path, Options& to,
                  std::span<const Option<Options>> known) {
  object members;
  if (from.get(members) != simdjson::SUCCESS) refuse(path, "must be an object");
  for (const auto& [name, value] : members) {
    const std::string inner = path.empty() ? std::string(name) : path + "." + std::string(name);
    const Option<Options>* found = nullptr;
    for (const Option<Options>& o : known) {
      if (o.name == name) found = &o;
    }
    if (found == nullptr) refuse(inner, "does not exist");
    found->read(value, inner, to);
  }
}

void read(element from, const std::string& path, VerifyOptions& to) {
  using V = VerifyOptions;
  static constexpr Option<V> known[] = {
      option<&V::enabled, V>("enabled"),
      option<&V::rtol, V>("rtol"),
      option<&V::atol, V>("atol"),
      option<&V::seed, V>("seed"),
      option<&V::second_size, V>("second_size"),
      option<&V::expected, V>("expected"),
      option<&V::write_case, V>("write_case"),
      option<&V::trusted_domains, V>("trusted_domains"),
      option<&V::ort_libraries, V>("ort_libraries"),
  };
  read_members<V>(from, path, to, known);
}

void read(element from, const std::string& path, PluginOptions& to) {
  using P = PluginOptions;
  static constexpr Option<P> known[] = {
      option<&P::files, P>("files"),
      option<&P::paths, P>("paths"),
      option<&P::default_paths, P>("default_paths"),
      option<&P::builtin, P>("builtin"),
      option<&P::prefer, P>("prefer"),
      option<&P::disable, P>("disable"),
      option<&P::lock, P>("lock"),
      option<&P::options, P>("options"),
  };
  read_members<P>(from, path, to, known);
}

}  // namespace

CallOptions read_options(std::string_view json) {
  using O = CallOptions;
  static constexpr Option<O> known[] = {
      option<&O::output, O>("output"),
      option<&O::inputs, O>("inputs"),
      option<&O::inputs_dir, O>("inputs_dir"),
      option<&O::input_names, O>("input_names"),
      option<&O::output_names, O>("output_names"),
      option<&O::dynamic_axes, O>("dynamic_axes"),
      option<&O::dims, O>("dims"),
      option<&O::state, O>("state"),
      option<&O::mode, O>("mode"),
      option<&O::method, O>("method"),
      option<&O::freeze, O>("freeze"),
      option<&O::torch_libraries, O>("torch_libraries"),
      option<&O::opset, O>("opset"),
      option<&O::domain_opsets, O>("domain_opsets"),
      option<&O::functions, O>("functions"),
      option<&O::ir_version, O>("ir_version"),
      option<&O::export_params, O>("export_params"),
      option<&O::keep_initializers_as_inputs, O>("keep_initializers_as_inputs"),
      option<&O::constant_folding, O>("constant_folding"),
      option<&O::strip, O>("strip"),
      option<&O::weights, O>("weights"),
      option<&O::external_threshold, O>("external_threshold"),
      option<&O::overwrite, O>("overwrite"),
      option<&O::passes, O>("passes"),
      option<&O::disable_passes, O>("disable_passes"),
      option<&O::verify, O>("verify"),
      option<&O::plugins, O>("plugins"),
      option<&O::dry_run, O>("dry_run"),
  };
  CallOptions out;
  if (json.empty()) return out;
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root); error != simdjson::SUCCESS) {
    throw Error("I140", std::string("the options are not JSON: ") + simdjson::error_message(error), {},
                "an object whose members are those of onnxport/options.h");
  }
  read_members<O>(root, "", out, known);
  return out;
}

}  // namespace onnxport
