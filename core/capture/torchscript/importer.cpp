#include "core/capture/torchscript/importer.h"

#include <ATen/core/function.h>
#include <ATen/core/ivalue_inl.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/scope.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <cctype>

#include "core/argument/torch_operators.h"
#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

constexpr size_t kDeepestCall = 2000;  // methods within methods; a file may not exhaust the stack

// Names the exporter made up ("123") say nothing to a reader.
bool is_readable(const std::string& name) {
  return std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
}

// Most prim operators have a form of their own in the graph; arithmetic on numbers is an operator like any
// other.
bool has_own_form(c10::Symbol kind) {
  return kind.is_prim() && kind != c10::prim::max && kind != c10::prim::min && kind != c10::prim::abs;
}

}  // namespace

std::string Importer::join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + '.' + name;
}

Error Importer::unsupported(const torch::jit::Node& node, std::string_view code, std::string message,
                            std::string hint) {
  std::string source = lines_.locate(node.sourceRange());
  for (const torch::jit::Value* output : node.outputs()) {  // attributes are read where the reader says
    for (const torch::jit::Use& use : output->uses()) {
      if (source.empty()) source = lines_.locate(use.user->sourceRange());
    }
  }
  return Error(code, std::move(message),
               place_of_node(node.kind().toQualString(), module_path(node), std::move(source),
                             archive_.file().path().string()),
               std::move(hint));
}

std::string Importer::module_path(const torch::jit::Node& node) const {
  std::string path = frame_ == nullptr ? std::string() : frame_->path;
  if (modules_ != nullptr) {
    if (const auto known = modules_->find(&node); known != modules_->end()) return join(path, known->second);
  }
  const auto stack = node.callstack();  // only of a frozen graph: freezing inlines
  if (!stack) return path;
  for (const auto& call : (*stack)->vec()) {
    const auto& instance = std::get<2>(call);
    if (instance && instance->instance_name() != "SELF" &&
        instance->instance_name() != "INSTANCE_NAME_UNKNOWN")
      path = join(path, instance->instance_name());
  }
  return path;
}

const ir::Provenance* Importer::provenance(const torch::jit::Node& node) {
  const std::string name = node.outputs().empty() ? std::string() : node.outputs()[0]->debugName();
  std::string place = lines_.locate(node.sourceRange());
  // A statement without a value is where its value is made.
  if (place.empty() && node.kind() == c10::prim::SetAttr) {
    const torch::jit::Node* made = node.input(1)->node();
    place = lines_.locate(made->sourceRange());
    for (const torch::jit::Value* part : made->inputs()) {  // of a tuple or list that is written down
      if (place.empty()) place = lines_.locate(part->node()->sourceRange());
    }
  }
  return graph_.keep(ir::Provenance{module_path(node), std::move(place), name});
}

ir::Node* Importer::emit(std::string_view op, std::span<ir::Value* const> operands, ir::Type type) {
  ir::Node* node = graph_.create(op, operands);
  node->add_output(std::move(type));
  node->set_provenance(provenance_);
  graph_.append(*block_, node);
  return node;
}

const Binding& Importer::find(const torch::jit::Value* value) const {
  const auto found = frame_->values.find(value);
  if (found != frame_->values.end()) return found->second;
  throw Error("T541", "the value %" + value->debugName() + " is used before it is known",
              place_of_node("", frame_->path, "", archive_.file().path().string()), "report this model");
}

ir::Value* Importer::operand(torch::jit::Node& node, size_t index) {
  const Binding& binding = find(node.input(index));
  if (binding.value != nullptr) return binding.value;
  if (ir::Value* parts = object_operand(binding)) return parts;
  std::string type = node.input(index)->type()->repr_str();
  type.resize(std::min(type.size(), type.find(" (of Python")));  // an address says nothing
  throw unsupported(
      node, "T540",
      "input " + std::to_string(index) + " of " + std::string(node.kind().toQualString()) +
          " is an object of type " + type + ", which no ONNX graph can hold",
      type.find("Packed") != std::string::npos || type.find("quantized") != std::string::npos ||
              type.find("torch.classes.rnn.") != std::string::npos
          ? "the packed weights of this quantized operator cannot be read: leave its module out of the "
            "quantization, or export the model before torch.ao.quantization.convert"
      : type.find("torch.classes.") != std::string::npos
          ? "register the class with def_pickle, which hands out its state, and say in the manifest of a "
            "plugin what "
            "that is: provides.classes, docs/plugins.md"
          : "pass tensors and numbers instead of objects");
}

