#include "cluster/link/upward.h"

#include <algorithm>
#include <stop_token>

#include "base/ids.h"
#include "cluster/round/decode.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

using Type = kube::Change::Type;

constexpr std::size_t kinds_read = 6;
constexpr Duration gap = milliseconds(50);
constexpr Duration slow_gap = milliseconds(500);
constexpr std::size_t most_gone_pods = 4096;
constexpr int most_event_tries = 40;  // flushes that an event waits for the pod that it is about

std::string key_of(const json::Value& object) { return kube::to_text(kube::key_of(object)); }

// Whether a workload in this phase may have pods that wait for a place.
bool may_wait(model::Phase phase) {
  return !model::is_final(phase) && phase != model::Phase::Stopped && phase != model::Phase::Stopping &&
         phase != model::Phase::Deleting;
}

// The same words stand at the pod group, once for all pods.
bool is_told_by_group(const json::Value& event, const std::string& workload) {
  const std::string reason = json::text_or(event, "/reason");
  return !workload.empty() && json::text_or(event, "/involvedObject/kind") == "Pod" &&
         (reason == "Evict" || reason == "Unschedulable");
}

void drop(std::map<std::string, std::set<std::string>>& from, const std::string& name, const std::string& item) {
  const auto found = from.find(name);
  if (found == from.end()) return;
  found->second.erase(item);
  if (found->second.empty()) from.erase(found);
}

}  // namespace

Upward::Upward(Clock& clock, model::LineToControl& control, Feeds& feeds) : clock_(clock), control_(control) {
  subscribe(feeds);
}

void Upward::subscribe(Feeds& feeds) {
  const auto on = [&](const kube::Kind& kind, void (Upward::*read)(const kube::Change&)) {
    feeds.subscribe(kind, [this, read, name = kind.kind](const kube::Change& change) {
      if (change.type == Type::Synced) return synced(name);
      (this->*read)(change);
    });
  };
  on(kube::kinds::training, &Upward::on_training);
  on(kube::kinds::pod, &Upward::on_pod);
  on(kube::kinds::node, &Upward::on_node);
  on(kube::kinds::queue, &Upward::on_queue);
  on(kube::kinds::node_pool, &Upward::on_pool);
  on(kube::kinds::event, &Upward::on_event);
}

void Upward::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Upward::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    some_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Upward::is_ready() const {
  Lock lock(mutex_);
  return synced_.size() == kinds_read;
}

void Upward::synced(const std::string& kind) {
  Lock lock(mutex_);
  synced_.insert(kind);
  wake();
}

void Upward::wake() {
  is_dirty_ = true;
  some_.notify_all();
}

void Upward::on_training(const kube::Change& change) {
  const std::string key = key_of(change.object);
  WorkloadRow row = decode_workload(change.object);
  Lock lock(mutex_);
  const auto known = workloads_.find(key);
  const bool is_other = known != workloads_.end() && known->second.training.uid != row.training.uid;
  if (known != workloads_.end() && (change.type == Type::Remove || is_other)) {
    const Training& old = known->second.training;
    key_by_uid_.erase(old.uid);
    key_by_id_.erase(old.id);
    key_by_gang_.erase(known->second.gang);
    ready_facts_.push_back({.kind = "workload", .key = old.id, .gone = true, .body = nullptr});
    sent_.erase("workload/" + old.id);
    over_quota_.erase(key);
    workloads_.erase(known);
    dirty_workloads_.erase(key);
    slow_workloads_.erase(key);
  }
  if (change.type == Type::Upsert) {
    key_by_uid_[row.training.uid] = key;
    key_by_id_[row.training.id] = key;
    key_by_gang_[row.gang] = key;
    workloads_[key] = std::move(row);
    dirty_workloads_.insert(key);
  }
  wake();
}

