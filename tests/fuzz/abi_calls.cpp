#include "fuzz/abi_calls.h"

#include "fuzz/abi_arguments.h"

namespace onnxport::fuzz {
namespace {

constexpr int kMostCalls = 200;

class Calls : private Arguments {
 public:
  Calls(onnxport_context* context, Choices& choices) : Arguments(choices), c_(context) {}

  int32_t run() {
    for (int i = 0; i < kMostCalls && !choices_.over(); ++i) {
      switch (choices_.below(12)) {
        case 0:
        case 1:
          call_op();
          break;
        case 2:
          call_graph();
          break;
        case 3:
          call_dim();
          break;
        case 4:
        case 5:
        case 6:
          call_emit();
          break;
        case 7:
          call_blocks_and_types();
          break;
        case 8:
          call_words();
          break;
        case 9:
          call_rewrite();
          break;
        case 10:
          call_match();
          break;
        default:
          call_rest();
      }
    }
    constexpr int32_t statuses[] = {ONNXPORT_OK,     ONNXPORT_OK, ONNXPORT_OK, ONNXPORT_DECLINED,
                                    ONNXPORT_FAILED, 77,          -1};
    return choices_.of(statuses);
  }

 private:
  // ---- the tables ----

  void call_op() {
    const auto& op = host<onnxport_op_api>("onnxport.op/1");
    switch (choices_.below(16)) {
      case 0:
        return touch(op.name(c_));
      case 1:
      case 2:
      case 3:
        if (const onnxport_arg a = op.arg(c_, text()); a != 0) args_.push_back(a);
        return;
      case 4:
        op.arg_count(c_);
        return touch(op.arg_name(c_, index()));
      case 5:
        op.arg_kind(c_, arg());
        return;
      case 6:
        op.arg_int(c_, arg());
        return;
      case 7:
        op.arg_real(c_, arg());
        return;
      case 8:
        return touch(op.arg_string(c_, arg()));
      case 9:
        op.arg_size(c_, arg());
        if (const onnxport_arg a = op.arg_item(c_, arg(), index()); a != 0) args_.push_back(a);
        return;
      case 10:
      case 11:
        return keep(op.arg_value(c_, arg()));
      case 12: {
        auto given = list<onnxport_arg>([&] { return arg(); });
        op.result_type(c_, given.data(), given.count);
        return;
      }
      case 13:
        op.output_count(c_);
        op.output_used(c_, index());
        op.output_dtype(c_, index());
        op.training(c_);
        return;
      case 14: {
        auto given = values();
        op.set_list_result(c_, index(), given.data(), given.count);
        return;
      }
      default: {
        auto given = values();
        op.set_results(c_, given.data(), given.count);
      }
    }
  }

  void call_graph() {
    const auto& graph = host<onnxport_graph_api>("onnxport.graph/1");
    switch (choices_.below(6)) {
      case 0:
        graph.dtype(c_, value());
        graph.rank(c_, value());
        graph.target_opset(c_);
        graph.current_opset(c_);
        return;
      case 1:
        graph.dim(c_, value(), index());
        graph.same_dim(c_, value(), index(), value(), index());
        return;
      case 2: {
        onnxport_type out{};
        out.struct_size = struct_size(sizeof out);
        const bool good = graph.type(c_, value(), choices_.byte() == 0xff ? nullptr : &out) != 0;
        for (int32_t i = 0; good && out.dims != nullptr && i < out.rank; ++i) keep_dim(out.dims[i]);
        return;
      }
      case 3: {
        onnxport_tensor out{};
        out.struct_size = struct_size(sizeof out);
        const bool good = graph.constant(c_, value(), choices_.byte() == 0xff ? nullptr : &out) != 0;
        if (good) touch({static_cast<const char*>(out.data), out.bytes});
        return;
      }
      default:
        graph.is_complex(c_, value());
        graph.is_number(c_, value());
    }
  }

