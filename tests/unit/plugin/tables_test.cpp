// The tables of a library: every null pointer, size and count is refused before it is used (D04, D20, D26).
#include <gmock/gmock.h>

#include <limits>
#include <string>
#include <vector>

#include "core/plugin/library.h"

namespace onnxport {
namespace {

using testing::HasSubstr;

onnxport_str text(std::string_view s) { return {s.data(), s.size()}; }
int32_t nothing(onnxport_context*, const void*) { return ONNXPORT_OK; }

// A plugin that offers one table.
struct Offer {
  std::string id;
  const void* table = nullptr;
};
const void* offered(const onnxport_plugin* self, onnxport_str id) {
  const auto& offer = *static_cast<const Offer*>(self->user);
  return offer.id == std::string_view(id.data, id.size) ? offer.table : nullptr;
}
LibraryTables tables_of(const std::string& id, const void* table) {
  const Offer offer{id, table};
  const onnxport_plugin plugin{sizeof(onnxport_plugin), 1,       0,     text("com.test"),
                               text("1.0.0"),           offered, &offer};
  return read_tables(plugin);
}
std::string wrong_with(const std::string& id, const void* table) {
  try {
    tables_of(id, table);
  } catch (const TableError& e) {
    return e.what();
  }
  return "nothing";
}

constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
const onnxport_rule kRule{text(""), text("Add"), nothing, nullptr};

TEST(Tables, BrokenMappingsAreRefused) {
  const auto wrong = [](onnxport_mapping mapping, auto change) {
    onnxport_mapping_api api{sizeof api, 1, &mapping, sizeof mapping};
    change(api, mapping);
    return wrong_with("onnxport.mapping/1", &api);
  };
  const onnxport_mapping good{text("a::b"), 0, 0, 0, 0, nothing, nullptr};
  const auto as_it_is = [](auto&, auto&) {};
  EXPECT_EQ(wrong(good, as_it_is), "nothing");
  EXPECT_THAT(wrong(good, [](auto& api, auto&) { api.mappings = nullptr; }), HasSubstr("null pointer"));
  EXPECT_THAT(wrong(good, [](auto& api, auto&) { api.count = kHuge; }), HasSubstr("4294967295 times"));
  EXPECT_THAT(wrong(good, [](auto& api, auto&) { api.struct_size = 8; }), HasSubstr("8 bytes"));
  EXPECT_THAT(wrong(good, [](auto& api, auto&) { api.mapping_size = 8; }), HasSubstr("8 bytes"));
  EXPECT_THAT(wrong(good, [](auto& api, auto&) { api.mapping_size = uint64_t{1} << 40; }),
              HasSubstr("times"));
  EXPECT_THAT(wrong(good, [](auto&, auto& m) { m.translate = nullptr; }),
              HasSubstr("'a::b' has a null function"));
  EXPECT_THAT(wrong(good, [](auto&, auto& m) { m.torch_op = {nullptr, 4}; }), HasSubstr("no text"));
  EXPECT_THAT(wrong(good, [](auto&, auto& m) { m.torch_op.size = uint64_t{1} << 40; }), HasSubstr("no text"));
  EXPECT_THAT(wrong(good, [](auto&, auto& m) { m.torch_op = text(""); }), HasSubstr("empty"));
  EXPECT_THAT(wrong(good, [](auto&, auto& m) { m.torch_op = text("\xff"); }), HasSubstr("not UTF-8"));
  EXPECT_THAT(wrong(good, [](auto&, auto& m) { m.flags = 1u << 30; }), HasSubstr("flags"));
  EXPECT_THAT(wrong(good, [](auto&, auto& m) { m.min_opset = 22, m.max_opset = 20; }),
              HasSubstr("of which there is none"));
}

TEST(Tables, RowsOfAnotherSizeAreReadAsFarAsTheyGo) {
  struct Longer {
    onnxport_mapping mapping;
    uint64_t later[3];
  };
  const Longer rows[2] = {{{text("a::b"), 0, 0, 0, 0, nothing, nullptr}, {1, 2, 3}},
                          {{text("a::c"), 0, 0, 0, 0, nothing, nullptr}, {4, 5, 6}}};
  const onnxport_mapping_api api{sizeof api, 2, &rows[0].mapping, sizeof(Longer)};
  const LibraryTables tables = tables_of("onnxport.mapping/1", &api);
  ASSERT_EQ(tables.mappings.size(), 2u);
  EXPECT_EQ(std::string_view(tables.mappings[1].torch_op.data, tables.mappings[1].torch_op.size), "a::c");
}

TEST(Tables, BrokenPassesAreRefused) {
  const auto wrong = [](auto change) {
    onnxport_rule rule = kRule;
    onnxport_pass pass{text("p"), text("optimize"), &rule, 1, 0};
    onnxport_pass_api api{sizeof api, 1, &pass, sizeof pass, sizeof rule};
    change(api, pass, rule);
    return wrong_with("onnxport.pass/1", &api);
  };
  EXPECT_EQ(wrong([](auto&, auto&, auto&) {}), "nothing");
  EXPECT_THAT(wrong([](auto& api, auto&, auto&) { api.passes = nullptr; }), HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto& pass, auto&) { pass.rules = nullptr; }), HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto& pass, auto&) { pass.rule_count = kHuge; }), HasSubstr("times"));
  EXPECT_THAT(wrong([](auto& api, auto&, auto&) { api.rule_size = 4; }), HasSubstr("4 bytes"));
  EXPECT_THAT(wrong([](auto&, auto&, auto& rule) { rule.rewrite = nullptr; }), HasSubstr("null function"));
  EXPECT_THAT(wrong([](auto&, auto&, auto& rule) { rule.op_type = {nullptr, 0}; }), HasSubstr("empty"));
  EXPECT_THAT(wrong([](auto&, auto& pass, auto&) { pass.name = {nullptr, 1}; }), HasSubstr("no text"));
  EXPECT_THAT(wrong([](auto&, auto& pass, auto&) { pass.stage = text("later"); }),  // D20
              HasSubstr("the stage 'later'; there are translate, optimize and target"));
}