void Upward::mark_pod(const LinkedPod& pod) {
  if (const auto key = key_by_uid_.find(pod.workload_uid); key != key_by_uid_.end())
    dirty_workloads_.insert(key->second);
  if (!pod.node.empty()) dirty_nodes_.insert(pod.node);
  if (!pod.queue.empty()) quota_queues_.insert(pod.queue);
}

void Upward::on_pod(const kube::Change& change) {
  LinkedPod row = decode_linked_pod(change.object);
  const std::string key = row.ns + "/" + row.name;
  Lock lock(mutex_);
  if (const auto known = pods_.find(key); known != pods_.end()) {
    mark_pod(known->second);
    drop(by_workload_, known->second.workload_uid, key);
    drop(by_node_, known->second.node, key);
    drop(by_queue_, known->second.queue, key);
    if (change.type == Type::Remove || known->second.uid != row.uid) {
      if (gone_pods_.size() >= most_gone_pods) gone_pods_.erase(gone_pods_.begin());
      const auto workload = key_by_uid_.find(known->second.workload_uid);
      if (workload != key_by_uid_.end()) gone_pods_[known->second.uid] = workloads_[workload->second].training.id;
    }
    pods_.erase(known);
  }
  if (change.type == Type::Upsert) {
    mark_pod(row);
    if (!row.workload_uid.empty()) by_workload_[row.workload_uid].insert(key);
    if (!row.node.empty()) by_node_[row.node].insert(key);
    // Ended pods may be many and hold nothing.
    if (!row.queue.empty() && row.holds_resources()) by_queue_[row.queue].insert(key);
    pods_[key] = std::move(row);
  }
  wake();
}

void Upward::on_node(const kube::Change& change) {
  LinkedNode row = decode_linked_node(change.object);
  const std::string name = row.node.name;
  Lock lock(mutex_);
  if (change.type == Type::Remove) {
    nodes_.erase(name);
    sent_.erase("node/" + name);
    dirty_nodes_.erase(name);
    ready_facts_.push_back({.kind = "node", .key = name, .gone = true, .body = nullptr});
  } else {
    nodes_[name] = std::move(row);
    dirty_nodes_.insert(name);
  }
  wake();
}

void Upward::on_queue(const kube::Change& change) {
  LinkedQueue row = decode_linked_queue(change.object);
  const std::string name = row.queue.name;
  Lock lock(mutex_);
  if (change.type == Type::Remove) {
    queues_.erase(name);
    sent_.erase("queue/" + name);
    dirty_queues_.erase(name);
    ready_facts_.push_back({.kind = "queue", .key = name, .gone = true, .body = nullptr});
  } else {
    queues_[name] = std::move(row);
    dirty_queues_.insert(name);
    quota_queues_.insert(name);
  }
  wake();
}

void Upward::on_pool(const kube::Change& change) {
  sched::Pool pool = decode_pool(change.object);
  Lock lock(mutex_);
  if (change.type == Type::Remove) {
    pools_.erase(pool.name);
  } else {
    pools_[pool.name] = std::move(pool);
  }
  for (const auto& [name, row] : nodes_) dirty_nodes_.insert(name);
  wake();
}

void Upward::on_event(const kube::Change& change) {
  if (change.type == Type::Remove) return;  // the control plane keeps its own record
  Lock lock(mutex_);
  events_.push_back({change.object});
  wake();
}

