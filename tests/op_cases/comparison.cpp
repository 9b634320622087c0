// The operations of ops/comparison.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {
namespace {

using std::vector;

const vector<vector<Shape>> kInto = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{}, {}}, {{0, 3}, {3}}};

Tensor integer(const Tensor& x) { return x.detach().to(kInt64); }

// clang-format off

// Of rounded numbers, so that some are equal; in place, where the tensor itself is rounded first.
void truth(Rows& rows, const char* name, Tensor (*fn)(const Tensor&, const Tensor&), bool (*f)(double, double),
           Tensor& (InPlaceMethods::*change)(const Tensor&)) {
  OpCase row{.name = name, .fn = [fn](const Tensors& x) { return fn(round(x[0]), round(x[1])); }, .shapes = kBinary,
             .scalar = [f](const Values& v) { return f(std::nearbyint(v[0]), std::nearbyint(v[1])); }, .differentiable = false};
  rows.push_back(row);
  row.note = "in_place";
  row.shapes = kInto;
  row.in_place = [change](Tensor& z, const Tensors& x) -> Tensor& { return (z.round_().*change)(round(x[1])); };
  rows.push_back(std::move(row));
}

void number(Rows& rows, const char* name, Tensor (*fn)(const Tensor&, Scalar), bool (*f)(double, double)) {
  rows.push_back({.name = name, .fn = [fn](const Tensors& x) { return fn(round(x[0]), 1); }, .shapes = kUnary,
                  .scalar = [f](const Values& v) { return f(std::nearbyint(v[0]), 1); }, .note = "number", .differentiable = false});
}

void bits(Rows& rows, const char* name, Tensor (*fn)(const Tensor&, const Tensor&), int64_t (*f)(int64_t, int64_t), double low, double high) {
  rows.push_back({.name = name, .fn = [fn](const Tensors& x) { return fn(integer(x[0]), integer(x[1])); }, .shapes = kBinary, .low = low, .high = high,
                  .scalar = [f](const Values& v) { return static_cast<double>(f(static_cast<int64_t>(v[0]), static_cast<int64_t>(v[1]))); },
                  .differentiable = false});
}

void of_one(Rows& rows, const char* name, Tensor (*fn)(const Tensor&), double (*f)(double), double low = -2, double high = 2) {
  OpCase row = unary(name, fn, f, low, high);
  row.differentiable = false;
  rows.push_back(std::move(row));
}

void whole_rows(Rows& rows) {
  const vector<vector<Shape>> shapes = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{0}, {0}}};
  const auto add = [&](const char* name, const char* note, auto fn, bool (*f)(const Tensor&, const Tensor&)) {
    rows.push_back({.name = name, .fn = [fn](const Tensors& x) { return full({}, fn(x[0], x[1]), {.dtype = kBool}); }, .shapes = shapes,
                    .reference = [f](const Tensors& x) { return full({}, f(x[0], x[1]), {.dtype = kFloat64}); }, .note = note, .differentiable = false});
  };
  const auto yes = [](const Tensor&, const Tensor&) { return true; };
  const auto if_empty = [](const Tensor& a, const Tensor&) { return a.numel() == 0; };
  add("allclose", "close", [](const Tensor& a, const Tensor& b) { return allclose(a, b, {.atol = 10}); }, yes);
  add("allclose", "apart", [](const Tensor& a, const Tensor& b) { return allclose(a, b); }, if_empty);
  add("equal", "same", [](const Tensor& a, const Tensor&) { return equal(a, a.clone()); }, yes);
  add("equal", "apart", [](const Tensor& a, const Tensor& b) { return equal(a, b); }, if_empty);
}

}  // namespace

void comparison_rows(Rows& rows) {
  truth(rows, "eq", eq, [](double a, double b) { return a == b; }, &Tensor::eq_);
  truth(rows, "ne", ne, [](double a, double b) { return a != b; }, &Tensor::ne_);
  truth(rows, "lt", lt, [](double a, double b) { return a < b; }, &Tensor::lt_);
  truth(rows, "le", le, [](double a, double b) { return a <= b; }, &Tensor::le_);
  truth(rows, "gt", gt, [](double a, double b) { return a > b; }, &Tensor::gt_);
  truth(rows, "ge", ge, [](double a, double b) { return a >= b; }, &Tensor::ge_);
  truth(rows, "logical_and", logical_and, [](double a, double b) { return a != 0 && b != 0; }, &Tensor::logical_and_);
  truth(rows, "logical_or", logical_or, [](double a, double b) { return a != 0 || b != 0; }, &Tensor::logical_or_);
  truth(rows, "logical_xor", logical_xor, [](double a, double b) { return (a != 0) != (b != 0); }, &Tensor::logical_xor_);
  number(rows, "eq", eq, [](double a, double b) { return a == b; });
  number(rows, "ne", ne, [](double a, double b) { return a != b; });
  number(rows, "lt", lt, [](double a, double b) { return a < b; });
  number(rows, "le", le, [](double a, double b) { return a <= b; });
  number(rows, "gt", gt, [](double a, double b) { return a > b; });
  number(rows, "ge", ge, [](double a, double b) { return a >= b; });
  of_one(rows, "logical_not", [](const Tensor& x) { return logical_not(round(x)); }, [](double x) { return std::nearbyint(x) == 0 ? 1.0 : 0.0; });
  // The logarithm of a floor: of -1 NaN, of 0 infinite, of 1 finite.
  of_one(rows, "isnan", [](const Tensor& x) { return isnan(log(floor(x))); }, [](double x) { return x < 0 ? 1.0 : 0.0; });
  of_one(rows, "isinf", [](const Tensor& x) { return isinf(log(floor(x))); }, [](double x) { return x >= 0 && x < 1 ? 1.0 : 0.0; });
  of_one(rows, "isfinite", [](const Tensor& x) { return isfinite(log(floor(x))); }, [](double x) { return x >= 1 ? 1.0 : 0.0; });
  of_one(rows, "signbit", [](const Tensor& x) { return signbit(trunc(x)); }, [](double x) { return std::signbit(x) ? 1.0 : 0.0; });
  of_one(rows, "signbit", [](const Tensor& x) { return signbit(integer(x)); }, [](double x) { return std::trunc(x) < 0 ? 1.0 : 0.0; });
  of_one(rows, "bitwise_not", [](const Tensor& x) { return bitwise_not(integer(x)); }, [](double x) { return -std::trunc(x) - 1; }, -20, 20);
  bits(rows, "bitwise_and", bitwise_and, [](int64_t a, int64_t b) { return a & b; }, -20, 20);
  bits(rows, "bitwise_or", bitwise_or, [](int64_t a, int64_t b) { return a | b; }, -20, 20);
  bits(rows, "bitwise_xor", bitwise_xor, [](int64_t a, int64_t b) { return a ^ b; }, -20, 20);
  bits(rows, "bitwise_left_shift", bitwise_left_shift, [](int64_t a, int64_t b) { return a << b; }, 0, 20);
  bits(rows, "bitwise_right_shift", bitwise_right_shift, [](int64_t a, int64_t b) { return a >> b; }, 0, 20);
  rows.push_back({.name = "isclose", .fn = [](const Tensors& x) { return isclose(x[0], x[1], {.rtol = 0.25, .atol = 0.5}); }, .shapes = kBinary,
                  .scalar = [](const Values& v) { return std::fabs(v[0] - v[1]) <= 0.5 + 0.25 * std::fabs(v[1]); }, .differentiable = false});
  whole_rows(rows);
}

// clang-format on

}  // namespace reel::testing
