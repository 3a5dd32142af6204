#include "core/serialize/serialize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <numeric>

#include "core/builder/graph_builder.h"
#include "core/onnx/convert.h"
#include "core/onnx/read_model.h"
#include "core/serialize/names.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Serialize : public testing::Test {
 public:
  ~Serialize() override { fs::remove_all(folder_); }

 protected:
  Serialize() {
    std::string pattern = (fs::temp_directory_path() / "onnxport-serialize-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }

  fs::path path(const char* name) const { return folder_ / name; }
  static std::string slurp(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static pb::ModelProto model_of(const fs::path& file) {
    pb::ModelProto model;
    EXPECT_TRUE(model.ParseFromString(slurp(file)));
    return model;
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}));
  }

  fs::path folder_;
};

ir::Type f32(ir::Shape dims) { return ir::Type::tensor(ir::DType::f32, std::move(dims)); }

ir::Tensor weight(int64_t rows, int64_t columns) {
  std::vector<float> values(static_cast<size_t>(rows * columns));
  std::iota(values.begin(), values.end(), 0.0F);
  return ir::Tensor::of<float>(ir::DType::f32, {rows, columns}, values);
}

// y = relu(x @ w + w2) inside encoder.layers.3.
std::unique_ptr<ir::Graph> small_graph(int64_t size = 4, const ir::Tensor& w = {}) {
  auto g = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
  g->opsets[""] = 20;
  g->ir_version = 9;
  g->metadata["pipeline"] = "test";
  const ir::Dim batch = ir::Dim::symbol("batch");
  ir::Value* x = g->add_input("x", f32({batch, size}));
  ir::Value* weights = g->add_initializer("encoder.weight", w.count() == 0 ? weight(size, size) : w);
  ir::Value* again = g->add_initializer("encoder.tied", *weights->constant());
  const auto* from = g->keep({"encoder.layers.3", "model.py:42", "aten::linear"});
  const auto add = [&](const char* op, std::vector<ir::Value*> operands) {
    ir::Node* node = g->create(op, operands);
    node->set_provenance(from);
    g->append(g->body(), node);
    return node->add_output(f32({batch, size}));
  };
  ir::Value* product = add("MatMul", {x, weights});
  ir::Value* second = add("MatMul", {product, again});
  g->body().add_result(add("Relu", {second}));
  g->input_names = {"x"};
  g->output_names = {"y"};
  return g;
}

std::string code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.diagnostics().front().code;
  }
  return "nothing thrown";
}

TEST_F(Serialize, WritesReadableNamesTypesAndProvenance) {
  const auto graph = small_graph();
  graph->ir_version = 9;  // what the plugin of the opset said
  write_model(*graph, path("m.onnx"), {});
  const auto model = model_of(path("m.onnx"));
  EXPECT_EQ(model.ir_version(), 9);
  EXPECT_EQ(model.producer_name(), "onnxport");
  ASSERT_EQ(model.opset_import_size(), 1);
  EXPECT_EQ(model.opset_import(0).version(), 20);
  EXPECT_EQ(model.metadata_props(0).key(), "pipeline");
  const auto& g = model.graph();
  ASSERT_EQ(g.node_size(), 3);
  EXPECT_EQ(g.node(0).name(), "/encoder/layers.3/MatMul");
  EXPECT_EQ(g.node(1).name(), "/encoder/layers.3/MatMul_1");
  EXPECT_EQ(g.node(0).output(0), "/encoder/layers.3/MatMul_output_0");
  EXPECT_EQ(g.node(0).input(1), "encoder.weight");
  EXPECT_EQ(g.node(2).output(0), "y");
  EXPECT_EQ(g.node(0).metadata_props(1).value(), "model.py:42");
  EXPECT_EQ(g.input(0).type().tensor_type().shape().dim(0).dim_param(), "batch");
  EXPECT_EQ(g.value_info_size(), 2);
  EXPECT_EQ(g.initializer_size(), 2);
  EXPECT_EQ(g.initializer(0).raw_data().size(), 64U);
  check_model_file(path("m.onnx"));
  EXPECT_EQ(files(), 1U);
}

TEST_F(Serialize, StripDropsProvenance) {
  SerializeOptions options;
  options.strip = true;
  write_model(*small_graph(), path("m.onnx"), options);
  const auto model = model_of(path("m.onnx"));
  EXPECT_EQ(model.metadata_props_size(), 0);
  EXPECT_EQ(model.graph().node(0).metadata_props_size(), 0);
}

