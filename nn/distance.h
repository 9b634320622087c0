#pragma once
// Layers of two inputs: the bilinear map, and distances of ops/distance.h.

#include <reel/autograd/ops/distance.h>
#include <reel/nn/loss.h>

namespace reel::nn {

struct BilinearOptions {
  int64_t in1_features = 0;
  int64_t in2_features = 0;
  int64_t out_features = 0;
  bool bias = true;
};

/// x1^T weight[o] x2 + bias[o]: x1 [..., in1] and x2 [..., in2]. weight is [out, in1, in2], bias
/// [out], both uniform in +-1/sqrt(in1), as PyTorch draws them. Throws unless all sizes are at
/// least 1.
class BilinearImpl : public Module {
 public:
  using Options = BilinearOptions;
  explicit BilinearImpl(const BilinearOptions& chosen);
  BilinearImpl(int64_t in1_features, int64_t in2_features, int64_t out_features)
      : BilinearImpl(BilinearOptions{in1_features, in2_features, out_features}) {}

  using Module::forward;
  Tensor forward(const Tensor& x1, const Tensor& x2);
  std::string extra_repr() const override;
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

  const BilinearOptions options;
  Tensor weight, bias;
};
struct CosineSimilarityImpl : FunctionModule<CosineSimilarityOptions, cosine_similarity> {
  using FunctionModule::FunctionModule;
};
struct PairwiseDistanceImpl : FunctionModule<PairwiseDistanceOptions, pairwise_distance> {
  using FunctionModule::FunctionModule;
};
using Bilinear = Handle<BilinearImpl>;
using CosineSimilarity = Handle<CosineSimilarityImpl>;
using PairwiseDistance = Handle<PairwiseDistanceImpl>;

}  // namespace reel::nn
