// Trains a network of fully connected layers on images and shows how well it does: the main job.

#include <reel/reel.h>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace reel;

namespace {

struct Options {
  std::string data = "digits";
  std::string root;
  std::vector<int64_t> hidden;  // 0 or none: what fits the data set
  int64_t epochs = 0;
  int64_t batch_size = 0;
  double lr = 0.1;
  std::optional<double> momentum;
  uint64_t seed = 1;
};

struct Task {
  std::shared_ptr<const datasets::Dataset> train;
  std::shared_ptr<const datasets::Dataset> test;
  std::vector<std::string> classes;
};

/// Sums over the samples seen so far.
struct Tally {
  int64_t samples = 0;
  int64_t correct = 0;
  double loss = 0;

  double mean_loss() const { return loss / static_cast<double>(samples); }
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(samples); }
};

// ---- the command line ---------------------------------------------------------------------------

void describe(CLI::App& app, Options& options) {
  const int64_t kMost = std::numeric_limits<int32_t>::max();
  const CLI::Range count(int64_t{1}, kMost);
  app.add_option("--data", options.data, "what to learn: digits, fashion-mnist or mnist")
      ->check(CLI::IsMember({"digits", "fashion-mnist", "mnist"}))
      ->capture_default_str();
  app.add_option(
      "--root", options.root,
      "folder of the data files; digits needs none, and fashion-mnist none if Debian's package\n"
      "dataset-fashion-mnist is installed");
  app.add_option("--hidden", options.hidden, "sizes of the hidden layers: 64 or 256,128")
      ->delimiter(',')
      ->check(count);
  app.add_option("--epochs", options.epochs, "how often to go through the training samples")
      ->check(count);
  app.add_option("--batch-size", options.batch_size, "samples a step")->check(count);
  app.add_option("--lr", options.lr, "learning rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--momentum", options.momentum, "momentum of SGD")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "seed of all random numbers")->capture_default_str();
}

/// The values that fit the data set, where none were given.
void complete(Options& options) {
  const bool digits = options.data == "digits";
  if (options.hidden.empty()) options.hidden = {digits ? 64 : 100};
  if (options.epochs == 0) options.epochs = digits ? 30 : 5;
  if (options.batch_size == 0) options.batch_size = digits ? 32 : 64;
  if (!options.momentum) options.momentum = digits ? 0.9 : 0.0;
}

// ---- data and model -----------------------------------------------------------------------------

Task load(const Options& options) {
  using namespace datasets;
  if (options.data == "digits") {
    const Digits digits({.scale = Scale::ZScore, .root = options.root});
    const auto [train, test] = random_split(digits, {0.8, 0.2});
    return {share(train), share(test), digits.classes()};
  }
  if (options.data == "mnist") {
    check(!options.root.empty(), "mnist: --root is required, the folder of its four files");
    const MNIST train(options.root, {.scale = Scale::ZScore});
    const MNIST test(options.root, {.train = false, .scale = Scale::ZScore});
    return {share(train), share(test), train.classes()};
  }
  FashionMNISTOptions files{.scale = Scale::ZScore};
  if (!options.root.empty()) files.root = options.root;
  const FashionMNIST train(files);
  files.train = false;
  return {share(train), share(FashionMNIST(files)), train.classes()};
}

nn::Sequential build(const Task& task, const std::vector<int64_t>& hidden) {
  nn::Sequential model;
  model->push_back(nn::Flatten());
  int64_t features = task.train->get(0).data.numel();
  for (const int64_t size : hidden) {
    model->push_back(nn::Linear(features, size));
    model->push_back(nn::ReLU());
    features = size;
  }
  model->push_back(nn::Linear(features, static_cast<int64_t>(task.classes.size())));
  return model;
}

// ---- progress -----------------------------------------------------------------------------------

/// A bar that moves where the output is a terminal, one line an epoch where it is not.
class Progress {
 public:
  Progress(int64_t epochs, int64_t samples) : epochs_(epochs), samples_(samples) {}

