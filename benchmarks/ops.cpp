// Single operations on float32: elementwise, along dims, products, convolutions.
#include "cases.h"

using library::Tensor;

namespace {

constexpr double kFloat = sizeof(float);

void add_elementwise(int64_t size) {
  const double bytes = kFloat * static_cast<double>(size);
  const bool large = size == 10'000'000;
  const auto add_unary = [&](const char* name, double goal, auto f) {
    cases::add_evaluation({.name = cases::sized(name, size),
                           .goal = large ? goal : 0,
                           .read = bytes,
                           .written = bytes},
                          [size, f] { return [x = library::randn({size}), f] { return f(x); }; });
  };
  cases::add_evaluation({.name = cases::sized("add", size),
                         .goal = large ? 4.0 : 0,
                         .read = 2 * bytes,
                         .written = bytes},
                        [size] {
                          return [a = library::randn({size}), b = library::randn({size})] {
                            return a + b;
                          };
                        });
  add_unary("exp", 4, [](const Tensor& x) { return library::exp(x); });
  add_unary("tanh", 6, [](const Tensor& x) { return library::tanh(x); });
  cases::add_evaluation({.name = cases::sized("sum", size), .read = bytes}, [size] {
    return [x = library::randn({size})] { return library::sum(x); };
  });
}

void add_along_dims() {
  constexpr int64_t kRows = 512, kColumns = 1024;
  constexpr double kAll = kFloat * kRows * kColumns;
  const auto add = [](const char* name, double goal, double written, auto f) {
    cases::add_evaluation({.name = name, .goal = goal, .read = kAll, .written = written}, [f] {
      return [x = library::randn({kRows, kColumns}), f] { return f(x); };
    });
  };
  add("softmax, 512 x 1024", 2, kAll, [](const Tensor& x) { return library::softmax(x, 1); });
  add("argmax over 1, 512 x 1024", 4, 0, [](const Tensor& x) { return library::argmax(x, 1); });
  add("transposed copy, 512 x 1024", 2, kAll, [](const Tensor& x) { return x.t().contiguous(); });
  add("sum over 0, 512 x 1024", 1, 0, [](const Tensor& x) { return library::sum(x, 0); });
  add("sum over 1, 512 x 1024", 1, 0, [](const Tensor& x) { return library::sum(x, 1); });
  add("add a row, 512 x 1024", 1, kAll,
      [row = library::randn({kColumns})](const Tensor& x) { return x + row; });
  constexpr double kImages = kFloat * 64 * 16 * 28 * 28;
  cases::add_evaluation(
      {.name = "times channels, 64x16x28x28", .goal = 1, .read = kImages, .written = kImages}, [] {
        return [x = library::randn({64, 16, 28, 28}), c = library::randn({16, 1, 1})] {
          return x * c;
        };
      });
}

void add_products() {
  for (const int64_t n : {64, 128, 256, 512, 1024}) {
    const double size = static_cast<double>(n), matrix = kFloat * size * size;
    cases::add_evaluation({.name = cases::sized("matmul", n),
                           .goal = 1,
                           .flops = 2 * size * size * size,
                           .read = 2 * matrix,
                           .written = matrix},
                          [n] {
                            return [a = library::randn({n, n}), b = library::randn({n, n})] {
                              return library::matmul(a, b);
                            };
                          });
  }
  constexpr double kBatch = kFloat * 64 * 32 * 32;
  cases::add_evaluation({.name = "bmm, 64 x 32 x 32",
                         .goal = 2,
                         .flops = 2.0 * 64 * 32 * 32 * 32,
                         .read = 2 * kBatch,
                         .written = kBatch},
                        [] {
                          return [a = library::randn({64, 32, 32}),
                                  b = library::randn({64, 32, 32})] { return library::bmm(a, b); };
                        });
}

struct Convolution {
  int64_t batch, in, out, size, kernel;
};

// A padding that keeps the size. All of the kernel counts at the border, too.
void add_convolution(const Convolution& c) {
  const std::string name = "conv, " + std::to_string(c.batch) + "x" + std::to_string(c.in) + "x" +
                           std::to_string(c.size) + ", " + std::to_string(c.out) + "@" +
                           std::to_string(c.kernel) + "x" + std::to_string(c.kernel);
  const auto images = static_cast<double>(c.batch * c.size * c.size);
  const double input = kFloat * images * static_cast<double>(c.in);
  const double output = kFloat * images * static_cast<double>(c.out);
  const double flops = 2 * images * static_cast<double>(c.in * c.out * c.kernel * c.kernel);
  const auto make = [c](bool requires_grad) {
    Tensor x = library::randn({c.batch, c.in, c.size, c.size});
    Tensor w = library::randn({c.out, c.in, c.kernel, c.kernel});
    Tensor b = library::randn({c.out});
    for (Tensor* leaf : {&x, &w, &b}) leaf->requires_grad_(requires_grad);
    return std::vector<Tensor>{x, w, b};
  };
  const int64_t padding = c.kernel / 2;
  cases::add_evaluation(
      {.name = name + ", forward", .flops = flops, .read = input, .written = output},
      [make, padding] {
        return [leaves = make(false), padding] {
          return library::conv2d(leaves[0], leaves[1], leaves[2], padding);
        };
      });
  cases::add({.name = name + ", forward + backward",
              .flops = 3 * flops,
              .read = 2 * input + 2 * output,
              .written = input + output},
             [make, padding] {
               std::vector<Tensor> leaves = make(true);
               const Tensor y = library::conv2d(leaves[0], leaves[1], leaves[2], padding);
               return [leaves, padding, g = library::ones_like(y).detach()]() mutable {
                 for (Tensor& leaf : leaves) leaf.mutable_grad() = Tensor();
                 library::conv2d(leaves[0], leaves[1], leaves[2], padding).backward(g);
               };
             });
}

}  // namespace

int main(int argc, char** argv) {
  for (const int64_t size : {1'000, 100'000, 10'000'000}) add_elementwise(size);
  add_along_dims();
  add_products();
  add_convolution({.batch = 64, .in = 1, .out = 16, .size = 28, .kernel = 5});
  add_convolution({.batch = 64, .in = 16, .out = 32, .size = 14, .kernel = 3});
  add_convolution({.batch = 16, .in = 64, .out = 64, .size = 56, .kernel = 3});
  return cases::run(argc, argv);
}
