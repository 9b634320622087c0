// The operations of ops/binary.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {
namespace {

using std::vector;
using Function = Tensor (*)(const Tensor&, const Tensor&);
using Formula = double (*)(double, double);
using Change = Tensor& (*)(Tensor&, const Tensor&);

const vector<vector<Shape>> kInto = {
    {{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{2, 3}, {}}, {{}, {}}, {{0, 3}, {3}}};
const vector<vector<Shape>> kThree = {{{2, 3}, {2, 3}, {2, 3}}, {{2, 3}, {3}, {}},
                                      {{2, 1}, {}, {1, 3}},     {{}, {}, {}},
                                      {{0, 3}, {3}, {}},        {{17}, {17}, {}}};
const vector<vector<Shape>> kIntoThree = {
    {{2, 3}, {2, 3}, {2, 3}}, {{2, 3}, {3}, {}}, {{0, 3}, {3}, {}}};

// clang-format off

// Two operands, and again where the first is changed in place.
void two(Rows& rows, const char* name, Function fn, Formula f, Change change = nullptr, double low = -2, double high = 2, const char* note = "") {
  OpCase row = binary(name, fn, f, low, high);
  row.note = note;
  rows.push_back(row);
  if (!change) return;
  row.note = std::string(note) + "in_place";
  row.shapes = kInto;
  row.in_place = [change](Tensor& z, const Tensors& x) -> Tensor& { return change(z, x[1]); };
  rows.push_back(std::move(row));
}

// One operand and a number.
void one(Rows& rows, const char* name, const char* note, Tensor (*fn)(const Tensor&), double (*f)(double), Tensor& (*change)(Tensor&) = nullptr,
         double low = -2, double high = 2) {
  OpCase row = unary(name, fn, f, low, high);
  row.note = note;
  if (change) row.in_place = [change](Tensor& z, const Tensors&) -> Tensor& { return change(z); };
  rows.push_back(std::move(row));
}

void three(Rows& rows, const char* name, const char* note, std::function<Tensor(const Tensors&)> fn, std::function<double(const Values&)> f,
           std::function<Tensor&(Tensor&, const Tensors&)> change = {}, double low = -2, double high = 2) {
  OpCase row{.name = name, .fn = std::move(fn), .shapes = kThree, .low = low, .high = high, .scalar = std::move(f), .note = note};
  rows.push_back(row);
  if (!change) return;
  row.note += "in_place";
  row.shapes = kIntoThree;
  row.in_place = std::move(change);
  rows.push_back(std::move(row));
}

void arithmetic_rows(Rows& rows) {
  two(rows, "add", add, [](double a, double b) { return a + b; }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.add_(x); });
  two(rows, "sub", sub, [](double a, double b) { return a - b; }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.sub_(x); });
  two(rows, "mul", mul, [](double a, double b) { return a * b; }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.mul_(x); });
  two(rows, "div", div, [](double a, double b) { return a / b; }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.div_(x); }, 0.5, 3);
  two(rows, "add", [](const Tensor& a, const Tensor& b) { return add(a, b, {.alpha = 2.5}); }, [](double a, double b) { return a + 2.5 * b; },
      [](Tensor& z, const Tensor& x) -> Tensor& { return z.add_(x, {.alpha = 2.5}); }, -2, 2, "alpha");
  two(rows, "sub", [](const Tensor& a, const Tensor& b) { return sub(a, b, {.alpha = 3}); }, [](double a, double b) { return a - 3 * b; },
      [](Tensor& z, const Tensor& x) -> Tensor& { return z.sub_(x, {.alpha = 3}); }, -2, 2, "alpha");
  two(rows, "div", [](const Tensor& a, const Tensor& b) { return div(a - 1.7, b, {.rounding_mode = "floor"}); },
      [](double a, double b) { return std::floor((a - 1.7) / b); }, nullptr, 0.5, 3, "floor");
  two(rows, "div", [](const Tensor& a, const Tensor& b) { return div(a, b, {.rounding_mode = "trunc"}); }, [](double a, double b) { return std::trunc(a / b); },
      [](Tensor& z, const Tensor& x) -> Tensor& { return z.div_(x, {.rounding_mode = "trunc"}); }, 0.5, 3, "trunc");
  two(rows, "floor_divide", floor_divide, [](double a, double b) { return std::floor(a / b); },
      [](Tensor& z, const Tensor& x) -> Tensor& { return z.floor_divide_(x); }, 0.5, 3);
  two(rows, "remainder", remainder, [](double a, double b) { return a - b * std::floor(a / b); },
      [](Tensor& z, const Tensor& x) -> Tensor& { return z.remainder_(x); }, 0.5, 3);
  two(rows, "remainder", [](const Tensor& a, const Tensor& b) { return remainder(a - 1.7, -b); },
      [](double a, double b) { return (a - 1.7) + b * std::floor((a - 1.7) / -b); }, nullptr, 0.5, 3, "signs");
  two(rows, "fmod", fmod, [](double a, double b) { return std::fmod(a, b); }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.fmod_(x); }, 0.5, 3);
  two(rows, "fmod", [](const Tensor& a, const Tensor& b) { return fmod(a - 1.7, -b); }, [](double a, double b) { return std::fmod(a - 1.7, b); },
      nullptr, 0.5, 3, "signs");
  one(rows, "add", "number", [](const Tensor& x) { return add(x, 2, {.alpha = 0.5}); }, [](double x) { return x + 1; }, [](Tensor& z) -> Tensor& { return z.add_(2, {.alpha = 0.5}); });
  one(rows, "sub", "number", [](const Tensor& x) { return sub(x, 2); }, [](double x) { return x - 2; }, [](Tensor& z) -> Tensor& { return z.sub_(2); });
  one(rows, "mul", "number", [](const Tensor& x) { return mul(x, 2.5); }, [](double x) { return x * 2.5; }, [](Tensor& z) -> Tensor& { return z.mul_(2.5); });
  one(rows, "div", "number", [](const Tensor& x) { return div(x, 2.5); }, [](double x) { return x / 2.5; }, [](Tensor& z) -> Tensor& { return z.div_(2.5); });
  one(rows, "div", "number_floor", [](const Tensor& x) { return div(x, 0.7, {.rounding_mode = "floor"}); }, [](double x) { return std::floor(x / 0.7); },
      [](Tensor& z) -> Tensor& { return z.div_(0.7, {.rounding_mode = "floor"}); });
  one(rows, "floor_divide", "number", [](const Tensor& x) { return floor_divide(x, -0.7); }, [](double x) { return std::floor(x / -0.7); });
  one(rows, "remainder", "number", [](const Tensor& x) { return remainder(x, 0.7); }, [](double x) { return x - 0.7 * std::floor(x / 0.7); });
  one(rows, "remainder", "of_number", [](const Tensor& x) { return remainder(5, x); }, [](double x) { return std::fmod(5, x); }, nullptr, 0.7, 2);
  one(rows, "fmod", "number", [](const Tensor& x) { return fmod(x, 0.7); }, [](double x) { return std::fmod(x, 0.7); });
}

