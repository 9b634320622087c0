// Tables from the bundled CSV files.
#include <reel/datasets/tabular.h>

#include <reel/datasets/detail/bundled.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace reel::datasets {
namespace {

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What stands before the next `separator`; removes both from `rest`.
std::string_view cut(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view field = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return field;
}

double number(std::string_view field) {
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  check(error == std::errc(), "csv: a number is required, got '{}'", field);
  return value;
}

/// The next line's numbers.
void read_row(std::string_view& rest, std::span<double> row) {
  std::string_view line = cut(rest, '\n');
  for (double& value : row) value = number(cut(line, ','));
}

Batch read_iris() {
  std::string_view rest = text(bundled::iris());
  std::string_view header = cut(rest, '\n');
  const auto rows = static_cast<int64_t>(number(cut(header, ',')));
  const auto columns = static_cast<int64_t>(number(cut(header, ',')));
  const Array features = Array::empty({rows, columns}, kFloat32),
              labels = Array::empty(rows, kInt64);
  std::vector<double> row(static_cast<size_t>(columns) + 1);
  float* feature = features.data<float>();
  for (int64_t i = 0; i < rows; ++i) {
    read_row(rest, row);
    feature = std::transform(row.begin(), row.end() - 1, feature,
                             [](double x) { return static_cast<float>(x); });
    labels.data<int64_t>()[i] = static_cast<int64_t>(row.back());
  }
  return {Tensor(features), Tensor(labels)};
}

Batch read_eckerle4() {
  constexpr int64_t kRows = 35;
  const Array x = Array::empty({kRows, 1}, kFloat64), y = Array::empty({kRows, 1}, kFloat64);
  std::string_view rest = text(bundled::eckerle4());
  cut(rest, '\n');
  std::array<double, 2> row{};
  for (int64_t i = 0; i < kRows; ++i) {
    read_row(rest, row);
    x.data<double>()[i] = row[0];
    y.data<double>()[i] = row[1];
  }
  return {Tensor(x), Tensor(y)};
}

}  // namespace

Iris::Iris() : LabelledDataset(read_iris(), {"setosa", "versicolor", "virginica"}) {}

Eckerle4::Eckerle4() : TensorDataset(read_eckerle4()) {}

}  // namespace reel::datasets
