// The kernels of the fixtures' operators acme::scaled_tanh and acme::swish2, and of the tutorial's acme::swish, as a vendor ships
// them for libtorch, and an operator that takes an object of a class.
#include <ATen/core/Tensor.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <torch/custom_class.h>
#include <torch/library.h>

#include <tuple>
#include <utility>

namespace {

struct Codebook : torch::CustomClassHolder {
  Codebook(at::Tensor weights, double factor) : weight(std::move(weights)), scale(factor) {}
  at::Tensor forward(const at::Tensor& x) const { return at::mul(at::matmul(x, weight), scale); }

  at::Tensor weight;
  double scale;
};

at::Tensor project(const at::Tensor& x, const c10::intrusive_ptr<Codebook>& book) { return book->forward(x); }

at::Tensor scaled_tanh(const at::Tensor& x, double scale) { return at::mul(at::tanh(x), scale); }
at::Tensor swish2(const at::Tensor& x) { return at::mul(x, at::sigmoid(x)); }
at::Tensor swish(const at::Tensor& x, double beta) { return at::mul(x, at::sigmoid(at::mul(x, beta))); }

}  // namespace

TORCH_LIBRARY(acme, library) {
  using State = std::tuple<at::Tensor, double>;
  library.class_<Codebook>("Codebook")
      .def(torch::init<at::Tensor, double>())
      .def("forward", &Codebook::forward)
      .def_pickle([](const c10::intrusive_ptr<Codebook>& book) { return State(book->weight, book->scale); },
                  [](State state) {
                    return c10::make_intrusive<Codebook>(std::get<0>(std::move(state)), std::get<1>(state));
                  });
  library.def("project(Tensor x, __torch__.torch.classes.acme.Codebook book) -> Tensor", project);
  library.def("scaled_tanh(Tensor x, float scale) -> Tensor", scaled_tanh);
  library.def("swish2(Tensor x) -> Tensor", swish2);
  library.def("swish(Tensor x, float beta=1) -> Tensor", swish);
}