void Upward::on_round(const RoundNews& news) {
  Lock lock(mutex_);
  for (const auto& [gang, verdict] : news.verdicts) {
    const auto key = key_by_gang_.find(gang);
    const auto known = verdicts_.find(gang);
    const bool is_new_reason = !verdict || known == verdicts_.end() || known->second.reason != verdict->reason;
    if (verdict) {
      verdicts_[gang] = *verdict;
    } else {
      verdicts_.erase(gang);
    }
    if (key != key_by_gang_.end()) (is_new_reason ? dirty_workloads_ : slow_workloads_).insert(key->second);
  }
  for (const auto& [name, use] : news.queues) {
    uses_[name] = use;
    dirty_queues_.insert(name);
    quota_queues_.insert(name);
  }
  std::map<std::string, std::vector<Nominated>> nominated;
  for (const model::Decision& decision : news.decisions) {
    if (decision.kind != model::Decision::Kind::Nominate) continue;
    nominated[decision.node].push_back({decision.ns + "/" + decision.pod, decision.devices});
  }
  for (const auto* side : {&nominated_, &nominated}) {
    for (const auto& [node, list] : *side) dirty_nodes_.insert(node);
  }
  nominated_ = std::move(nominated);
  wake();
}

void Upward::refused(const model::Desired& change, const Error& why) {
  const std::string id = kube::label_of(change.object, model::keys::workload_id_label);
  const std::string now = to_rfc3339(clock_.now());
  Lock lock(mutex_);
  if (!id.empty() && !change.remove) {
    ready_facts_.push_back({.kind = "workload",
                            .key = id,
                            .body = json::Object{{"id", id},
                                                 {"name", change.name},
                                                 {"namespace", change.ns},
                                                 {"project", kube::label_of(change.object, model::keys::project_label)},
                                                 {"phase", "Failed"},
                                                 {"phaseReason", "Refused"},
                                                 {"phaseMessage", why.text},
                                                 {"phaseUpdatedAt", now},
                                                 {"completedAt", now},
                                                 {"pods", json::Array{}}}});
  }
  const std::string event_id = new_uuid();
  ready_facts_.push_back({.kind = "event",
                          .key = event_id,
                          .body = json::Object{{"id", event_id},
                                               {"workloadId", id.empty() ? json::Value(nullptr) : json::Value(id)},
                                               {"at", now},
                                               {"type", "Warning"},
                                               {"reason", "Refused"},
                                               {"message", why.text},
                                               {"object", json::Object{{"kind", change.kind}, {"name", change.name}}},
                                               {"count", 1}}});
  wake();
}

std::string Upward::gang_of(const std::string& workload_id) const {
  Lock lock(mutex_);
  const auto key = key_by_id_.find(workload_id);
  return key == key_by_id_.end() ? "" : workloads_.at(key->second).gang;
}

Holder Upward::holder_of(const LinkedPod& pod) const {
  Holder holder{.workload_id = "", .workload = pod.name, .project = pod.queue, .pod = pod.name};
  holder.leaving = pod.attempt.is_going;
  const auto key = key_by_uid_.find(pod.workload_uid);
  if (key == key_by_uid_.end()) return holder;
  const Training& training = workloads_.at(key->second).training;
  holder.workload_id = training.id;
  holder.workload = training.name;
  holder.project = training.project;
  holder.over_quota = over_quota_.contains(key->second);
  return holder;
}