Binding Importer::call(torch::jit::Function& function, std::vector<Binding> arguments,
                       const std::string& path) {
  const auto fail = [&](std::string message, std::string hint) {
    return Error("T541", std::move(message), place_of_node("", path, "", archive_.file().path().string()),
                 std::move(hint));
  };
  torch::jit::GraphFunction* code = torch::jit::tryToGraphFunction(function);
  if (code == nullptr)
    throw fail("the function '" + function.qualname().qualifiedName() +
                   "' is implemented in C++; its code is not in the model",
               "replace the call by operators");
  if (++depth_ > kDeepestCall) throw fail("methods call each other without end", "unroll the recursion");
  const std::shared_ptr<torch::jit::Graph> body = code->graph();
  if (arguments.size() != body->inputs().size())
    throw fail("'" + function.name() + "' takes " + std::to_string(body->inputs().size()) + " arguments, " +
                   std::to_string(arguments.size()) + " are given",
               "report this model");
  Frame frame{path, {}};
  Frame* const outer = std::exchange(frame_, &frame);
  for (size_t i = 0; i < arguments.size(); ++i) bind(body->inputs()[i], std::move(arguments[i]));
  import_block(*body->block());
  Binding result = body->outputs().empty() ? Binding::of(constant({}, "")) : find(body->outputs()[0]);
  frame_ = outer;
  --depth_;
  return result;
}

void Importer::import_block(torch::jit::Block& block) {
  for (torch::jit::Node* node : block.nodes()) import_node(*node);
}

void Importer::import_node(torch::jit::Node& node) {
  provenance_ = nullptr;
  if (import_object_node(node)) return;
  provenance_ = provenance(node);
  switch (node.kind()) {
    case c10::prim::Constant:
      return import_constant(node);
    case c10::prim::If:
      return import_if(node);
    case c10::prim::Loop:
      return import_loop(node);
    case c10::prim::SetAttr:
      return import_set_attribute(node);
    case c10::prim::isinstance:
      return import_isinstance(node);
    default:
      if (!import_foldable_node(node) && !import_quantized(node) && !import_recurrent(node))
        import_operator(node);
  }
}

// Nodes about objects: they leave nothing in the graph.
bool Importer::import_object_node(torch::jit::Node& node) {
  switch (node.kind()) {
    case c10::prim::GetAttr:
      import_get_attribute(node);
      return true;
    case c10::prim::CallMethod:
    case c10::prim::CallFunction:
      import_call(node);
      return true;
    case c10::prim::CreateObject: {
      const auto cls = node.output()->type()->expect<c10::ClassType>();
      created_.emplace_back(c10::ivalue::Object::create(cls, cls->numAttributes()));
      bind(node.output(), Binding{.object = created_.back()});
      return true;
    }
    case c10::prim::fork:
      import_fork(node);
      return true;
    case c10::prim::Enter:
    case c10::prim::Exit: {
      // Gradients do not exist here, and a profiler's scope computes nothing; other contexts change results.
      const std::string type = node.input(0)->type()->repr_str();
      if (type.find("grad_mode") == std::string::npos && type.find("profiler") == std::string::npos)
        throw unsupported(node, "T541", "the context manager " + type + " cannot be exported",
                          "trace the model, or leave the context manager out");
      if (!node.outputs().empty()) bind(node.output(), find(node.input(0)));
      return true;
    }
    default:
      return false;
  }
}

