// A training step takes nothing from the system once the steps before it have given back what they
// used.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>

namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

void* operator new(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* block = std::malloc(std::max<size_t>(bytes, 1))) return block;
  throw std::bad_alloc();
}
// Not inlined: GCC 12 would warn of a free() for what it knows to be from new.
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept { std::free(block); }

namespace reel {
namespace {

struct Use {
  int64_t allocations, bytes;
};

// What ten steps take after three have been made.
template <class Step>
Use use_of(Step step) {
  for (int i = 0; i < 3; ++i) step();
  const auto held = [] { return memory::stats().in_use + memory::stats().cached; };
  const int64_t bytes_before = held(), allocations_before = allocations;
  for (int i = 0; i < 10; ++i) step();
  return {allocations - allocations_before, held() - bytes_before};
}

void expect_nothing(const Use& use) {
  EXPECT_EQ(use.allocations, 0);
  EXPECT_EQ(use.bytes, 0);
}

template <class Model, class Optimizer>
Use training(Model& model, Optimizer&& optimizer, const Tensor& x) {
  const Tensor target = randint(0, 10, {x.size(0)});
  return use_of([&] {
    optimizer.zero_grad();
    cross_entropy(model(x), target).backward();
    optimizer.step();
  });
}

TEST(SteadyStep, perceptron_with_sgd_allocates_nothing) {
  nn::Sequential model(nn::Linear(784, 100), nn::Sigmoid(), nn::Linear(100, 10));
  for (int64_t batch : {1, 64})
    expect_nothing(training(model, optim::SGD(model->parameters(), {.lr = 0.01, .momentum = 0.9}),
                            rand({batch, 784})));
}

TEST(SteadyStep, cnn_with_adam_allocates_nothing) {
  // Two threads may for the first time need their scratch memory at once in any step.
  const int threads = num_threads();
  set_num_threads(1);
  nn::Sequential model(nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 5}),
                       nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2),
                       nn::Conv2d({.in_channels = 4, .out_channels = 8, .kernel_size = 3}),
                       nn::ReLU(), nn::AvgPool2d(2), nn::Flatten(), nn::Dropout(0.5),
                       nn::Linear(8 * 5 * 5, 10));
  expect_nothing(training(model, optim::Adam(model->parameters()), rand({8, 1, 28, 28})));
  set_num_threads(threads);
}

// Its destructor sweeps when this thread's own things are gone.
struct Late {
  ~Late() {
    if (!armed) return;
    std::vector<Tensor> leaves;
    Tensor total = zeros({});
    for (int i = 0; i < 20; ++i) {
      leaves.push_back(ones({}).requires_grad_());
      total = total + leaves.back() * i;
    }
    total.backward();
    for (int i = 0; i < 20; ++i) {
      if (leaves[static_cast<size_t>(i)].grad().item<int>() != i) std::abort();
    }
  }
  bool armed = false;
} late;

TEST(SteadyStep, a_sweep_may_run_after_the_end_of_main) {
  Tensor x = ones({}).requires_grad_();
  (x * x).backward();
  late.armed = true;  // aborts if it fails
}

TEST(SteadyStep, inference_allocates_nothing) {
  nn::Sequential model(nn::Linear(784, 100), nn::Tanh(), nn::Linear(100, 10));
  const Tensor x = rand({8, 784});
  expect_nothing(use_of([&] {
    NoGradGuard no_grad;
    softmax(model(x), 1);
  }));
}

// ---- donation ------------------------------------------------------------------------------------------

int64_t bytes_of_peak(const std::function<void()>& f) {
  memory::reset_peak();
  const int64_t before = memory::stats().in_use;
  f();
  return memory::stats().peak - before;
}

constexpr int64_t kMillion = 1'000'000;

TEST(Donation, a_temporary_becomes_the_result) {
  const Tensor x = rand({kMillion}), y = rand({kMillion});
  const Tensor product = x * y, expected = sub(full_like(x, 1), product);
  const float* place = nullptr;
  Tensor temporary = x * y;
  place = temporary.data<float>();
  const Tensor result = 1 - std::move(temporary);
  EXPECT_EQ(result.data<float>(), place);
  EXPECT_TRUE(equal(result, expected));
  // Either operand, and a chain: one buffer.
  EXPECT_LT(bytes_of_peak([&] { x + 2 * (y * x - 1) / 3; }), 5 * kMillion);
  EXPECT_TRUE(equal(x + 2 * (y * x - 1) / 3, add(x, div(mul(sub(mul(y, x), 1), 2), 3))));
}

TEST(Donation, what_others_see_is_not_written_over) {
  const Tensor x = rand({4}), before = x.clone();
  const auto gone = [](const Tensor& t) { return Tensor(t); };
  EXPECT_FALSE(equal(gone(x) + 1, before));  // a second handle
  EXPECT_TRUE(equal(x, before));
  EXPECT_FALSE(equal(x.view({2, 2}) * 2, before.view({2, 2})));  // a view of it
  EXPECT_TRUE(equal(x, before));
  EXPECT_EQ((rand({1}) + rand({4})).shape(), Shape({4}));  // too small
  EXPECT_EQ((rand({4}).to(kFloat64) + rand({4})).dtype(), kFloat64);
  Tensor integers = tensor({1, 2, 3});
  EXPECT_EQ((std::move(integers) / 2).dtype(), kFloat32);
}

