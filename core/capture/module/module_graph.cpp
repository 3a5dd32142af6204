#include "core/capture/module/module_graph.h"

#include <ATen/core/ivalue_inl.h>

#include <algorithm>
#include <set>

#include "core/libtorch/convert.h"
#include "core/libtorch/fit.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

std::vector<const Recording*> recordings(const std::vector<ModuleRun>& runs) {
  std::vector<const Recording*> out;
  for (const ModuleRun& run : runs) out.push_back(run.recording.get());
  return out;
}

// "layer1.0.conv1.weight" -> "layer1.0.conv1".
std::string module_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

}  // namespace

ModuleGraph::ModuleGraph(ir::Graph& graph, const std::vector<ModuleRun>& runs, const ModuleState& state,
                         CallSites& sites, std::string model, std::vector<Diagnostic>& notes)
    : RecordedGraph(graph, recordings(runs)),
      module_runs_(runs),
      state_(state),
      sites_(sites),
      model_(std::move(model)),
      notes_(notes) {}

void ModuleGraph::build() {
  for (size_t i = 0; i < module_runs_[0].input_numbers.size(); ++i)
    set_value(module_runs_[0].input_numbers[i], graph_.body().parameters()[i]);
  add_calls();
  for (size_t r = 1; r < module_runs_.size(); ++r) {
    const size_t count = module_runs_[r].results.size();
    if (count != module_runs_[0].results.size())
      throw different("it returns " + std::to_string(count) + " tensors where it returned " +
                          std::to_string(module_runs_[0].results.size()) + " before",
                      r);
  }
  std::vector<ir::Value*> results;
  for (size_t i = 0; i < module_runs_[0].results.size(); ++i) {
    Items items;
    for (const ModuleRun& run : module_runs_) items.push_back(&run.results.at(i));
    results.push_back(value(items, nullptr));
    graph_.output_names.push_back(module_runs_[0].output_names[i]);
  }
  graph_.body().set_results(results);
}

Location ModuleGraph::place(size_t run) const {
  const auto& calls = runs_[call_ < runs_[run]->calls().size() ? run : 0]->calls();
  if (call_ >= calls.size()) return place_of_node("forward", module_path_);
  return place_of_node(qualified_name(*calls[call_].schema), module_path_, sites_.find(calls[call_].frames));
}

std::string ModuleGraph::changed_symbols(size_t run) const {
  std::string out;
  for (const auto& [symbol, size] : module_runs_[0].sizes) {
    if (module_runs_[run].sizes.at(symbol) != size) out += (out.empty() ? "'" : ", '") + symbol + "'";
  }
  return out;
}

std::string ModuleGraph::changed_sizes(size_t run) const {
  std::string now, before;
  for (const auto& [symbol, size] : module_runs_[0].sizes) {
    const int64_t other = module_runs_[run].sizes.at(symbol);
    if (other == size) continue;
    now += (now.empty() ? "" : ", ") + symbol + "=" + std::to_string(other);
    before += (before.empty() ? "" : ", ") + symbol + "=" + std::to_string(size);
  }
  return now + " than at " + before;
}

Error ModuleGraph::different(const std::string& what, size_t run) const {
  if (const std::string changed = changed_symbols(run); !changed.empty())
    return Error("P605", model_ + " does something else at " + changed_sizes(run) + ": " + what, place(run),
                 "C++ code that loops, branches or computes by a size is fixed in the file: use tensor "
                 "operators, or make " +
                     changed + " static by writing the number in the inputs");
  if (module_runs_[run].other_values)
    return Error("P603", model_ + " does something else for other values of its inputs: " + what, place(run),
                 "what C++ code does with the contents of a tensor is fixed in the file: compute with tensor "
                 "operators (torch::where instead of if)");
  return Error("P606", model_ + " does something else when it is called again: " + what, place(run),
               kKeptHint);
}