// Nodes whose result is known here: where a tensor lies, what only prints, casts that change nothing at run
// time.
bool Importer::import_foldable_node(torch::jit::Node& node) {
  if (hands_operand_on(node.kind().toQualString())) {
    bind(node.output(), find(node.input(0)));
    return true;
  }
  switch (node.kind()) {
    case c10::prim::Print:
    case c10::aten::warn:
      for (const torch::jit::Value* output : node.outputs()) bind(output, Binding::of(constant({}, "")));
      return true;
    case c10::prim::device:
      bind(node.output(), Binding::of(constant(c10::IValue("cpu"), "")));
      return true;
    case c10::prim::layout:
      bind(node.output(), Binding::of(constant(c10::IValue(static_cast<int64_t>(at::kStrided)), "")));
      return true;
    default:
      break;
  }
  const std::string_view name = node.kind().toUnqualString();
  static constexpr std::string_view never[] = {
      "is_cuda", "is_xpu",    "is_mps",  "is_mkldnn", "is_vulkan", "is_meta",       "is_sparse",    "is_hpu",
      "is_maia", "is_nested", "is_mtia", "is_ipu",    "is_vulkan", "is_sparse_csr", "requires_grad"};
  if (!node.kind().is_prim() || node.outputs().size() != 1) return false;
  if (name == "is_quantized") {
    bind(node.output(), Binding::of(constant(c10::IValue(grids_.contains(operand(node, 0))), "")));
    return true;
  }
  if (name == "EnumValue") {  // constants of enums are their values
    bind(node.output(), find(node.input(0)));
    return true;
  }
  const bool is_cpu = name == "is_cpu";
  if (!is_cpu && std::find(std::begin(never), std::end(never), name) == std::end(never)) return false;
  bind(node.output(), Binding::of(constant(c10::IValue(is_cpu), "")));
  return true;
}

const Importer::Operator& Importer::operator_of(const c10::FunctionSchema& schema) {
  auto [slot, fresh] = operators_.try_emplace(&schema);
  Operator& op = slot->second;
  if (fresh) {
    op.name = graph_.intern(qualified_name(schema));
    // A variadic operator (aten::format) has more operands than arguments, so it keeps no schema.
    if (!schema.is_vararg()) op.schema = graph_.keep(from_torch(schema));
    for (const c10::Argument& argument : schema.arguments()) op.dtypes.push_back(takes_dtype(argument));
  }
  return op;
}

const Importer::Operator& Importer::operator_of(torch::jit::Node& node) {
  const c10::FunctionSchema* schema = has_own_form(node.kind()) ? nullptr : node.maybeSchema();
  if (schema != nullptr) return operator_of(*schema);
  Operator& op = operators_[nullptr];
  op.name = graph_.intern(node.kind().toQualString());
  return op;
}

// Tracing makes "x * 0.5" a product of two tensors. Before it runs a graph, libtorch turns such constants into numbers
// again (its pass CanonicalizeOps, for these four operators): then an integer tensor times 0.5 is f32, not f64.
const Importer::Operator* Importer::with_number(const Operator& op, std::vector<ir::Value*>& operands) {
  if (op.name != "aten::add.Tensor" && op.name != "aten::sub.Tensor" && op.name != "aten::mul.Tensor" &&
      op.name != "aten::div.Tensor")
    return nullptr;
  const auto number = numbers_.find(operands.at(1));
  if (number == numbers_.end()) return nullptr;
  const std::string_view text = op.name.text();
  const auto scalar =
      torch::jit::findOperatorFor(c10::OperatorName(std::string(text.substr(0, text.find('.'))), "Scalar"));
  if (!scalar) return nullptr;
  operands[1] = constant(c10::IValue(number->second), "");
  return &operator_of(scalar->schema());
}

// An int constant where the schema wants a ScalarType.
ir::Value* Importer::as_dtype(ir::Value* value) {
  const ir::Node* producer = value->producer();
  const auto* number = producer != nullptr && producer->op() == "prim::Constant"
                           ? producer->attribute_as<int64_t>("value")
                           : nullptr;
  if (number == nullptr) return value;
  const ir::DType dtype = to_dtype(static_cast<at::ScalarType>(*number));
  if (dtype == ir::DType::undefined) return value;
  ir::Node* made = emit("prim::Constant", {}, ir::Type::dtype_kind());
  made->set_attribute(graph_.intern("value"), dtype);
  return made->output();
}

