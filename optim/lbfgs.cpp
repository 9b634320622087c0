#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/optim/lbfgs.h>

#include <algorithm>
#include <cmath>

namespace reel::optim {

using detail::check_option;

namespace {

constexpr double kSufficient = 1e-4;  // Wolfe's first condition: share of the expected decrease
constexpr double kCurvature = 0.9;    // the second: share of the slope that may remain
constexpr int kTries = 25;

double scalar_product(const Tensor& a, const Tensor& b) { return dot(a, b).item<double>(); }
double largest(const Tensor& x) { return abs(x).max().item<double>(); }

// The minimum within [low, high] of the cubic through two values and slopes (Nocedal and Wright,
// eq. 3.59).
template <class Point>
double cubic_minimum(const Point& a, const Point& b, double low, double high) {
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (square < 0) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double t = a.t <= b.t
                       ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
                       : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return std::min(std::max(t, low), high);
}

}  // namespace

void LBFGSOptions::check(const char* optimizer) const {
  check_option(optimizer, "max_iter", max_iter, max_iter >= 1, "at least 1");
  check_option(optimizer, "history_size", history_size, history_size >= 1, "at least 1");
  check_option(optimizer, "tolerance_grad", tolerance_grad, tolerance_grad >= 0, "not negative");
  check_option(optimizer, "tolerance_change", tolerance_change, tolerance_change >= 0,
               "not negative");
  reel::check(line_search_fn.empty() || line_search_fn == "strong_wolfe",
              "{}: line_search_fn must be \"strong_wolfe\" or nothing, got \"{}\"", optimizer,
              line_search_fn);
}

void LBFGS::step() { fail("LBFGS: step() needs a closure that computes the loss"); }

void LBFGS::update(Tensor&, const Tensor&, State&, const LBFGSOptions&) { step(); }

// ---- parameters as one vector ----------------------------------------------------------------------------

Tensor LBFGS::gradients() const {
  std::vector<Tensor> parts;
  for (const Tensor& parameter : parameters(0)) {
    const Tensor& g = parameter.grad();
    parts.push_back((g.defined() ? g.detach() : zeros_like(parameter.detach())).reshape({-1}));
  }
  return cat(parts);
}

void LBFGS::move(double t) {
  int64_t offset = 0;
  for (Tensor parameter : parameters(0)) {
    const Tensor part = direction_.narrow(0, offset, parameter.numel()).reshape(parameter.shape());
    parameter.add_(part, {.alpha = t});
    offset += parameter.numel();
  }
}

LBFGS::Point LBFGS::evaluate(const Closure& closure) {
  Point point;
  {
    EnableGradGuard recording;
    point.loss = closure().item<double>();
  }
  check_gradients();
  point.g = gradients();
  return point;
}

// ---- the direction ---------------------------------------------------------------------------------------

void LBFGS::remember(const Tensor& g) {
  const Tensor y = g - g_, s = direction_ * t_;
  const double curvature = scalar_product(y, s);
  if (curvature <= 1e-10) return;
  if (history_.size() >= static_cast<size_t>(options().history_size)) history_.pop_front();
  history_.push_back({y, s, 1 / curvature});
  scale_ = curvature / scalar_product(y, y);
}

// The two-loop recursion (Nocedal and Wright, algorithm 7.4).
Tensor LBFGS::direction_of(const Tensor& g) const {
  std::vector<double> alpha(history_.size());
  Tensor q = -g;
  for (size_t i = history_.size(); i-- > 0;) {
    alpha[i] = scalar_product(history_[i].s, q) * history_[i].rho;
    q = q - alpha[i] * history_[i].y;
  }
  Tensor r = q * scale_;
  for (size_t i = 0; i < history_.size(); ++i) {
    const double beta = scalar_product(history_[i].y, r) * history_[i].rho;
    r = r + (alpha[i] - beta) * history_[i].s;
  }
  return r;
}

// ---- how far along it ------------------------------------------------------------------------------------

namespace {

bool decreases_enough(const auto& point, const auto& start) {
  return point.loss <= start.loss + kSufficient * point.t * start.slope;
}
bool is_flat_enough(const auto& point, const auto& start) {
  return std::fabs(point.slope) <= -kCurvature * start.slope;
}

}  // namespace

LBFGS::Point LBFGS::search(const Line& at, const Point& start, double t) const {
  Point before = start, now = at(t);
  int tries = 0;
  for (; tries < kTries; ++tries) {
    if (!decreases_enough(now, start) || (tries > 1 && now.loss >= before.loss)) break;
    if (is_flat_enough(now, start)) return now;
    if (now.slope >= 0) break;
    const double farther = now.t + 0.01 * (now.t - before.t);
    const double next = cubic_minimum(before, now, farther, now.t * 10);
    before = std::exchange(now, at(next));
  }
  if (tries == kTries) return start.loss <= now.loss ? start : now;
  return zoom(at, start, before, now, tries);
}

// Between two places of which one has the lower loss and a slope towards the other.
LBFGS::Point LBFGS::zoom(const Line& at, const Point& start, Point a, Point b, int tries) const {
  const double unit = largest(direction_);
  bool stalled = false;  // the last place was close to an end
  Point &low = a.loss <= b.loss ? a : b, &high = &low == &a ? b : a;
  for (; tries < kTries; ++tries) {
    if (std::fabs(b.t - a.t) * unit < options().tolerance_change) break;
    const double left = std::min(a.t, b.t), right = std::max(a.t, b.t);
    double t = cubic_minimum(a, b, left, right);
    const double margin = 0.1 * (right - left);
    const bool at_end = std::min(right - t, t - left) < margin;
    if (at_end && (stalled || t >= right || t <= left)) {
      t = std::fabs(t - right) < std::fabs(t - left) ? right - margin : left + margin;
      stalled = false;
    } else {
      stalled = at_end;
    }
    Point now = at(t);
    if (!decreases_enough(now, start) || now.loss >= low.loss) {
      high = std::move(now);
      if (high.loss < low.loss) std::swap(low, high);
      continue;
    }
    const bool done = is_flat_enough(now, start);
    if (!done && now.slope * (high.t - low.t) >= 0) high = low;
    low = std::move(now);
    if (done) break;
  }
  return low;
}

// ---- the step --------------------------------------------------------------------------------------------

Tensor LBFGS::step(const Closure& closure) {
  check(groups() == 1, "LBFGS: one group of parameters is required, got {}", groups());
  NoGradGuard no_grad;
  const LBFGSOptions& o = options();
  double evaluations_left = o.max_eval.value_or(std::floor(o.max_iter * 5 / 4));
  const auto evaluated = [&] { return --evaluations_left, evaluate(closure); };
  const Line line = [&](double t) {
    std::vector<Tensor> from;
    for (const Tensor& parameter : parameters(0)) from.push_back(parameter.clone());
    move(t);
    Point point = evaluated();
    for (size_t i = 0; i < from.size(); ++i) Tensor(parameters(0)[i]).copy_(from[i]);
    point.t = t;
    point.slope = scalar_product(point.g, direction_);
    return point;
  };
  Point here = evaluated();
  const Tensor first_loss = full({}, here.loss, {.dtype = kFloat64});
  ++steps_;
  if (largest(here.g) <= o.tolerance_grad) return first_loss;
  for (double left = o.max_iter; left > 0 && iterate(here, line, evaluated, left == 1); --left) {
    if (evaluations_left <= 0 || largest(here.g) <= o.tolerance_grad) break;
  }
  return first_loss;
}

// One iteration; false if there is nothing left to gain.
bool LBFGS::iterate(Point& here, const Line& line, const std::function<Point()>& evaluated,
                    bool last) {
  const LBFGSOptions& o = options();
  if (iterations_++ > 0) remember(here.g);
  const bool first = iterations_ == 1;
  direction_ = first ? -here.g : direction_of(here.g);
  g_ = here.g;
  t_ = first ? std::min(1.0, 1 / here.g.abs().sum().item<double>()) * o.lr : o.lr;
  const double loss = here.loss;
  here.slope = scalar_product(here.g, direction_);
  here.t = 0;
  if (here.slope > -o.tolerance_change) return false;
  if (!o.line_search_fn.empty()) {
    here = search(line, here, t_);
    t_ = here.t;
    move(t_);
  } else {
    move(t_);
    if (last) return false;
    here = evaluated();
  }
  return largest(direction_) * t_ > o.tolerance_change &&
         std::fabs(here.loss - loss) >= o.tolerance_change;
}

// ---- saving ----------------------------------------------------------------------------------------------

StateDict LBFGS::state_dict() const {
  StateDict state = Optimizer::state_dict();
  state["iterations"] = full({}, iterations_);
  if (iterations_ == 0) return state;
  state["direction"] = direction_.clone();
  state["gradient"] = g_.clone();
  state["t"] = full({}, t_, {.dtype = kFloat64});
  state["scale"] = full({}, scale_, {.dtype = kFloat64});
  for (size_t i = 0; i < history_.size(); ++i) {
    state[fmt::format("history.{}.y", i)] = history_[i].y.clone();
    state[fmt::format("history.{}.s", i)] = history_[i].s.clone();
    state[fmt::format("history.{}.rho", i)] = full({}, history_[i].rho, {.dtype = kFloat64});
  }
  return state;
}

void LBFGS::load_state_dict(const StateDict& state) {
  const auto find = [&](const std::string& key) -> const Tensor& {
    const auto found = state.find(key);
    check(found != state.end(), "LBFGS: load_state_dict: {} is missing", key);
    return found->second;
  };
  const auto vector = [&](const std::string& key) {
    const Tensor& saved = find(key);
    int64_t count = 0;
    for (const Tensor& parameter : parameters()) count += parameter.numel();
    check(saved.shape() == Shape{count}, "LBFGS: load_state_dict: {} must have shape [{}], got {}",
          key, count, saved.shape());
    return saved.clone();
  };
  const int64_t iterations = find("iterations").item<int64_t>();
  Tensor direction, g;
  double t = 0, scale = 1;
  std::deque<Pair> history;
  if (iterations > 0) {
    direction = vector("direction");
    g = vector("gradient");
    t = find("t").item<double>();
    scale = find("scale").item<double>();
  }
  for (size_t i = 0; state.contains(fmt::format("history.{}.y", i)); ++i) {
    const std::string prefix = fmt::format("history.{}.", i);
    history.push_back(
        {vector(prefix + "y"), vector(prefix + "s"), find(prefix + "rho").item<double>()});
  }
  Optimizer::load_state_dict(state);
  iterations_ = iterations;
  direction_ = direction;
  g_ = g;
  t_ = t;
  scale_ = scale;
  history_ = std::move(history);
}

}  // namespace reel::optim
