#pragma once
// Filling arrays with random numbers, in the order and with the draws of PyTorch's CPU kernels.

#include <reel/autograd/array.h>
#include <reel/autograd/generator.h>

namespace reel::kernels {

/// Each fills `out`, which may be strided but must not show one element twice. Arrays that are not
/// row-major are filled in the order of their memory.

/// Uniform in [from, to); floating dtypes.
void uniform(const Array& out, double from, double to, Generator& generator);
/// Normal; floating dtypes. From 16 elements in a row on, whole blocks of 16 are drawn.
void normal(const Array& out, double mean, double std, Generator& generator);
/// exp of normal numbers drawn one by one; floating dtypes.
void log_normal(const Array& out, double mean, double std, Generator& generator);
/// Exponential with rate `lambda`; floating dtypes.
void exponential(const Array& out, double lambda, Generator& generator);
/// Cauchy; floating dtypes.
void cauchy(const Array& out, double median, double sigma, Generator& generator);
/// Trials of probability `p` up to the first success, 0 < p < 1; any dtype but bool.
void geometric(const Array& out, double p, Generator& generator);
/// Poisson with a mean for each element: `rates` is floating, and both are row-major of one shape.
void poisson(const Array& out, const Array& rates, Generator& generator);
/// 1 with probability `p`, else 0.
void bernoulli(const Array& out, double p, Generator& generator);
/// The same with a probability for each element: `p` is floating and both are row-major of one
/// shape.
void bernoulli(const Array& out, const Array& p, Generator& generator);
/// Integers in [low, high), low < high; both must be exact in the dtype.
void random(const Array& out, int64_t low, int64_t high, Generator& generator);
/// Integers from 0 to the largest that the dtype holds exactly, with all before it.
void random(const Array& out, Generator& generator);
/// Draws `count` places from each row of `weights`, with replacement: [rows, count], int64.
/// `weights` are row-major [rows, places], not negative, and no row sums to 0.
Array multinomial(const Array& weights, int64_t count, Generator& generator);
/// The numbers 0 to n - 1 in random order; `out` is row-major and its dtype holds n - 1.
void permutation(const Array& out, Generator& generator);

}  // namespace reel::kernels
