#include "core/verify/sizes.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

#include "core/ir/dims/guard.h"

namespace onnxport {
namespace {

constexpr int64_t kFarthest = 64;  // from the size that was wished for

// Those of the program, and those of the file, which may have more.
std::vector<std::string_view> guards_of(const ir::Graph& graph, std::string_view of_file) {
  std::vector<std::string_view> out;
  constexpr std::string_view kBetween = "; ";
  const auto split = [&](std::string_view rest) {
    while (!rest.empty()) {
      const size_t end = rest.find(kBetween);
      out.push_back(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + kBetween.size());
    }
  };
  split(of_file);
  const auto found = graph.metadata.find("onnxport.dim_guards");
  if (found != graph.metadata.end() && found->second != of_file) split(found->second);
  return out;
}

bool fits(const ir::SymbolInfo& info, int64_t size) {
  return size >= std::max<int64_t>(info.min, 1) && (!info.max || size <= *info.max);
}

// Sizes near `wished` that the ranges and guards allow, one symbol moved after the other; nullopt when there are none.
std::optional<Sizes> allowed(const ir::Graph& graph, std::string_view of_file, Sizes wished) {
  const std::vector<std::string_view> guards = guards_of(graph, of_file);
  const auto broken = [&](const Sizes& sizes) {
    return std::count_if(guards.begin(), guards.end(),
                         [&](std::string_view guard) { return ir::guard_holds(guard, sizes) == false; });
  };
  for (auto& [name, size] : wished) {
    const ir::SymbolInfo& info = graph.symbols.find(name)->second;
    size = std::max({size, info.min, int64_t{1}});
    if (info.max) size = std::min(size, *info.max);
  }
  for (auto& [name, size] : wished) {
    if (broken(wished) == 0) return wished;
    const ir::SymbolInfo& info = graph.symbols.find(name)->second;
    const int64_t from = size;
    auto best = broken(wished);
    for (int64_t step = 1; step <= kFarthest && best != 0; ++step) {
      for (const int64_t candidate : {from + step, from - step}) {
        if (!fits(info, candidate)) continue;
        Sizes trial = wished;
        trial[name] = candidate;
        const auto now = broken(trial);
        if (now >= best) continue;
        best = now;
        size = candidate;
      }
    }
  }
  return broken(wished) == 0 ? std::optional(wished) : std::nullopt;
}

void add(const ir::Graph& graph, std::string_view of_file, const Sizes& wished, std::vector<Sizes>& out) {
  std::optional<Sizes> sizes = allowed(graph, of_file, wished);
  if (!sizes || *sizes == example_sizes(graph) || std::find(out.begin(), out.end(), *sizes) != out.end())
    return;
  out.push_back(*std::move(sizes));
}

std::set<std::string, std::less<>> first_axes(const ir::Graph& graph) {
  std::set<std::string, std::less<>> out;
  for (const ir::Value* input : graph.body().parameters()) {
    const auto& shape = input->type().shape();
    if (shape && !shape->empty()) out.emplace(shape->front().symbol_name());
  }
  return out;
}

}  // namespace

Sizes example_sizes(const ir::Graph& graph) {
  Sizes out;
  for (const auto& [name, info] : graph.symbols)
    out[name] = info.hint.value_or(std::max<int64_t>(info.min, 2));
  return out;
}

std::vector<Sizes> larger_sizes(const ir::Graph& graph, std::string_view of_file) {
  const Sizes examples = example_sizes(graph);
  std::vector<Sizes> out;
  Sizes apart = examples;
  int64_t step = 2;
  for (auto& [name, size] : apart) {
    const ir::SymbolInfo& info = graph.symbols.find(name)->second;
    // Different steps: two dims that are equal by accident at the example are told apart here.
    const int64_t larger = size + step++;
    size = info.max && larger > *info.max ? std::max(info.min, size - 1) : larger;
  }
  add(graph, of_file, apart, out);
  // What the model relates without saying so: equal stays equal, and doubled keeps ratios and multiples.
  Sizes together = examples;
  for (auto& [name, size] : together) size += 2;
  add(graph, of_file, together, out);
  Sizes doubled = examples;
  for (auto& [name, size] : doubled) size *= 2;
  add(graph, of_file, doubled, out);
  return out;
}

std::vector<Sizes> least_sizes(const ir::Graph& graph, std::string_view of_file) {
  const Sizes examples = example_sizes(graph);
  const std::set<std::string, std::less<>> first = first_axes(graph);
  std::vector<Sizes> out;
  Sizes all = examples;
  Sizes batch = examples;
  for (const auto& [name, info] : graph.symbols) {
    const int64_t least = std::max<int64_t>(info.min, 1);
    const int64_t odd = least + (least % 2 == 0 ? 1 : 0);
    all[name] = odd;
    if (first.contains(name)) batch[name] = odd;
  }
  add(graph, of_file, all, out);
  add(graph, of_file, batch, out);
  return out;
}

}  // namespace onnxport