TEST(Donation, a_former_leaf_keeps_its_gradient_and_hooks_to_itself) {
  for (const bool product : {true, false}) {
    Tensor x = ones({3}).requires_grad_();
    int calls = 0;
    x.register_hook([&](const Tensor& g) { return ++calls, g; });
    sum(x * 3).backward();
    x.requires_grad_(false);
    Tensor y = product ? std::move(x) * 2 : std::move(x) + 2;
    EXPECT_FALSE(y.grad().defined());
    y.requires_grad_();
    sum(y * 5).backward();
    EXPECT_TRUE(equal(y.grad(), full({3}, 5.0)));
    EXPECT_EQ(calls, 1);
  }
}

TEST(Donation, what_is_recorded_is_not_written_over) {
  Tensor x = rand({4}, {.dtype = kFloat64, .requires_grad = true});
  EXPECT_TRUE(
      autograd::gradcheck([](const Tensor& t) { return (t * t - 1) * (1 - 2 * t) / (t + 2); }, x));
  const Tensor kept = rand({4}, {.dtype = kFloat64});
  Tensor copy = kept.clone();
  const Tensor y = x * copy;
  const Tensor z = std::move(copy) + 1;  // x * copy has kept it
  sum(y).backward();
  EXPECT_TRUE(equal(x.grad(), kept));
  EXPECT_TRUE(equal(z, kept + 1));
  NoGradGuard no_grad;
  Tensor leaf = rand({4}).requires_grad_();
  const Tensor handle_free = std::move(leaf) * 2;  // a leaf stays what it is
  EXPECT_FALSE(handle_free.requires_grad());
}

TEST(Donation, gradients_go_back_through_activations_in_one_buffer) {
  Tensor x = randn({kMillion}).requires_grad_();
  const auto peak_of_backward = [&](const Tensor& y) {
    x.mutable_grad() = Tensor();
    const Tensor g = ones_like(y);
    return bytes_of_peak([&] { (y * 1).backward(g); });
  };
  EXPECT_LT(peak_of_backward(relu(x)), 9 * kMillion);  // y * 1 and its gradient
  EXPECT_LT(peak_of_backward(tanh(x)), 9 * kMillion);
  EXPECT_LT(peak_of_backward(sigmoid(x)), 9 * kMillion);
  EXPECT_LT(peak_of_backward(exp(x)), 9 * kMillion);
}

TEST(Donation, a_sum_takes_the_memory_of_a_recorded_temporary) {
  const Tensor x = randn({kMillion}).requires_grad_(), w = randn({kMillion});
  Tensor y;
  EXPECT_LT(bytes_of_peak([&] { y = x * w + 1 * w; }), 9 * kMillion);  // the sum and 1 * w
  EXPECT_TRUE(equal(y, add(mul(x, w), w)));
  sum(y).backward();
  EXPECT_TRUE(equal(x.grad(), w));
  x.mutable_grad() = Tensor();
  Tensor product = x * x;
  const Tensor seen = product;
  const Tensor before = product.detach().clone();
  const Tensor z = std::move(product) + w;
  EXPECT_TRUE(equal(seen, before));
  // exp's rule has kept what it gave.
  sum(exp(x) + w).backward();
  EXPECT_TRUE(equal(x.grad(), exp(x)));
}

// Its gradient cannot follow a change in place of what it shows: using it then throws.
struct FirstOf : autograd::Function<FirstOf> {
  static Tensor forward(autograd::Context&, const Tensor& x) { return x.narrow(0, 0, 1); }
  static std::vector<Tensor> backward(autograd::Context&, const std::vector<Tensor>& g) {
    return {cat({g[0], g[0] * 0}, 0)};
  }
};

TEST(Donation, a_sum_that_throws_leaves_the_temporary_as_it_was) {
  const Tensor w = full({2}, 1.0, {.requires_grad = true});
  Tensor base = w * 1;
  const Tensor view = FirstOf::apply(base);
  base.add_(10);
  const Tensor other = full({1}, 1.0, {.requires_grad = true});
  Tensor recorded = other * 3, plain = full({1}, 3.0);
  const int64_t nodes = memory::stats().live_nodes;
  EXPECT_THROW(std::move(recorded) + view, Error);
  EXPECT_THROW(view + std::move(plain), Error);
  EXPECT_THROW(recorded * view, Error);
  EXPECT_EQ(memory::stats().live_nodes, nodes);
  EXPECT_EQ(plain.item<float>(), 3);
  EXPECT_EQ(recorded.item<float>(), 3);
  recorded.backward();
  EXPECT_EQ(other.grad().item<float>(), 3);
}

TEST(Donation, relu_takes_the_memory_of_a_recorded_temporary) {
  const Tensor x = randn({kMillion}).requires_grad_();
  EXPECT_LT(bytes_of_peak([&] { relu(x + 1); }), 5 * kMillion);
  Tensor kept = x + 1;  // seen here as well
  const Tensor before = kept.detach().clone();
  sum(relu(kept)).backward();
  EXPECT_TRUE(equal(kept, before));
  EXPECT_TRUE(equal(x.grad(), (before > 0).to(kFloat32)));
  const Tensor numbers = randn({4}).requires_grad_();
  Tensor root = exp(numbers);  // exp has kept its result for its rule
  sum(relu(std::move(root))).backward();
  EXPECT_TRUE(allclose(numbers.grad(), exp(numbers).detach()));
  Tensor leaf = randn({4}).requires_grad_();
  const Tensor values = leaf.detach().clone();
  Tensor second = leaf;
  const Tensor y = relu(std::move(second));
  EXPECT_TRUE(equal(leaf, values));
}

}  // namespace
}  // namespace reel
