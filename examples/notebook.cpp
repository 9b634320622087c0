// The autograd notebook: tensors record what is done to them, backward() computes every gradient,
// and the gradient is compared with the one derived by hand and with the numerical one.
#include <reel/reel.h>

#include <fmt/core.h>

using namespace reel;

namespace {

void heading(const char* text) { fmt::print("\n# {}\n", text); }

}  // namespace

int main() {
  manual_seed(0);
  Tensor W = randn({2, 3}, {.dtype = kFloat64, .requires_grad = true});
  Tensor b = randn({2, 1}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor x = randn({3, 1}, {.dtype = kFloat64});

  const auto cost_of = [&x](const std::vector<Tensor>& in) {
    const Tensor a = matmul(in[0], x) + in[1];
    return matmul(a.t(), a);  // [1, 1]: backward() needs one element, not rank 0
  };

  heading("Parameters and an input");
  fmt::print("W =\n{}\nb =\n{}\nx =\n{}\n", W, b, x);

  heading("The cost |W x + b|^2 knows how it was made");
  Tensor cost = cost_of({W, b});
  fmt::print("cost = {}\n", cost);

  heading("cost.backward() fills the gradients");
  cost.backward();
  fmt::print("W.grad =\n{}\nb.grad =\n{}\n", W.grad(), b.grad());

  heading("The graph is gone after it, and a second backward() says so");
  try {
    cost.backward();
  } catch (const Error& error) {
    fmt::print("{}\n", error.what());
  }

  heading("Gradients add up until they are reset");
  cost_of({W, b}).backward();
  fmt::print("W.grad after two calls =\n{}\n", W.grad());
  W.mutable_grad() = {};
  b.mutable_grad() = {};

  heading("The gradient by hand: dcost/dW = 2 (W x + b) x^T");
  cost_of({W, b}).backward();
  {
    NoGradGuard no_grad;
    const Tensor by_hand = 2 * matmul(matmul(W, x) + b, x.t());
    fmt::print("{}\nthe same: {}\n", by_hand, allclose(W.grad(), by_hand));
  }

  heading("The gradient by finite differences");
  fmt::print("the same: {}\n", autograd::gradcheck(cost_of, {W, b}));

  heading("Steps downhill, in place and unrecorded");
  for (int step = 0; step < 5; ++step) {
    W.mutable_grad() = {};
    b.mutable_grad() = {};
    cost = cost_of({W, b});
    cost.backward();
    fmt::print("step {}: cost {:.6f}\n", step, cost.item<double>());
    NoGradGuard no_grad;
    W -= 0.05 * W.grad();
    b -= 0.05 * b.grad();
  }
}
