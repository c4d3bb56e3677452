#pragma once
// Lists: node and pod lists of a real cluster as CSV files (columns by their header: sn, cpu_milli, memory_mib, gpu,
// model; name, cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec). Models are interned; an accepted set of models is
// a mask.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace muster::sim::trace {

inline constexpr std::int32_t most_devices = 8;

// What a pod asks for; pods of one shape are interchangeable.
struct Shape {
  std::int32_t cpu = 0;      // milli-cores
  std::int32_t memory = 0;   // MiB
  std::int32_t gpus = 0;     // different devices of one node
  std::int32_t milli = 0;    // of each; below 1000 only with one device
  std::uint32_t models = 0;  // accepted; bit per model, all ones = any
  std::int64_t demand() const { return static_cast<std::int64_t>(gpus) * milli; }
  friend auto operator<=>(const Shape&, const Shape&) = default;
};

struct NodeLine {
  std::string name;
  std::int32_t cpu = 0, memory = 0, gpus = 0;
  std::uint32_t model = 0;  // its bit
};

struct PodLine {
  std::string name;
  Shape shape;
};

struct Lists {
  std::vector<NodeLine> nodes;  // with at least one device
  std::vector<PodLine> pods;
  std::vector<std::string> models;
};

// Nodes without a device are left out.
Result<Lists> read_lists(std::string_view nodes_csv, std::string_view pods_csv);

}  // namespace muster::sim::trace
