#include "node/devices/simulated.h"

namespace muster::node {

namespace {

class SimulatedDevices final : public Devices {
 public:
  explicit SimulatedDevices(const SimulatedNode& node) {
    for (std::int32_t index = 0; index < node.count; ++index) {
      devices_.push_back({.uuid = "SIM-" + node.name + "-" + std::to_string(index),
                          .index = index,
                          .model = node.model,
                          .memory_mib = node.memory_mib,
                          .simulated = true});
    }
  }
  std::vector<Device> look() override { return devices_; }
  std::vector<DeviceUse> measure() override { return {}; }

 private:
  std::vector<Device> devices_;
};

}  // namespace

std::unique_ptr<Devices> simulate(const SimulatedNode& node) { return std::make_unique<SimulatedDevices>(node); }

}  // namespace muster::node
