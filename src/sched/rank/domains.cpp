#include "sched/rank/domains.h"

#include <algorithm>
#include <functional>

#include "base/wide.h"
#include "sched/fit/fit.h"

namespace muster::sched::rank {

namespace {

// What the pods need and what each domain of a topology has for them.
class Survey {
 public:
  Survey(const World& world, const TopologyRow& topology, const std::vector<PodId>& pods, PoolId pool,
         const NodeSet* within)
      : topology_(topology) {
    struct Kind {
      ShapeId shape;
      std::int64_t wanted = 0;
    };
    std::vector<Kind> kinds;
    bool gpu = false;
    for (PodId p : pods) {
      ShapeId s = world.pod(p).shape;
      gpu = gpu || world.shape(s).wants_gpu();
      auto it = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return k.shape == s; });
      if (it == kinds.end()) it = kinds.insert(kinds.end(), Kind{s, 0});
      ++it->wanted;
    }
    free_.resize(topology.domains.size());
    fits_.assign(topology.domains.size(), true);
    std::vector<std::int64_t> slots(topology.domains.size());
    for (const Kind& kind : kinds) {
      std::fill(slots.begin(), slots.end(), 0);
      const Shape& shape = world.shape(kind.shape);
      NodeSet nodes = world.classes[shape.klass.value].nodes & world.pool(pool).nodes;
      each_in(nodes, within, [&](NodeId n) {
        std::int64_t here = std::min(kind.wanted, fit::slots(world, shape, n, fit::When::Later));
        if (here > 0) up(n, [&](std::size_t d) { slots[d] += here; });
      });
      for (std::size_t d = 0; d < slots.size(); ++d) fits_[d] = fits_[d] && slots[d] >= kind.wanted;
    }
    each_in(world.pool(pool).nodes, within, [&](NodeId n) {
      std::int64_t free = gpu ? world.node(n).free_later * 1000 : world.future(n, dim_cpu);
      up(n, [&](std::size_t d) { free_[d] += free; });
    });
  }

  bool fits(std::int32_t domain) const { return fits_[static_cast<std::size_t>(domain)]; }
  // Fuller first: the larger part of its room the group would take; then by name.
  bool is_fuller(std::int32_t a, std::int32_t b) const {
    std::int64_t x = free_[static_cast<std::size_t>(a)], y = free_[static_cast<std::size_t>(b)];
    if (x != y) return x < y;
    return topology_.domains[static_cast<std::size_t>(a)].name < topology_.domains[static_cast<std::size_t>(b)].name;
  }
  // The domains of a level, each wider one's children together, fuller ones first.
  std::vector<std::int32_t> at_level(std::int32_t level) const {
    std::vector<std::int32_t> out;
    std::function<void(std::int32_t)> walk = [&](std::int32_t d) {
      const DomainRow& row = topology_.domains[static_cast<std::size_t>(d)];
      if (row.level == level) {
        out.push_back(d);
        return;
      }
      std::vector<std::int32_t> children = row.children;
      std::sort(children.begin(), children.end(), [&](auto a, auto b) { return is_fuller(a, b); });
      for (auto child : children) walk(child);
    };
    walk(0);
    return out;
  }

 private:
  template <class F>
  void up(NodeId n, F&& f) {
    f(0);
    for (const auto& level : topology_.domain_of)
      if (level[n.value] >= 0) f(static_cast<std::size_t>(level[n.value]));
  }

  const TopologyRow& topology_;
  std::vector<std::int64_t> free_;
  std::vector<bool> fits_;
};

Area area_of(const World& world, const Constraint& c, const Survey& survey, std::int32_t domain,
             const std::vector<NodeId>& placed) {
  Area area;
  area.nodes = c.topology->domains[static_cast<std::size_t>(domain)].nodes;
  if (c.preferred < 0 || c.topology->domains[static_cast<std::size_t>(domain)].level >= c.preferred) return area;
  // Inside a wider domain: the roomiest sub-domains first, and before all the ones where the group already is.
  std::vector<std::int32_t> order;
  for (std::int32_t d : survey.at_level(c.preferred))
    if (c.topology->domains[static_cast<std::size_t>(d)].nodes.meets(area.nodes)) order.push_back(d);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return survey.is_fuller(a, b); });
  area.preference.assign(world.nodes.size(), 0);
  auto count = static_cast<std::int32_t>(order.size());
  for (std::int32_t i = 0; i < count; ++i)
    c.topology->domains[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])].nodes.each(
        [&](NodeId n) { area.preference[n.value] = i + 1; });
  for (NodeId n : placed) {
    std::int32_t d = c.topology->domain_of[static_cast<std::size_t>(c.preferred)][n.value];
    if (d >= 0)
      c.topology->domains[static_cast<std::size_t>(d)].nodes.each(
          [&](NodeId m) { area.preference[m.value] = count + 1; });
  }
  return area;
}

}  // namespace

Constraint constraint_of(const World& world, const model::TopologyConstraint& wanted) {
  Constraint c;
  for (const auto& t : world.topologies)
    if (t.name == wanted.topology) c.topology = &t;
  if (c.topology != nullptr) {
    if (!wanted.required.empty()) c.required = c.topology->level_of(wanted.required);
    if (!wanted.preferred.empty()) c.preferred = c.topology->level_of(wanted.preferred);
  }
  c.impossible = !wanted.required.empty() && c.required < 0;
  // Preferring what is required anyway, or something wider, says nothing.
  if (c.preferred >= 0 && c.preferred <= c.required) c.preferred = -1;
  return c;
}

std::vector<Area> areas(const World& world, const Constraint& c, const std::vector<PodId>& pods, PoolId pool,
                        const NodeSet* within, const std::vector<NodeId>& placed) {
  std::vector<Area> out;
  if (c.impossible || c.topology == nullptr) return out;
  // Who already runs pins the group to its domain.
  NodeSet pinned;
  const NodeSet* inside = within;
  if (c.required >= 0 && !placed.empty()) {
    std::int32_t home = -1;
    for (NodeId n : placed) {
      std::int32_t d = c.topology->domain_of[static_cast<std::size_t>(c.required)][n.value];
      if (d < 0 || (home >= 0 && d != home)) return out;
      home = d;
    }
    pinned = c.topology->domains[static_cast<std::size_t>(home)].nodes;
    if (within != nullptr) pinned &= *within;
    inside = &pinned;
  }
  Survey survey(world, *c.topology, pods, pool, inside);
  std::int32_t narrow = c.preferred >= 0 ? c.preferred : c.required;
  std::int32_t wide = c.required >= 0 ? c.required : 0;
  for (std::int32_t level = narrow; level >= wide; --level) {
    for (std::int32_t d : survey.at_level(level)) {
      if (!survey.fits(d)) continue;
      Area area = area_of(world, c, survey, d, placed);
      if (inside != nullptr) area.nodes &= *inside;
      out.push_back(std::move(area));
    }
  }
  if (c.required < 0) {
    Area everywhere = area_of(world, c, survey, 0, placed);
    if (inside != nullptr) everywhere.nodes &= *inside;
    out.push_back(std::move(everywhere));
  }
  return out;
}

}  // namespace muster::sched::rank
