#pragma once
// Distances and similarities of vectors, as in torch.nn.functional (dist: as torch.dist).

#include <reel/autograd/tensor.h>

namespace reel {

struct CosineSimilarityOptions {
  int dim = 1;
  double eps = 1e-8;  ///< a smaller norm counts as this, but keeps its gradient
};
struct PairwiseDistanceOptions {
  double p = 2;  ///< of the norm; 0 counts, +-infinity takes the largest (smallest)
  double eps = 1e-6;
  bool keepdim = false;
};

/// The sum of x1 / |x1| * x2 / |x2| along `dim` of the shape they broadcast to.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2,
                         const CosineSimilarityOptions& options = {});
/// The p-norm of x1 - x2 + eps along the last dim; operands broadcast.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2,
                         const PairwiseDistanceOptions& options = {});
/// The p-norm of all elements of x - other, which broadcast.
Tensor dist(const Tensor& x, const Tensor& other, double p = 2);

}  // namespace reel