void power_rows(Rows& rows) {
  two(rows, "pow", pow, [](double a, double b) { return std::pow(a, b); }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.pow_(x); }, 0.5, 3);
  for (double exponent : {0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 2.5}) {
    rows.push_back({.name = "pow", .fn = [exponent](const Tensors& x) { return pow(x[0], exponent); }, .shapes = kUnary,
                    .low = 0.5, .high = 2, .scalar = [exponent](const Values& v) { return std::pow(v[0], exponent); },
                    .note = fmt::format("exponent_{}", exponent),
                    .in_place = [exponent](Tensor& z, const Tensors&) -> Tensor& { return z.pow_(exponent); }});
  }
  one(rows, "pow", "cube_of_negative", [](const Tensor& x) { return pow(x, 3); }, [](double x) { return x * x * x; });
  one(rows, "pow", "base", [](const Tensor& x) { return pow(2.5, x); }, [](double x) { return std::pow(2.5, x); });
  one(rows, "pow", "base_1", [](const Tensor& x) { return pow(1, x); }, [](double) { return 1.0; });
  // In float64 whatever the operands are.
  two(rows, "float_power", [](const Tensor& a, const Tensor& b) { return float_power(a, b).to(a.dtype()); }, [](double a, double b) { return std::pow(a, b); }, nullptr, 0.3, 2);
  one(rows, "float_power", "number", [](const Tensor& x) { return float_power(x, 3).to(x.dtype()); }, [](double x) { return x * x * x; });
  one(rows, "float_power", "of_number", [](const Tensor& x) { return float_power(3, x).to(x.dtype()); }, [](double x) { return std::pow(3, x); });
  two(rows, "remainder", [](const Tensor& a, const Tensor& b) { return a % b; }, [](double a, double b) { return a - b * std::floor(a / b); }, nullptr, 0.6, 4, "operator");
  one(rows, "remainder", "operator_number", [](const Tensor& x) { return x % 0.7 + 2 % (x + 3); }, [](double x) { return x - 0.7 * std::floor(x / 0.7) + 2 - (x + 3) * std::floor(2 / (x + 3)); });
  two(rows, "hypot", hypot, [](double a, double b) { return std::sqrt(a * a + b * b); }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.hypot_(x); }, 0.3, 2);
  two(rows, "atan2", [](const Tensor& a, const Tensor& b) { return atan2(a - 1.3, b - 1.3); }, [](double a, double b) { return std::atan2(a - 1.3, b - 1.3); },
      nullptr, 0, 2.2, "quadrants");
  two(rows, "atan2", atan2, [](double a, double b) { return std::atan2(a, b); }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.atan2_(x); }, 0.3, 2);
  two(rows, "logaddexp", logaddexp, [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); });
  two(rows, "logaddexp2", logaddexp2, [](double a, double b) { return std::log2(std::exp2(a) + std::exp2(b)); });
  two(rows, "xlogy", xlogy, [](double a, double b) { return a * std::log(b); }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.xlogy_(x); }, 0.3, 2);
  one(rows, "xlogy", "number", [](const Tensor& x) { return xlogy(x, 3); }, [](double x) { return x * std::log(3); });
  one(rows, "xlogy", "of_number", [](const Tensor& x) { return xlogy(3, x); }, [](double x) { return 3 * std::log(x); }, nullptr, 0.3, 2);
}

