#include "sim/trace/lists.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/text.h"

namespace muster::sim::trace {
namespace {

class Table {
 public:
  static Result<Table> read(std::string_view csv, std::string_view what) {
    Table table;
    std::size_t number = 0;
    for (std::string_view line : split(csv, '\n')) {
      ++number;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.empty()) continue;
      std::vector<std::string_view> cells = split(line, ',');
      if (table.columns_.empty()) {
        for (std::size_t i = 0; i < cells.size(); ++i) table.columns_[cells[i]] = i;
        table.width_ = cells.size();
      } else if (cells.size() != table.width_) {
        return invalid(std::string(what) + " line " + std::to_string(number) + ": has " +
                       count_of(cells.size(), "cell") + ", the header " + std::to_string(table.width_));
      } else {
        table.rows_.push_back(std::move(cells));
        table.numbers_.push_back(number);
      }
    }
    table.what_ = what;
    return table;
  }

  std::size_t size() const { return rows_.size(); }

  Result<std::int32_t> number(std::size_t row, std::string_view column) const {
    const std::string_view cell = TRY(text(row, column));
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size() || value < 0) {
      return invalid(at(row) + ": " + std::string(column) + " \"" + std::string(cell) + "\" is no number");
    }
    return value;
  }

  Result<std::string_view> text(std::size_t row, std::string_view column) const {
    const auto found = columns_.find(column);
    if (found == columns_.end()) return invalid(what_ + ": has no column " + std::string(column));
    return rows_[row][found->second];
  }

  bool has(std::string_view column) const { return columns_.contains(column); }
  std::string at(std::size_t row) const { return what_ + " line " + std::to_string(numbers_[row]); }

 private:
  std::string what_;
  std::map<std::string_view, std::size_t> columns_;
  std::size_t width_ = 0;
  std::vector<std::vector<std::string_view>> rows_;
  std::vector<std::size_t> numbers_;
};

// The bit of a model; 0 when there is no bit left.
std::uint32_t bit_of(std::vector<std::string>& models, std::string_view model) {
  const auto found = std::find(models.begin(), models.end(), model);
  const std::size_t index = static_cast<std::size_t>(found - models.begin());
  if (index >= 31) return 0;
  if (found == models.end()) models.emplace_back(model);
  return 1U << index;
}

Result<void> read_nodes(const Table& table, Lists& out) {
  for (std::size_t row = 0; row < table.size(); ++row) {
    NodeLine node{.name = std::string(TRY(table.text(row, "sn")))};
    node.cpu = TRY(table.number(row, "cpu_milli"));
    node.memory = TRY(table.number(row, "memory_mib"));
    node.gpus = TRY(table.number(row, "gpu"));
    if (node.gpus > most_devices)
      return invalid(table.at(row) + ": more than " + std::to_string(most_devices) + " devices");
    if (node.gpus == 0) continue;
    node.model = bit_of(out.models, TRY(table.text(row, "model")));
    if (node.model == 0) return invalid(table.at(row) + ": more than 31 models");
    out.nodes.push_back(std::move(node));
  }
  return {};
}

Result<void> read_pods(const Table& table, Lists& out) {
  for (std::size_t row = 0; row < table.size(); ++row) {
    PodLine pod{.name = std::string(TRY(table.text(row, "name")))};
    pod.shape.cpu = TRY(table.number(row, "cpu_milli"));
    pod.shape.memory = TRY(table.number(row, "memory_mib"));
    pod.shape.gpus = TRY(table.number(row, "num_gpu"));
    pod.shape.milli = TRY(table.number(row, "gpu_milli"));
    if (pod.shape.gpus > most_devices || pod.shape.milli > 1000 || (pod.shape.gpus > 1 && pod.shape.milli < 1000)) {
      return invalid(table.at(row) + ": asks for " + std::to_string(pod.shape.gpus) + " x " +
                     std::to_string(pod.shape.milli) + " thousandths");
    }
    if (pod.shape.gpus == 0 || pod.shape.milli == 0) pod.shape.gpus = 0, pod.shape.milli = 0;
    pod.shape.models = UINT32_MAX;
    const std::string_view spec = table.has("gpu_spec") ? TRY(table.text(row, "gpu_spec")) : std::string_view();
    if (pod.shape.gpus > 0 && !spec.empty()) {
      pod.shape.models = 0;
      for (const std::string_view model : split(spec, '|')) pod.shape.models |= bit_of(out.models, model);
    }
    out.pods.push_back(std::move(pod));
  }
  return {};
}

}  // namespace

Result<Lists> read_lists(std::string_view nodes_csv, std::string_view pods_csv) {
  Lists out;
  const Table nodes = TRY(Table::read(nodes_csv, "node list"));
  TRY(read_nodes(nodes, out));
  const Table pods = TRY(Table::read(pods_csv, "pod list"));
  TRY(read_pods(pods, out));
  if (out.nodes.empty()) return invalid("node list: has no node with a device");
  if (out.pods.empty()) return invalid("pod list: is empty");
  return out;
}

}  // namespace muster::sim::trace
