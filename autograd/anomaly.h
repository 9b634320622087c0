#pragma once
// Finding the operation whose gradient went wrong.

#include <utility>

namespace reel {

namespace detail {
extern constinit thread_local bool anomaly_detection;
}  // namespace detail

/// For its lifetime, on this thread, a backward() whose rule gives NaN throws an Error that names
/// the recorded operation, its shape and the input. Same as torch.autograd.detect_anomaly, at the
/// price of a look at every gradient.
class DetectAnomalyGuard {
 public:
  DetectAnomalyGuard() : before_(std::exchange(detail::anomaly_detection, true)) {}
  ~DetectAnomalyGuard() { detail::anomaly_detection = before_; }
  DetectAnomalyGuard(const DetectAnomalyGuard&) = delete;
  DetectAnomalyGuard& operator=(const DetectAnomalyGuard&) = delete;

 private:
  bool before_;
};

}  // namespace reel
