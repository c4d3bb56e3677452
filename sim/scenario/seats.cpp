// Seats: which physical devices the pods hold that a scenario file says are placed. A label of `gpuGroups` is one
// device of its node; where it is a number below the node's count it is that index. Everything else takes the lowest
// index that is free.

#include <algorithm>
#include <charconv>
#include <map>

#include "sim/scenario/amounts.h"
#include "sim/scenario/nouns.h"

namespace muster::sim {
namespace {

constexpr std::int32_t whole = 1000;

struct Desk {                  // one device
  std::int32_t held = 0;       // thousandths held by pods that stay
  std::int32_t releasing = 0;  // thousandths held by pods that are going away
  bool labelled = false;
};

struct Room {  // one node
  const model::Node* node = nullptr;
  std::vector<Desk> desks;
  std::map<std::string, std::int32_t> labels;
};

bool is_placed(const model::Pod& pod) {
  return model::holds_resources(pod.state) || pod.state == model::PodState::Pipelined;
}

bool is_leaving(const model::Pod& pod) {
  return pod.state == model::PodState::Releasing || pod.state == model::PodState::StuckInReleasing;
}

std::int32_t share_of(const model::GpuRequest& gpu, const model::Device& device) {
  return gpu.kind == model::GpuRequest::Kind::Memory ? model::portion_of_memory(gpu.memory_mib, device.memory_mib)
                                                     : gpu.milli;
}

std::optional<std::int32_t> index_of(const std::string& label, std::size_t count) {
  std::int32_t index = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), index);
  if (error != std::errc() || end != label.data() + label.size()) return std::nullopt;
  return index >= 0 && static_cast<std::size_t>(index) < count ? std::optional(index) : std::nullopt;
}

class Seating {
 public:
  explicit Seating(const std::vector<model::Node>& nodes) {
    for (const model::Node& node : nodes) rooms_[node.name] = {&node, std::vector<Desk>(node.devices.size()), {}};
  }

  Room* room(const std::string& node) {
    const auto found = rooms_.find(node);
    return found == rooms_.end() ? nullptr : &found->second;
  }

  void take(const model::Pod& pod) {
    Room* room_of = room(pod.node);
    if (room_of == nullptr) return;
    for (const model::DeviceShare& share : pod.devices) {
      Desk& desk = room_of->desks[static_cast<std::size_t>(share.index)];
      (is_leaving(pod) ? desk.releasing : desk.held) += share.milli;
    }
  }

  // Labels that are numbers first, so that another label cannot take their device.
  Result<void> name_devices(const std::vector<Job>& jobs) {
    for (const bool numbers : {true, false}) {
      for (const Job& job : jobs) {
        for (std::size_t i = 0; i < job.pods.size(); ++i) {
          if (!is_placed(job.pods[i])) continue;
          for (const std::string& label : job.gpu_groups[i]) TRY(name_device(job.pods[i], label, numbers));
        }
      }
    }
    return {};
  }

  Result<void> seat(model::Pod& pod, const std::vector<std::string>& groups) {
    const model::GpuRequest& gpu = pod.constraints.gpu;
    if (gpu.kind == model::GpuRequest::Kind::None || gpu.kind == model::GpuRequest::Kind::Mig) return {};
    Room& room_of = rooms_.at(pod.node);
    if (!groups.empty() && groups.size() != static_cast<std::size_t>(gpu.devices)) {
      return invalid("pod " + key_of(pod.ns, pod.name) + ": asks for " + std::to_string(gpu.devices) +
                     " devices, but gpuGroups names " + std::to_string(groups.size()));
    }
    for (std::int32_t n = 0; n < gpu.devices; ++n) {
      const std::optional<std::int32_t> index =
          groups.empty() ? free_desk(room_of, pod)
                         : std::optional(room_of.labels.at(groups[static_cast<std::size_t>(n)]));
      if (!index) {
        return invalid("pod " + key_of(pod.ns, pod.name) + ": node " + pod.node + " has no device left for it");
      }
      const std::size_t at = static_cast<std::size_t>(*index);
      Desk& desk = room_of.desks[at];
      const std::int32_t milli = share_of(gpu, room_of.node->devices[at]);
      if (desk.held + (pod.state == model::PodState::Pipelined ? 0 : desk.releasing) + milli > whole) {
        return invalid("pod " + key_of(pod.ns, pod.name) + ": device " + std::to_string(*index) + " of node " +
                       pod.node + " cannot hold it beside the others");
      }
      (is_leaving(pod) ? desk.releasing : desk.held) += milli;
      pod.devices.push_back({.index = *index, .milli = milli, .memory_mib = gpu.memory_mib});
    }
    return {};
  }

