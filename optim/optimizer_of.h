#pragma once
// The base of every optimiser: groups with options of a type of their own.
//
//   struct SignOptions {
//     static constexpr auto name = "SignDescent";
//     double lr = 0.01;
//   };
//   struct SignDescent : optim::OptimizerOf<SignOptions> {
//     using OptimizerOf::OptimizerOf;
//     void update(Tensor& p, const Tensor& g, optim::State&, const SignOptions& o) override {
//       p.sub_(o.lr * sign(g));
//     }
//   };

#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/optim/optimizer.h>

#include <array>

namespace reel::optim {

template <class O>
struct ParamGroup {
  std::vector<Tensor> parameters;
  O options = {};
};

namespace detail {
// An option of its type as numbers: 0 or 1 for bool, two for a pair.
std::vector<double> numbers_of(double value);
std::vector<double> numbers_of(bool value);
std::vector<double> numbers_of(const std::array<double, 2>& value);
void from_numbers(const Tensor& numbers, double& value);
void from_numbers(const Tensor& numbers, bool& value);
void from_numbers(const Tensor& numbers, std::array<double, 2>& value);
// What Optimizer::number() gives, or null.
inline double* first_number(double& value) { return &value; }
inline double* first_number(bool&) { return nullptr; }
inline double* first_number(std::array<double, 2>& value) { return value.data(); }
// The name under which it is saved.
std::string option_key(size_t group, const char* field);
// The saved option. Throws unless it is there, with so many numbers.
const Tensor& saved_option(const StateDict& from, const std::string& key, size_t count);
void check_option(const char* optimizer, const char* name, double value, bool valid,
                  const char* required);
}  // namespace detail

/// Options are an aggregate with the optimiser's name and a double lr. It may have three functions
/// more: `void check(const char* optimizer) const`, which throws on values that make no sense,
/// `static void check_parameter(const Tensor&)`, which throws on what cannot be optimised, and
/// `static void each(auto& self, auto f)`, which calls f("name", self.field) for every field;
/// without it only lr is saved. The library's own are `extern template`: compiled in their source
/// once, not in every program.
template <class O>
class OptimizerOf : public Optimizer {
 public:
  using Options = O;
  using Group = ParamGroup<O>;

  OptimizerOf(std::vector<Tensor> parameters, const O& options = {}) : Optimizer(O::name) {
    add_param_group(std::move(parameters), options);
  }
  explicit OptimizerOf(std::vector<Group> groups) : Optimizer(O::name) {
    check_groups(groups.size());
    for (Group& group : groups) add_param_group(std::move(group.parameters), group.options);
  }
  /// Throws, and adds nothing, for options that make no sense and for parameters that are no
  /// floating leaves or are here already.
  void add_param_group(std::vector<Tensor> parameters, const O& options) {
    check_options(options);
    check_parameters(parameters);
    if constexpr (requires(const Tensor& parameter) { O::check_parameter(parameter); }) {
      for (const Tensor& parameter : parameters) O::check_parameter(parameter);
    }
    add_parameters(std::move(parameters));
    options_.push_back(options);
  }
  const O& options(size_t group = 0) const { return options_.at(group); }
  O& options(size_t group = 0) { return options_.at(group); }

 protected:
  /// The formula of the optimiser, for one parameter.
  virtual void update(Tensor& parameter, const Tensor& g, State& state, const O& options) = 0;

  void update(Tensor& parameter, const Tensor& g, State& state, size_t group) final {
    update(parameter, g, state, options_[group]);
  }
  double* option(std::string_view name, size_t group) override {
    double* found = nullptr;
    each(options_.at(group), [&](const char* field, auto& value) {
      if (name == field) found = detail::first_number(value);
    });
    return found;
  }
  void save_options(size_t group, StateDict& into) const override {
    each(options_[group], [&](const char* field, const auto& value) {
      const std::vector<double> numbers = detail::numbers_of(value);
      into[detail::option_key(group, field)] =
          from_vector(numbers, {static_cast<int64_t>(numbers.size())});
    });
  }
  void load_options(size_t group, const StateDict& from) override {
    O loaded = options_[group];
    each(loaded, [&](const char* field, auto& value) {
      const size_t count = detail::numbers_of(value).size();
      detail::from_numbers(detail::saved_option(from, detail::option_key(group, field), count),
                           value);
    });
    check_options(loaded);
    options_[group] = loaded;
  }
  std::function<void()> options_now() override {
    return [this, now = options_] { options_ = now; };
  }

 private:
  static void check_options(const O& options) {
    detail::check_option(O::name, "lr", options.lr, options.lr >= 0, "not negative");
    if constexpr (requires { options.check(O::name); }) options.check(O::name);
  }
  template <class Self, class F>
  static void each(Self& options, F f) {
    if constexpr (requires { O::each(options, f); })
      O::each(options, f);
    else
      f("lr", options.lr);
  }

  std::vector<O> options_;  // by group
};

}  // namespace reel::optim