TEST(Tables, BrokenOpsetsAreRefused) {
  const auto wrong = [](auto change) {
    onnxport_rule rule = kRule;
    onnxport_param param{"x", ONNXPORT_PARAM_SINGLE, 0, 0};
    onnxport_attr_def attr{"mode", ONNXPORT_ATTR_STRING, 0, 1, 0, 0, 0, "fast", nullptr, nullptr, nullptr};
    onnxport_op_def op{"Add", 7, 0, 0, 1, 1, 1, &param, &param, &attr, nullptr, 0, 0};
    onnxport_opset opset{text(""), 20, 9, &op, &rule, &rule, 1, 1, 1, 0};
    onnxport_opset_api api{sizeof api,   1,           &opset,     sizeof opset, sizeof op,
                           sizeof param, sizeof attr, sizeof rule};
    change(api, opset, op, param, attr);
    return wrong_with("onnxport.opset/1", &api);
  };
  EXPECT_EQ(wrong([](auto&, auto&, auto&, auto&, auto&) {}), "nothing");
  EXPECT_THAT(wrong([](auto& api, auto&, auto&, auto&, auto&) { api.opsets = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto& api, auto&, auto&, auto&, auto&) { api.param_size = 1; }), HasSubstr("1 bytes"));
  EXPECT_THAT(wrong([](auto&, auto& opset, auto&, auto&, auto&) { opset.ops = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto& opset, auto&, auto&, auto&) { opset.up = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto& opset, auto&, auto&, auto&) { opset.down = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto& opset, auto&, auto&, auto&) { opset.version = 0; }),
              HasSubstr("version 0"));
  EXPECT_THAT(wrong([](auto&, auto& opset, auto&, auto&, auto&) { opset.ir_version = 0; }),
              HasSubstr("IR version 0"));  // D22
  EXPECT_THAT(wrong([](auto&, auto&, auto& op, auto&, auto&) { op.name = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto&, auto& op, auto&, auto&) { op.inputs = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto&, auto& op, auto&, auto&) { op.attrs = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto&, auto& op, auto&, auto&) { op.has_body = ONNXPORT_BODY_TEXT; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto&, auto&, auto& param, auto&) { param.name = nullptr; }),
              HasSubstr("null pointer"));
  EXPECT_THAT(wrong([](auto&, auto&, auto&, auto&, auto& attr) { attr.s = nullptr; }),
              HasSubstr("null pointer"));
}

TEST(Tables, SeveralOpsetsOfSeveralDomainsInOneLibrary) {  // D21
  const onnxport_opset opsets[] = {{text("ai.onnx"), 24, 12, nullptr, nullptr, nullptr, 0, 0, 0, 0},
                                   {text(""), 25, 13, nullptr, nullptr, nullptr, 0, 0, 0, 0},
                                   {text("com.acme"), 3, 0, nullptr, nullptr, nullptr, 0, 0, 0, 0}};
  onnxport_opset_api api{sizeof api, 3, opsets, sizeof opsets[0], 72, 24, 72, 48};
  const LibraryTables tables = tables_of("onnxport.opset/1", &api);
  ASSERT_EQ(tables.opsets.size(), 3u);
  EXPECT_EQ(tables.opsets[0].domain, "");
  EXPECT_EQ(tables.opsets[1].version, 25);
  EXPECT_EQ(tables.opsets[2].domain, "com.acme");
  const onnxport_opset twice[] = {opsets[0], opsets[0]};
  api.opsets = twice;
  api.count = 2;
  EXPECT_THAT(wrong_with("onnxport.opset/1", &api), HasSubstr("twice"));
}

TEST(Tables, BrokenInferencesAreRefused) {
  onnxport_inference inference{text("com.acme"), text("Thing"), nullptr, nullptr};
  const onnxport_infer_api api{sizeof api, 1, &inference, sizeof inference};
  EXPECT_THAT(wrong_with("onnxport.infer/1", &api), HasSubstr("null function"));
}

}  // namespace
}  // namespace onnxport
