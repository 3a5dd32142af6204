// The SDK's conveniences on the real host, at each opset from 7 on: the form that they emit is the one which that opset has.
#include <gmock/gmock.h>

#include "core/host/context.h"
#include "onnxport/plugin.hpp"

namespace onnxport {
namespace {

using testing::HasSubstr;

// A graph of one opset with a float input (batch, 4), and a Builder of the SDK that adds to it.
class At {
 public:
  explicit At(int opset)
      : graph_(ir::Graph::Dialect::onnx),
        graph_builder_(set(opset), opset),
        context_(graph_builder_, opset),
        builder_(api_, &context_),
        x_(builder_, context_.handle(graph_.add_input(
                         "x", ir::Type::tensor(ir::DType::f32, ir::Shape{ir::Dim::symbol("batch"), 4})))) {}

  // The last node that `emit` adds, as text.
  template <typename Emit>
  std::string node(Emit emit) {
    emit(builder_, x_);
    std::string out;
    ir::for_each_node(graph_.body(), [&](ir::Node* n) {
      out = std::string(n->op_text()) + " inputs=" + std::to_string(n->operand_count());
      for (const auto& a : n->attributes()) out += " " + std::string(a.name.text());
    });
    return out;
  }
  std::string reason_of_refusal(const std::function<void(Builder&, const sdk_v1::Value&)>& emit) {
    try {
      emit(builder_, x_);
    } catch (const Declined& e) {
      return e.what();
    }
    return "";
  }

