#pragma once
// Topology: nodes as a tree of domains, one tree per named topology: racks within zones within the whole. A domain is
// the nodes that agree in the labels of its level and all wider ones. Rebuilt when nodes or the policy change.

#include <string>
#include <vector>

#include "sched/config.h"
#include "sched/state/node_set.h"
#include "sched/state/tables.h"

namespace muster::sched {

struct DomainRow {
  std::int32_t level = -1;             // -1: the whole
  std::int32_t parent = -1;            // index of a domain
  std::string name;                    // value of the level's label
  std::vector<std::int32_t> children;  // by name
  NodeSet nodes;
};

struct TopologyRow {
  std::string name;
  std::vector<std::string> levels;
  std::vector<DomainRow> domains;                    // the whole first
  std::vector<std::vector<std::int32_t>> domain_of;  // by level, by node; -1: none

  // -1: the topology has no such level.
  std::int32_t level_of(const std::string& label) const;
};

TopologyRow build_topology(const Topology& topology, const std::vector<NodeRow>& nodes);

}  // namespace muster::sched
