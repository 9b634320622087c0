// The operations of ops/special.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>
#include <numbers>

namespace reel::testing {
namespace {

// Where erf is x, by halving an interval.
double inverse_of_erf(double x) {
  long double low = -10, high = 10;
  for (int i = 0; i < 200; ++i) {
    const long double middle = (low + high) / 2;
    (std::erf(middle) < static_cast<long double>(x) ? low : high) = middle;
  }
  return static_cast<double>(low);
}

// The recurrence over 2000 steps leaves next to nothing of the remainder.
double digamma_of(double x) {
  long double sum = 0, at = x;
  for (int i = 0; i < 2000; ++i, at += 1) sum -= 1 / at;
  return static_cast<double>(sum + std::log(at) - 1 / (2 * at) - 1 / (12 * at * at));
}

double polygamma_of(int n, double x) {
  long double sum = 0, at = x;
  for (int i = 0; i < 4000; ++i, at += 1) sum += std::pow(at, static_cast<long double>(-n - 1));
  const long double last = std::pow(at, static_cast<long double>(-n - 1));
  sum += last * at / n + last / 2 + last / at * (n + 1) / 12;
  return static_cast<double>((n % 2 == 0 ? -1 : 1) * std::tgamma(static_cast<long double>(n + 1)) *
                             sum);
}

// clang-format off

}  // namespace

void special_rows(Rows& rows) {
  using Change = Tensor& (InPlaceMethods::*)();
  const auto add = [&](const char* name, Tensor (*fn)(const Tensor&), double (*f)(double), Change change, double low, double high, const char* note = "") {
    OpCase row = unary(name, fn, f, low, high);
    row.in_place = [change](Tensor& z, const Tensors&) -> Tensor& { return (z.*change)(); };
    row.note = note;
    rows.push_back(std::move(row));
  };
  add("erf", erf, [](double x) { return std::erf(x); }, &Tensor::erf_, -2, 2);
  add("erfc", erfc, [](double x) { return std::erfc(x); }, &Tensor::erfc_, -2, 2);
  add("erfinv", erfinv, inverse_of_erf, &Tensor::erfinv_, -0.9, 0.9);
  add("lgamma", lgamma, [](double x) { return std::lgamma(x); }, &Tensor::lgamma_, 0.4, 6);
  add("lgamma", lgamma, [](double x) { return std::lgamma(x); }, &Tensor::lgamma_, -2.8, -2.2, "negative");
  add("digamma", digamma, digamma_of, &Tensor::digamma_, 0.4, 12);
  add("digamma", digamma, digamma_of, &Tensor::digamma_, -2.8, -2.2, "negative");
  for (const int n : {0, 1, 2, 3, 5}) {
    for (const bool negative : {false, true}) {
      rows.push_back({.name = "polygamma", .fn = [n](const Tensors& x) { return polygamma(n, x[0]); }, .shapes = kUnary,
                      .low = negative ? -1.7 : 0.8, .high = negative ? -1.3 : 9,
                      .scalar = [n](const Values& v) { return n == 0 ? digamma_of(v[0]) : polygamma_of(n, v[0]); },
                      .note = fmt::format("{}{}", n, negative ? "_negative" : "")});
    }
  }
}

// clang-format on

}  // namespace reel::testing
