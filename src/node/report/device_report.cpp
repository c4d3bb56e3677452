#include "node/report/device_report.h"

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "base/threads.h"
#include "kube/kinds.h"
#include "model/names.h"

namespace muster::node {

namespace {

template <class T>
bool moved(const std::optional<T>& before, const std::optional<T>& now, double by) {
  if (before.has_value() != now.has_value()) return true;
  return now && std::abs(static_cast<double>(*now) - static_cast<double>(*before)) >= by;
}

}  // namespace

bool differs_noticeably(const std::vector<DeviceUse>& before, const std::vector<DeviceUse>& now,
                        const std::vector<Device>& devices) {
  if (before.size() != now.size()) return true;
  for (std::size_t i = 0; i < now.size(); ++i) {
    double memory_step = 256;
    for (const Device& device : devices) {
      if (device.uuid == now[i].uuid) memory_step = std::max(1.0, static_cast<double>(device.memory_mib) / 100);
    }
    if (before[i].uuid != now[i].uuid || moved(before[i].utilization, now[i].utilization, 5) ||
        moved(before[i].memory_used_mib, now[i].memory_used_mib, memory_step) ||
        moved(before[i].temperature, now[i].temperature, 3) || moved(before[i].power, now[i].power, 10)) {
      return true;
    }
  }
  return false;
}

DeviceReport::DeviceReport(kube::Api& api, Clock& clock, Offer& offer, Duration every)
    : api_(api), clock_(clock), offer_(offer), every_(every), thread_([this](std::stop_token stop) { run(stop); }) {}

DeviceReport::~DeviceReport() {
  thread_.request_stop();
  thread_.join();
}

void DeviceReport::run(std::stop_token stop) {
  name_thread("device-report");
  do {
    look_once();
  } while (!sleep_until(stop, Deadline::in(every_)));
}

void DeviceReport::look_once() {
  const std::vector<Device> devices = offer_.source->look();
  const std::vector<DeviceUse> uses = offer_.source->measure();
  const bool health_changed = devices != offer_.devices;
  if (!health_changed && !differs_noticeably(written_, uses, devices)) return;
  for (std::size_t i = 0; i < devices.size() && health_changed; ++i) {
    if (devices[i].healthy == offer_.devices[i].healthy) continue;
    log::warn("device_health", {{"device", devices[i].uuid}, {"healthy", devices[i].healthy}});
  }
  const json::Object patch{
      {"metadata", json::Object{{"annotations", json::Object{{model::keys::node_devices_annotation,
                                                              devices_annotation(devices, uses)}}}}}};
  const auto patched = api_.patch(kube::kinds::node, {"", offer_.name}, patch);
  if (!patched.has_value()) return log::debug("device_report_failed", {{"error", patched.error().text}});
  written_ = uses;
  if (!health_changed) return;
  offer_.devices = devices;
  const auto told = api_.patch_status(kube::kinds::node, {"", offer_.name},
                                      json::Object{{"status", node_status(offer_, clock_.now())}});
  if (!told.has_value()) log::debug("device_report_failed", {{"error", told.error().text}});
}

}  // namespace muster::node