// Those of a queue's workloads that do not fit into its quota, counted in the order in which they would be kept: a
// workload that is partly over counts as over.
void Upward::mark_over_quota(const std::string& queue_name) {
  const auto queue = queues_.find(queue_name);
  std::map<std::string, model::Resources> held;
  for (const std::string& key : by_queue_[queue_name]) {
    const LinkedPod& pod = pods_.at(key);
    const auto workload = key_by_uid_.find(pod.workload_uid);
    if (workload == key_by_uid_.end()) continue;
    held[workload->second] += {.gpu = held_milli(pod), .cpu = pod.cpu, .memory = pod.memory};
  }
  // Who holds nothing is not over anything.
  for (const std::string& key : std::set<std::string>(over_quota_)) {
    const auto workload = workloads_.find(key);
    if (held.contains(key) || workload == workloads_.end() || workload->second.queue != queue_name) continue;
    over_quota_.erase(key);
    dirty_workloads_.insert(key);
  }
  std::vector<std::pair<const WorkloadRow*, std::string>> order;
  for (const auto& [key, amount] : held) order.emplace_back(&workloads_.at(key), key);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const WorkloadRow& row) {
      return std::tuple(row.is_preemptible, -row.priority, row.training.created, row.training.name);
    };
    return rank(*a.first) < rank(*b.first);
  });
  const auto exceeds = [](const std::optional<std::int64_t>& quota, std::int64_t sum, std::int64_t own) {
    return quota && own > 0 && sum > *quota;
  };
  model::Resources sum;
  for (const auto& [row, key] : order) {
    sum += held[key];
    const bool is_over = row->is_preemptible && queue != queues_.end() &&
                         (exceeds(queue->second.queue.gpu.quota, sum.gpu, held[key].gpu) ||
                          exceeds(queue->second.queue.cpu.quota, sum.cpu, held[key].cpu) ||
                          exceeds(queue->second.queue.memory.quota, sum.memory, held[key].memory));
    if (is_over == over_quota_.contains(key)) continue;
    if (is_over) {
      over_quota_.insert(key);
    } else {
      over_quota_.erase(key);
    }
    dirty_workloads_.insert(key);
    for (const std::string& pod : by_workload_[row->training.uid]) {
      if (const std::string& node = pods_.at(pod).node; !node.empty()) dirty_nodes_.insert(node);
    }
  }
}

void Upward::put(std::vector<model::Fact>& facts, model::Fact fact) {
  const std::size_t hash = std::hash<std::string>{}(json::write(fact.body));
  std::size_t& sent = sent_[fact.kind + "/" + fact.key];
  if (sent == hash) return;
  sent = hash;
  facts.push_back(std::move(fact));
}

void Upward::collect_workload(const std::string& key, std::vector<model::Fact>& facts) {
  const auto found = workloads_.find(key);
  if (found == workloads_.end()) return;
  const WorkloadRow& row = found->second;
  std::vector<const LinkedPod*> pods;
  if (const auto names = by_workload_.find(row.training.uid); names != by_workload_.end()) {
    for (const std::string& pod : names->second) pods.push_back(&pods_.at(pod));
  }
  std::sort(pods.begin(), pods.end(), [](const LinkedPod* a, const LinkedPod* b) {
    return std::tuple(a->attempt.index, a->attempt.failures_before, a->attempt.created, a->name) <
           std::tuple(b->attempt.index, b->attempt.failures_before, b->attempt.created, b->name);
  });
  const auto verdict = verdicts_.find(row.gang);
  const bool waits = verdict != verdicts_.end() && may_wait(row.training.status.phase);
  put(facts, {.kind = "workload",
              .key = row.training.id,
              .body = workload_fact(row, pods, nodes_, waits ? &verdict->second : nullptr, over_quota_.contains(key))});
}

void Upward::collect_node(const std::string& name, std::vector<model::Fact>& facts) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return;
  std::vector<sched::Pool> pools;
  for (const auto& [pool_name, pool] : pools_) pools.push_back(pool);
  found->second.node.pool = pool_of(found->second.node.labels, pools);
  std::vector<std::pair<const LinkedPod*, Holder>> holding;
  if (const auto pods = by_node_.find(name); pods != by_node_.end()) {
    for (const std::string& pod : pods->second) {
      const LinkedPod& row = pods_.at(pod);
      if (row.holds_resources()) holding.emplace_back(&row, holder_of(row));
    }
  }
  std::map<std::int32_t, Holder> next;
  if (const auto nominated = nominated_.find(name); nominated != nominated_.end()) {
    for (const Nominated& one : nominated->second) {
      const auto pod = pods_.find(one.pod);
      if (pod == pods_.end()) continue;
      for (const model::DeviceShare& share : one.devices) next.emplace(share.index, holder_of(pod->second));
    }
  }
  put(facts, {.kind = "node", .key = name, .body = node_fact(found->second, holding, next)});
}