TEST_F(Serialize, SameGraphSameBytes) {
  write_model(*small_graph(), path("a.onnx"), {});
  write_model(*small_graph(), path("b.onnx"), {});
  EXPECT_EQ(slurp(path("a.onnx")), slurp(path("b.onnx")));
  std::string pieces;
  write_model(
      *small_graph(),
      [&](std::span<const std::byte> b) { pieces.append(reinterpret_cast<const char*>(b.data()), b.size()); },
      {});
  EXPECT_EQ(pieces, slurp(path("a.onnx")));
}

TEST_F(Serialize, AnonymousSizesAreLeftOut) {
  auto g = small_graph();
  g->body().first()->output()->set_type(f32({ir::Dim::symbol("?3"), 4}));
  write_model(*g, path("m.onnx"), {});
  const auto model = model_of(path("m.onnx"));
  const auto& dim = model.graph().value_info(0).type().tensor_type().shape().dim(0);
  EXPECT_FALSE(dim.has_dim_param());
  EXPECT_FALSE(dim.has_dim_value());
}

TEST_F(Serialize, OutputsThatAreInputsOrTwiceTheSameGetTheirNames) {
  auto g = small_graph();
  ir::Value* y = g->body().result(0);
  g->body().add_result(y);
  g->body().add_result(g->body().parameters()[0]);
  g->body().add_result(g->initializers()[0]);
  g->output_names = {"y", "y_again", "x_back", "w"};
  write_model(*g, path("m.onnx"), {});
  check_model_file(path("m.onnx"));
  const auto model = model_of(path("m.onnx"));
  EXPECT_EQ(model.graph().node_size(), 6);
  EXPECT_EQ(model.graph().output(2).name(), "x_back");
}

TEST_F(Serialize, NamesThatClashAreRefused) {
  auto g = small_graph();
  g->output_names = {"x"};
  EXPECT_EQ(code_of([&] { write_model(*g, path("m.onnx"), {}); }), "S704");
  EXPECT_EQ(files(), 0U);
}

TEST_F(Serialize, ParameterNamesGiveWayToOutputNames) {
  auto g = small_graph();
  g->output_names = {"encoder.weight"};
  write_model(*g, path("m.onnx"), {});
  const auto model = model_of(path("m.onnx"));
  EXPECT_EQ(model.graph().output(0).name(), "encoder.weight");
  EXPECT_EQ(model.graph().initializer(0).name(), "encoder.weight_1");
  check_model_file(path("m.onnx"));
}

TEST_F(Serialize, ExternalWeightsAreAlignedAndTiedOnesWrittenOnce) {
  SerializeOptions options;
  options.weights = Weights::external;
  write_model(*small_graph(640), path("m.onnx"), options);
  check_model_file(path("m.onnx"));
  EXPECT_EQ(fs::file_size(path("m.onnx.data")), 640U * 640U * 4U);
  EXPECT_LT(fs::file_size(path("m.onnx")), 4096U);
  const auto back = read_model(path("m.onnx"));
  ASSERT_EQ(back->initializers().size(), 2U);
  EXPECT_EQ(back->initializers()[0]->constant()->as<float>()[1234], 1234.0F);
  EXPECT_EQ(back->initializers()[0]->constant()->file()->offset,
            back->initializers()[1]->constant()->file()->offset);
  EXPECT_EQ(files(), 2U);
}

TEST_F(Serialize, WeightsAreCopiedFromFileToFile) {
  SerializeOptions options;
  options.weights = Weights::external;
  write_model(*small_graph(640), path("a.onnx"), options);
  write_model(*read_model(path("a.onnx")), path("b.onnx"), options);
  EXPECT_EQ(slurp(path("a.onnx.data")), slurp(path("b.onnx.data")));
  options.weights = Weights::inline_;
  write_model(*read_model(path("a.onnx")), path("c.onnx"), options);
  EXPECT_EQ(read_model(path("c.onnx"))->initializers()[0]->constant()->as<float>()[999], 999.0F);
}

