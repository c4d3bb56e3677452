#include "control/clusters/cluster_view.h"

#include <algorithm>

namespace muster::control {
namespace {

void put(std::deque<ClusterEvent>& events, const ClusterEvent& event, std::size_t most) {
  // A repeated event is nearly always a recent one.
  const auto same = std::find_if(events.rbegin(), events.rend(), [&](const auto& one) { return one.id == event.id; });
  if (same != events.rend()) events.erase(std::next(same).base());
  events.push_back(event);
  if (events.size() > most) events.pop_front();
}

Body find_in(const std::map<std::string, Body>& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

}  // namespace

void ClusterView::take_event(const std::string& id, Body body) {
  const ClusterEvent event{.id = id, .workload_id = json::text_or(*body, "/workloadId"), .body = std::move(body)};
  put(activity_, event, kept_activity);
  if (!event.workload_id.empty()) put(by_workload_[event.workload_id], event, kept_per_workload);
}

Body ClusterView::queue(const std::string& name) const { return find_in(queues_, name); }
Body ClusterView::node(const std::string& name) const { return find_in(nodes_, name); }

Body ClusterView::event(const std::string& id) const {
  const auto found = std::find_if(activity_.rbegin(), activity_.rend(), [&](const auto& one) { return one.id == id; });
  return found == activity_.rend() ? nullptr : found->body;
}

std::vector<Body> ClusterView::events_of(const std::string& workload_id) const {
  std::vector<Body> out;
  const auto found = by_workload_.find(workload_id);
  if (found == by_workload_.end()) return out;
  for (const ClusterEvent& event : found->second) out.push_back(event.body);
  return out;
}

}  // namespace muster::control