std::optional<std::string> Upward::workload_of_event(const json::Value& event) const {
  const std::string kind = json::text_or(event, "/involvedObject/kind");
  const std::string key =
      json::text_or(event, "/involvedObject/namespace") + "/" + json::text_or(event, "/involvedObject/name");
  const std::string uid = json::text_or(event, "/involvedObject/uid");
  if (kind == "Training") {
    const auto found = workloads_.find(key);
    return found == workloads_.end() ? std::nullopt : std::optional(found->second.training.id);
  }
  if (kind == "PodGroup") {
    const auto found = key_by_gang_.find(key);
    return found == key_by_gang_.end() ? std::nullopt : std::optional(workloads_.at(found->second).training.id);
  }
  if (kind != "Pod") return "";
  if (const auto gone = gone_pods_.find(uid); gone != gone_pods_.end()) return gone->second;
  const auto pod = pods_.find(key);
  if (pod == pods_.end()) return std::nullopt;
  if (pod->second.workload_uid.empty()) return "";
  const auto workload = key_by_uid_.find(pod->second.workload_uid);
  return workload == key_by_uid_.end() ? std::nullopt : std::optional(workloads_.at(workload->second).training.id);
}

void Upward::collect_events(std::vector<model::Fact>& facts) {
  std::vector<PendingEvent> later;
  for (PendingEvent& event : events_) {
    const std::optional<std::string> workload = workload_of_event(event.object);
    if (!workload && ++event.tries < most_event_tries) {
      later.push_back(std::move(event));
      continue;
    }
    if (is_told_by_group(event.object, workload.value_or(""))) continue;
    facts.push_back(
        {.kind = "event", .key = kube::uid_of(event.object), .body = event_fact(event.object, workload.value_or(""))});
  }
  events_ = std::move(later);
}

std::vector<model::Fact> Upward::collect(bool with_slow) {
  std::vector<model::Fact> facts = std::exchange(ready_facts_, {});
  for (const std::string& queue : std::exchange(quota_queues_, {})) mark_over_quota(queue);
  if (with_slow) dirty_workloads_.merge(slow_workloads_);
  for (const std::string& key : std::exchange(dirty_workloads_, {})) collect_workload(key, facts);
  for (const std::string& name : std::exchange(dirty_queues_, {})) {
    const auto queue = queues_.find(name);
    if (queue == queues_.end()) continue;
    if (const auto use = uses_.find(name); use != uses_.end()) queue->second.use = use->second;
    put(facts, {.kind = "queue", .key = name, .body = queue_fact(queue->second)});
  }
  for (const std::string& name : std::exchange(dirty_nodes_, {})) collect_node(name, facts);
  collect_events(facts);
  return facts;
}

void Upward::run(std::stop_token stop) {
  name_thread("facts");
  std::int64_t last = 0, last_slow = 0;
  while (!stop.stop_requested()) {
    std::vector<model::Fact> facts;
    {
      Lock lock(mutex_);
      while (!stopping_ && (!is_dirty_ || synced_.size() < kinds_read)) {
        if (synced_.size() < kinds_read || (slow_workloads_.empty() && events_.empty())) {
          some_.wait(mutex_);
        } else if (!some_.wait_until(mutex_, Deadline{last_slow + slow_gap.ms})) {
          is_dirty_ = true;
        }
      }
      const Deadline due{last + gap.ms};
      while (!stopping_ && !due.passed()) some_.wait_until(mutex_, due);
      if (stopping_) return;
      const std::int64_t now = system_clock().monotonic_ms();
      const bool with_slow = now - last_slow >= slow_gap.ms;
      if (with_slow) last_slow = now;
      last = now;
      is_dirty_ = false;
      facts = collect(with_slow);
      if (!said_synced_) {
        said_synced_ = true;
        facts.push_back({.kind = "synced", .key = "", .body = json::Object{}});
      }
    }
    if (!facts.empty()) control_.report(std::move(facts));
  }
}

}  // namespace muster::cluster