TEST_F(Serialize, ReferencePointsIntoTheArchive) {
  {
    std::ofstream(path("model.pt"), std::ios::binary)
        << "0123456789abcdef" << std::string(size_t{64} * 64 * 4, 'w');
  }
  const std::string bytes = slurp(path("model.pt"));
  const auto where = std::make_shared<const std::string>(path("model.pt").string());
  const ir::Tensor w(ir::DType::f32, {64, 64}, std::as_bytes(std::span(bytes)).subspan(16), where,
                     ir::FileRegion{where, 16});
  SerializeOptions options;
  options.weights = Weights::reference;
  options.source_model = path("model.pt");
  write_model(*small_graph(64, w), path("m.onnx"), options);
  check_model_file(path("m.onnx"));
  EXPECT_FALSE(fs::exists(path("m.onnx.data")));
  const auto back = read_model(path("m.onnx"));
  EXPECT_EQ(back->initializers()[0]->constant()->file()->offset, 16U);

  fs::create_directory(path("elsewhere"));
  EXPECT_EQ(code_of([&] { write_model(*small_graph(64, w), path("elsewhere/m.onnx"), options); }), "S706");
  fs::create_hard_link(path("model.pt"), path("second.pt"));
  EXPECT_EQ(code_of([&] { write_model(*small_graph(64, w), path("m.onnx"), options); }), "S706");
  fs::remove(path("second.pt"));
  fs::create_symlink(path("model.pt"), path("link.pt"));
  options.source_model = path("link.pt");
  EXPECT_EQ(code_of([&] { write_model(*small_graph(64, w), path("m.onnx"), options); }), "S706");
}

// Tiles of a file, tiles of memory, strips of a file: the same bytes, inline (at any offset) and external.
TEST_F(Serialize, TransposedWeightsAreWrittenAsTheyAreRead) {
  const int64_t size = 2600;  // more than a tile, and no whole number of them
  const ir::Tensor dense = weight(size, size);
  {
    const std::string_view bytes(reinterpret_cast<const char*>(dense.bytes().data()), dense.bytes().size());
    std::ofstream(path("weights.bin"), std::ios::binary) << "12345" << bytes;
  }
  const auto where = std::make_shared<const std::string>(path("weights.bin").string());
  const ir::Tensor filed(ir::DType::f32, {size, size}, dense.bytes(), where, ir::FileRegion{where, 5});
  for (const ir::Tensor& source : {dense, filed}) {
    const ir::Tensor w = source.transposed({1, 0});
    const ir::Tensor expected = dense.transposed({1, 0}).contiguous();
    for (const Weights policy : {Weights::inline_, Weights::external}) {
      SerializeOptions options;
      options.weights = policy;
      write_model(*small_graph(size, w), path("m.onnx"), options);
      const auto back = read_model(path("m.onnx"));
      for (const ir::Value* value : back->initializers())
        EXPECT_TRUE(std::ranges::equal(value->constant()->bytes(), expected.bytes()));
      if (policy == Weights::external) {  // tied: once
        EXPECT_EQ(fs::file_size(path("m.onnx.data")), expected.bytes().size());
      }
    }
    std::string sunk;
    write_model(*small_graph(size, w),
                [&](std::span<const std::byte> part) {
                  EXPECT_LE(part.size(), size_t{4} << 20);
                  sunk.append(reinterpret_cast<const char*>(part.data()), part.size());
                },
                {});
    pb::ModelProto model;
    ASSERT_TRUE(model.ParseFromString(sunk));
    const std::string& raw = model.graph().initializer(0).raw_data();
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(raw)), expected.bytes()));
  }
}

// Runtimes read sizes before they open the file beside the model: whatever the threshold, those stay inline.
TEST_F(Serialize, WhatMaySayAShapeStaysInline) {
  const auto graph = small_graph();
  ir::Value* const sizes =
      graph->add_initializer("sizes", ir::Tensor::of<int64_t>(ir::DType::i64, {2}, {-1, 4}));
  ir::Value* const operands[] = {graph->body().result(0), sizes};
  ir::Node* const node = graph->create("Reshape", operands);
  graph->append(graph->body(), node);
  ir::Value* const result[] = {node->add_output(f32({ir::Dim::symbol("batch"), 4}))};
  graph->body().set_results(result);
  SerializeOptions options;
  options.weights = Weights::external;
  options.external_threshold = 0;
  write_model(*graph, path("m.onnx"), options);
  const auto model = model_of(path("m.onnx"));
  for (const auto& tensor : model.graph().initializer())
    EXPECT_EQ(tensor.external_data_size() > 0, tensor.name() != "sizes") << tensor.name();
}

