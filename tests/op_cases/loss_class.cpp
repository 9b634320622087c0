// nll_loss and cross_entropy, for every shape and option.
#include "losses.h"

#include <cmath>

namespace reel::testing {

using std::vector;

namespace {

struct Setting {
  std::string note;
  vector<Shape> shapes;     // of the input, and of the class weights if they take part
  vector<int64_t> classes;  // the target, in row-major order
  Shape target;             // its shape
  int64_t ignore_index = -100;
  double smoothing = 0;
};

// One sample's numbers: x[n, :, k] for the target in place m.
Values sample(const Tensor& x, const Shape& target, int64_t m) {
  if (x.dim() == 1) return all_of(x);
  Index index = unflat(target, m);
  index.insert(index.begin() + 1, 0);
  return along(x, 1, index, true);
}

// sum and mean run over what is not ignored; the mean divides by its weights.
Tensor naive(const Tensors& x, const Setting& setting, Reduction reduction, bool normalise) {
  Values losses, weights;
  for (size_t m = 0; m < setting.classes.size(); ++m) {
    const Values v = sample(x[0], setting.target, static_cast<int64_t>(m));
    const double log_sum = normalise ? log_sum_exp(v) : 0;
    const int64_t c = setting.classes[m];
    const bool ignored = c == setting.ignore_index;
    const auto weight = [&](int64_t i) { return x.size() > 1 ? at(x[1], {i}) : 1.0; };
    double spread = 0;
    for (size_t i = 0; i < v.size(); ++i)
      spread += weight(static_cast<int64_t>(i)) * (log_sum - v[i]);
    weights.push_back(ignored ? 0 : weight(c));
    losses.push_back(ignored ? 0
                             : (1 - setting.smoothing) * weight(c) *
                                       (log_sum - v[static_cast<size_t>(c)]) +
                                   setting.smoothing / static_cast<double>(v.size()) * spread);
  }
  if (reduction == Reduction::None)
    return build(setting.target, [&](const Index& i) {
      return losses[static_cast<size_t>(flat(setting.target, i))];
    });
  const double by = reduction == Reduction::Mean ? sum_of(weights) : 1;
  return build({}, [&](const Index&) { return sum_of(losses) / by; });
}

void add(Rows& rows, const Setting& setting) {
  const auto weight = [](const Tensors& x) { return x.size() > 1 ? x[1] : Tensor(); };
  const auto target = [setting] { return from_vector(setting.classes, setting.target); };
  for (const Reduction reduction : kReductions) {
    const std::string note = setting.note + name_of(reduction);
    rows.push_back(
        {.name = "cross_entropy",
         .fn =
             [=](const Tensors& x) {
               return cross_entropy(x[0], target(),
                                    {.weight = weight(x),
                                     .ignore_index = setting.ignore_index,
                                     .reduction = reduction,
                                     .label_smoothing = setting.smoothing});
             },
         .shapes = {setting.shapes},
         .low = 0.1,
         .reference = [=](const Tensors& x) { return naive(x, setting, reduction, true); },
         .note = note});
    if (setting.smoothing > 0) continue;
    rows.push_back(
        {.name = "nll_loss",
         .fn =
             [=](const Tensors& x) {
               return nll_loss(x[0], target(),
                               {.weight = weight(x),
                                .ignore_index = setting.ignore_index,
                                .reduction = reduction});
             },
         .shapes = {setting.shapes},
         .low = 0.1,
         .reference = [=](const Tensors& x) { return naive(x, setting, reduction, false); },
         .note = note});
  }
}

}  // namespace

// clang-format off

void loss_class_rows(Rows& rows) {
  const vector<int64_t> three = {2, 0, 1}, eight = {0, 1, 2, 1, 0, 0, 2, 1};
  add(rows, {.note = "", .shapes = {{3, 4}}, .classes = three, .target = {3}});
  add(rows, {.note = "single", .shapes = {{4}}, .classes = {2}, .target = {}});
  add(rows, {.note = "dims", .shapes = {{2, 3, 2, 2}}, .classes = eight, .target = {2, 2, 2}});
  add(rows, {.note = "ignore", .shapes = {{3, 4}}, .classes = three, .target = {3}, .ignore_index = 0});
  add(rows, {.note = "weight", .shapes = {{3, 4}, {4}}, .classes = three, .target = {3}});
  add(rows, {.note = "weight_ignore", .shapes = {{3, 4}, {4}}, .classes = three, .target = {3}, .ignore_index = 1});
  add(rows, {.note = "weight_single", .shapes = {{4}, {4}}, .classes = {3}, .target = {}});
  add(rows, {.note = "weight_ignore_dims", .shapes = {{2, 3, 2, 2}, {3}}, .classes = eight, .target = {2, 2, 2}, .ignore_index = 2});
  add(rows, {.note = "smooth", .shapes = {{3, 4}}, .classes = three, .target = {3}, .smoothing = 0.3});
  add(rows, {.note = "smooth_single", .shapes = {{4}}, .classes = {1}, .target = {}, .smoothing = 0.3});
  add(rows, {.note = "smooth_all", .shapes = {{2, 3, 2, 2}, {3}}, .classes = eight, .target = {2, 2, 2}, .ignore_index = 2, .smoothing = 0.2});

  // Probabilities as targets, which are differentiable too.
  for (const Reduction reduction : kReductions) {
    for (const double smoothing : {0.0, 0.2}) {
      rows.push_back({.name = "cross_entropy", .fn = [=](const Tensors& x) { return cross_entropy(x[0], x[1], {.weight = x.size() > 2 ? x[2] : Tensor(), .reduction = reduction, .label_smoothing = smoothing}); },
                      .shapes = {{{3, 4}, {3, 4}}, {{4}, {4}}, {{2, 3, 2}, {2, 3, 2}}, {{3, 4}, {3, 4}, {4}}, {{2, 3, 2}, {2, 3, 2}, {3}}}, .low = 0.1,
                      .reference = [=](const Tensors& x) {
                        const int dim = x[0].dim() == 1 ? 0 : 1;
                        Shape shape = x[0].shape();
                        shape.erase(dim);
                        const Tensor losses = build(shape, [&](const Index& i) {
                          const Values v = along(x[0], dim, i, false), p = along(x[1], dim, i, false);
                          double s = 0;
                          for (size_t c = 0; c < v.size(); ++c) {
                            const double wanted = p[c] * (1 - smoothing) + smoothing / static_cast<double>(v.size());
                            s += (x.size() > 2 ? at(x[2], {static_cast<int64_t>(c)}) : 1) * wanted * (log_sum_exp(v) - v[c]);
                          }
                          return s;
                        });
                        return reduced(losses, reduction);
                      }, .note = fmt::format("probabilities{}{}", smoothing, name_of(reduction))});
    }
  }
}

// clang-format on

}  // namespace reel::testing