void Importer::import_operator(torch::jit::Node& node) {
  const Operator& op = operator_of(node);
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    operands.push_back(operand(node, i));
    if (i < op.dtypes.size() && op.dtypes[i]) operands.back() = as_dtype(operands.back());
  }
  // x.dtype is an int to TorchScript: comparing it with a constant compares dtypes.
  const bool compares = op.name == "aten::eq.int" || op.name == "aten::ne.int";
  const auto is_dtype = [](const ir::Value* v) {
    return v->producer() != nullptr && v->producer()->op() == "prim::dtype";
  };
  if (compares && (is_dtype(operands[0]) || is_dtype(operands[1]))) {
    for (ir::Value*& value : operands) value = as_dtype(value);
  }
  const Operator* scalar = with_number(op, operands);
  const Operator& used = scalar != nullptr ? *scalar : op;
  if (ir::Value* rounded = rounded_again(used.name, operands, used.schema))
    return bind(node.output(), Binding::of(rounded));
  carry_grid(*finish(graph_.create(used.name, operands, used.schema), node));
}

// Appends `made` with the outputs of `from`.
ir::Node* Importer::finish(ir::Node* made, const torch::jit::Node& from) {
  const bool is_dtype = from.kind() == c10::prim::dtype;
  for (const torch::jit::Value* output : from.outputs()) {
    ir::Value* value = made->add_output(is_dtype ? ir::Type::dtype_kind() : from_torch(*output->type()));
    if (is_readable(output->debugName())) value->set_name(graph_.intern(output->debugName()));
    bind(output, Binding::of(value));
  }
  made->set_provenance(provenance_);
  graph_.append(*block_, made);
  return made;
}

void Importer::import_constant(torch::jit::Node& node) {
  if (node.output()->type()->kind() == c10::TypeKind::FunctionType) {
    bind(node.output(),
         Binding{.function = node.output()->type()->expectRef<c10::FunctionType>().function()});
    return;
  }
  const auto value = torch::jit::toIValue(node.output());
  if (!value) throw unsupported(node, "T540", "this constant has no value", "report this model");
  if (value->isObject()) {
    bind(node.output(), Binding{.object = *value, .path = "constant"});
    return;
  }
  try {
    const Binding& made = frame_->values[node.output()] =
        Binding::of(constant(*value, "constant_" + std::to_string(constants_)));
    if (value->isTensor() && value->toTensor().dim() == 0 && value->toTensor().scalar_type() != at::kBool)
      numbers_.emplace(made.value, value->toTensor().item());
  } catch (const Error& e) {
    const Diagnostic& first = e.diagnostics().front();
    throw unsupported(node, first.code, first.message, first.hint);
  }
  if (value->isTensor()) ++constants_;
}

void Importer::import_get_attribute(torch::jit::Node& node) {
  const Binding& owner = find(node.input(0));
  const std::string& name = node.s(c10::attr::name);
  if (!owner.object.isObject())
    throw unsupported(node, "T541",
                      "the attribute '" + name + "' is read from an object that is only known at run time",
                      "use one module per call, not one chosen by data");
  const auto object = owner.object.toObject();
  const auto written = written_.find({object.get(), name});
  if (written != written_.end()) {
    if (written->second.value == nullptr && written->second.object.isNone() &&
        written->second.function == nullptr)
      throw unsupported(node, "T542",
                        "the attribute '" + name + "' was set to an object under a condition or in a loop",
                        "keep tensors and numbers in such attributes, not modules or instances");
    bind(node.output(), written->second);
    return;
  }
  try {
    bind(node.output(), read_attribute(owner, name));
  } catch (const Error& e) {
    const Diagnostic& first = e.diagnostics().front();
    throw unsupported(node, first.code, "attribute '" + join(owner.path, name) + "': " + first.message,
                      first.hint);
  }
}

Binding Importer::bind_attribute(const c10::IValue& value, const std::string& path) {
  if (value.isObject()) return Binding{.object = value, .path = path};
  return Binding::of(constant(value, path));
}

