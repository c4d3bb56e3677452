#include "node/offer.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/quantity.h"
#include "base/text.h"
#include "model/names.h"
#include "node/devices/nvml.h"
#include "node/devices/simulated.h"
#include "node/gpu_spec.h"

namespace muster::node {

namespace {

constexpr std::string_view default_simulation = "2xA100-80G";

// A machine's name as an object's name: lower case, anything else becomes '-'.
std::string node_name(std::string name) {
  const auto is_inner = [](char c) { return c == '-' || c == '.'; };
  name = to_lower(name).substr(0, 63);
  for (char& c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_inner(c))) c = '-';
  }
  while (!name.empty() && is_inner(name.back())) name.pop_back();
  while (!name.empty() && is_inner(name.front())) name.erase(0, 1);
  return name.empty() ? "localhost" : name;
}

std::int64_t usable_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (::sched_getaffinity(0, sizeof cpus, &cpus) == 0) return CPU_COUNT(&cpus);
  return std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
}

Offer this_machine(const std::string& host_name) {
  Offer offer;
  utsname names{};
  ::uname(&names);
  offer.name = node_name(host_name.empty() ? names.nodename : host_name);
  offer.cpu = usable_cpus() * 1000;
  offer.memory = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGE_SIZE);
  return offer;
}

Result<Offers> simulated_offers(std::string_view spec) {
  Offers offers;
  offers.simulated = std::string(spec);
  for (const SimulatedNode& node : TRY(parse_gpu_spec(spec))) {
    Offer offer{.name = node.name,
                .cpu = node.cpu,
                .memory = node.memory,
                .simulated = true,
                .labels = node.labels,
                .source = simulate(node)};
    offer.devices = offer.source->look();
    offers.nodes.push_back(std::move(offer));
  }
  return offers;
}

// GPU product and memory as labels, so that a nodeSelector written for NVIDIA's feature discovery keeps working.
void add_device_labels(const std::vector<Device>& devices, json::Object& labels) {
  if (devices.empty()) return;
  std::string product = devices.front().model;
  std::replace(product.begin(), product.end(), ' ', '-');
  labels["nvidia.com/gpu.product"] = product;
  labels["nvidia.com/gpu.memory"] = std::to_string(devices.front().memory_mib);
  labels["nvidia.com/gpu.count"] = std::to_string(devices.size());
}

}  // namespace

Result<Offers> offers_of(const std::string& gpus, const std::string& host_name) {
  if (gpus.starts_with("sim:")) return simulated_offers(std::string_view(gpus).substr(4));
  if (gpus != "auto" && gpus != "none" && gpus != "real") {
    return invalid("--gpus \"" + gpus + "\": expected auto, none, real or sim:SPEC, such as sim:2xA100-80G");
  }
  Offer machine = this_machine(host_name);
  if (gpus != "none") {
    auto real = open_nvml();
    if (!real.has_value()) {
      if (gpus == "real") return real.error().at("--gpus real");
      log::info("no_real_devices", {{"reason", real.error().text}, {"simulating", default_simulation}});
      return simulated_offers(default_simulation);
    }
    machine.source = std::move(*real);
    machine.devices = machine.source->look();
  }
  Offers offers;
  offers.nodes.push_back(std::move(machine));
  return offers;
}

std::string devices_annotation(const std::vector<Device>& devices, const std::vector<DeviceUse>& uses) {
  json::Array list;
  for (const Device& device : devices) {
    json::Object item{{"uuid", device.uuid},       {"index", device.index},
                      {"model", device.model},     {"memoryMib", device.memory_mib},
                      {"healthy", device.healthy}, {"simulated", device.simulated}};
    for (const DeviceUse& use : uses) {
      if (use.uuid != device.uuid) continue;
      if (use.utilization) item["utilization"] = *use.utilization;
      if (use.memory_used_mib) item["memoryUsedMib"] = *use.memory_used_mib;
      if (use.temperature) item["temperature"] = *use.temperature;
      if (use.power) item["power"] = *use.power;
    }
    list.push_back(std::move(item));
  }
  return json::write(list);
}

json::Value node_object(const Offer& offer) {
  json::Object labels{{"kubernetes.io/hostname", offer.name},
                      {"kubernetes.io/os", "linux"},
#if defined(__aarch64__)
                      {"kubernetes.io/arch", "arm64"},
#else
                      {"kubernetes.io/arch", "amd64"},
#endif
                      {std::string(model::keys::runtime_label), "process"}};
  if (offer.simulated) labels[std::string(model::keys::simulated_label)] = "true";
  add_device_labels(offer.devices, labels);
  for (const auto& [key, value] : offer.labels) labels[key] = value;
  json::Object annotations{{std::string(model::keys::node_devices_annotation), devices_annotation(offer.devices)}};
  return json::Object{
      {"apiVersion", "v1"},
      {"kind", "Node"},
      {"metadata", json::Object{{"name", offer.name}, {"labels", labels}, {"annotations", annotations}}},
      {"spec", json::Object{}}};
}

json::Value node_status(const Offer& offer, Time now) {
  const std::string time = to_rfc3339_seconds(now);
  std::int64_t healthy = 0;
  for (const Device& device : offer.devices) healthy += device.healthy ? 1 : 0;
  const auto resources = [&](std::int64_t gpus) {
    return json::Object{{"cpu", milli_to_text(offer.cpu)},
                        {"memory", bytes_to_text(offer.memory)},
                        {"pods", std::to_string(offer.pods)},
                        {"nvidia.com/gpu", std::to_string(gpus)}};
  };
  utsname names{};
  ::uname(&names);
  const json::Object ready{{"type", "Ready"},
                           {"status", "True"},
                           {"reason", "NodeAgentReady"},
                           {"message", "pods run as processes of this machine"},
                           {"lastHeartbeatTime", time},
                           {"lastTransitionTime", time}};
  return json::Object{{"capacity", resources(static_cast<std::int64_t>(offer.devices.size()))},
                      {"allocatable", resources(healthy)},
                      {"conditions", json::Array{ready}},
                      {"addresses", json::Array{json::Object{{"type", "Hostname"}, {"address", offer.name}},
                                                json::Object{{"type", "InternalIP"}, {"address", "127.0.0.1"}}}},
                      {"nodeInfo", json::Object{{"operatingSystem", "linux"},
                                                {"architecture", names.machine},
                                                {"kernelVersion", names.release},
                                                {"kubeletVersion", "muster-" MUSTER_VERSION},
                                                {"containerRuntimeVersion", "process://" MUSTER_VERSION}}}};
}

}  // namespace muster::node