 private:
  Result<void> name_device(const model::Pod& pod, const std::string& label, bool numbers) {
    Room* room_of = room(pod.node);
    if (room_of == nullptr || room_of->labels.contains(label)) return {};
    const std::optional<std::int32_t> index = index_of(label, room_of->desks.size());
    if (index.has_value() != numbers) return {};
    if (index && !room_of->desks[static_cast<std::size_t>(*index)].labelled) {
      room_of->labels[label] = *index;
      room_of->desks[static_cast<std::size_t>(*index)].labelled = true;
      return {};
    }
    for (std::size_t i = 0; i < room_of->desks.size(); ++i) {
      Desk& desk = room_of->desks[i];
      if (desk.labelled || desk.held > 0 || desk.releasing > 0) continue;
      desk.labelled = true;
      room_of->labels[label] = static_cast<std::int32_t>(i);
      return {};
    }
    return invalid("pod " + key_of(pod.ns, pod.name) + ": node " + pod.node + " has no device for GPU group \"" +
                   label + "\"");
  }

  // The lowest device that nothing holds; a nominated pod also takes one that is being released.
  static std::optional<std::int32_t> free_desk(const Room& room_of, const model::Pod& pod) {
    const bool waits = pod.state == model::PodState::Pipelined;
    for (std::size_t i = 0; i < room_of.desks.size(); ++i) {
      const Desk& desk = room_of.desks[i];
      const auto has = [&](const model::DeviceShare& share) { return share.index == static_cast<std::int32_t>(i); };
      if (std::any_of(pod.devices.begin(), pod.devices.end(), has)) continue;
      if (waits ? desk.held == 0 : !desk.labelled && desk.held == 0 && desk.releasing == 0) {
        return static_cast<std::int32_t>(i);
      }
    }
    return std::nullopt;
  }

  std::map<std::string, Room> rooms_;
};

}  // namespace

Result<void> seat_pods(const std::vector<model::Node>& nodes, const std::vector<model::Pod>& seated,
                       std::vector<Job>& jobs) {
  Seating seating(nodes);
  for (const model::Pod& pod : seated) seating.take(pod);
  for (const Job& job : jobs) {
    for (const model::Pod& pod : job.pods) {
      if (is_placed(pod) && seating.room(pod.node) == nullptr) {
        return invalid("pod " + key_of(pod.ns, pod.name) + ": stands on node \"" + pod.node +
                       "\", which is not in nodes");
      }
    }
  }
  TRY(seating.name_devices(jobs));
  // Labelled pods, then those without, then the nominated.
  for (const int turn : {0, 1, 2}) {
    for (Job& job : jobs) {
      for (std::size_t i = 0; i < job.pods.size(); ++i) {
        model::Pod& pod = job.pods[i];
        if (!is_placed(pod)) continue;
        const int turn_of = pod.state == model::PodState::Pipelined ? 2 : job.gpu_groups[i].empty() ? 1 : 0;
        if (turn_of == turn) TRY(seating.seat(pod, job.gpu_groups[i]));
      }
    }
  }
  return {};
}

}  // namespace muster::sim