void Importer::import_call(torch::jit::Node& node) {
  std::vector<Binding> arguments;
  for (const torch::jit::Value* input : node.inputs()) arguments.push_back(find(input));
  if (node.kind() == c10::prim::CallFunction) {
    torch::jit::Function* function = arguments.at(0).function;
    if (function == nullptr)
      throw unsupported(node, "T541", "the function called here is only known at run time",
                        "call it by name");
    arguments.erase(arguments.begin());
    bind(node.output(), call(*function, std::move(arguments), module_path(node)));
    return;
  }
  const std::string& name = node.s(c10::attr::name);
  const Binding& self = arguments.at(0);
  if (!self.object.isObject())
    throw unsupported(node, "T541",
                      "the method '" + name + "' is called on an object that is only known at run time",
                      "use one module per call, not one chosen by data");
  const auto type = self.object.toObject()->type();
  torch::jit::Function* method = type->findMethod(name);
  if (method == nullptr)
    throw unsupported(node, "T541", type->repr_str() + " has no method '" + name + "'", "report this model");
  // Methods of a module's own class, called on itself, are the module; a scripted helper object has no path.
  const std::string path = self.path.empty() && !type->is_module() ? module_path(node) : self.path;
  bind(node.output(), call(*method, std::move(arguments), path));
}

void Importer::import_region(ir::Node& owner, torch::jit::Block& source, std::span<const Attribute> carried) {
  ir::Block* const target = owner.add_block();
  ir::Block* const outer = std::exchange(block_, target);
  ++region_depth_;
  for (const torch::jit::Value* input : source.inputs()) {
    bind(input, Binding::of(target->add_parameter(from_torch(*input->type()))));
  }
  for (const Attribute& key : carried)
    written_[key] = Binding::of(target->add_parameter(type_of_attribute(key)));
  import_block(source);
  for (const torch::jit::Value* output : source.outputs()) {
    const Binding& binding = find(output);
    if (binding.value == nullptr)
      throw Error("T541", "an object leaves a branch or a loop",
                  place_of_node("", frame_->path, "", archive_.file().path().string()),
                  "choose between values, not between modules");
    target->add_result(binding.value);
  }
  --region_depth_;
  block_ = outer;
}

void Importer::import_if(torch::jit::Node& node) {
  ir::Value* const condition = operand(node, 0);
  const ir::Node* producer = condition->producer();
  const bool* known = producer != nullptr && producer->op() == "prim::Constant"
                          ? producer->attribute_as<bool>("value")
                          : nullptr;
  if (known != nullptr) {  // self.training and the like: the other branch may hold what cannot be exported
    torch::jit::Block* taken = node.blocks()[*known ? 0 : 1];
    import_block(*taken);
    for (size_t i = 0; i < node.outputs().size(); ++i) bind(node.output(i), find(taken->outputs()[i]));
    return;
  }
  const ir::Provenance* const own = provenance_;
  ir::Node* made = graph_.create("prim::If", std::array{condition});
  const std::map<Attribute, Binding> before = written_;
  std::vector<std::map<Attribute, Binding>> after;
  const size_t first = created_.size();
  for (torch::jit::Block* block : node.blocks()) {
    import_region(*made, *block, {});
    after.push_back(std::exchange(written_, before));
  }
  provenance_ = own;
  // An attribute that a branch sets is a result of the if.
  std::set<Attribute> keys;
  for (const auto& state : after) {
    for (const Attribute& key : changed(before, state, first)) keys.insert(key);
  }
  std::vector<Attribute> results;
  for (const Attribute& key : keys) {
    std::array<ir::Value*, 2> values{};
    for (size_t k = 0; k < 2; ++k) {
      ir::Block* const outer = std::exchange(block_, made->blocks()[k]);
      values[k] = attribute_now(key, after[k]).value;
      block_ = outer;
    }
    written_[key] = Binding{};
    if (values[0] == nullptr || values[1] == nullptr) continue;
    for (size_t k = 0; k < 2; ++k) made->blocks()[k]->add_result(values[k]);
    results.push_back(key);
  }
  finish(made, node);
  carry_grid_of_branches(*made);
  hand_out(*made, results);
}

