// Which value holds the contents of which, and how a write reaches every view.
#include <algorithm>
#include <utility>

#include "core/prepare/aliases.h"
#include "core/prepare/functionalize.h"
#include "core/prepare/views.h"

namespace onnxport {

Storage* Functionalizer::find(const ir::Value* value) const {
  const auto found = storages_.find(value);
  return found == storages_.end() ? nullptr : found->second;
}

Storage& Functionalizer::storage_of(ir::Value* value) {
  if (Storage* known = find(value)) return *known;
  Storage& out = pool_.emplace_back();
  out.origin = value;
  out.root = &out;
  out.members.push_back(value);
  out.state.current = value;
  storages_.emplace(value, &out);
  return out;
}

Storage& Functionalizer::add_view(ir::Value* value, Storage& parent, ir::Node& step, size_t operand,
                                  size_t output) {
  Storage& out = pool_.emplace_back();
  out.origin = value;
  out.parent = &parent;
  out.root = parent.root;
  out.step = &step;
  out.step_operand = operand;
  out.step_output = output;
  out.state.current = value;
  out.state.version = parent.root->state.version;
  parent.views.push_back(&out);
  parent.root->members.push_back(value);
  storages_[value] = &out;
  return out;
}

void Functionalizer::share(ir::Value* a, ir::Value* b) {
  Storage* x = storage_of(a).root;
  Storage* y = storage_of(b).root;
  if (x == y || std::find(x->maybe_shared.begin(), x->maybe_shared.end(), y) != x->maybe_shared.end()) return;
  x->maybe_shared.push_back(y);
  y->maybe_shared.push_back(x);
}

Storage::State& Functionalizer::edit(Storage& storage) {
  if (depth_ > 0) log_.emplace_back(&storage, storage.state);
  return storage.state;
}

void Functionalizer::rollback(size_t mark) {
  while (log_.size() > mark) {
    log_.back().first->state = std::move(log_.back().second);
    log_.pop_back();
  }
}

ir::Value* Functionalizer::read(ir::Value* value, NodeMaker& make) {
  Storage* storage = find(value);
  if (storage == nullptr) return value;
  return storage->state.elements ? materialize(*storage, make) : refresh(*storage, make);
}

ir::Value* Functionalizer::refresh(Storage& storage, NodeMaker& make) {
  std::vector<Storage*> stale;
  for (Storage* s = &storage; s->parent != nullptr && s->state.version != s->root->state.version;
       s = s->parent) {
    stale.push_back(s);
  }
  for (auto it = stale.rbegin(); it != stale.rend(); ++it) {
    Storage& view = **it;
    ir::Value* parent = view.parent->state.current;
    ir::Value* current = nullptr;
    if (view.step->op() == "prim::ListUnpack") {
      ir::Value* operands[] = {parent, make.integer(static_cast<int64_t>(view.step_output))};
      current = make.call("aten::__getitem__.t(t[](a) list, int idx) -> t(*)", operands, view.origin->type());
    } else {
      std::vector<ir::Value*> operands;
      for (size_t i = 0; i < view.step->operand_count(); ++i) {
        operands.push_back(i == view.step_operand ? parent : view.step->operand(i));
      }
      current = make.replay(*view.step, operands)->output(view.step_output);
    }
    Storage::State& state = edit(view);
    state.current = current;
    state.version = view.root->state.version;
  }
  return storage.state.current;
}

// A list as it is now: its construct is made anew when an element was written or the list itself edited.
ir::Value* Functionalizer::materialize(Storage& container, NodeMaker& make) {
  if (container.state.checked == counter_) return container.state.current;
  std::vector<ir::Value*> now;
  for (ir::Value* element : *container.state.elements)
    now.push_back(element == nullptr ? nullptr : read(element, make));
  const ir::Node* made = container.state.current->producer();
  bool same = made != nullptr && is_construct(*made) && made->operand_count() == now.size();
  for (size_t i = 0; same && i < now.size(); ++i) same = made->operand(i) == now[i];
  ir::Value* current = container.state.current;
  if (!same) {
    const ir::Node* origin = container.origin->producer();
    const std::string_view op = origin != nullptr && is_construct(*origin)
                                    ? origin->op_text()
                                    : std::string_view("prim::ListConstruct");
    current = make.node(op, now, nullptr, 1, container.origin->type())->output();
    current->set_name(container.origin->name());
  }
  Storage::State& state = edit(container);
  state.current = current;
  state.checked = counter_;
  return current;
}

void Functionalizer::set_root(Storage& root, ir::Value* contents) {
  Storage::State& state = edit(root);
  state.current = contents;
  state.version = ++counter_;
}

ir::Value* Functionalizer::new_base(Storage& view, ir::Value* contents, NodeMaker& make) {
  ir::Value* base = refresh(*view.parent, make);
  const ir::Type& type = view.parent->origin->type();
  const ir::Node& step = *view.step;
  const bool unpacked = step.op() == "prim::ListUnpack";
  if (!unpacked && !step.op_text().starts_with("aten::__getitem__")) {
    return view.step_operand == 0 ? write_through(step, base, contents, type, make) : nullptr;
  }
  // An element of split's list: the write goes on to what was split.
  Storage& list = *view.parent;
  if (list.parent == nullptr || list.step_operand != 0) return nullptr;
  const auto index =
      unpacked ? std::optional(static_cast<int64_t>(view.step_output)) : constant_int(step.operand(1));
  if (!index) return nullptr;
  ir::Value* split_base = refresh(*list.parent, make);
  return write_through_element(*list.step, split_base, base, *index, unpacked ? step.output_count() : 0,
                               contents, list.parent->origin->type(), make);
}

bool Functionalizer::write(Storage& target, ir::Value* contents, const ir::Node& writer, NodeMaker& make) {
  check_shared(*target.root, writer);
  ir::Value* origin = target.root->origin;
  if (origin->is_constant() || (origin->block() != nullptr && origin->block()->owner() == nullptr))
    note_state(writer, *origin);
  std::vector<std::pair<Storage*, ir::Value*>> path;
  Storage* at = &target;
  while (at->parent != nullptr) {
    path.emplace_back(at, contents);
    ir::Value* base = new_base(*at, contents, make);
    if (base == nullptr) {
      fail(writer,
           "it writes through " + std::string(at->step->op_text()) +
               ", and what that does to the tensor behind it has no functional form",
           "write to the tensor itself, or to a copy of the view (.clone())");
      return false;
    }
    const std::string_view op = at->step->op_text();
    const bool element = op == "prim::ListUnpack" || op.starts_with("aten::__getitem__");
    at = element ? at->parent->parent : at->parent;
    contents = base;
  }
  set_root(*at, contents);
  for (auto& [view, value] : path) {
    Storage::State& state = edit(*view);
    state.current = value;
    state.version = counter_;
  }
  return true;
}

namespace {

// Whether a value of that type may be a list or dict, or have one inside.
bool may_hold_container(const ir::Type& type) {
  using Kind = ir::Type::Kind;
  switch (type.kind()) {
    case Kind::tuple:
    case Kind::optional:
      return std::any_of(type.elements().begin(), type.elements().end(), may_hold_container);
    case Kind::unknown:
    case Kind::object:
    case Kind::list:
    case Kind::dict:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Functionalizer::check_shared(const Storage& root, const ir::Node& writer, bool container) {
  for (Storage* other : root.maybe_shared) {
    if (container && !may_hold_container(other->origin->type())) continue;
    if (container && is_held(*other)) note_container(writer, *other);
    ir::Value* origin = other->origin;
    if (origin->is_constant()) note_state(writer, *origin);
    const ir::Value* victim = read_later(*other, writer);
    if (victim == nullptr) continue;
    const std::string name =
        victim->name().empty() ? std::string("a tensor") : "'%" + std::string(victim->name().text()) + '\'';
    if (container) {
      fail(writer,
           "it changes a list or dict that is chosen at run time and may be in " + name +
               ", which is read later",
           "keep each such list in a variable of its own, and choose with if, or build a new list");
    } else {
      fail(writer,
           "it writes to memory that " + name +
               " may share, depending on strides or on what happens at run time, and that is read later",
           "write to a copy (.clone()), or read the other tensor before");
    }
  }
}

void Functionalizer::hold(const ir::Value* element, Storage& container) {
  if (element != nullptr && has_storage(*element)) holders_[element].push_back(&container);
}

// A member that is read after `writer`, by itself or in a container.
const ir::Value* Functionalizer::read_later(const Storage& root, const ir::Node& writer, int depth) const {
  constexpr int kMaxDepth = 8;
  for (const ir::Value* member : root.members) {
    if (used_later(*member, writer)) return member;
    const auto holders = holders_.find(member);
    if (holders == holders_.end()) continue;
    for (const Storage* container : holders->second) {
      if (depth >= kMaxDepth || read_later(*container->root, writer, depth + 1) != nullptr) return member;
    }
  }
  return nullptr;
}

// Further down, or in the next turn of a loop around the writer.
bool Functionalizer::used_later(const ir::Value& value, const ir::Node& writer) const {
  const auto order = [&](const ir::Node* node) {
    const auto found = order_.find(node);
    return found == order_.end() ? -1 : found->second;
  };
  const int now = order(&writer);
  const ir::Node* owner = value.block() == nullptr ? nullptr : value.block()->owner();
  const ir::Node* maker = value.producer() != nullptr ? value.producer() : owner;
  const int made = maker == nullptr ? -1 : order(maker) + (value.producer() == nullptr ? 1 : 0);
  for (const ir::Operand* use = value.first_use(); use != nullptr; use = use->next()) {
    const ir::Node* user = use->user();
    const bool is_return = user->op() == "return";
    const int at = order(user);
    if (at > now) return true;
    for (const ir::Block* b = writer.parent(); b != nullptr;
         b = b->owner() == nullptr ? nullptr : b->owner()->parent()) {
      if (is_return && &b->returns() == user) return true;
      const ir::Node* loop = b->owner();
      if (loop == nullptr) break;
      const bool repeats =
          loop->op() == "prim::Loop" && made <= order(loop) && at > order(loop) && user != &writer;
      if (repeats) return true;
    }
  }
  return false;
}

}  // namespace onnxport