void choice_rows(Rows& rows) {
  two(rows, "maximum", maximum, [](double a, double b) { return a > b ? a : b; });
  two(rows, "minimum", minimum, [](double a, double b) { return a < b ? a : b; });
  two(rows, "fmax", fmax, [](double a, double b) { return std::fmax(a, b); });
  two(rows, "fmin", fmin, [](double a, double b) { return std::fmin(a, b); });
  two(rows, "clamp_min", clamp_min, [](double a, double b) { return std::fmax(a, b); });
  two(rows, "clamp_max", clamp_max, [](double a, double b) { return std::fmin(a, b); });
  three(rows, "clamp", "tensors", [](const Tensors& x) { return clamp(x[0], x[1], x[2]); },
        [](const Values& v) { return std::min(std::max(v[0], v[1]), v[2]); });
  two(rows, "clamp", [](const Tensor& a, const Tensor& b) { return clamp(a, b, Tensor()); }, [](double a, double b) { return std::fmax(a, b); }, nullptr, -2, 2, "only_min");
  two(rows, "copysign", copysign, [](double a, double b) { return std::copysign(a, b); }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.copysign_(x); });
  one(rows, "copysign", "number", [](const Tensor& x) { return copysign(x, -1); }, [](double x) { return -std::fabs(x); });
  two(rows, "heaviside", heaviside, [](double a, double b) { return a > 0 ? 1 : a < 0 ? 0 : b; }, [](Tensor& z, const Tensor& x) -> Tensor& { return z.heaviside_(x); });
  two(rows, "heaviside", [](const Tensor& a, const Tensor& b) { return heaviside(trunc(a), b); },
      [](double a, double b) { return a >= 1 ? 1 : a <= -1 ? 0 : b; }, nullptr, -2, 2, "zeros");
  two(rows, "where", [](const Tensor& a, const Tensor& b) { return where(a > b, a * 2, b); }, [](double a, double b) { return a > b ? 2 * a : b; });
  one(rows, "where", "number", [](const Tensor& x) { return where(x > 0.3, x, -1) + where(x > 1, 5, x); },
      [](double x) { return (x > 0.3 ? x : -1) + (x > 1 ? 5 : x); });
  one(rows, "where", "numbers", [](const Tensor& x) { return x * where(x > 0.3, 2, -1.5); }, [](double x) { return x * (x > 0.3 ? 2 : -1.5); });
}

void three_rows(Rows& rows) {
  three(rows, "lerp", "", [](const Tensors& x) { return lerp(x[0], x[1], x[2]); }, [](const Values& v) { return v[0] + v[2] * (v[1] - v[0]); },
        [](Tensor& z, const Tensors& x) -> Tensor& { return z.lerp_(x[1], x[2]); });
  for (double weight : {0.0, 0.3, 0.5, 1.5}) {
    rows.push_back({.name = "lerp", .fn = [weight](const Tensors& x) { return lerp(x[0], x[1], weight); }, .shapes = kInto,
                    .scalar = [weight](const Values& v) { return v[0] + weight * (v[1] - v[0]); }, .note = fmt::format("weight_{}", weight),
                    .in_place = [weight](Tensor& z, const Tensors& x) -> Tensor& { return z.lerp_(x[1], weight); }});
  }
  three(rows, "addcmul", "", [](const Tensors& x) { return addcmul(x[0], x[1], x[2]); }, [](const Values& v) { return v[0] + v[1] * v[2]; },
        [](Tensor& z, const Tensors& x) -> Tensor& { return z.addcmul_(x[1], x[2]); });
  three(rows, "addcmul", "value", [](const Tensors& x) { return addcmul(x[0], x[1], x[2], {.value = -0.7}); },
        [](const Values& v) { return v[0] - 0.7 * v[1] * v[2]; });
  three(rows, "addcdiv", "", [](const Tensors& x) { return addcdiv(x[0], x[1], x[2], {.value = 2}); }, [](const Values& v) { return v[0] + 2 * v[1] / v[2]; },
        [](Tensor& z, const Tensors& x) -> Tensor& { return z.addcdiv_(x[1], x[2], {.value = 2}); }, 0.5, 3);
}

// clang-format on

}  // namespace

void binary_rows(Rows& rows) {
  arithmetic_rows(rows);
  power_rows(rows);
  choice_rows(rows);
  three_rows(rows);
}

}  // namespace reel::testing
