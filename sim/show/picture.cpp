#include "sim/show/picture.h"

#include <fmt/core.h>

#include <algorithm>

namespace muster::sim {
namespace {

constexpr std::size_t most_lines = 40;

std::string mark_of(const model::Pod& pod) {
  switch (pod.state) {
    case model::PodState::Releasing:
    case model::PodState::StuckInReleasing:
      return "-";
    case model::PodState::Pipelined:
      return ">";
    case model::PodState::Binding:
    case model::PodState::Allocated:
      return "+";
    default:
      return "";
  }
}

// "[train-1-0] [a-0 0.5, b-0 0.5] [ ]"
std::string devices_of(const model::Node& node, const std::vector<const model::Pod*>& pods) {
  std::string line;
  for (std::size_t i = 0; i < node.devices.size(); ++i) {
    std::string inside;
    for (const model::Pod* pod : pods) {
      for (const model::DeviceShare& share : pod->devices) {
        if (share.index != static_cast<std::int32_t>(i)) continue;
        if (!inside.empty()) inside += ", ";
        inside += mark_of(*pod) + pod->name;
        if (share.milli != 1000) inside += fmt::format(" {:g}", share.milli / 1000.0);
      }
    }
    line += " [" + (inside.empty() ? " " : inside) + "]";
  }
  return line;
}

}  // namespace

std::string picture_of(const World& world) {
  std::map<std::string, std::vector<const model::Pod*>> on;
  for (const auto& [key, pod] : world.pods()) {
    if (!pod.node.empty()) on[pod.node].push_back(&pod);
  }
  std::string out;
  std::size_t lines = 0, width = 0;
  for (const auto& [name, node] : world.nodes()) width = std::max(width, name.size());
  for (const auto& [name, node] : world.nodes()) {
    if (++lines > most_lines) break;
    out += fmt::format("    {:<{}}", name, width) + devices_of(node, on[name]);
    std::string others;
    for (const model::Pod* pod : on[name]) {
      if (pod->devices.empty()) others += " " + mark_of(*pod) + pod->name;
    }
    out += (others.empty() ? "" : "  also:" + others) + "\n";
  }
  if (lines > most_lines) out += fmt::format("    ... {} nodes in all\n", world.nodes().size());
  std::size_t waiting = 0;
  for (const auto& [key, gang] : world.gangs()) {
    const std::vector<const model::Pod*> pods = world.pods_of(key);
    const auto waits = std::count_if(pods.begin(), pods.end(), [](const model::Pod* pod) {
      return pod->state == model::PodState::Pending || pod->state == model::PodState::Pipelined;
    });
    if (waits == 0 || ++waiting > most_lines) continue;
    const model::Verdict* verdict = world.engine().verdict(key);
    out += fmt::format("    waits: {} ({} of {} pods){}\n", gang.name, waits, pods.size(),
                       verdict == nullptr ? "" : ": " + verdict->message);
  }
  return out;
}

}  // namespace muster::sim
