#include "sched/state/topology.h"

#include <algorithm>
#include <map>

#include "sched/state/domains.h"

namespace muster::sched {

std::int32_t TopologyRow::level_of(const std::string& label) const {
  auto it = std::find(levels.begin(), levels.end(), label);
  return it == levels.end() ? -1 : static_cast<std::int32_t>(it - levels.begin());
}

TopologyRow build_topology(const Topology& topology, const std::vector<NodeRow>& nodes) {
  TopologyRow out;
  out.name = topology.name, out.levels = topology.levels;
  out.domains.emplace_back();
  out.domain_of.assign(out.levels.size(), std::vector<std::int32_t>(nodes.size(), -1));
  std::map<std::pair<std::int32_t, std::string>, std::int32_t> known;  // (parent, name)
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].live) continue;
    out.domains[0].nodes.put(NodeId{i});
    std::int32_t at = 0;
    for (std::size_t level = 0; level < out.levels.size(); ++level) {
      auto label = nodes[i].noun->labels.find(out.levels[level]);
      const std::string* value = label != nodes[i].noun->labels.end() ? &label->second
                                 : out.levels[level] == hostname_key  ? &nodes[i].noun->name
                                                                      : nullptr;
      if (value == nullptr) break;
      auto [it, fresh] = known.emplace(std::pair{at, *value}, static_cast<std::int32_t>(out.domains.size()));
      if (fresh) {
        DomainRow row;
        row.level = static_cast<std::int32_t>(level), row.parent = at, row.name = *value;
        out.domains.push_back(std::move(row));
      }
      at = it->second;
      out.domains[static_cast<std::size_t>(at)].nodes.put(NodeId{i});
      out.domain_of[level][i] = at;
    }
  }
  for (const auto& [where, domain] : known)
    out.domains[static_cast<std::size_t>(where.first)].children.push_back(domain);
  return out;
}

}  // namespace muster::sched