std::vector<ModuleGraph::Size> ModuleGraph::sizes_of(size_t call, bool of_results) const {
  std::vector<Items> tensors;
  const auto items_of = [&](const Recording& run) -> const std::vector<RecordedItem>& {
    return of_results ? run.calls()[call].results : run.calls()[call].arguments;
  };
  const std::function<void(const Items&)> collect = [&](const Items& items) {
    const bool alike = std::all_of(items.begin(), items.end(), [&](const RecordedItem* item) {
      return item->kind == items[0]->kind && item->items.size() == items[0]->items.size() &&
             item->sizes.size() == items[0]->sizes.size();
    });
    if (!alike) return;
    if (items[0]->kind == RecordedItem::Kind::tensor) tensors.push_back(items);
    for (size_t i = 0; i < items[0]->items.size(); ++i) {
      Items inner;
      for (const RecordedItem* item : items) inner.push_back(&item->items[i]);
      collect(inner);
    }
  };
  for (size_t i = 0; i < items_of(*runs_[0]).size(); ++i) {
    Items items;
    for (const Recording* run : runs_) items.push_back(&items_of(*run)[i]);
    collect(items);
  }
  std::vector<Size> out;
  for (const Items& items : tensors) {
    for (size_t axis = 0; axis < items[0]->sizes.size(); ++axis) {
      Size size{items[0]->tensor, static_cast<int64_t>(axis)};
      for (const RecordedItem* item : items) size.samples.push_back(item->sizes[axis]);
      const bool varies = std::any_of(size.samples.begin(), size.samples.end(),
                                      [&](int64_t n) { return n != size.samples[0]; });
      if (varies && value_of(size.tensor) != nullptr) out.push_back(std::move(size));
    }
  }
  return out;
}

ir::Value* ModuleGraph::size(const Size& size) {
  return emit("aten::size.int", {value_of(size.tensor), constant(size.axis, ir::Type::integer())},
              ir::Type::integer());
}

namespace {

template <typename Sizes, typename Size>
bool has_samples(const Sizes& sizes, const Size& size) {
  return std::any_of(sizes.begin(), sizes.end(),
                     [&](const Size& known) { return known.samples == size.samples; });
}

}  // namespace

std::vector<ModuleGraph::Size> ModuleGraph::sizes_of_inputs() const {
  std::vector<Size> out;
  for (size_t i = 0; i < module_runs_[0].inputs.size(); ++i) {
    for (int64_t axis = 0; axis < module_runs_[0].inputs[i].dim(); ++axis) {
      Size each{module_runs_[0].input_numbers[i], axis};
      for (const ModuleRun& run : module_runs_) each.samples.push_back(run.originals[i].size(axis));
      const bool varies = std::any_of(each.samples.begin(), each.samples.end(),
                                      [&](int64_t n) { return n != each.samples[0]; });
      if (varies && !has_samples(out, each)) out.push_back(std::move(each));
    }
  }
  return out;
}

// Those of the tensors before, the nearest first, beside the inputs': what pads one tensor to the size of another is a difference
// of two.
std::vector<ModuleGraph::Size> ModuleGraph::sizes_at_hand(const std::vector<Size>& inputs) const {
  constexpr size_t kMost = 10;
  std::vector<Size> out;
  for (size_t call = std::min(call_ + 1, runs_[0]->calls().size()); call-- > 0 && out.size() < kMost;) {
    for (const bool of_results : {true, false}) {
      if (of_results && call == call_) continue;
      for (Size& each : sizes_of(call, of_results)) {
        if (out.size() < kMost && !has_samples(out, each)) out.push_back(std::move(each));
      }
    }
  }
  for (const Size& each : inputs) {
    if (!has_samples(out, each)) out.push_back(each);
  }
  return out;
}

// C++ code computes with x.size(2) of any tensor at hand, so its numbers are looked for there first: what is right for the sizes
// of a tensor is right at every size, where an expression of the input's dims may hide a rounding.
ir::Value* ModuleGraph::number(const std::vector<int64_t>& seen) {
  const auto equal = [&](const std::vector<Size>& sizes) -> const Size* {
    const auto found =
        std::find_if(sizes.begin(), sizes.end(), [&](const Size& s) { return s.samples == seen; });
    return found == sizes.end() ? nullptr : &*found;
  };
  const auto fitted = [&](const std::vector<Size>& sizes, bool products_only) -> ir::Value* {
    std::vector<std::vector<int64_t>> samples;
    for (const Size& each : sizes) samples.push_back(each.samples);
    if (samples.empty()) return nullptr;
    const auto found = fit_number(samples, seen);
    if (!found || (products_only && (found->offset != 0 || found->other_factor != 0 || found->divisor != 1)))
      return nullptr;
    return expression(*found, [&](size_t v) { return size(sizes[v]); });
  };
  const std::vector<Size> own =
      call_ < runs_[0]->calls().size() ? sizes_of(call_, false) : std::vector<Size>{};
  if (const Size* same = equal(own)) return size(*same);
  if (ir::Value* found = fitted(own, true)) return found;
  for (size_t call = std::min(call_, runs_[0]->calls().size()); call-- > 0;) {
    if (const std::vector<Size> earlier = sizes_of(call, true); const Size* same = equal(earlier))
      return size(*same);
    if (const std::vector<Size> earlier = sizes_of(call, false); const Size* same = equal(earlier))
      return size(*same);
  }
  const std::vector<Size> inputs = sizes_of_inputs();
  if (const Size* same = equal(inputs)) return size(*same);
  if (ir::Value* found = fitted(inputs, false)) return found;
  if (ir::Value* found = fitted(own, false)) return found;
  if (ir::Value* found = fitted(sizes_at_hand(inputs), false)) return found;
  const auto other = std::find_if(seen.begin(), seen.end(), [&](int64_t n) { return n != seen[0]; });
  throw different("the number " + std::to_string(*other) + " was " + std::to_string(seen[0]) +
                      " before, which is no expression of sizes",
                  static_cast<size_t>(other - seen.begin()));
}

