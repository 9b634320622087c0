#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/optim/lbfgs.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace reel::optim {

template class OptimizerOf<LBFGSOptions>;

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
  if (!(square >= 0) || std::isinf(square)) return (low + high) / 2;
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

std::vector<Tensor> LBFGS::copies() const {
  std::vector<Tensor> list;
  for (const Tensor& parameter : parameters(0)) list.push_back(parameter.clone());
  return list;
}

void LBFGS::put_back(const std::vector<Tensor>& from) {
  for (size_t i = 0; i < from.size(); ++i) Tensor(parameters(0)[i]).copy_(from[i]);
}

void LBFGS::move(double t) {
  int64_t offset = 0;
  for (Tensor parameter : parameters(0)) {
    const Tensor part =
        memory_.direction.narrow(0, offset, parameter.numel()).reshape(parameter.shape());
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
  const Tensor y = g - memory_.g, s = memory_.direction * memory_.t;
  const double curvature = scalar_product(y, s);
  if (curvature <= 1e-10) return;
  if (memory_.history.size() >= static_cast<size_t>(options().history_size))
    memory_.history.pop_front();
  memory_.history.push_back({y, s, 1 / curvature});
  memory_.scale = curvature / scalar_product(y, y);
}

// The two-loop recursion (Nocedal and Wright, algorithm 7.4).
Tensor LBFGS::direction_of(const Tensor& g) const {
  std::vector<double> alpha(memory_.history.size());
  Tensor q = -g;
  for (size_t i = memory_.history.size(); i-- > 0;) {
    alpha[i] = scalar_product(memory_.history[i].s, q) * memory_.history[i].rho;
    q = q - alpha[i] * memory_.history[i].y;
  }
  Tensor r = q * memory_.scale;
  for (size_t i = 0; i < memory_.history.size(); ++i) {
    const double beta = scalar_product(memory_.history[i].y, r) * memory_.history[i].rho;
    r = r + (alpha[i] - beta) * memory_.history[i].s;
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
  const double unit = largest(memory_.direction);
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

LBFGS::LBFGS(std::vector<Tensor> parameters, const LBFGSOptions& options)
    : OptimizerOf(std::move(parameters), options) {}

Tensor LBFGS::step(const Closure& closure) {
  check(groups() == 1, "LBFGS: one group of parameters is required, got {}", groups());
  refuse_clipping();
  NoGradGuard no_grad;
  const std::vector<Tensor> from = copies();
  const Memory before = memory_;
  try {
    const Point here = evaluate(closure);
    walk(closure, here);
    ++steps_;
    return full({}, here.loss, {.dtype = kFloat64});
  } catch (...) {
    put_back(from);
    memory_ = before;
    throw;
  }
}

void LBFGS::walk(const Closure& closure, Point here) {
  const LBFGSOptions& o = options();
  const auto is_done = [&] { return !(largest(here.g) > o.tolerance_grad); };
  if (here.g.numel() == 0 || !std::isfinite(here.loss) || !std::isfinite(largest(here.g)) ||
      is_done())
    return;
  memory_.take_dtype(here.g.dtype());
  double evaluations_left = o.max_eval.value_or(std::floor(o.max_iter * 5 / 4)) - 1;
  const auto evaluated = [&] { return --evaluations_left, evaluate(closure); };
  const Line line = [&](double t) {
    const std::vector<Tensor> from = copies();
    move(t);
    Point point = evaluated();
    put_back(from);
    point.t = t;
    if (std::isnan(point.loss)) point.loss = std::numeric_limits<double>::infinity();
    point.slope = scalar_product(point.g, memory_.direction);
    return point;
  };
  for (double left = o.max_iter; left > 0 && iterate(here, line, evaluated, left == 1); --left) {
    if (evaluations_left <= 0 || is_done()) break;
  }
}

void LBFGS::Memory::take_dtype(Dtype dtype) {
  if (!g.defined() || g.dtype() == dtype) return;
  g = g.to(dtype);
  direction = direction.to(dtype);
  for (Pair& pair : history) pair = {pair.y.to(dtype), pair.s.to(dtype), pair.rho};
}

// One iteration; false if there is nothing left to gain.
bool LBFGS::iterate(Point& here, const Line& line, const std::function<Point()>& evaluated,
                    bool last) {
  const LBFGSOptions& o = options();
  if (memory_.iterations++ > 0) remember(here.g);
  const bool first = memory_.iterations == 1;
  memory_.direction = first ? -here.g : direction_of(here.g);
  memory_.g = here.g;
  memory_.t = first ? std::min(1.0, 1 / here.g.abs().sum().item<double>()) * o.lr : o.lr;
  const double loss = here.loss;
  here.slope = scalar_product(here.g, memory_.direction);
  here.t = 0;
  if (here.slope > -o.tolerance_change) return false;
  if (!o.line_search_fn.empty()) {
    here = search(line, here, memory_.t);
    memory_.t = here.t;
    move(memory_.t);
  } else {
    move(memory_.t);
    if (last) return false;
    here = evaluated();
  }
  return largest(memory_.direction) * memory_.t > o.tolerance_change &&
         std::fabs(here.loss - loss) >= o.tolerance_change;
}

// ---- saving ----------------------------------------------------------------------------------------------

StateDict LBFGS::state_dict() const {
  StateDict state = Optimizer::state_dict();
  const double none = std::numeric_limits<double>::quiet_NaN();
  state["max_eval"] = full({}, options().max_eval.value_or(none), {.dtype = kFloat64});
  state["strong_wolfe"] = full({}, options().line_search_fn.empty() ? 0 : 1);
  state["iterations"] = full({}, memory_.iterations);
  if (memory_.iterations == 0) return state;
  state["direction"] = memory_.direction.clone();
  state["gradient"] = memory_.g.clone();
  state["t"] = full({}, memory_.t, {.dtype = kFloat64});
  state["scale"] = full({}, memory_.scale, {.dtype = kFloat64});
  for (size_t i = 0; i < memory_.history.size(); ++i) {
    state[fmt::format("history.{}.y", i)] = memory_.history[i].y.clone();
    state[fmt::format("history.{}.s", i)] = memory_.history[i].s.clone();
    state[fmt::format("history.{}.rho", i)] = full({}, memory_.history[i].rho, {.dtype = kFloat64});
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
  Memory loaded;
  loaded.iterations = find("iterations").item<int64_t>();
  if (loaded.iterations > 0) {
    loaded.direction = vector("direction");
    loaded.g = vector("gradient");
    loaded.t = find("t").item<double>();
    loaded.scale = find("scale").item<double>();
  }
  for (size_t i = 0; state.contains(fmt::format("history.{}.y", i)); ++i) {
    const std::string prefix = fmt::format("history.{}.", i);
    loaded.history.push_back(
        {vector(prefix + "y"), vector(prefix + "s"), find(prefix + "rho").item<double>()});
  }
  const double max_eval = find("max_eval").item<double>();
  const bool strong_wolfe = find("strong_wolfe").item<double>() != 0;
  Optimizer::load_state_dict(state);
  options().max_eval = std::isnan(max_eval) ? std::nullopt : std::optional(max_eval);
  options().line_search_fn = strong_wolfe ? "strong_wolfe" : "";
  memory_ = std::move(loaded);
}

}  // namespace reel::optim
