#pragma once
// Granted: the devices that a pod was given, as the binder writes them into the annotation muster.dev/devices and
// everybody else reads them back: [{"uuid":"SIM-sim-1-0","index":0,"milli":500,"memory":42949672960}], memory in bytes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/node.h"
#include "model/pod.h"

namespace muster::cluster {

struct Granted {
  std::string uuid;
  std::int32_t index = 0;
  std::int32_t milli = 1000;
  std::int64_t memory_mib = 0;  // of the device; 0 = in proportion to milli
  friend bool operator==(const Granted&, const Granted&) = default;
};

// What the shares mean on a node with these devices. A share without memory gets its portion of the device's.
std::vector<Granted> grant(const std::vector<model::DeviceShare>& shares, const std::vector<model::Device>& devices);
// The devices found by uuid, else by index; those that the node does not have are left out.
std::vector<model::DeviceShare> shares_of(const std::vector<Granted>& granted,
                                          const std::vector<model::Device>& devices);
std::string write_granted(const std::vector<Granted>& granted);
// "" gives an empty list.
Result<std::vector<Granted>> read_granted(std::string_view text);
// "sim-1/0:0.50,sim-1/1:0.50"
std::string gpus_text(const std::string& node, const std::vector<Granted>& granted);

}  // namespace muster::cluster
