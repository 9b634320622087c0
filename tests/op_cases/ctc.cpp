// ctc_loss against the sum over all ways to place the labels, written out.
#include "losses.h"

#include <cmath>

namespace reel::testing {

using std::vector;

namespace {

using Labels = vector<int64_t>;

// What a path over the frames shows: without repetitions, then without blanks.
Labels collapsed(const Labels& path, int64_t blank) {
  Labels labels;
  for (size_t t = 0; t < path.size(); ++t) {
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
  }
  return labels;
}

double naive(const Tensor& x, int64_t sample, int64_t frames, const Labels& target, int64_t blank) {
  const int64_t classes = x.size(-1);
  int64_t paths = 1;
  for (int64_t t = 0; t < frames; ++t) paths *= classes;
  double sum = 0;
  for (int64_t n = 0; n < paths; ++n) {
    Labels path;
    double log_probability = 0;
    for (int64_t t = 0, rest = n; t < frames; ++t, rest /= classes) {
      path.push_back(rest % classes);
      log_probability += x.dim() == 2 ? at(x, {t, path.back()}) : at(x, {t, sample, path.back()});
    }
    if (collapsed(path, blank) == target) sum += std::exp(log_probability);
  }
  return -std::log(sum);
}

struct Setting {
  std::string note;
  Shape shape;  // of the log probabilities
  Tensor (*targets)();
  vector<Labels> labels;  // the same, by sample
  vector<int64_t> frames;
  int64_t blank = 0;
};

void add(Rows& rows, const Setting& setting) {
  vector<int64_t> lengths;
  for (const Labels& each : setting.labels) lengths.push_back(static_cast<int64_t>(each.size()));
  const Shape shape = setting.shape.rank() == 2 ? Shape() : Shape(setting.shape[1]);
  for (const Reduction reduction : kReductions) {
    const auto reference = [=](const Tensors& x) {
      const bool mean = reduction == Reduction::Mean;
      const Tensor losses = build(shape, [&](const Index& i) {
        const size_t n = i.empty() ? 0 : static_cast<size_t>(i[0]);
        const double loss = naive(x[0], static_cast<int64_t>(n), setting.frames[n],
                                  setting.labels[n], setting.blank);
        return mean ? loss / static_cast<double>(std::max<int64_t>(1, lengths[n])) : loss;
      });
      return reduced(losses, reduction);
    };
    rows.push_back({.name = "ctc_loss",
                    .fn =
                        [=](const Tensors& x) {
                          return ctc_loss(x[0], setting.targets(),
                                          from_vector(setting.frames, shape),
                                          from_vector(lengths, shape),
                                          {.blank = setting.blank, .reduction = reduction});
                        },
                    .shapes = {{setting.shape}},
                    .low = -3,
                    .high = -0.2,
                    .reference = reference,
                    .note = setting.note + name_of(reduction)});
  }
}

}  // namespace

// clang-format off

void ctc_rows(Rows& rows) {
  add(rows, {.note = "padded", .shape = {4, 2, 3}, .targets = [] { return integers({1, 2, 2, 0}, {2, 2}); }, .labels = {{1, 2}, {2}}, .frames = {4, 3}});
  add(rows, {.note = "concatenated", .shape = {4, 3, 3}, .targets = [] { return integers({2, 1, 2, 1, 1}, {5}); }, .labels = {{2, 1, 2}, {}, {1, 1}}, .frames = {4, 2, 3}});
  add(rows, {.note = "blank_last", .shape = {5, 2, 3}, .targets = [] { return integers({1, 1, 0, 1, 0, 0}, {2, 3}); }, .labels = {{1, 1, 0}, {1, 0, 0}}, .frames = {5, 4}, .blank = 2});
  add(rows, {.note = "unbatched", .shape = {4, 3}, .targets = [] { return integers({2, 1}, {2}); }, .labels = {{2, 1}}, .frames = {4}});
  add(rows, {.note = "nothing_said", .shape = {3, 1, 2}, .targets = [] { return integers({}, {1, 0}); }, .labels = {{}}, .frames = {3}});
  add(rows, {.note = "tight", .shape = {3, 1, 3}, .targets = [] { return integers({1, 1}, {1, 2}); }, .labels = {{1, 1}}, .frames = {3}});
}

// clang-format on

}  // namespace reel::testing