  void call_dim() {
    const auto& d = host<onnxport_dim_api>("onnxport.dim/1");
    using Operation = onnxport_dim (*)(onnxport_context*, onnxport_dim, onnxport_dim);
    const Operation operations[] = {d.add, d.sub, d.mul, d.floor_div, d.mod, d.min, d.max};
    switch (choices_.below(8)) {
      case 0:
        return keep_dim(d.number(c_, choices_.of(kNumbers)));
      case 1:
        return keep_dim(d.of_axis(c_, value(), index()));
      case 2:
        keep_dim(d.of_element(c_, value(), index()));
        return keep_dim(d.of_arg(c_, arg()));
      case 3:
        return keep_dim(d.fresh(c_));
      case 4:
        d.equal(c_, dim(), dim());
        d.static_size(c_, dim());
        return touch(d.text(c_, dim()));
      default:
        return keep_dim(choices_.of(operations)(c_, dim(), dim()));
    }
  }

  void call_emit() {
    const auto& emit = host<onnxport_emit_api>("onnxport.emit/1");
    switch (choices_.below(8)) {
      case 0:
        return keep(emit.constant(c_, tensor()));
      case 1:
        return keep(emit.dim(c_, value(), index()));
      case 2: {
        auto given = values();
        return keep(emit.shape(c_, given.data(), given.count));
      }
      default: {
        const onnxport_str domain = choices_.byte() < 0xa0 ? text_of("") : text();
        const onnxport_str name = text();
        auto inputs = values();
        const uint32_t attr_count = attributes();
        const uint64_t size = attr_size_;
        Array<onnxport_value> outputs;
        outputs.count = choices_.byte() < 0xf0 ? 1 + choices_.below(3) : kHuge;
        outputs.is_null = choices_.byte() == 0xff;
        emit.node(c_, domain, name, inputs.data(), inputs.count, attr_data(), attr_count, size,
                  outputs.data(), outputs.count);
        keep_all(outputs);
      }
    }
  }

  void call_blocks_and_types() {
    const auto& emit = host<onnxport_emit_api>("onnxport.emit/1");
    switch (choices_.below(8)) {
      case 0:
      case 1: {
        Array<onnxport_block_param> params;
        params.count = choices_.byte() < 0xf0 ? choices_.below(3) : kHuge;
        params.is_null = choices_.byte() == 0xff;
        for (size_t i = 0; i < std::min<size_t>(params.count, 2); ++i)
          params.items[i] = {text(), choices_.byte() < 0x80 ? nullptr : type(), value(), 0};
        Array<onnxport_value> made;
        made.count = params.count;
        made.is_null = choices_.byte() == 0xff;
        const uint64_t size = choices_.byte() < 0xf0 ? sizeof(onnxport_block_param)
                                                     : choices_.below(40) / 39 * (uint64_t{1} << 40);
        emit.begin_block(c_, params.data(), params.count, size, made.data());
        return keep_all(made);
      }
      case 2:
      case 3: {
        auto given = values();
        if (const int64_t block = emit.end_block(c_, given.data(), given.count); block >= 0)
          blocks_.push_back(block);
        return;
      }
      case 4:
        return keep(emit.set_complex(c_, value(), choices_.below(2)));
      case 5:
        emit.set_type(c_, value(), type());
        return;
      case 6:
        emit.set_type_like(c_, value(), value());
        return;
      default: {
        auto given = list<onnxport_dim>([&] { return dim(); });
        emit.set_shape(c_, value(), given.data(), given.count);
      }
    }
  }

  void call_words() {
    const auto& diag = host<onnxport_diag_api>("onnxport.diag/1");
    const auto& options = host<onnxport_options_api>("onnxport.options/1");
    const uint8_t which = choices_.below(32);
    if (which == 0) diag.decline(c_, message());
    if (which == 1) diag.fail(c_, message());
    if (which >= 2 && which < 12) diag.tell(c_, message());
    if (which < 12) return;
    options.count(c_);
    touch(options.name(c_, index()));
    options.has(c_, text());
    if (which < 16) options.integer(c_, text(), 1);
    if (which < 20) options.real(c_, text(), 1);
    if (which < 24) options.boolean(c_, text(), 1);
    const onnxport_str otherwise = text_of("otherwise");
    touch(options.text(c_, text(), otherwise));
  }

