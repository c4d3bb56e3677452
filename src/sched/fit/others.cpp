#include "sched/fit/others.h"

#include <algorithm>

namespace muster::sched::fit {

namespace {

bool ports_free(const World& world, const Shape& shape, NodeId n, When when) {
  const auto& ports = shape.constraints.host_ports;
  auto clashes = [&](PodId p) {
    const auto& taken = world.shape_of(p).constraints.host_ports;
    return std::any_of(ports.begin(), ports.end(),
                       [&](auto port) { return std::find(taken.begin(), taken.end(), port) != taken.end(); });
  };
  for (PodId p = world.node(n).held; !p.is_none(); p = world.pod(p).held_next)
    if ((when == When::Now || world.pod(p).state != model::PodState::Releasing) && clashes(p)) return false;
  for (PodId p = world.node(n).promised; !p.is_none(); p = world.pod(p).promised_next)
    if (clashes(p)) return false;
  return true;
}

bool spread_evenly(const World& world, const Shape& shape, std::size_t i, NodeId n) {
  const Term& term = world.domains[shape.spread[i]];
  std::int32_t here = world.domains.of(term.key, n);
  if (here == no_domain) return false;
  // The emptiest domain among those that such a pod may use.
  std::int32_t least = INT32_MAX;
  std::vector<bool> seen(world.domains.domain_count(term.key));
  world.classes[shape.klass.value].nodes.each([&](NodeId other) {
    std::int32_t d = world.domains.of(term.key, other);
    if (d == no_domain || seen[static_cast<std::size_t>(d)]) return;
    seen[static_cast<std::size_t>(d)] = true;
    least = std::min(least, term.future[static_cast<std::size_t>(d)]);
  });
  return term.future[static_cast<std::size_t>(here)] + 1 - least <= shape.constraints.spread[i].max_skew;
}

// Whether the pod would enter a domain that another pod keeps for itself.
bool repelled(const World& world, const std::vector<TermId>& matches, NodeId n, When when) {
  for (TermId t : matches) {
    const Term& term = world.domains[t];
    std::int32_t d = world.domains.of(term.key, n);
    if (d == no_domain) continue;
    auto i = static_cast<std::size_t>(d);
    if (term.repels_future[i] > 0 || (when == When::Now && term.repels_now[i] > 0)) return true;
  }
  return false;
}

}  // namespace

bool allowed_by_others(const World& world, const Guest& guest, NodeId n, When when) {
  const Shape& shape = guest.shape;
  if (repelled(world, guest.matches, n, when)) return false;
  if (!shape.constraints.host_ports.empty() && !ports_free(world, shape, n, when)) return false;
  for (TermId t : shape.anti_affinity) {
    const Term& term = world.domains[t];
    std::int32_t d = world.domains.of(term.key, n);
    if (d == no_domain) continue;
    auto i = static_cast<std::size_t>(d);
    if (term.future[i] > 0 || (when == When::Now && term.now[i] > 0)) return false;
  }
  for (TermId t : shape.affinity) {
    const Term& term = world.domains[t];
    std::int32_t d = world.domains.of(term.key, n);
    if (d == no_domain) return false;
    // The first of a group that asks to be together may open a domain.
    bool own = std::find(guest.matches.begin(), guest.matches.end(), t) != guest.matches.end();
    if (term.future[static_cast<std::size_t>(d)] == 0 && (term.total_future > 0 || !own)) return false;
  }
  for (std::size_t i = 0; i < shape.spread.size(); ++i)
    if (shape.constraints.spread[i].hard && !spread_evenly(world, shape, i, n)) return false;
  return true;
}

std::int64_t crowding(const World& world, const Shape& shape, NodeId n) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < shape.spread.size(); ++i) {
    const Term& term = world.domains[shape.spread[i]];
    std::int32_t d = world.domains.of(term.key, n);
    if (!shape.constraints.spread[i].hard) sum += d == no_domain ? INT32_MAX : term.future[static_cast<std::size_t>(d)];
  }
  return sum;
}

}  // namespace muster::sched::fit
