#pragma once
// Worlds for tests, written down as they are: add(engine, node("n1", 8), queue("a", 2), job("j", "a").pods(2, 1)).

#include <string>
#include <vector>

#include "sched/engine.h"

namespace muster::sched::test {

// Seconds after a moment that is long after 1970, so that ages are positive.
inline Time at(std::int64_t s) { return Time{1'700'000'000'000 + s * 1000}; }

inline model::Node node(const std::string& name, int gpus, std::int64_t mib = 81920) {
  model::Node n;
  n.name = name, n.cpu = 64'000, n.memory = 512LL << 30;
  for (int i = 0; i < gpus; ++i) n.devices.push_back({name + "-" + std::to_string(i), mib, true});
  return n;
}

inline model::Queue queue(const std::string& name, std::int64_t quota, const std::string& parent = "",
                          std::int64_t weight = 1) {
  model::Queue q;
  q.name = name, q.parent = parent;
  q.gpu.quota = quota * 1000, q.gpu.weight_milli = weight * 1000;
  q.created = at(-3600);
  return q;
}

struct Job {
  model::Gang gang;
  std::vector<model::Pod> members;

  model::Pod& add_pod() {
    model::Pod p;
    p.gang = gang.name, p.name = gang.name + "-" + std::to_string(members.size());
    p.created = gang.created;
    p.constraints.cpu = 1000, p.constraints.memory = 1LL << 30;
    return members.emplace_back(p);
  }
  Job& pods(int count, int gpus, const std::string& sub_group = "") {
    for (int i = 0; i < count; ++i) {
      model::Pod& p = add_pod();
      p.sub_group = sub_group;
      if (gpus > 0) p.constraints.gpu = {model::GpuRequest::Kind::Whole, gpus, 1000};
    }
    return *this;
  }
  Job& share(int milli, int devices = 1) {
    add_pod().constraints.gpu = {model::GpuRequest::Kind::Portion, devices, milli};
    return *this;
  }
  Job& memory(std::int64_t mib, int devices = 1) {
    model::GpuRequest r;
    r.kind = model::GpuRequest::Kind::Memory, r.devices = devices, r.memory_mib = mib;
    add_pod().constraints.gpu = r;
    return *this;
  }
  Job& priority(int value) { return gang.priority = value, *this; }
  Job& min(int value) { return gang.min_member = value, *this; }
  Job& created(Time t) { return gang.created = t, *this; }
  Job& started(Time t) { return gang.last_start = t, *this; }
  Job& on(const std::string& node_name, model::PodState state = model::PodState::Running) {
    for (auto& p : members)
      if (p.node.empty()) p.node = node_name, p.state = state;
    return *this;
  }
};

inline Job job(const std::string& name, const std::string& queue_name) {
  Job j;
  j.gang.name = name, j.gang.queue = queue_name, j.gang.created = at(-60);
  return j;
}

inline void put(Engine& e, const model::Node& n) { ignore(e.apply(UpsertNode{n}), "written by a test"); }
inline void put(Engine& e, const model::Queue& q) { ignore(e.apply(UpsertQueue{q}), "written by a test"); }
inline void put(Engine& e, const Job& j) {
  ignore(e.apply(UpsertGang{j.gang}), "written by a test");
  for (const auto& p : j.members) ignore(e.apply(UpsertPod{p}), "written by a test");
}
template <class... Nouns>
void add(Engine& e, const Nouns&... nouns) {
  (put(e, nouns), ...);
}

// Carries the decisions out as the running system does: bound pods run; evicted ones vanish and come back waiting under
// a new name.
inline void follow(Engine& e, const Round& round) {
  static int serial = 0;
  for (const auto& d : round.decisions) {
    auto p = e.pod(d.ns, d.pod);
    if (!p) continue;
    if (d.kind == model::Decision::Kind::Bind) {
      p->state = model::PodState::Running;
      ignore(e.apply(UpsertPod{*p}), "it exists");
    } else if (d.kind == model::Decision::Kind::Evict) {
      ignore(e.apply(RemovePod{d.ns, d.pod}), "it exists");
      p->name = p->gang + "-again-" + std::to_string(serial++);
      p->state = model::PodState::Pending, p->node.clear(), p->devices.clear();
      ignore(e.apply(UpsertPod{*p}), "it is new");
    }
  }
}

}  // namespace muster::sched::test
