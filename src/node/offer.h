#pragma once
// Offer: the nodes that this machine brings into the pool: itself with its real devices, or simulated ones in its
// place. With simulated devices the machine itself is not offered: its cores and memory would count twice.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "node/devices/device.h"

namespace muster::node {

struct Offer {
  std::string name;         // of the Node
  std::int64_t cpu = 0;     // milli-cores
  std::int64_t memory = 0;  // bytes
  std::int32_t pods = 110;
  bool simulated = false;
  std::map<std::string, std::string> labels;  // besides those of every node
  std::unique_ptr<Devices> source;
  std::vector<Device> devices;  // as last seen
};

struct Offers {
  std::vector<Offer> nodes;
  std::string simulated;  // the SPEC that is simulated; "" = real devices or none
};

// `gpus`: auto | none | real | sim:SPEC. `host_name` "" = the machine's own. Invalid for another word or a wrong SPEC;
// Unavailable for `real` without devices.
Result<Offers> offers_of(const std::string& gpus, const std::string& host_name);

// The Node object, without status.
json::Value node_object(const Offer& offer);
json::Value node_status(const Offer& offer, Time now);
// The value of the annotation muster.dev/node-devices; `uses` adds what was measured.
std::string devices_annotation(const std::vector<Device>& devices, const std::vector<DeviceUse>& uses = {});

}  // namespace muster::node
