// Attributes that the code sets: what one is from there on, and that a branch or a loop hands it out as a result.
#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/jit/api/function_impl.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/capture/torchscript/importer.h"
#include "core/libtorch/convert.h"

namespace onnxport {

namespace {

using Names = std::set<std::pair<const c10::Type*, std::string>>;

void collect_set(const torch::jit::Block& block, Names& out) {
  for (const torch::jit::Node* node : block.nodes()) {
    if (node->kind() == c10::prim::SetAttr)
      out.emplace(node->input(0)->type().get(), node->s(c10::attr::name));
    for (const torch::jit::Block* inner : node->blocks()) collect_set(*inner, out);
  }
}

bool is_number(const c10::IValue& value) { return value.isInt() || value.isDouble() || value.isBool(); }

}  // namespace

void Importer::import_set_attribute(torch::jit::Node& node) {
  const Binding owner = find(node.input(0));
  const Binding value = find(node.input(1));
  const std::string& name = node.s(c10::attr::name);
  if (!owner.object.isObject())
    throw unsupported(node, "T541",
                      "the attribute '" + name + "' is set on an object that is only known at run time",
                      "return the value instead");
  const Attribute key{owner.object.toObject().get(), name};
  attributes_.try_emplace(key, owner);
  written_[key] = value;
  note_write(key);
}

// That the module's attribute has another value from here on; of one set in a region it is noted behind the region.
void Importer::note_write(const Attribute& key) {
  const Binding& owner = attributes_.at(key);
  const Binding& value = written_.at(key);
  const bool is_state = !owner.path.empty() || owner.object.type()->expectRef<c10::ClassType>().is_module();
  if (!is_state || value.value == nullptr || region_depth_ > 0) return;
  ir::Value* set = value.value;
  const c10::IValue first = owner.object.toObject()->getAttr(key.second);
  const std::string path = join(owner.path, key.second);
  if (is_absent_tensor(owner, key.second)) {
    absent_tensor(path);
    set = tensor_or_empty(set);
  } else if (is_number(first) && is_kept(owner, key.second)) {
    number_state(first, path);
    ir::Node* tensor = emit("prim::NumToTensor.Scalar", std::array{set}, ir::Type::tensor());
    tensor->set_provenance(provenance_);
    set = first.isDouble() ? as_f32(tensor->output()) : tensor->output();
  }
  if (!set_parts(first, set, path)) set_held(set, path);
}

void Importer::set_held(ir::Value* set, const std::string& path) {
  ir::Node* made = graph_.create("prim::SetAttr", std::array{set});
  made->set_attribute(graph_.intern("name"), path);
  made->set_provenance(provenance_);
  graph_.append(*block_, made);
}

// A tuple or list of tensors that is set as a whole is each of its tensors set. False: it is no such thing.
bool Importer::set_parts(const c10::IValue& first, ir::Value* set, const std::string& path) {
  const bool tuple = first.isTuple();
  if (!tuple && !first.isTensorList()) return false;
  const std::vector<c10::IValue> parts =
      tuple ? first.toTupleRef().elements().vec()
            : std::vector<c10::IValue>(first.toListRef().begin(), first.toListRef().end());
  const bool all_tensors = std::all_of(parts.begin(), parts.end(), [](const c10::IValue& part) {
    return part.isTensor() && part.toTensor().defined();
  });
  // How long a list is that was not written down, the next call would have to find out.
  const ir::Node* made = set->producer();
  const bool known =
      tuple ? set->type().elements().size() == parts.size()
            : made != nullptr && made->op() == "prim::ListConstruct" && made->operand_count() == parts.size();
  if (parts.empty() || !all_tensors || !known) return false;
  if (tuple) {
    (void)constant(first, path);  // what it holds at first, where nothing reads it
  } else {
    (void)held_container(first, path);
  }
  ir::Node* unpack = graph_.create(tuple ? "prim::TupleUnpack" : "prim::ListUnpack", std::array{set});
  for (size_t i = 0; i < parts.size(); ++i) unpack->add_output(ir::Type::tensor());
  unpack->set_provenance(provenance_);
  graph_.append(*block_, unpack);
  for (size_t i = 0; i < parts.size(); ++i) set_held(unpack->output(i), path + '.' + std::to_string(i));
  return true;
}

// A list or dict that a module holds: one value however often it is read, since the code may change it.
ir::Value* Importer::held_container(const c10::IValue& value, const std::string& path) {
  ir::Value*& held = containers_[value.internalToPointer()];
  if (held != nullptr) return held;
  // In front of the branch or loop that reads it first.
  struct Restore {
    ir::Block*& block;
    ir::Block* outer;
    ~Restore() { block = outer; }
  } const restore{block_, std::exchange(block_, &graph_.body())};
  held = constant(value, path);
  held->producer()->set_attribute(graph_.intern("attribute"), path);
  return held;
}

// What an attribute is where nothing more was written to it.
Binding Importer::attribute_now(const Attribute& key, const std::map<Attribute, Binding>& written) {
  const auto found = written.find(key);
  if (found != written.end()) return found->second;
  return read_attribute(attributes_.at(key), key.second);
}

// ---- numbers and absent tensors as state ----

Binding Importer::read_attribute(const Binding& owner, const std::string& name) {
  const c10::IValue value = owner.object.toObject()->getAttr(name);
  const std::string path = join(owner.path, name);
  // One initializer however often it is read, though it views no memory that would tell.
  if (value.isTensor() && value.toTensor().defined() && value.toTensor().nbytes() == 0)
    return Binding::of(held(path, value.toTensor()));
  if (is_absent_tensor(owner, name)) return Binding::of(none_or_tensor(absent_tensor(path)));
  if (value.isList() || value.isGenericDict()) return Binding::of(held_container(value, path));
  if (!is_number(value) || !is_kept(owner, name)) return bind_attribute(value, path);
  const char* const to_number = value.isInt()      ? "aten::IntImplicit"
                                : value.isDouble() ? "aten::FloatImplicit"
                                                   : "aten::Bool";
  ir::Value* const read =
      call_operator(to_number, value.isBool() ? "Tensor" : "", std::array{number_state(value, path)});
  read->set_type(from_torch(*value.type()));
  return Binding::of(read);
}

// By whomever: a module may set what another holds.
void Importer::note_attributes_set(const torch::jit::Module& module) {
  for (const torch::jit::Module& part : module.modules()) {
    for (torch::jit::Function* method : part.type()->methods()) {
      torch::jit::GraphFunction* code = torch::jit::tryToGraphFunction(*method);
      if (code != nullptr) collect_set(*code->graph()->block(), set_by_code_);
    }
  }
}

bool Importer::is_kept(const Binding& owner, const std::string& name) const {
  const auto type = owner.object.type()->expect<c10::ClassType>();
  return type->is_module() && set_by_code_.contains({type.get(), name});
}

// An Optional[Tensor] that is None until the code sets it.
bool Importer::is_absent_tensor(const Binding& owner, const std::string& name) const {
  const auto object = owner.object.toObject();
  if (!object->getAttr(name).isNone() || !is_kept(owner, name)) return false;
  const auto optional = object->type()->getAttribute(name)->cast<c10::OptionalType>();
  return optional != nullptr && optional->getElementType()->kind() == c10::TypeKind::TensorType;
}

// An if of which each branch gives one value.
template <typename Yes, typename No>
ir::Value* Importer::choose(ir::Value* condition, ir::Type type, Yes yes, No no) {
  ir::Node* made = graph_.create("prim::If", std::array{condition});
  made->add_output(std::move(type));
  made->set_provenance(provenance_);
  ir::Block* const outer = block_;
  block_ = made->add_block();
  block_->add_result(yes());
  block_ = made->add_block();
  block_->add_result(no());
  block_ = outer;
  graph_.append(*block_, made);
  return made->output();
}

// Absent is the empty vector, as it is to code that begins with torch.zeros(0).
ir::Value* Importer::none_or_tensor(ir::Value* tensor) {
  ir::Value* const one = constant(c10::IValue(1), "");
  ir::Value* const zero = constant(c10::IValue(0), "");
  const auto number = [&](const char* name, const char* overload, std::vector<ir::Value*> operands,
                          ir::Type type) {
    ir::Value* const out = call_operator(name, overload, operands);
    out->set_type(std::move(type));
    return out;
  };
  ir::Value* const dims = number("aten::dim", "", {tensor}, ir::Type::integer());
  ir::Value* const count = number("aten::numel", "", {tensor}, ir::Type::integer());
  ir::Value* const vector = number("aten::eq", "int", {dims, one}, ir::Type::boolean());
  ir::Value* const empty = number("aten::eq", "int", {count, zero}, ir::Type::boolean());
  ir::Value* const absent = number("aten::__and__", "bool", {vector, empty}, ir::Type::boolean());
  return choose(
      absent, from_torch(*c10::OptionalType::ofTensor()), [&] { return constant({}, ""); },
      [&] { return tensor; });
}

ir::Value* Importer::tensor_or_empty(ir::Value* value) {
  if (value->type().is_tensor()) return value;
  ir::Value* const none = constant({}, "");
  ir::Node* const absent = emit("aten::__is__", std::array{value, none}, ir::Type::boolean());
  kept_.push_back(at::empty({0}));
  ir::Value* const empty = graph_.add_initializer("", from_torch(kept_.back(), {}));
  return choose(
      absent->output(), ir::Type::tensor(), [&] { return empty; }, [&] { return value; });
}

ir::Value* Importer::held(const std::string& path, const at::Tensor& tensor) {
  const auto [found, fresh] = held_.emplace(path, nullptr);
  if (fresh) found->second = initializer(tensor, path);
  return found->second;
}

ir::Value* Importer::absent_tensor(const std::string& path) {
  const auto found = held_.find(path);
  if (found != held_.end()) return found->second;
  kept_.push_back(at::empty({0}));
  return held(path, kept_.back());
}

// Floats are f32 as all floats of a graph are.
ir::Value* Importer::as_f32(ir::Value* tensor) {
  ir::Value* const dtype = constant(c10::IValue(static_cast<int64_t>(at::kFloat)), "");
  ir::Value* const no = constant(c10::IValue(false), "");
  return call_operator("aten::to", "dtype", std::array{tensor, as_dtype(dtype), no, no, constant({}, "")});
}

// The tensor that stands for it, an initializer like any buffer.
ir::Value* Importer::number_state(const c10::IValue& value, const std::string& path) {
  const auto found = held_.find(path);
  if (found != held_.end()) return found->second;
  const at::ScalarType dtype = value.isInt() ? at::kLong : value.isDouble() ? at::kFloat : at::kBool;
  kept_.push_back(at::scalar_tensor(value.toScalar(), dtype));
  return held(path, kept_.back());
}

// The attributes that `after` has and `before` has not, or has otherwise: of objects that are older than the region, whose
// own are created_[first] and what follows.
std::vector<Importer::Attribute> Importer::changed(const std::map<Attribute, Binding>& before,
                                                   const std::map<Attribute, Binding>& after,
                                                   size_t first) const {
  std::set<const void*> inner;
  for (size_t i = first; i < created_.size(); ++i) inner.insert(created_[i].toObject().get());
  const auto same = [](const Binding& a, const Binding& b) {
    return a.value == b.value && a.function == b.function && a.object.is(b.object);
  };
  std::vector<Attribute> out;
  for (const auto& [key, binding] : after) {
    const auto was = before.find(key);
    if (!inner.contains(key.first) && (was == before.end() || !same(was->second, binding)))
      out.push_back(key);
  }
  return out;
}

ir::Type Importer::type_of_attribute(const Attribute& key) const {
  const auto object = attributes_.at(key).object.toObject();
  return from_torch(*object->type()->getAttribute(key.second));
}

// The attributes that a region sets, as the results that follow the node's own.
void Importer::hand_out(ir::Node& made, std::span<const Attribute> keys) {
  for (const Attribute& key : keys) {
    written_[key] = Binding::of(made.add_output(type_of_attribute(key)));
    note_write(key);
  }
}

}  // namespace onnxport
