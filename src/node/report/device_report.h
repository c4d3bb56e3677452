#pragma once
// DeviceReport: measures the real devices of a node now and then and writes the Node when a person would see a
// difference: a device fell ill, or its use moved noticeably. Simulated devices measure nothing and need no report.

#include <thread>
#include <vector>

#include "base/time.h"
#include "kube/api.h"
#include "node/offer.h"

namespace muster::node {

// Whether it is worth a write: 5 points of use, 3 degrees, 10 watts, 1 % of the memory, or a measure came or went.
bool differs_noticeably(const std::vector<DeviceUse>& before, const std::vector<DeviceUse>& now,
                        const std::vector<Device>& devices);

class DeviceReport {
 public:
  // `offer` outlives the report and is used by it alone.
  DeviceReport(kube::Api& api, Clock& clock, Offer& offer, Duration every = seconds(10));
  ~DeviceReport();
  DeviceReport(const DeviceReport&) = delete;

 private:
  void run(std::stop_token stop);
  void look_once();

  kube::Api& api_;
  Clock& clock_;
  Offer& offer_;
  Duration every_;
  std::vector<DeviceUse> written_;
  std::jthread thread_;
};

}  // namespace muster::node