 private:
  ir::Graph& set(int opset) {
    graph_.opsets[""] = opset;
    return graph_;
  }
  ir::Graph graph_;
  GraphBuilder graph_builder_;
  onnxport_context context_;
  HostApi api_ = [] {
    HostApi api;
    api.graph = &kGraphApi;
    api.dim = &kDimApi;
    api.emit = &kEmitApi;
    api.diag = &kDiagApi;
    return api;
  }();
  Builder builder_;
  sdk_v1::Value x_;
};

TEST(Conveniences, AxesAreAttributesBelow13) {
  const auto unsqueeze = [](Builder& b, const sdk_v1::Value& x) { b.unsqueeze(x, {-1}); };
  const auto squeeze = [](Builder& b, const sdk_v1::Value& x) { b.squeeze(b.unsqueeze(x, {0}), {0}); };
  for (int opset : {7, 10, 11, 12}) {
    EXPECT_EQ(At(opset).node(unsqueeze), "Unsqueeze inputs=1 axes") << opset;
    EXPECT_EQ(At(opset).node(squeeze), "Squeeze inputs=1 axes") << opset;
  }
  for (int opset : {13, 18, 23}) {
    EXPECT_EQ(At(opset).node(unsqueeze), "Unsqueeze inputs=2") << opset;
    EXPECT_EQ(At(opset).node(squeeze), "Squeeze inputs=2") << opset;
  }
}

TEST(Conveniences, ReductionsTakeAxesAsTheOpsetDoes) {
  const auto sum = [](Builder& b, const sdk_v1::Value& x) { b.reduce_sum(x, {1}, true); };
  const auto max = [](Builder& b, const sdk_v1::Value& x) { b.reduce_max(x, {1}, false); };
  EXPECT_EQ(At(12).node(sum), "ReduceSum inputs=1 keepdims axes");
  EXPECT_EQ(At(13).node(sum), "ReduceSum inputs=2 keepdims");
  EXPECT_EQ(At(13).node(max), "ReduceMax inputs=1 keepdims axes");
  EXPECT_EQ(At(17).node(max), "ReduceMax inputs=1 keepdims axes");
  EXPECT_EQ(At(18).node(max), "ReduceMax inputs=2 keepdims");
}

TEST(Conveniences, SlicesAndSplits) {
  const auto slice = [](Builder& b, const sdk_v1::Value& x) { b.slice(x, 1, 1, 3); };
  EXPECT_EQ(At(9).node(slice), "Slice inputs=1 starts ends axes");
  EXPECT_EQ(At(10).node(slice), "Slice inputs=4");
  EXPECT_THAT(At(9).reason_of_refusal([](Builder& b, const sdk_v1::Value& x) { b.slice(x, 1, 0, 4, 2); }),
              HasSubstr("below opset 10"));
  EXPECT_THAT(At(9).reason_of_refusal(
                  [](Builder& b, const sdk_v1::Value& x) { b.slice(x, 1, b.constant(0), b.dim(x, 0)); }),
              HasSubstr("must be constant at opset 9"));
  const auto split = [](Builder& b, const sdk_v1::Value& x) { b.split(x, {1, 3}, -1); };
  const auto chunk = [](Builder& b, const sdk_v1::Value& x) { b.chunk(x, 2, -1); };
  EXPECT_EQ(At(12).node(split), "Split inputs=1 split axis");
  EXPECT_EQ(At(13).node(split), "Split inputs=2 axis");
  EXPECT_EQ(At(17).node(chunk), "Split inputs=1 axis");
  EXPECT_EQ(At(18).node(chunk), "Split inputs=1 axis num_outputs");
}

TEST(Conveniences, PadClipAndTopK) {
  const auto pad = [](Builder& b, const sdk_v1::Value& x) { b.pad(x, {0, 1, 0, 2}, b.like(x, 3)); };
  EXPECT_EQ(At(10).node(pad), "Pad inputs=1 pads mode value");
  EXPECT_EQ(At(11).node(pad), "Pad inputs=3");
  const auto clip = [](Builder& b, const sdk_v1::Value& x) { b.clip(x, b.like(x, 0), {}); };
  EXPECT_EQ(At(10).node(clip), "Clip inputs=1 min");
  EXPECT_EQ(At(11).node(clip), "Clip inputs=2");
  const auto topk = [](Builder& b, const sdk_v1::Value& x) { b.topk(x, b.ints({2}), 1); };
  EXPECT_EQ(At(9).node(topk), "TopK inputs=1 axis k");
  EXPECT_EQ(At(10).node(topk), "TopK inputs=2 axis");
  EXPECT_EQ(At(11).node(topk), "TopK inputs=2 axis largest");
  const auto least = [](Builder& b, const sdk_v1::Value& x) { b.topk(x, b.ints({2}), 1, false); };
  EXPECT_EQ(At(10).node(least), "Neg inputs=1");  // the greatest of -x, turned back
  EXPECT_EQ(At(11).node(least), "TopK inputs=2 axis largest");
  EXPECT_THAT(At(10).reason_of_refusal([](Builder& b, const sdk_v1::Value& x) {
    b.topk(b.cast(x, DType::i64), b.ints({2}), 1, false);
  }),
              HasSubstr("below opset 11"));
}

TEST(Conveniences, CreationBelowTheBirthOfAnOperator) {
  const auto range = [](Builder& b, const sdk_v1::Value& x) { b.arange(b.dim(x, 0)); };
  EXPECT_THAT(At(11).node(range), HasSubstr("Range"));
  EXPECT_THAT(At(9).node(range), testing::Not(HasSubstr("Range")));
  EXPECT_EQ(At(8).reason_of_refusal(range), "");
  EXPECT_THAT(At(8).node(range), testing::Not(HasSubstr("Range")));
  const auto full = [](Builder& b, const sdk_v1::Value& x) { b.full(b.shape_of(x), 1, DType::f32); };
  EXPECT_EQ(At(8).node(full), "Expand inputs=2");
  EXPECT_EQ(At(9).node(full), "ConstantOfShape inputs=1 value");
  EXPECT_EQ(At(7).node(full), "Tile inputs=2");
  const auto expand = [](Builder& b, const sdk_v1::Value& x) { b.expand(x, b.shape_of(x)); };
  EXPECT_EQ(At(7).node(expand), "Mul inputs=2");
  EXPECT_EQ(At(8).node(expand), "Expand inputs=2");
  const auto where = [](Builder& b, const sdk_v1::Value& x) {
    b.where(b.less(x, b.like(x, 0)), x, b.like(x, 1));
  };
  EXPECT_EQ(At(8).node(where), "Reshape inputs=2");  // of what was gathered
  EXPECT_EQ(At(9).node(where), "Where inputs=3");
  const auto sign = [](Builder& b, const sdk_v1::Value& x) { b.sign(x); };
  EXPECT_EQ(At(8).node(sign), "Sub inputs=2");
  EXPECT_EQ(At(9).node(sign), "Sign inputs=1");
}

TEST(Conveniences, ComparisonsOfWhatAnOpsetDoesNotCompare) {
  const auto less = [](Builder& b, const sdk_v1::Value& x) {
    b.less(b.cast(x, DType::i32), b.constant(1.0, DType::i32));
  };
  EXPECT_EQ(At(9).node(less), "Less inputs=2");
  const auto equal = [](Builder& b, const sdk_v1::Value& x) { b.equal(x, b.like(x, 1)); };
  EXPECT_EQ(At(10).node(equal), "And inputs=2");
  EXPECT_EQ(At(11).node(equal), "Equal inputs=2");
  const auto at_most = [](Builder& b, const sdk_v1::Value& x) { b.less_or_equal(x, b.like(x, 1)); };
  EXPECT_EQ(At(11).node(at_most), "Or inputs=2");
  EXPECT_EQ(At(12).node(at_most), "LessOrEqual inputs=2");
  const auto greater = [](Builder& b, const sdk_v1::Value& x) {
    b.maximum(b.cast(x, DType::i64), b.constant(1));
  };
  EXPECT_EQ(At(11).node(greater), "Where inputs=3");
  EXPECT_EQ(At(12).node(greater), "Max inputs=2");
}

TEST(Conveniences, NothingIsEmittedWhereNothingIsToBeDone) {
  At at(23);
  EXPECT_EQ(at.node([](Builder& b, const sdk_v1::Value& x) {
    b.squeeze(b.permute(x, {0, 1}), {});
    b.cast(b.transpose(x, 1, 1), DType::f32);
  }),
            "");
}

}  // namespace
}  // namespace onnxport
