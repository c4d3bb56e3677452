#pragma once
// SPEC of --gpus sim: "2xA100-80G", "[name=]COUNTxMODEL[-MEM][:cpu=N][:mem=Q][:label.KEY=VALUE]...", items separated by
// commas (interface 2; labels are ours, for topologies and selectors).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace muster::node {

struct SimulatedNode {
  std::string name;  // "sim-1" unless named
  std::int32_t count = 0;
  std::string model;  // "A100-80G" as it is shown; the memory is part of it where given
  std::int64_t memory_mib = 81920;
  std::int64_t cpu = 64'000;          // milli-cores
  std::int64_t memory = 512LL << 30;  // bytes
  std::map<std::string, std::string> labels;
};

Result<std::vector<SimulatedNode>> parse_gpu_spec(std::string_view spec);

}  // namespace muster::node
