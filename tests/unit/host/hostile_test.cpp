// Every pointer, count, size and handle that a plugin hands over is checked before it is used.
#include "unit/host/hostile_calls.h"

namespace onnxport {
namespace {

using namespace hostile;  // the tables of the host, by short names
using testing::HasSubstr;

TEST_F(HostileTest, NullAndHugeArraysOfResultsAreRefused) {  // D04
  refused("set_results null", [](auto* c) { op().set_results(c, nullptr, 1); });
  refused("set_results huge", [](auto* c) {
    const auto v = x(c);
    op().set_results(c, &v, kHuge);
  });
  refused("set_list_result null", [](auto* c) { op().set_list_result(c, 0, nullptr, 2); });
  refused("set_list_result huge", [](auto* c) {
    const auto v = x(c);
    op().set_list_result(c, 0, &v, kHuge);
  });
  refused("set_list_result index", [](auto* c) {
    const auto v = x(c);
    op().set_list_result(c, kHuge, &v, 1);
  });
  refused("result_type null", [](auto* c) { op().result_type(c, nullptr, 3); });
  refused("result_type huge", [](auto* c) {
    const auto a = op().arg(c, text("x"));
    op().result_type(c, &a, kHuge);
  });
  refused("twice", [](auto* c) {
    const auto v = x(c);
    op().set_results(c, &v, 1);
  });
}

TEST_F(HostileTest, NullAndHugeArraysOfNodesAreRefused) {  // D04
  const auto node = [](onnxport_context* c, onnxport_str name, const onnxport_value* in, uint32_t in_count,
                       const onnxport_attr* attrs, uint32_t attr_count, uint64_t attr_size,
                       onnxport_value* out, uint32_t out_count) {
    emit().node(c, text(""), name, in, in_count, attrs, attr_count, attr_size, out, out_count);
  };
  onnxport_value out = 0;
  refused("inputs null", [&](auto* c) { node(c, text("Relu"), nullptr, 1, nullptr, 0, 0, &out, 1); });
  refused("inputs huge", [&](auto* c) {
    const auto v = x(c);
    node(c, text("Relu"), &v, kHuge, nullptr, 0, 0, &out, 1);
  });
  refused("outputs null", [&](auto* c) {
    const auto v = x(c);
    node(c, text("Relu"), &v, 1, nullptr, 0, 0, nullptr, 1);
  });
  refused("outputs huge", [&](auto* c) {
    const auto v = x(c);
    node(c, text("Relu"), &v, 1, nullptr, 0, 0, &out, kHuge);
  });
  refused("attrs null", [&](auto* c) {
    const auto v = x(c);
    node(c, text("Relu"), &v, 1, nullptr, 1, sizeof(onnxport_attr), &out, 1);
  });
  refused("name null", [&](auto* c) {
    const auto v = x(c);
    node(c, {nullptr, 5}, &v, 1, nullptr, 0, 0, &out, 1);
  });
  refused("name huge", [&](auto* c) {
    const auto v = x(c);
    node(c, {"Relu", uint64_t{1} << 60}, &v, 1, nullptr, 0, 0, &out, 1);
  });
  refused("name empty", [&](auto* c) {
    const auto v = x(c);
    node(c, text(""), &v, 1, nullptr, 0, 0, &out, 1);
  });
  refused("name not UTF-8", [&](auto* c) {
    const auto v = x(c);
    node(c, text("\xff"), &v, 1, nullptr, 0, 0, &out, 1);
  });  // D26
  refused("domain null", [&](auto* c) {
    const auto v = x(c);
    emit().node(c, {nullptr, 3}, text("Relu"), &v, 1, nullptr, 0, 0, &out, 1);
  });
  const auto attribute = [&](const char* what, onnxport_attr a, uint64_t size = sizeof(onnxport_attr)) {
    refused(what, [&](auto* c) {
      const auto v = x(c);
      node(c, text("LeakyRelu"), &v, 1, &a, 1, size, &out, 1);
    });
  };
  onnxport_attr a{};
  a.name = text("alpha");
  a.kind = ONNXPORT_ATTR_FLOAT;
  attribute("attr size 0", a, 0);
  attribute("attr size huge", a, uint64_t{1} << 40);
  a.kind = 99;
  attribute("attr kind", a);
  a.count = 3;
  for (const int32_t kind :
       {ONNXPORT_ATTR_INTS, ONNXPORT_ATTR_FLOATS, ONNXPORT_ATTR_STRINGS, ONNXPORT_ATTR_TENSOR}) {
    a.kind = kind;
    attribute("attr data null", a);
  }
  const int64_t number = 1;
  a.kind = ONNXPORT_ATTR_INTS;
  a.ints = &number;
  a.count = kHuge;
  attribute("attr ints huge", a);
  a.kind = ONNXPORT_ATTR_STRING;
  a.s = {nullptr, 4};
  attribute("attr string null", a);
  const onnxport_str bad{nullptr, 9};
  a.kind = ONNXPORT_ATTR_STRINGS;
  a.strings = &bad;
  a.count = 1;
  attribute("attr strings' string null", a);
  a.kind = ONNXPORT_ATTR_BLOCK;
  a.i = 12345;
  attribute("attr block", a);
  a.name = {nullptr, 3};
  attribute("attr name null", a);
}

TEST_F(HostileTest, BrokenTensorsAndTypesAreRefused) {  // D04
  const int64_t two = 2;
  const float data[] = {1, 2};
  const auto tensor = [&](const char* what, onnxport_tensor t) {
    refused(what, [&](auto* c) { emit().constant(c, &t); });
  };
  const onnxport_tensor good{sizeof(onnxport_tensor), ONNXPORT_F32, 1, 0, &two, data, 8};
  EXPECT_EQ(run([&](auto* c) { emit().constant(c, &good); }).status, Status::done);
  refused("tensor null", [](auto* c) { emit().constant(c, nullptr); });
  onnxport_tensor t = good;
  t.struct_size = 8;
  tensor("struct_size", t);
  t = good, t.dims = nullptr;
  tensor("dims null", t);
  t = good, t.data = nullptr;
  tensor("data null", t);
  t = good, t.rank = kHuge;
  tensor("rank huge", t);
  t = good, t.dtype = 999;
  tensor("dtype", t);
  t = good, t.bytes = 7;
  tensor("bytes", t);
  const int64_t packed_dims = 3;
  const unsigned char packed[] = {0x21, 0x03};
  const onnxport_tensor i4{sizeof(onnxport_tensor), ONNXPORT_I4, 1, 0, &packed_dims, packed, 2};
  EXPECT_EQ(run([&](auto* c) { emit().constant(c, &i4); }).status, Status::done);
  const auto type = [&](const char* what, onnxport_type ty) {
    refused(what, [&](auto* c) {
      onnxport_value in = x(c), out = 0;
      emit().node(c, text("com.test"), text("Thing"), &in, 1, nullptr, 0, 0, &out, 1);
      emit().set_type(c, out, &ty);
    });
  };
  const onnxport_type f32{sizeof(onnxport_type), ONNXPORT_TYPE_TENSOR, ONNXPORT_F32, 1, nullptr, 0, 0};
  onnxport_type ty = f32;
  ty.struct_size = 0;
  type("type size", ty);
  ty = f32, ty.rank = 1 << 30;
  type("type rank", ty);
  ty = f32, ty.kind = 17;
  type("type kind", ty);
  ty = f32, ty.dtype = 1000;
  type("type dtype", ty);
  const onnxport_dim forged = 0x12345678;
  ty = f32, ty.dims = &forged;
  type("type dim", ty);
  refused("set_type null", [](auto* c) {
    onnxport_value in = x(c), out = 0;
    emit().node(c, text("com.test"), text("Thing"), &in, 1, nullptr, 0, 0, &out, 1);
    emit().set_type(c, out, nullptr);
  });
  refused("set_type of an input", [&](auto* c) { emit().set_type(c, x(c), &f32); });
  refused("set_type_like of nothing", [](auto* c) { emit().set_type_like(c, x(c), 0); });
  refused("set_shape forged", [&](auto* c) { emit().set_shape(c, x(c), &forged, 1); });
  refused("graph.type null", [](auto* c) { graph().type(c, x(c), nullptr); });
  refused("graph.type size", [](auto* c) {
    onnxport_type out{};
    graph().type(c, x(c), &out);
  });
  refused("graph.constant null", [](auto* c) { graph().constant(c, x(c), nullptr); });
}

TEST_F(HostileTest, BrokenBlocksAndShapesAreRefused) {  // D04, D05
  const onnxport_block_param param{text("p"), nullptr, 0, 0};
  onnxport_value value = 0;
  refused("params null", [&](auto* c) { emit().begin_block(c, nullptr, 1, sizeof param, &value); });
  refused("params huge", [&](auto* c) { emit().begin_block(c, &param, kHuge, sizeof param, &value); });
  refused("param size", [&](auto* c) { emit().begin_block(c, &param, 1, 4, &value); });
  refused("handles null", [&](auto* c) { emit().begin_block(c, &param, 1, sizeof param, nullptr); });
  refused("no type", [&](auto* c) { emit().begin_block(c, &param, 1, sizeof param, &value); });
  refused("results null", [](auto* c) {
    emit().begin_block(c, nullptr, 0, 0, nullptr);
    emit().end_block(c, nullptr, 1);
  });
  refused("results huge", [](auto* c) {
    emit().begin_block(c, nullptr, 0, 0, nullptr);
    const auto v = x(c);
    emit().end_block(c, &v, kHuge);
  });
  refused("shape null", [](auto* c) { emit().shape(c, nullptr, 2); });
  refused("shape huge", [](auto* c) {
    const auto v = x(c);
    emit().shape(c, &v, kHuge);
  });
  refused("left open", [](auto* c) { emit().begin_block(c, nullptr, 0, 0, nullptr); });
  refused(
      "5,000 deep",
      [](auto* c) {
        for (int i = 0; i < 5000; ++i) emit().begin_block(c, nullptr, 0, 0, nullptr);
      },
      run_function, "T517");
  refused("a block twice", [](auto* c) {
    emit().begin_block(c, nullptr, 0, 0, nullptr);
    onnxport_value in = x(c), inner = 0, out = 0;
    emit().node(c, text(""), text("Relu"), &in, 1, nullptr, 0, 0, &inner, 1);
    onnxport_attr branches[2] = {};
    branches[0].name = text("then_branch");
    branches[1].name = text("else_branch");
    branches[0].kind = branches[1].kind = ONNXPORT_ATTR_BLOCK;
    branches[0].i = branches[1].i = emit().end_block(c, &inner, 1);
    emit().node(c, text(""), text("If"), &in, 1, branches, 2, sizeof(onnxport_attr), &out, 1);
  });
}

TEST_F(HostileTest, WhatIsNoContextIsNone) {  // D04
  alignas(16) char garbage[1024] = {};
  for (auto* c : {static_cast<onnxport_context*>(nullptr), reinterpret_cast<onnxport_context*>(garbage),
                  reinterpret_cast<onnxport_context*>(uintptr_t{16})}) {
    onnxport_value v = 0;
    onnxport_type type{};
    onnxport_attr attr{};
    const onnxport_message message{sizeof message, 0, {}, text("words"), {}};
    EXPECT_EQ(op().name(c).size, 0u);
    EXPECT_EQ(op().arg(c, text("x")), 0u);
    EXPECT_EQ(op().arg_count(c), 0u);
    EXPECT_EQ(op().set_results(c, &v, 1), ONNXPORT_FAILED);
    EXPECT_EQ(graph().dtype(c, 1), ONNXPORT_UNDEFINED);
    EXPECT_EQ(graph().type(c, 1, &type), 0);
    EXPECT_EQ(dim().number(c, 1), 0u);
    EXPECT_EQ(emit().constant(c, nullptr), 0u);
    EXPECT_EQ(emit().end_block(c, nullptr, 0), -1);
    EXPECT_EQ(options().has(c, text("x")), 0);
    EXPECT_EQ(rewrite().root(c), 0u);
    EXPECT_EQ(rewrite().attr(c, 1, 0, &attr, sizeof attr), 0);
    EXPECT_EQ(rewrite().replace(c, 1, nullptr, 0), ONNXPORT_FAILED);
    EXPECT_EQ(match().producer(c, 1), 0u);
    EXPECT_EQ(body().emit_body(c, 20, &v, 1), ONNXPORT_FAILED);
    EXPECT_EQ(infer_result().set_type(c, 0, nullptr), ONNXPORT_FAILED);
    diag().decline(c, &message);
    diag().fail(c, &message);
    diag().tell(c, &message);
  }
}

TEST_F(HostileTest, AContextThatIsOverIsNoneEither) {
  onnxport_context* kept = nullptr;
  EXPECT_EQ(run([&](auto* c) { kept = c; }).status, Status::done);
  EXPECT_EQ(op().arg(kept, text("x")), 0u);
}

TEST_F(HostileTest, HandlesOfTheWrongKindAreRefused) {
  refused("value", [](auto* c) { graph().rank(c, 0xdeadbeef); });
  refused("argument", [](auto* c) { op().arg_int(c, 0xdeadbeef); });
  refused("size", [](auto* c) { dim().static_size(c, 0xdeadbeef); });
  refused("node", [](auto* c) { rewrite().op_type(c, 0xdeadbeef); });
  refused("axis", [](auto* c) { dim().of_axis(c, x(c), 9); });
  refused("no rule", [](auto* c) { rewrite().replace(c, 0, nullptr, 0); });
  refused("no inference", [](auto* c) { infer_result().set_type_like(c, 0, x(c)); });
  refused("more arguments than there are handles", [](auto* c) {
    for (int i = 0; i < (1 << 20) + 1; ++i) op().arg(c, text("x"));
  });
}

TEST_F(HostileTest, ATensorIsNoNumber) {  // D16
  refused("arg_int of a tensor", [](auto* c) { op().arg_int(c, op().arg(c, text("x"))); });
  refused("arg_real of a tensor", [](auto* c) { op().arg_real(c, op().arg(c, text("x"))); });
  refused("arg_size of a tensor", [](auto* c) { op().arg_size(c, op().arg(c, text("x"))); });
  refused("arg_string of a tensor", [](auto* c) { op().arg_string(c, op().arg(c, text("x"))); });
  refused("arg_int of a float", [](auto* c) { op().arg_int(c, op().arg(c, text("scale"))); });
  refused("arg_item beyond", [](auto* c) { op().arg_item(c, op().arg(c, text("sizes")), 2); });
  EXPECT_EQ(run([](auto* c) { EXPECT_EQ(op().arg_kind(c, 0), ONNXPORT_ARG_NONE); }).status, Status::done);
}

TEST_F(HostileTest, WrongResultsAreTheFaultOfWhoGaveThem) {  // D27
  refused(
      "none", [](auto* c) { op().set_results(c, nullptr, 0); }, run_alone);
  refused(
      "eight",
      [](auto* c) {
        const onnxport_value v = x(c);
        const onnxport_value eight[] = {v, v, v, v, v, v, v, v};
        op().set_results(c, eight, 8);
      },
      run_alone);
  refused(
      "a list",
      [](auto* c) {
        const auto v = x(c);
        op().set_list_result(c, 0, &v, 1);
      },
      run_alone);
  refused(
      "absent",
      [](auto* c) {
        const onnxport_value v = 0;
        op().set_results(c, &v, 1);
      },
      run_alone);
}

TEST_F(HostileTest, WordsCarryCodeAndHint) {
  const onnxport_message message{sizeof message, ONNXPORT_WARNING, text("E12"), text("too wide"),
                                 text("narrow it")};
  const Outcome failed = run([&](auto* c) {
    diag().tell(c, &message);
    diag().fail(c, &message);
  });
  EXPECT_EQ(failed.status, Status::failed);
  EXPECT_EQ(failed.cause.code, "T503/com.test.plugin/E12");
  EXPECT_EQ(exit_status(failed.cause.code), 14);
  EXPECT_EQ(failed.cause.message, "too wide");
  EXPECT_EQ(failed.cause.hint, "narrow it");
  ASSERT_EQ(failed.notes.size(), 1u);
  EXPECT_EQ(failed.notes[0].severity, Severity::warning);
  const auto broken = [&](const char* what, onnxport_message m) {
    refused(what, [&](auto* c) { diag().fail(c, &m); });
  };
  onnxport_message m = message;
  m.struct_size = 4;
  broken("size", m);
  m = message, m.code = text("a code with spaces");
  broken("code", m);
  m = message, m.text = text("\xc3(");  // D26
  broken("not UTF-8", m);
  m = message, m.text = {nullptr, 3};
  broken("null", m);
  refused("null message", [](auto* c) { diag().decline(c, nullptr); });
  const std::string much(100u << 20, 'x');
  m = message, m.text = text(much);
  EXPECT_LT(run([&](auto* c) { diag().fail(c, &m); }).cause.message.size(), 70000u);
}

TEST_F(HostileTest, APluginReadsItsOwnOptions) {
  const Outcome out = run([](auto* c) {
    EXPECT_EQ(options().count(c), 4u);
    EXPECT_EQ(options().integer(c, text("level"), 1), 7);
    EXPECT_EQ(options().integer(c, text("absent"), 3), 3);
    EXPECT_EQ(options().real(c, text("scale"), 0), 0.5);
    EXPECT_EQ(options().boolean(c, text("fast"), 0), 1);
    const onnxport_str name = options().text(c, text("name"), text("-"));
    EXPECT_EQ(std::string_view(name.data, name.size), "x");
    EXPECT_EQ(options().has(c, text("nothing")), 0);
  });
  EXPECT_EQ(out.status, Status::done) << out.cause.message;
  refused(
      "no number", [](auto* c) { options().integer(c, text("name"), 0); }, run_function, "T507");
  refused(
      "no bool", [](auto* c) { options().boolean(c, text("level"), 0); }, run_function, "T507");
  refused("name null", [](auto* c) { options().has(c, {nullptr, 4}); });
}

TEST_F(HostileTest, SizesCrossTheBorder) {
  ir::Value* y = nullptr;
  const Outcome out = run(
      [](auto* c) {
        onnxport_value in = x(c), made = 0;
        emit().node(c, text("com.test"), text("Thing"), &in, 1, nullptr, 0, 0, &made, 1);
        const onnxport_dim batch = dim().of_axis(c, in, 0);
        const onnxport_dim wide =
            dim().add(c, dim().mul(c, dim().number(c, 2), dim().of_axis(c, in, 1)), dim().number(c, 1));
        EXPECT_EQ(dim().static_size(c, wide), 9);
        EXPECT_EQ(dim().static_size(c, batch), -1);
        EXPECT_EQ(dim().equal(c, dim().sub(c, dim().add(c, batch, wide), wide), batch), 1);
        EXPECT_EQ(dim().add(c, 0, wide), 0u);
        const onnxport_dim twice = dim().mul(c, batch, dim().number(c, 2));
        const onnxport_str words = dim().text(c, twice);
        EXPECT_EQ(std::string_view(words.data, words.size), "2*batch");
        const onnxport_dim dims[] = {twice, wide, 0};
        const onnxport_type type{sizeof type, ONNXPORT_TYPE_TENSOR, ONNXPORT_F16, 3, dims, 0, 0};
        emit().set_type(c, made, &type);
        op().set_results(c, &made, 1);
      },
      run_alone);
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  y = out.results.at(0).value();
  EXPECT_EQ(y->type().dtype(), ir::DType::f16);
  EXPECT_EQ((*y->type().shape())[0].text(), "2*batch");
  EXPECT_EQ((*y->type().shape())[1].text(), "9");
  EXPECT_EQ(graph_.opsets["com.test"], 3);  // D19: what the plugin's own manifest states
}

}  // namespace
}  // namespace onnxport
