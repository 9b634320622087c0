// Prints for every public operation which dtypes it takes and to which order it can be
// differentiated, and fails if one has no row in op_cases/.
#include "op_cases/op_cases.h"

#include <fmt/ranges.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace reel::testing {
namespace {

// Makers of tensors have no input to differentiate by, and changes in place are checked in the row
// of the operation that they carry out; random_test and op_cases_test see to them.
const std::set<std::string> kOtherHeaders = {"creation", "inplace", "random"};
// Not operations: a number as a tensor, and the dtype of a result.
const std::set<std::string> kNoOperations = {"scalar_like", "result_type", "promoted",
                                             "as_floating"};

// Names of the functions that a header declares for its users.
std::set<std::string> declared(const std::filesystem::path& header) {
  std::ifstream file(header);
  std::stringstream text;
  text << file.rdbuf();
  const std::regex detail(R"(\nnamespace detail \{[^]*?\n\}  // namespace detail)");
  const std::string source = std::regex_replace(text.str(), detail, "");
  const std::regex declaration(
      R"((?:^|\n)(?:bool|Tensor|ValuesAndIndices|[A-Z][A-Za-z]*|std::[a-z]+<[A-Za-z, :]+>) ([a-z_0-9]*[a-z0-9])\()");
  std::set<std::string> names;
  for (std::sregex_iterator it(source.begin(), source.end(), declaration), end; it != end; ++it)
    names.insert((*it)[1]);
  return names;
}

struct Coverage {
  std::set<std::string> dtypes;
  int order = 0;
};

bool runs(const OpCase& row, const std::vector<Shape>& shapes, Dtype dtype) {
  Tensors inputs;
  for (const Shape& shape : shapes)
    inputs.push_back(full(shape, (row.low + row.high) / 2).to(dtype));
  try {
    row.fn(inputs);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// How often the operation can be differentiated: 2 stands for any order.
int order_of(const OpCase& row, const std::vector<Shape>& shapes) {
  if (!row.differentiable) return 0;
  Tensors inputs;
  for (const Shape& shape : shapes)
    inputs.push_back(full(shape, (row.low + row.high) / 2, {.dtype = kFloat64}).requires_grad_());
  // A rule that is differentiable makes its result depend on the gradient it was given.
  const Tensor y = row.fn(inputs), g = ones_like(y.detach()).requires_grad_();
  const auto first = autograd::grad(
      {y}, inputs, {.grad_outputs = {g}, .create_graph = true, .allow_unused = true});
  return std::any_of(first.begin(), first.end(),
                     [](const Tensor& each) { return each.requires_grad(); })
             ? 2
             : 1;
}

Coverage coverage_of(const std::vector<const OpCase*>& rows) {
  Coverage coverage;
  for (const OpCase* row : rows) {
    for (const Dtype dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
      if (runs(*row, row->shapes[0], dtype)) coverage.dtypes.insert(std::string(name_of(dtype)));
    }
    coverage.order = std::max(coverage.order, order_of(*row, row->shapes[0]));
  }
  return coverage;
}

int report() {
  std::map<std::string, std::vector<const OpCase*>> rows;
  for (const OpCase& row : op_cases()) rows[row.name].push_back(&row);
  std::map<std::string, std::string> missing;
  for (const auto& entry : std::filesystem::directory_iterator(REEL_SOURCE_DIR "/autograd/ops")) {
    const std::string family = entry.path().stem();
    if (entry.path().extension() != ".h" || kOtherHeaders.count(family)) continue;
    for (const std::string& name : declared(entry.path())) {
      if (!rows.count(name) && !kNoOperations.count(name)) missing[name] = family;
    }
  }
  fmt::print("{:<36}{:<5} {:<6} {}\n", "operation", "rows", "order", "dtypes");
  for (const auto& [name, list] : rows) {
    const Coverage coverage = coverage_of(list);
    const char* orders[] = {"none", "first", "every"};
    fmt::print("{:<36}{:<5} {:<6} {}\n", name, list.size(), orders[coverage.order],
               fmt::join(coverage.dtypes, " "));
  }
  for (const auto& [name, family] : missing)
    fmt::print("{} of ops/{}.h has no row\n", name, family);
  fmt::print("{} operations, {} without a row\n", rows.size() + missing.size(), missing.size());
  return missing.empty() ? 0 : 1;
}

}  // namespace
}  // namespace reel::testing

int main() { return reel::testing::report(); }