TEST_F(Serialize, TwoLayoutsOfOneStorageAreTwoEntries) {
  auto g = small_graph(640);
  g->initializers()[1]->set_constant(g->initializers()[0]->constant()->transposed({1, 0}));
  SerializeOptions options;
  options.weights = Weights::external;
  write_model(*g, path("m.onnx"), options);
  EXPECT_EQ(fs::file_size(path("m.onnx.data")), 2U * 640U * 640U * 4U);
  const auto back = read_model(path("m.onnx"));
  EXPECT_EQ(back->initializers()[0]->constant()->as<float>()[1], 1.0F);
  EXPECT_EQ(back->initializers()[1]->constant()->as<float>()[1], 640.0F);
}

TEST_F(Serialize, AWeightThatEndsEarlyIsAnErrorAndLeavesNothing) {
  { std::ofstream(path("short.bin"), std::ios::binary) << std::string(1000, 'w'); }
  const auto where = std::make_shared<const std::string>(path("short.bin").string());
  const ir::Tensor dense = weight(640, 640);
  const auto owner = std::make_shared<ir::Tensor>(dense);
  const ir::Tensor w(ir::DType::f32, {640, 640}, dense.bytes(), owner, ir::FileRegion{where, 0});
  EXPECT_EQ(code_of([&] {
              write_model(*small_graph(640, w.transposed({1, 0})), path("m.onnx"), {});
            }),
            "S705");
  EXPECT_EQ(files(), 1U);
}