  void call_rewrite() {
    const auto& rewrite = host<onnxport_rewrite_api>("onnxport.rewrite/1");
    onnxport_attr out{};
    const auto got = [&](int32_t good) {
      if (good != 0 && out.kind == ONNXPORT_ATTR_BLOCK) blocks_.push_back(out.i);
      if (good != 0 && out.kind == ONNXPORT_ATTR_STRING) touch(out.s);
    };
    const uint64_t size = choices_.byte() < 0xf0 ? sizeof out : choices_.below(sizeof out);
    onnxport_attr* const to = choices_.byte() == 0xff ? nullptr : &out;
    switch (choices_.below(8)) {
      case 0:
        return keep_node(rewrite.root(c_));
      case 1:
        touch(rewrite.domain(c_, node()));
        touch(rewrite.op_type(c_, node()));
        rewrite.input_count(c_, node());
        rewrite.output_count(c_, node());
        return;
      case 2:
      case 3:
        return keep(rewrite.input(c_, node(), index()));
      case 4:
        rewrite.output_used(c_, node(), index());
        return keep(rewrite.output(c_, node(), index()));
      case 5:
        rewrite.attr_count(c_, node());
        return got(rewrite.attr(c_, node(), index(), to, size));
      case 6:
        return got(rewrite.find_attr(c_, node(), text(), to, size));
      default: {
        auto given = values();
        rewrite.replace(c_, node(), given.data(), given.count);
      }
    }
  }

  void call_match() {
    const auto& match = host<onnxport_match_api>("onnxport.match/1");
    switch (choices_.below(5)) {
      case 0:
        return keep_node(match.producer(c_, value()));
      case 1: {
        const onnxport_value v = value();
        const uint32_t uses = match.use_count(c_, v);
        const uint32_t which = choices_.byte() < 0xf0 && uses > 0 ? choices_.byte() % uses : index();
        keep_node(match.user(c_, v, which));
        match.user_input(c_, v, which);
        return;
      }
      case 2:
        match.is_output(c_, value());
        match.is_input(c_, value());
        return;
      default:
        match.insert_before(c_, node());
    }
  }

  void call_rest() {
    const auto& weight = host<onnxport_weight_api>("onnxport.weight/1");
    const auto& body = host<onnxport_onnx_body_api>("onnxport.onnx_body/1");
    const auto& result = host<onnxport_infer_result_api>("onnxport.infer_result/1");
    switch (choices_.below(6)) {
      case 0: {
        const int64_t dims[] = {choices_.of(kNumbers), choices_.of(kNumbers)};
        void* data = nullptr;
        const uint32_t rank = choices_.byte() < 0xf0 ? choices_.below(3) : kHuge;
        const onnxport_value v =
            weight.create(c_, choices_.of(kTypes), rank, choices_.byte() == 0xff ? nullptr : dims, value(),
                          choices_.byte() == 0xff ? nullptr : &data);
        return keep(v);
      }
      case 1: {
        Array<onnxport_value> made;
        made.count = choices_.byte() < 0xf0 ? choices_.below(3) : kHuge;
        made.is_null = choices_.byte() == 0xff;
        body.emit_body(c_, choices_.below(40), made.data(), made.count);
        return keep_all(made);
      }
      case 2:
        result.set_type(c_, index(), type());
        return;
      case 3:
        result.set_type_like(c_, index(), value());
        return;
      case 4: {
        auto given = list<onnxport_dim>([&] { return dim(); });
        result.set_elements(c_, index(), given.data(), given.count);
        return;
      }
      default:
        plugin_host()->get_interface(plugin_host(), text());
    }
  }

  onnxport_context* c_;
};

}  // namespace

int32_t make_calls(onnxport_context* context, Choices& choices) { return Calls(context, choices).run(); }

}  // namespace onnxport::fuzz
