#pragma once
// Tensors of random numbers, and the samplers that fill a tensor in place. The same seed gives the
// same numbers as PyTorch's CPU generator. Nothing here is recorded as a function of its arguments.

#include <reel/autograd/generator.h>
#include <reel/autograd/tensor.h>

namespace reel {

// ---- new tensors -----------------------------------------------------------------------------------------

/// Uniform in [0, 1).
Tensor rand(const Shape& shape, const TensorOptions& options = {},
            Generator& generator = default_generator());
/// Standard normal.
Tensor randn(const Shape& shape, const TensorOptions& options = {},
             Generator& generator = default_generator());
/// Integers in [low, high), int64 where no dtype is given; low is 0 where absent.
Tensor randint(int64_t low, int64_t high, const Shape& shape, const TensorOptions& options = {},
               Generator& generator = default_generator());
Tensor randint(int64_t high, const Shape& shape, const TensorOptions& options = {},
               Generator& generator = default_generator());
/// 0 to n - 1 in random order, int64 where no dtype is given.
Tensor randperm(int64_t n, const TensorOptions& options = {},
                Generator& generator = default_generator());
/// Of x's shape, and of its dtype where none is given.
Tensor rand_like(const Tensor& x, const TensorOptions& options = {});
Tensor randn_like(const Tensor& x, const TensorOptions& options = {});
Tensor randint_like(const Tensor& x, int64_t low, int64_t high, const TensorOptions& options = {});
Tensor randint_like(const Tensor& x, int64_t high, const TensorOptions& options = {});

/// Normal with a mean and a standard deviation for each element; floating tensors of one dtype,
/// which broadcast.
Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator = default_generator());
Tensor normal(const Tensor& mean, double std = 1, Generator& generator = default_generator());
Tensor normal(double mean, const Tensor& std, Generator& generator = default_generator());
Tensor normal(double mean, double std, const Shape& shape, const TensorOptions& options = {},
              Generator& generator = default_generator());
/// 0 or 1, the latter with the probability that `p` has there; of p's shape and dtype.
Tensor bernoulli(const Tensor& p, Generator& generator = default_generator());
/// 0 or 1, the latter with probability `p`; of x's shape and dtype.
Tensor bernoulli(const Tensor& x, double p, Generator& generator = default_generator());
/// Numbers of events where x, floating, has the mean numbers; of x's shape and dtype.
Tensor poisson(const Tensor& x, Generator& generator = default_generator());
/// Places drawn with the weights that a row of x has there, which need not sum to 1: [num_samples]
/// of a 1-d x, [rows, num_samples] of a 2-d one, int64. Without replacement no place comes twice.
Tensor multinomial(const Tensor& x, int64_t num_samples, bool replacement = false,
                   Generator& generator = default_generator());

// ---- samplers in place: the same rules as for all changes in place ---------------------------------------

/// Uniform in [from, to).
Tensor& uniform_(Tensor& x, double from = 0, double to = 1,
                 Generator& generator = default_generator());
Tensor& normal_(Tensor& x, double mean = 0, double std = 1,
                Generator& generator = default_generator());
/// exp of a normal number with this mean and deviation.
Tensor& log_normal_(Tensor& x, double mean = 1, double std = 2,
                    Generator& generator = default_generator());
/// Density lambda exp(-lambda x).
Tensor& exponential_(Tensor& x, double lambda = 1, Generator& generator = default_generator());
/// Density sigma / (pi ((x - median)^2 + sigma^2)).
Tensor& cauchy_(Tensor& x, double median = 0, double sigma = 1,
                Generator& generator = default_generator());
/// Trials up to the first success of probability `p`, 0 < p < 1; any dtype but bool.
Tensor& geometric_(Tensor& x, double p, Generator& generator = default_generator());
/// 1 with probability `p`, else 0; any dtype. Or with p[i] for x[i]; the two broadcast to x's
/// shape.
Tensor& bernoulli_(Tensor& x, double p = 0.5, Generator& generator = default_generator());
Tensor& bernoulli_(Tensor& x, const Tensor& p, Generator& generator = default_generator());
/// Integers in [low, high), which the dtype must hold exactly; without bounds, all from 0 on that
/// it holds.
Tensor& random_(Tensor& x, int64_t low, int64_t high, Generator& generator = default_generator());
Tensor& random_(Tensor& x, Generator& generator = default_generator());

}  // namespace reel
