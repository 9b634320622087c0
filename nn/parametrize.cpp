#include <reel/autograd/tape.h>
#include <reel/nn/container.h>
#include <reel/nn/detail/recomputed.h>
#include <reel/nn/parametrize.h>

namespace reel::nn::utils::parametrize {

using nn::detail::Recomputed;

namespace {

constexpr const char* kKind = "parametrization";
constexpr const char* kModules = "parametrizations";

// The original and the modules that make the parameter of it, under their numbers.
class ParametrizationList : public Module {
 public:
  explicit ParametrizationList(const Tensor& original) {
    register_parameter("original", original, original.requires_grad());
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (const auto& child : named_children()) y = (*child.value)(y);
    return y;
  }
  void append(const ModulePtr& parametrization) {
    register_module(std::to_string(named_children().size()), parametrization);
  }
  Tensor original() { return get_parameter("original"); }
};

ModulePtr child_of(const Module& module, std::string_view name) {
  for (const auto& child : module.named_children()) {
    if (child.name == name) return child.value;
  }
  return nullptr;
}

std::shared_ptr<ParametrizationList> list_of(const Module& module, const std::string& name) {
  const ModulePtr lists = child_of(module, kModules);
  return lists ? std::dynamic_pointer_cast<ParametrizationList>(child_of(*lists, name)) : nullptr;
}

Tensor inverse_of(Module& parametrization, const Tensor& value) {
  auto* invertible = dynamic_cast<Parametrization*>(&parametrization);
  return invertible ? invertible->right_inverse(value) : value;
}

void check_same(const char* what, const Module& by, const Tensor& got, const Tensor& wanted) {
  check(got.defined() && got.shape() == wanted.shape() && got.dtype() == wanted.dtype(),
        "register_parametrization: {} of {} must have shape {} and dtype {}, got {} and {}", what,
        by.name(), wanted.shape(), wanted.dtype(), got.defined() ? got.shape() : Shape(),
        got.defined() ? got.dtype() : kFloat32);
}

}  // namespace

void register_parametrization(Module& module, const std::string& name,
                              const ModulePtr& parametrization) {
  check(parametrization != nullptr, "register_parametrization: the parametrization is null");
  std::shared_ptr<ParametrizationList> list = list_of(module, name);
  const Tensor shown = list ? Recomputed::refresh(kKind, module, name)
                            : Recomputed::find_parameter("register_parametrization", module, name);
  Tensor original;
  {
    NoGradGuard no_grad;
    original = inverse_of(*parametrization, shown.detach()).clone();
    check_same("right_inverse()", *parametrization, original, shown);
    check_same("forward()", *parametrization, (*parametrization)(original), shown);
    // Backwards through the former ones.
    if (list) {
      const auto former = list->children();
      for (size_t i = former.size(); i-- > 0;) original = inverse_of(*former[i], original);
      check_same("right_inverse()", *list, original, shown);
      list->original().copy_(original);
    }
  }
  // A clone of the module gets clones of the parametrizations, which take over the numbers.
  const auto repeat = [name, parametrization](Module& copy) {
    register_parametrization(copy, name, parametrization->clone());
  };
  if (list) {
    list->append(parametrization);
    Recomputed::refresh(kKind, module, name);
    module.repeat_on_clone(repeat);
    return;
  }
  list = std::make_shared<ParametrizationList>(original.requires_grad_(shown.requires_grad()));
  list->append(parametrization);
  list->train(module.is_training());
  ModulePtr lists = child_of(module, kModules);
  if (!lists) lists = module.register_module(kModules, ModulePtr(ModuleDict()));
  lists->register_module(name, ModulePtr(list));
  Recomputed::start(kKind, module, name, {},
                    [list](bool) { return list->forward(list->original()); });
  module.repeat_on_clone(repeat);
}

void remove_parametrizations(Module& module, const std::string& name,
                             const RemoveOptions& options) {
  const std::shared_ptr<ParametrizationList> list = list_of(module, name);
  check(list != nullptr, "remove_parametrizations: \"{}\" of {} is not parametrised", name,
        module.name());
  NoGradGuard no_grad;
  const Tensor original = list->original();
  const bool requires_grad = original.requires_grad();
  Recomputed::stop(kKind, module, name,
                   options.leave_parametrized ? list->forward(original) : original);
  module.get_parameter(name).requires_grad_(requires_grad);
  Module& lists = module.get_submodule(kModules);
  lists.unregister(name);
  if (lists.named_children().empty()) module.unregister(kModules);
  module.repeat_on_clone(
      [name, options](Module& copy) { remove_parametrizations(copy, name, options); });
}

bool is_parametrized(Module& module, std::string_view name) {
  return name.empty() ? child_of(module, kModules) != nullptr
                      : list_of(module, std::string(name)) != nullptr;
}

Cached::Cached() { nn::detail::RecomputedCache::enter(); }
Cached::~Cached() { nn::detail::RecomputedCache::leave(); }

}  // namespace reel::nn::utils::parametrize
