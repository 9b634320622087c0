#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/ctc.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace reel::kernels {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_add(double a, double b, double c) {
  const double largest = std::max(std::max(a, b), c);
  if (largest == kNever) return a + b + c;  // -inf, or NaN if one of them is
  return largest + std::log(std::exp(a - largest) + std::exp(b - largest) + std::exp(c - largest));
}

// One sample: its states, and the log probability of each of them in a frame.
template <class T>
struct Sample {
  const T* log_probs;  // of frame 0
  int64_t frame_step;
  const int64_t* state;
  int64_t states;  // 2 labels + 1
  int64_t frames;

  Sample(const Array& probabilities, const Array& all_states, const Array& all_frames,
         const Array& lengths, int64_t n)
      : log_probs(probabilities.data<T>() + n * probabilities.size(2)),
        frame_step(probabilities.size(1) * probabilities.size(2)),
        state(all_states.data<int64_t>() + n * all_states.size(1)),
        states(2 * lengths.data<int64_t>()[n] + 1),
        frames(all_frames.data<int64_t>()[n]) {}

  double shown(int64_t t, int64_t s) const {
    return static_cast<double>(log_probs[t * frame_step + state[s]]);
  }
  // A blank may be left out between two labels, unless they are equal.
  bool skips_to(int64_t s) const { return s >= 2 && state[s] != state[s - 2]; }
  double end(const double* alpha) const {
    const double last = alpha[states - 1];
    return log_add(last, states > 1 ? alpha[states - 2] : kNever, kNever);
  }
};

// Fills alpha [frames, width] and gives the loss.
template <class T>
double forward(const Sample<T>& sample, double* alpha, int64_t width) {
  if (sample.frames == 0) return sample.states == 1 ? 0 : -kNever;
  for (int64_t s = 0; s < sample.states; ++s) alpha[s] = s < 2 ? sample.shown(0, s) : kNever;
  for (int64_t t = 1; t < sample.frames; ++t) {
    const double* before = alpha + (t - 1) * width;
    double* now = alpha + t * width;
    for (int64_t s = 0; s < sample.states; ++s) {
      now[s] = sample.shown(t, s) + log_add(before[s], s >= 1 ? before[s - 1] : kNever,
                                            sample.skips_to(s) ? before[s - 2] : kNever);
    }
  }
  return -sample.end(alpha + (sample.frames - 1) * width);
}

// Adds -scale times the share of each state to what it shows, from the last frame to the first.
// beta[s] is the log probability of all that may follow state s of this frame.
template <class T>
void backward(const Sample<T>& sample, const double* alpha, int64_t width, double loss,
              double scale, T* gradient) {
  const int64_t states = sample.states;
  std::vector<double> beta(static_cast<size_t>(states) + 2, kNever), next(beta);
  for (int64_t t = sample.frames - 1; t >= 0; --t) {
    for (int64_t s = 0; s < states; ++s) {
      const auto at = static_cast<size_t>(s);
      if (t == sample.frames - 1) {
        beta[at] = s >= states - 2 ? 0 : kNever;
      } else {
        const bool skips = s + 2 < states && sample.skips_to(s + 2);
        beta[at] = log_add(next[at], next[at + 1], skips ? next[at + 2] : kNever);
      }
    }
    T* shown = gradient + t * sample.frame_step;
    for (int64_t s = 0; s < states; ++s) {
      const double share = std::exp(alpha[t * width + s] + beta[static_cast<size_t>(s)] + loss);
      shown[sample.state[s]] -= static_cast<T>(scale * share);
      next[static_cast<size_t>(s)] = beta[static_cast<size_t>(s)] + sample.shown(t, s);
    }
  }
}

}  // namespace

Array ctc_states(const Array& targets, const Array& lengths, int64_t blank) {
  const Array labels = contiguous(targets), counts = contiguous(lengths);
  const int64_t samples = counts.numel();
  const int64_t* count = counts.data<int64_t>();
  const int64_t longest = samples > 0 ? *std::max_element(count, count + samples) : 0;
  Array states = Array::full({samples, 2 * longest + 1}, blank, kInt64);
  int64_t start = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const int64_t from = labels.rank() == 2 ? n * labels.size(1) : start;
    for (int64_t i = 0; i < count[n]; ++i) {
      states.data<int64_t>()[n * states.size(1) + 2 * i + 1] = labels.data<int64_t>()[from + i];
    }
    start += count[n];
  }
  return states;
}

CtcForward ctc_loss(const Array& log_probs, const Array& states, const Array& frames,
                    const Array& lengths) {
  return dispatch_float(log_probs.dtype(), "ctc_loss", [&]<class T>(TypeTag<T>) {
    const Array x = contiguous(log_probs);
    const int64_t samples = x.size(1), width = states.size(1);
    CtcForward result = {Array::empty({samples}, x.dtype()),
                         Array::empty({samples, x.size(0), width}, kFloat64)};
    parallel_for(samples, [&](int64_t n) {
      const Sample<T> sample(x, states, frames, lengths, n);
      double* alpha = result.log_alpha.data<double>() + n * x.size(0) * width;
      result.losses.data<T>()[n] = static_cast<T>(forward(sample, alpha, width));
    });
    return result;
  });
}

Array ctc_loss_backward(const Array& g, const Array& log_probs, const Array& log_alpha,
                        const Array& states, const Array& frames, const Array& lengths) {
  return dispatch_float(log_probs.dtype(), "ctc_loss", [&]<class T>(TypeTag<T>) {
    const Array x = contiguous(log_probs), scale = contiguous(g);
    const int64_t samples = x.size(1), classes = x.size(2), width = states.size(1);
    Array gradient = Array::full(x.shape(), 0, x.dtype());
    parallel_for(samples, [&](int64_t n) {
      const Sample<T> sample(x, states, frames, lengths, n);
      const auto factor = static_cast<double>(scale.data<T>()[n]);
      // Where PyTorch's zero_infinity is asked for, an infinite loss comes with a factor of 0.
      if (sample.frames == 0 || factor == 0) return;
      const double* alpha = log_alpha.data<double>() + n * x.size(0) * width;
      T* from = gradient.data<T>() + n * classes;
      // Anew, as a loss in float32 has lost the digits that the shares need.
      const double loss = -sample.end(alpha + (sample.frames - 1) * width);
      if (loss < -kNever) return backward(sample, alpha, width, loss, factor, from);
      for (int64_t t = 0; t < sample.frames; ++t)
        std::fill_n(from + t * sample.frame_step, classes, std::numeric_limits<T>::quiet_NaN());
    });
    return gradient;
  });
}

}  // namespace reel::kernels
