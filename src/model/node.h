#pragma once
// Node and Device: what can be given.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace muster::model {

struct Device {
  std::string uuid;
  std::int64_t memory_mib = 81920;
  bool healthy = true;
  std::int32_t numa = -1;  // which part of its machine it hangs on; -1: not known
  friend bool operator==(const Device&, const Device&) = default;
};

struct Taint {
  std::string key, value;
  std::string effect;  // NoSchedule | PreferNoSchedule | NoExecute
  friend bool operator==(const Taint&, const Taint&) = default;
};

struct Node {
  std::string name;
  std::string pool = "default";
  std::map<std::string, std::string> labels;
  std::vector<Taint> taints;
  bool unschedulable = false;
  bool ready = true;
  std::int64_t cpu = 0;     // allocatable milli-cores
  std::int64_t memory = 0;  // allocatable bytes
  std::int32_t pods = 110;
  std::vector<Device> devices;  // the position is the device's index
  enum class Mig { Off, Single, Mixed } mig = Mig::Off;
  std::map<std::string, std::int32_t> mig_instances;  // "nvidia.com/mig-1g.10gb" -> instances offered
  std::map<std::string, std::int64_t> extended;       // other resources, in units
  friend bool operator==(const Node&, const Node&) = default;
};

}  // namespace muster::model
