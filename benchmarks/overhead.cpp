// What an operation costs beside its arithmetic: no-grad, recorded, and recorded with backward().
#include "cases.h"

using library::Tensor;

namespace {

constexpr int kSteps = 64;        // of y = y * w + b in one chain
constexpr int kOps = 2 * kSteps;  // a product and a sum each

// All float32 and of one size; w and b require grad, the others do not.
struct Inputs {
  explicit Inputs(int64_t size)
      : x(library::full({size}, 0.5)),
        w(library::full({size}, 0.9)),
        b(library::full({size}, 0.1)),
        gradient(library::ones({size})) {
    w.requires_grad_();
    b.requires_grad_();
  }
  Tensor chain() const {
    Tensor y = x;
    for (int step = 0; step < kSteps; ++step) y = y * w + b;
    return y;
  }

  Tensor x, w, b, gradient;
};

void add_cases(int64_t size) {
  const bool has_goal = size != 16;
  cases::add_evaluation(
      {.name = cases::sized("op, no-grad", size), .goal = size == 1 ? 15.0 : 0, .ops = kOps},
      [size] { return [inputs = Inputs(size)] { return inputs.chain(); }; });
  cases::add({.name = cases::sized("op, recorded", size), .ops = kOps}, [size] {
    return [inputs = Inputs(size)] { benchmark::DoNotOptimize(inputs.chain()); };
  });
  // A gradient is passed at every size, so that no reduction is measured.
  cases::add({.name = cases::sized("op, recorded + backward", size),
              .goal = has_goal ? 20.0 : 0,
              .goal_nanoseconds = has_goal ? 150.0 : 0,
              .ops = kOps},
             [size] {
               return [inputs = Inputs(size)]() mutable {
                 inputs.w.mutable_grad() = Tensor();
                 inputs.b.mutable_grad() = Tensor();
                 inputs.chain().backward(inputs.gradient);
               };
             });
}

}  // namespace

int main(int argc, char** argv) {
  for (const int64_t size : {1, 16, 256}) add_cases(size);
  return cases::run(argc, argv);
}