TEST_F(Serialize, AModelOnnxRefusesIsNotWritten) {
  auto g = small_graph();
  g->body().first()->set_op(g->intern("NoSuchOperator"));
  try {
    write_model(*g, path("m.onnx"), {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.diagnostics().front().code, "S701");
    EXPECT_THAT(e.what(), HasSubstr("NoSuchOperator"));
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(Serialize, RefusesMoreThanTwoGibibytesInOneFile) {
  // 2 GiB of zeros that are never read: only their size matters.
  const auto size = size_t{1} << 31;
  const auto file = path("zeros");
  { std::ofstream out(file); }
  fs::resize_file(file, size);
  auto g = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
  g->opsets[""] = 20;
  SerializeOptions external;
  external.weights = Weights::external;
  write_model(*small_graph(), path("m.onnx"), external);
  ir::Value* x = g->add_input("x", f32({1}));
  const std::byte* nothing = nullptr;
  const auto where = std::make_shared<const std::string>(file.string());
  const ir::Tensor zeros(ir::DType::u8, {static_cast<int64_t>(size)}, {nothing, size}, where,
                         ir::FileRegion{where, 0});
  ir::Value* w = g->add_initializer("w", zeros);
  g->body().add_result(x);
  g->body().add_result(w);
  g->output_names = {"y", "w_out"};
  SerializeOptions options;
  options.weights = Weights::inline_;
  try {
    write_model(*g, path("big.onnx"), options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.diagnostics().front().text(),
              "error S702: the model is 2048 MiB; an ONNX file can be at most 2047 MiB\n"
              "  -> use --weights external to put the weights into a file beside the model");
  }
  EXPECT_FALSE(fs::exists(path("big.onnx")));
}

TEST_F(Serialize, UnknownIrVersionsAreRefused) {
  SerializeOptions options;
  options.ir_version = 99;
  EXPECT_EQ(code_of([&] { write_model(*small_graph(), path("m.onnx"), options); }), "S703");
}

TEST_F(Serialize, AFailedWriteLeavesTheOldFilesAlone) {
  SerializeOptions options;
  options.weights = Weights::external;
  write_model(*small_graph(64), path("m.onnx"), options);
  const std::string model = slurp(path("m.onnx"));
  const std::string data = slurp(path("m.onnx.data"));

  // The disk is full, as far as this process can tell.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit tight = before;
  tight.rlim_cur = 8192;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &tight);
  std::string text;
  try {
    write_model(*small_graph(640), path("m.onnx"), options);
  } catch (const Error& e) {
    text = e.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(text, HasSubstr("S705"));
  EXPECT_THAT(text, HasSubstr("File too large"));
  EXPECT_EQ(slurp(path("m.onnx")), model);
  EXPECT_EQ(slurp(path("m.onnx.data")), data);
  EXPECT_EQ(files(), 2U);
}

TEST_F(Serialize, FoldersThatDoNotExistAndTargetsThatAreNoFilesAreRefused) {
  EXPECT_EQ(code_of([&] { write_model(*small_graph(), path("no/such/m.onnx"), {}); }), "S705");
  EXPECT_EQ(code_of([&] { write_model(*small_graph(), folder_, {}); }), "S705");
  EXPECT_EQ(code_of([&] { write_model(*small_graph(), "/dev/null", {}); }), "S705");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Serialize, ModeFollowsTheUmask) {
  const mode_t before = ::umask(027);
  write_model(*small_graph(), path("m.onnx"), {});
  ::umask(before);
  EXPECT_EQ(fs::status(path("m.onnx")).permissions(), fs::perms(0640));
}

TEST_F(Serialize, ReadsBackWhatItWrote) {
  write_model(*small_graph(), path("a.onnx"), {});
  const auto back = read_model(path("a.onnx"));
  EXPECT_TRUE(ir::check_invariants(*back).empty()) << ir::print(*back);
  write_model(*back, path("b.onnx"), {});
  EXPECT_EQ(slurp(path("a.onnx")), slurp(path("b.onnx")));
}

TEST_F(Serialize, BlocksAreWrittenAndReadBack) {
  auto g = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
  g->opsets[""] = 20;
  ir::Value* condition = g->add_input("c", ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
  ir::Value* x = g->add_input("x", f32({4}));
  ir::Node* node = g->create("If", std::vector<ir::Value*>{condition});
  g->append(g->body(), node);
  ir::Block* then_branch = node->add_block();
  ir::Node* relu = g->create("Relu", std::vector<ir::Value*>{x});
  g->append(*then_branch, relu);
  then_branch->add_result(relu->add_output(f32({4})));
  ir::Block* else_branch = node->add_block();
  else_branch->add_result(x);  // an outer value: ONNX wants a copy
  node->set_attribute(g->intern("then_branch"), then_branch);
  node->set_attribute(g->intern("else_branch"), else_branch);
  g->body().add_result(node->add_output(f32({4})));
  g->output_names = {"y"};
  write_model(*g, path("m.onnx"), {});
  check_model_file(path("m.onnx"));
  const auto back = read_model(path("m.onnx"));
  EXPECT_EQ(back->body().first()->blocks().size(), 2U);
  EXPECT_TRUE(ir::check_invariants(*back).empty());
}

TEST_F(Serialize, BadFilesAreCodedErrors) {
  EXPECT_EQ(code_of([&] { read_model(path("absent.onnx")); }), "I121");
  EXPECT_EQ(code_of([&] { read_model(folder_); }), "I121");
  { std::ofstream out(path("empty.onnx")); }
  EXPECT_EQ(code_of([&] { read_model(path("empty.onnx")); }), "I122");
  { std::ofstream(path("text.onnx")) << "this is no protobuf at all"; }
  EXPECT_EQ(code_of([&] { read_model(path("text.onnx")); }), "I122");
  write_model(*small_graph(), path("m.onnx"), {});
  const std::string whole = slurp(path("m.onnx"));
  for (size_t length = 0; length < whole.size(); ++length) {
    { std::ofstream(path("cut.onnx"), std::ios::binary) << whole.substr(0, length); }
    const std::string code = code_of([&] { read_model(path("cut.onnx")); });
    EXPECT_THAT(code, testing::AnyOf("I122", "I123")) << length;
  }
}

TEST_F(Serialize, NoDamagedByteCrashesTheReader) {
  SerializeOptions options;
  options.weights = Weights::external;
  options.external_threshold = 16;
  write_model(*small_graph(), path("m.onnx"), options);
  const std::string whole = slurp(path("m.onnx"));
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    constexpr unsigned kFlips[] = {0x01, 0x80, 0xff};
    std::string damaged = whole;
    damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ kFlips[at % std::size(kFlips)]);
    { std::ofstream(path("damaged.onnx"), std::ios::binary) << damaged; }
    try {
      ir::print(*read_model(path("damaged.onnx")));
    } catch (const Error& e) {
      EXPECT_EQ(e.diagnostics().front().code.substr(0, 3), "I12");
      ++refused;
    }
  }
  EXPECT_GT(refused, whole.size() / 4);
}

// The words of every code of this component that a user can meet, as they are read.
TEST_F(Serialize, SaysWhatIsWrongAndWhatToDo) {
  const auto text_of = [](const std::function<void()>& action) -> std::string {
    try {
      action();
    } catch (const Error& e) {
      return e.what();
    }
    return "nothing thrown";
  };
  SerializeOptions options;
  options.ir_version = 2;
  EXPECT_EQ(text_of([&] { write_model(*small_graph(), path("m.onnx"), options); }),
            "error S703: IR version 2 is not known; expected 3 to 14\n"
            "  -> leave it out to get 9, which fits the opset");
  auto clash = small_graph();
  clash->output_names = {"x"};
  EXPECT_EQ(text_of([&] { write_model(*clash, path("m.onnx"), {}); }),
            "error S704: the name 'x' is given to an output and to another input or output\n"
            "  -> give each input and output its own name");
  EXPECT_EQ(text_of([&] { write_model(*small_graph(), "/no-such-folder/m.onnx", {}); }),
            "/no-such-folder/m.onnx: error S705: cannot be created: No such file or directory\n"
            "  -> check that the folder exists and may be written to; nothing was changed");
  options = {};
  options.weights = Weights::reference;
  options.source_model = "/no-such-folder/m.pt";
  EXPECT_EQ(text_of([&] { write_model(*small_graph(), path("m.onnx"), options); }),
            "/no-such-folder/m.pt: error S706: the weights cannot stay in this file: it does not exist\n"
            "  -> use --weights external to copy them into a file beside the model");
  EXPECT_EQ(text_of([&] { read_model("/no-such-folder/m.onnx"); }),
            "/no-such-folder/m.onnx: error I121: cannot be read: No such file or directory\n"
            "  -> check the path and its permissions");
}

TEST_F(Serialize, ExternalDataThatIsMissingOrShortIsRefused) {
  SerializeOptions options;
  options.weights = Weights::external;
  write_model(*small_graph(64), path("m.onnx"), options);
  fs::resize_file(path("m.onnx.data"), 100);
  EXPECT_EQ(code_of([&] { read_model(path("m.onnx")); }), "I124");
  fs::remove(path("m.onnx.data"));
  EXPECT_EQ(code_of([&] { read_model(path("m.onnx")); }), "I121");
  auto model = model_of(path("m.onnx"));
  model.mutable_graph()->mutable_initializer(0)->mutable_external_data(0)->set_value("../secret");
  { std::ofstream(path("m.onnx"), std::ios::binary) << model.SerializeAsString(); }
  EXPECT_EQ(code_of([&] { read_model(path("m.onnx")); }), "I124");
}

TEST_F(Serialize, TensorFilesRoundTrip) {
  write_tensor_file(weight(2, 3), "x", path("input_0.pb"));
  std::string name;
  const ir::Tensor back = read_tensor_file(path("input_0.pb"), &name);
  EXPECT_EQ(name, "x");
  EXPECT_EQ(back.dims(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(back.as<float>()[5], 5.0F);
  EXPECT_EQ(code_of([&] { read_tensor_file(path("nothing.pb")); }), "I121");
}

TEST(ScopeOfModule, KeepsListElementsWithTheirList) {
  EXPECT_EQ(scope_of_module(""), "/");
  EXPECT_EQ(scope_of_module("encoder.layers.3.attn"), "/encoder/layers.3/attn/");
  EXPECT_EQ(scope_of_module("0.1"), "/0.1/");
}

TEST_F(Serialize, BlocksThatNobodyCouldReadAreRefused) {
  for (const size_t depth : {ir::kDeepestBlock, ir::kDeepestBlock + 1}) {
    ir::Graph graph(ir::Graph::Dialect::onnx);
    graph.opsets[""] = 20;
    GraphBuilder builder(graph, 20);
    ir::Value* condition = graph.add_input("c", ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
    ir::Value* x = graph.add_input("x", ir::Type::tensor(ir::DType::f32, ir::Shape{2}));
    graph.input_names = {"c", "x"};
    const std::function<ir::Value*(size_t)> nested = [&](size_t levels) -> ir::Value* {
      if (levels == 0) return builder.emit1("Relu", {x});
      builder.begin_block({});
      ir::Value* inner = nested(levels - 1);
      ir::Block* then = builder.end_block({{inner}});
      builder.begin_block({});
      ir::Value* other_value = builder.emit1("Neg", {x});
      ir::Block* other = builder.end_block({{other_value}});
      return builder.emit1("If", {condition},
                           {builder.attribute("then_branch", then), builder.attribute("else_branch", other)});
    };
    ir::Value* y = nested(depth);
    graph.body().set_results({{y}});
    graph.output_names = {"y"};
    if (depth == ir::kDeepestBlock) {
      write_model(graph, path("deep.onnx"), {});
      EXPECT_EQ(model_of(path("deep.onnx")).graph().node_size(), 1);  // protobuf reads it
    } else {
      EXPECT_EQ(code_of([&] { write_model(graph, path("deeper.onnx"), {}); }), "S710");
      EXPECT_FALSE(fs::exists(path("deeper.onnx")));
    }
  }
}

}  // namespace
}  // namespace onnxport