void Importer::import_loop(torch::jit::Node& node) {
  const ir::Provenance* const own = provenance_;
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < node.inputs().size(); ++i) operands.push_back(operand(node, i));
  const std::map<Attribute, Binding> before = written_;
  std::vector<Attribute> carried;
  // An attribute that the body sets is carried by the loop: which these are is known when the body was seen.
  for (;;) {
    const size_t first = created_.size();
    std::vector<ir::Value*> given = operands;
    for (const Attribute& key : carried) given.push_back(attribute_now(key, before).value);
    ir::Node* made = graph_.create("prim::Loop", given);
    import_region(*made, *node.blocks()[0], carried);
    const std::map<Attribute, Binding> after = std::exchange(written_, before);
    std::vector<Attribute> missing;
    for (const Attribute& key : changed(before, after, first)) {
      if (std::find(carried.begin(), carried.end(), key) != carried.end()) continue;
      if (after.at(key).value == nullptr || attribute_now(key, before).value == nullptr) {
        written_[key] = Binding{};
      } else {
        missing.push_back(key);
      }
    }
    provenance_ = own;
    if (missing.empty()) {
      for (const Attribute& key : carried) made->blocks()[0]->add_result(after.at(key).value);
      finish(made, node);
      return hand_out(*made, carried);
    }
    carried.insert(carried.end(), missing.begin(), missing.end());
    drop_detached(*made);
  }
}

// A node that was not put into the graph, with all that its blocks hold.
void Importer::drop_detached(ir::Node& made) {
  for (ir::Block* block : made.blocks()) {
    block->set_results({});
    while (block->last() != nullptr) graph_.erase(block->last());
  }
  graph_.append(*block_, &made);
  graph_.erase(&made);
}

namespace {

// Whether values of both types are the same class to isinstance(); nullopt when the first does not say.
std::optional<bool> is_of_kind(const ir::Type& value, const ir::Type& asked) {
  using Kind = ir::Type::Kind;
  if (value.kind() == Kind::unknown || value.kind() == Kind::optional || value.kind() == Kind::object ||
      asked.kind() == Kind::unknown || asked.kind() == Kind::object)
    return std::nullopt;
  if (value.kind() != asked.kind()) return false;
  if (value.elements().size() != asked.elements().size()) return false;
  bool all = true;
  for (size_t i = 0; i < value.elements().size(); ++i) {
    const auto same = is_of_kind(value.elements()[i], asked.elements()[i]);
    if (!same) return std::nullopt;
    all = all && *same;
  }
  return all;
}

}  // namespace

void Importer::import_isinstance(torch::jit::Node& node) {
  const c10::TypePtr type = node.input(0)->type();
  const bool is = std::any_of(node.tys(c10::attr::types).begin(), node.tys(c10::attr::types).end(),
                              [&](const c10::TypePtr& asked) { return type->isSubtypeOf(*asked); });
  const bool open = type->kind() == c10::TypeKind::AnyType || type->kind() == c10::TypeKind::UnionType ||
                    type->kind() == c10::TypeKind::OptionalType;
  // Of a union: what the value is that was given, where that is one thing.
  if (const ir::Value* value = find(node.input(0)).value; !is && open && value != nullptr) {
    std::optional<bool> given = false;
    for (const c10::TypePtr& asked : node.tys(c10::attr::types)) {
      const auto one = is_of_kind(value->type(), from_torch(*asked));
      if (!given || !one) {
        given = std::nullopt;
      } else {
        given = *given || *one;
      }
    }
    if (given) return bind(node.output(), Binding::of(constant(c10::IValue(*given), "")));
  }
  if (!is && open)
    throw unsupported(
        node, "T541",
        "isinstance() of a value whose type (" + type->repr_str() + ") is only known at run time",
        "annotate the value with one type");
  bind(node.output(), Binding::of(constant(c10::IValue(is), "")));
}

// A forked task has no effect of its own: it is computed where it is forked.
void Importer::import_fork(torch::jit::Node& node) {
  const std::shared_ptr<torch::jit::Graph> body = node.g(c10::attr::Subgraph);
  for (size_t i = 0; i < node.inputs().size(); ++i) bind(body->inputs()[i], find(node.input(i)));
  import_block(*body->block());
  bind(node.output(), find(body->outputs()[0]));
}

}  // namespace onnxport
