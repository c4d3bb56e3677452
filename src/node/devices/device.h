#pragma once
// Device: one GPU of a node as people see it, and how busy it is. Two sources behind one interface: the driver's own
// library (nvml.h) and simulation (simulated.h).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace muster::node {

struct Device {
  std::string uuid;
  std::int32_t index = 0;  // on its node, as offered
  std::string model;
  std::int64_t memory_mib = 0;
  bool healthy = true;
  bool simulated = false;
  friend bool operator==(const Device&, const Device&) = default;
};

// A measure that the device does not give is absent.
struct DeviceUse {
  std::string uuid;
  std::optional<std::int32_t> utilization;  // percent of the last second or so
  std::optional<std::int64_t> memory_used_mib;
  std::optional<std::int32_t> temperature;  // degrees Celsius
  std::optional<double> power;              // watts
  friend bool operator==(const DeviceUse&, const DeviceUse&) = default;
};

class Devices {
 public:
  virtual ~Devices() = default;
  // What may be offered; asks anew for health. The order and the indexes stay.
  virtual std::vector<Device> look() = 0;
  virtual std::vector<DeviceUse> measure() = 0;
};

}  // namespace muster::node