  void show(int64_t epoch, const Tally& tally) {
    const bool finished = tally.samples >= samples_;
    const Clock::time_point now = Clock::now();
    if (!finished && (!terminal_ || now - shown_ < std::chrono::milliseconds(50))) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const int64_t done = epoch * samples_ + tally.samples;
    const double rate = static_cast<double>(done) / seconds;
    if (terminal_) fmt::print("\r[{}] ", bar(tally.samples));
    fmt::print(
        "epoch {:>{}}/{}  loss {:.4f}  accuracy {:6.2f} %  {:.0f} samples/s  {:.1f} s left{}",
        epoch + 1, std::to_string(epochs_).size(), epochs_, tally.mean_loss(),
        100 * tally.accuracy(), rate, static_cast<double>(epochs_ * samples_ - done) / rate,
        terminal_ ? "   " : "");
    if (finished) fmt::print("\n");
    std::fflush(stdout);
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;

  std::string bar(int64_t samples) const {
    constexpr int64_t kWidth = 24;
    const auto filled = static_cast<size_t>(std::min(kWidth, samples * kWidth / samples_));
    return std::string(filled, '=') + std::string(static_cast<size_t>(kWidth) - filled, ' ');
  }

  const bool terminal_ = isatty(STDOUT_FILENO) != 0;
  const int64_t epochs_;
  const int64_t samples_;  // an epoch
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_{};
};

// ---- training and testing -----------------------------------------------------------------------

void count(Tally& tally, double mean_loss, const Tensor& predicted, const Tensor& labels) {
  const std::span<int64_t> guesses = predicted.span<int64_t>(), truths = labels.span<int64_t>();
  for (size_t i = 0; i < truths.size(); ++i) tally.correct += guesses[i] == truths[i];
  tally.samples += labels.numel();
  tally.loss += mean_loss * static_cast<double>(labels.numel());
}

void train(nn::Sequential& model, const Task& task, const Options& options) {
  nn::CrossEntropyLoss cost_fn;
  optim::SGD optimizer(model->parameters(), {.lr = options.lr, .momentum = *options.momentum});
  datasets::DataLoader loader(task.train, {.batch_size = options.batch_size, .shuffle = true});
  Progress progress(options.epochs, task.train->size());
  model->train();
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    Tally tally;
    for (auto& [images, labels] : loader) {
      const Tensor scores = model(images);
      const Tensor cost = cost_fn(scores, labels);
      optimizer.zero_grad();
      cost.backward();
      optimizer.step();
      count(tally, cost.item<double>(), scores.detach().argmax(1), labels);
      progress.show(epoch, tally);
    }
  }
  fmt::print("trained in {:.1f} s\n", progress.seconds());
}

/// How many test samples of each class (rows) were taken for each class (columns).
using Confusion = std::vector<std::vector<int64_t>>;

Confusion test(nn::Sequential& model, const Task& task) {
  const size_t classes = task.classes.size();
  Confusion confusion(classes, std::vector<int64_t>(classes));
  datasets::DataLoader loader(task.test, {.batch_size = 1000});
  NoGradGuard no_grad;
  model->eval();
  for (auto& [images, labels] : loader) {
    const Tensor predicted = model(images).argmax(1);
    const std::span<int64_t> guesses = predicted.span<int64_t>(), truths = labels.span<int64_t>();
    for (size_t i = 0; i < truths.size(); ++i) {
      ++confusion[static_cast<size_t>(truths[i])][static_cast<size_t>(guesses[i])];
    }
  }
  return confusion;
}

void report(const Confusion& confusion, const Task& task) {
  int64_t correct = 0;
  for (size_t i = 0; i < confusion.size(); ++i) correct += confusion[i][i];
  size_t width = 0;
  for (const std::string& name : task.classes) width = std::max(width, name.size());
  const int64_t samples = task.test->size();
  fmt::print("\ntest accuracy {:.2f} % ({} of {})\n",
             100 * static_cast<double>(correct) / static_cast<double>(samples), correct, samples);
  fmt::print("confusion matrix, rows actual, columns predicted:\n{:>{}}", "", width + 4);
  for (size_t column = 0; column < confusion.size(); ++column) fmt::print("{:>6}", column);
  for (size_t row = 0; row < confusion.size(); ++row) {
    fmt::print("\n{:>2}  {:<{}}", row, task.classes[row], width);
    for (const int64_t number : confusion[row]) fmt::print("{:>6}", number);
  }
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kBadArguments = 2;
  Options options;
  CLI::App app("Trains a network of fully connected layers to tell images apart.");
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadArguments;
  }
  complete(options);
  manual_seed(options.seed);
  try {
    const Task task = load(options);
    nn::Sequential model = build(task, options.hidden);
    fmt::print("{}: {} training and {} test samples\n{}\n", options.data, task.train->size(),
               task.test->size(), model);
    train(model, task, options);
    report(test(model, task), task);
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return kBadArguments;
  }
  return 0;
}
