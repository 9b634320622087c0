// Where optimisers go on two surfaces: a saddle, entered close to its ridge, and an elongated bowl.
// Prints a table and, with --picture, draws the paths with gnuplot.
#include <CLI/CLI.hpp>

#include <reel/reel.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>

using namespace reel;

namespace {

using Maker = std::function<std::unique_ptr<optim::Optimizer>(std::vector<Tensor>)>;
using Path = std::vector<std::array<double, 2>>;

struct Surface {
  const char* name;
  const char* formula;  // as gnuplot reads it
  std::function<Tensor(const Tensor&)> f;
  std::vector<double> start;
  double lr, momentum_lr;  // plain descent and momentum; the adaptive ones take 0.05
  int steps;
};

template <class Optimizer>
Maker maker(typename Optimizer::Options options) {
  return [options](std::vector<Tensor> parameters) {
    return std::make_unique<Optimizer>(std::move(parameters), options);
  };
}

std::vector<std::pair<const char*, Maker>> optimizers(const Surface& surface) {
  const double lr = surface.lr, slow = surface.momentum_lr;
  return {
      {"gradient descent", maker<optim::SGD>({.lr = lr})},
      {"momentum", maker<optim::SGD>({.lr = slow, .momentum = 0.9})},
      {"Nesterov", maker<optim::SGD>({.lr = slow, .momentum = 0.9, .nesterov = true})},
      {"Adagrad", maker<optim::Adagrad>({.lr = 0.3})},
      {"RMSprop", maker<optim::RMSprop>({.lr = 0.05, .alpha = 0.9})},
      {"Adam", maker<optim::Adam>({.lr = 0.05})},
  };
}

Path walk(const Surface& surface, const Maker& make) {
  Tensor x = tensor(surface.start, {.dtype = kFloat64}).requires_grad_();
  const auto optimizer = make({x});
  Path path{{x.data<double>()[0], x.data<double>()[1]}};
  for (int i = 0; i < surface.steps; ++i) {
    optimizer->zero_grad();
    surface.f(x).backward();
    optimizer->step();
    path.push_back({x.data<double>()[0], x.data<double>()[1]});
  }
  return path;
}

// The first step at which |y| is at least `distance`, or none.
std::string escape(const Path& path, double distance) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (std::fabs(path[i][1]) >= distance) return std::to_string(i);
  }
  return "never";
}

int crossings(const Path& path, size_t axis) {
  int count = 0;
  for (size_t i = 1; i < path.size(); ++i) count += path[i - 1][axis] * path[i][axis] < 0;
  return count;
}

void draw(FILE* gnuplot, const Surface& surface, const std::vector<Path>& paths, double reach) {
  fmt::print(
      gnuplot,
      "set title '{}: {}'\nset xrange [-{}:{}]\nset yrange [-{}:{}]\n"
      "set isosamples 80\nset view map\nset contour base\nunset surface\nset cntrparam levels 20\n"
      "set table $contours\nsplot {}\nunset table\nunset contour\n"
      "plot $contours with lines lc '#cccccc' notitle",
      surface.name, surface.formula, reach, reach, reach, reach, surface.formula);
  const auto list = optimizers(surface);
  for (const auto& [name, _] : list)
    fmt::print(gnuplot, ", '-' with lines linewidth 2 title '{}'", name);
  fmt::print(gnuplot, "\n");
  for (const Path& path : paths) {
    for (const auto& [x, y] : path) fmt::print(gnuplot, "{} {}\n", x, y);
    fmt::print(gnuplot, "e\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Paths of optimisers on a saddle and in an elongated bowl");
  std::string picture;
  app.add_option("--picture", picture, "an SVG file that gnuplot draws");
  CLI11_PARSE(app, argc, argv);

  const std::vector<Surface> surfaces = {
      {"saddle",
       "x*x - y*y",
       [](const Tensor& x) { return x[0] * x[0] - x[1] * x[1]; },
       {1, 1e-4},
       0.01,
       0.01,
       60},
      {"bowl",
       "x*x + 20*y*y",
       [](const Tensor& x) { return x[0] * x[0] + 20 * x[1] * x[1]; },
       {-1.5, 1},
       0.02,
       0.004,
       60},
  };
  FILE* gnuplot = picture.empty() ? nullptr : popen("gnuplot", "w");
  if (gnuplot)
    fmt::print(gnuplot,
               "set terminal svg size 1100,500 background '#ffffff'\nset output '{}'\nset "
               "multiplot layout 1,2\n",
               picture);
  for (const Surface& surface : surfaces) {
    fmt::print("{}: f = {}, from ({}, {}), {} steps\n", surface.name, surface.formula,
               surface.start[0], surface.start[1], surface.steps);
    fmt::print("  {:<18}{:>12}{:>12}{:>14}{:>18}\n", "", "x", "y", "|y| >= 1 at", "y changes sign");
    std::vector<Path> paths;
    for (const auto& [name, make] : optimizers(surface)) {
      paths.push_back(walk(surface, make));
      const Path& path = paths.back();
      fmt::print("  {:<18}{:>12.4f}{:>12.4f}{:>14}{:>18}\n", name, path.back()[0], path.back()[1],
                 escape(path, 1), crossings(path, 1));
    }
    if (gnuplot) draw(gnuplot, surface, paths, 2);
  }
  if (!gnuplot) return 0;
  fmt::print(gnuplot, "unset multiplot\n");
  return pclose(gnuplot);
}