size_t ModuleGraph::other_contents(const Items& items) const {
  const at::Tensor first = module_runs_[0].recording->contents(items[0]->tensor);
  for (size_t r = 1; r < items.size(); ++r) {
    const at::Tensor other = module_runs_[r].recording->contents(items[r]->tensor);
    if (!first.defined() || !other.defined() || first.sizes() != other.sizes() || !first.equal(other))
      return r;
  }
  return 0;
}

Error ModuleGraph::changing_leaf(size_t run) const {
  const std::string what =
      model_ + " uses a tensor that no operator on this thread made, and that is another one ";
  if (const std::string changed = changed_symbols(run); !changed.empty())
    return Error("P605", what + "at " + changed_sizes(run), place(),
                 "make it with operators that take sizes (torch::arange, torch::full), or make " + changed +
                     " static by writing the number in the inputs");
  if (module_runs_[run].other_values)
    return Error(
        "P606", what + "for other inputs", place(),
        "compute it with tensor operators on the thread that calls forward: another thread, data_ptr and "
        "accessor are not seen");
  return Error("P606", what + "when forward is called again", place(), kKeptHint);
}

// A weight, or what C++ code made by itself.
ir::Value* ModuleGraph::leaf(const Items& items) {
  const at::Tensor live = runs_[0]->tensor(items[0]->tensor);
  for (const NamedTensor& own : state_.tensors()) {
    if (live.defined() && own.tensor.unsafeGetTensorImpl() == live.unsafeGetTensorImpl())
      return graph_.add_initializer(own.name, from_torch(own.tensor.detach()));
  }
  if (const NamedTensor* owner = live.defined() ? state_.owner_of(live) : nullptr)
    return graph_.add_initializer(owner->name + "_view", from_torch(live.detach().clone()));
  if (const size_t run = other_contents(items); run != 0) throw changing_leaf(run);
  const at::Tensor contents = module_runs_[0].recording->contents(items[0]->tensor);
  if (!contents.defined())
    throw Error("P606", model_ + " uses a tensor that no operator on this thread made", place(),
                "compute it with tensor operators on the thread that is recorded");
  const std::string name = "unregistered_" + std::to_string(unregistered_++);
  // Short lists are what torch::tensor({…}) makes. One run alone does not tell what they depend on.
  if (contents.dim() > 0 && (contents.numel() > 16 || module_runs_.size() == 1)) {
    notes_.push_back(
        {Severity::warning, "",
         "a tensor that is no parameter and no buffer of " + model_ + " becomes the constant '" + name + "'",
         place(), "register it with register_buffer to give it a name"});
  }
  return graph_.add_initializer(name, from_torch(contents));
}

bool ModuleGraph::skip(size_t index) {
  return module_runs_[0].recording->is_filled_by_code(runs_[0]->calls()[index]);
}

// The module whose weight a node reads; a node without weights belongs to the module around the last of those.
void ModuleGraph::added(ir::Node& node, size_t index) {
  std::string path = module_of(module_path_);
  for (size_t i = 0; i < node.operand_count(); ++i) {
    const ir::Value* operand = node.operand(i);
    if (operand == nullptr || operand->constant() == nullptr) continue;
    const std::string name(operand->name().text());
    if (name.find('.') == std::string::npos) continue;
    path = module_path_ = module_of(name);
    break;
  }
  node.set_provenance(graph_.keep({path, sites_.find(runs_[0]->calls()[index].frames), ""}));
}

}  // namespace onnxport
