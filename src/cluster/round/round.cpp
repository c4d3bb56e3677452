#include "cluster/round/round.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::cluster {
namespace {

constexpr std::size_t most_steps = 50'000;
constexpr Duration debounce = milliseconds(3);
constexpr std::size_t kinds_read = 7;

bool is_same(const sched::QueueUse& a, const sched::QueueUse& b) {
  return a.fair_share == b.fair_share && a.allocated == b.allocated &&
         a.allocated_non_preemptible == b.allocated_non_preemptible && a.requested == b.requested;
}

}  // namespace

Round::Round(Options options, Feeds& feeds)
    : options_(std::move(options)),
      notices_(*options_.api, *options_.clock, *options_.journal),
      binder_(*options_.api, *options_.clock, *options_.journal,
              [this](const Outcome& outcome) {
                if (!outcome.error) return;  // the watch will show it
                post([this, outcome] {
                  const std::string reason = outcome.error->text;
                  if (outcome.kind == PodTask::Kind::Bind) {
                    mirror_.bind_failed(outcome.ns, outcome.pod, outcome.uid, reason);
                  } else {
                    mirror_.eviction_failed(outcome.ns, outcome.pod, outcome.uid);
                  }
                });
              }),
      decisions_(options_.state_folder) {
  subscribe(feeds);
}

Round::~Round() { stop(); }

void Round::subscribe(Feeds& feeds) {
  using Type = kube::Change::Type;
  feeds.subscribe(kube::kinds::pod, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return post_synced(kube::kinds::pod);
    if (change.type == Type::Remove) {
      return post([this, key = kube::key_of(change.object), uid = kube::uid_of(change.object)] {
        mirror_.remove_pod(key.ns, key.name);
        nominated_.erase(kube::to_text(key));
        problems_.erase(uid);
      });
    }
    post([this, row = decode_pod(change.object, options_.schedulers)] {
      tell_problem(row);
      mirror_.upsert_pod(row);
    });
  });
  feeds.subscribe(kube::kinds::pod_group, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return post_synced(kube::kinds::pod_group);
    if (change.type == Type::Remove) {
      return post([this, key = kube::key_of(change.object)] {
        mirror_.remove_gang(key.ns, key.name);
        notices_.forget(key.ns, key.name);
      });
    }
    post([this, row = decode_gang(change.object)] { mirror_.upsert_gang(row, options_.clock->now()); });
  });
  feeds.subscribe(kube::kinds::node, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return post_synced(kube::kinds::node);
    if (change.type == Type::Remove) {
      return post([this, name = kube::name_of(change.object)] { mirror_.remove_node(name); });
    }
    post([this, row = decode_node(change.object)] { mirror_.upsert_node(row); });
  });
  feeds.subscribe(kube::kinds::queue, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return post_synced(kube::kinds::queue);
    if (change.type == Type::Remove) {
      return post([this, name = kube::name_of(change.object)] { mirror_.remove_queue(name); });
    }
    post([this, queue = decode_queue(change.object)] { mirror_.upsert_queue(queue); });
  });
  feeds.subscribe(kube::kinds::node_pool, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return post_synced(kube::kinds::node_pool);
    if (change.type == Type::Remove) {
      return post([this, name = kube::name_of(change.object)] { mirror_.remove_pool(name); });
    }
    post([this, pool = decode_pool(change.object)] { mirror_.upsert_pool(pool); });
  });
  feeds.subscribe(kube::kinds::topology, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return post_synced(kube::kinds::topology);
    if (change.type == Type::Remove) {
      return post([this, name = kube::name_of(change.object)] { mirror_.remove_topology(name); });
    }
    post([this, topology = decode_topology(change.object)] { mirror_.upsert_topology(topology); });
  });
  feeds.subscribe(kube::kinds::priority_class, [this](const kube::Change& change) {
    if (change.type == Type::Synced) return post_synced(kube::kinds::priority_class);
    std::optional<std::int32_t> value;
    if (change.type == Type::Upsert) {
      value = static_cast<std::int32_t>(json::integer_at(change.object, "/value").value_or(0));
    }
    post([this, name = kube::name_of(change.object), value] { mirror_.set_priority(name, value); });
  });
}

void Round::start() {
  binder_.start();
  notices_.start();
  thread_ = std::jthread([this] { run_thread(); });
}

void Round::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    some_.notify_all();
    room_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  binder_.stop();
  notices_.stop();
}

bool Round::is_ready() const {
  Lock lock(mutex_);
  return ready_;
}

void Round::post(Step step) {
  Lock lock(mutex_);
  while (steps_.size() >= most_steps && !stopping_) room_.wait(mutex_);
  if (stopping_) return;
  steps_.push_back(std::move(step));
  if (steps_.size() == 1) some_.notify_all();
}

void Round::post_synced(const kube::Kind& kind) {
  post([this, name = kind.kind] {
    // Lists that come again after a lost watch count no second time.
    if (!synced_.insert(name).second || synced_.size() != kinds_read) return;
    mirror_.set_config({.consolidation_min_runtime = seconds(60)});
    if (decisions_.is_on()) {
      // Everything is told below, from the mirror.
      mirror_.take();
      begin_log();
      wake_at_ = options_.clock->now();
    }
    log::info("scheduler_ready", {{"pods", mirror_.pods()}});
  });
}

Result<void> Round::ask(std::function<void(const Glance&)> question, Deadline deadline) {
  struct Answer {
    Mutex mutex;
    Condition done;
    bool is_done GUARDED_BY(mutex) = false;
    bool is_given_up GUARDED_BY(mutex) = false;
  };
  auto answer = std::make_shared<Answer>();
  {
    Lock lock(mutex_);
    if (stopping_) return unavailable("the scheduler is stopping");
    questions_.push_back([this, answer, question = std::move(question)] {
      // Held while the question is answered: whoever asked either waits for it or has given up before.
      Lock held(answer->mutex);
      if (answer->is_given_up) return;
      question(Glance{engine_, mirror_, options_.clock->now()});
      answer->is_done = true;
      answer->done.notify_all();
    });
    some_.notify_all();
  }
  Lock lock(answer->mutex);
  while (!answer->is_done) {
    if (!answer->done.wait_until(answer->mutex, deadline) && !answer->is_done) {
      answer->is_given_up = true;
      return unavailable("the scheduler has not answered in time; it may still be reading the cluster");
    }
  }
  return {};
}

bool Round::wait_for_steps(std::vector<Step>& steps, std::vector<Step>& questions) {
  Lock lock(mutex_);
  while (!stopping_ && steps_.empty() && (questions_.empty() || !ready_)) {
    if (!wake_at_) {
      some_.wait(mutex_);
      continue;
    }
    const Duration left = *wake_at_ - options_.clock->now();
    if (left.ms <= 0) break;
    some_.wait_until(mutex_, Deadline::in(left));
  }
  if (!steps_.empty() && !stopping_) {
    // More of the same usually follows within a moment.
    const Deadline until = Deadline::in(debounce);
    while (!stopping_ && !until.passed()) some_.wait_until(mutex_, until);
  }
  if (stopping_) return false;
  steps = std::exchange(steps_, {});
  if (ready_ || synced_.size() == kinds_read) questions = std::exchange(questions_, {});
  room_.notify_all();
  return true;
}

void Round::run_thread() {
  name_thread("engine");
  std::vector<Step> steps, questions;
  while (wait_for_steps(steps, questions)) {
    for (const Step& step : steps) step();
    steps.clear();
    if (synced_.size() == kinds_read) run_engine();
    for (const Step& question : questions) question();
    questions.clear();
  }
}

// A log tells the whole life of an engine, so a new file begins with a new engine that knows the same.
void Round::begin_log() {
  if (!decisions_.is_on()) return;
  decisions_.begin();
  engine_ = sched::Engine();
  recorder_ = std::make_unique<sched::replay::Recorder>(engine_, sched::Config{},
                                                        [this](std::string_view bytes) { decisions_.append(bytes); });
  for (const sched::Delta& delta : mirror_.everything()) apply(delta);
}

void Round::apply(const sched::Delta& delta) {
  const Result<void> applied = recorder_ ? recorder_->apply(delta) : engine_.apply(delta);
  if (applied) return;
  log::warn("delta_refused", {{"delta", static_cast<int>(delta.index())}, {"error", applied.error().text}});
  if (const auto* gang = std::get_if<sched::UpsertGang>(&delta)) {
    options_.journal->warning(subject_of(kube::kinds::pod_group, gang->gang.ns, gang->gang.name, gang->gang.uid),
                              "Invalid", applied.error().text);
  } else if (const auto* pod = std::get_if<sched::UpsertPod>(&delta)) {
    options_.journal->warning(subject_of(kube::kinds::pod, pod->pod.ns, pod->pod.name, pod->pod.uid), "Invalid",
                              applied.error().text);
  }
}

void Round::run_engine() {
  const std::vector<sched::Delta> deltas = mirror_.take();
  const Time now = options_.clock->now();
  const bool is_due = wake_at_ && *wake_at_ <= now;
  if (deltas.empty() && !is_due) return;
  const std::int64_t began = system_clock().monotonic_us();
  for (const sched::Delta& delta : deltas) apply(delta);
  const sched::Round round = recorder_ ? recorder_->run(now) : engine_.run(now);
  if (recorder_ && decisions_.is_full()) begin_log();
  wake_at_ = round.wake_at;
  // A wake-up that is due already would make this a busy loop.
  if (wake_at_ && *wake_at_ <= now) wake_at_ = now + milliseconds(10);
  for (const model::Decision& decision : round.decisions) carry_out(decision);
  tell_verdicts(round);
  RoundNews news{round.verdicts, {}, round.decisions};
  tell_queues(news);
  if (options_.listener) options_.listener(news);
  const std::uint64_t took = static_cast<std::uint64_t>(system_clock().monotonic_us() - began);
  Lock lock(mutex_);
  ready_ = true;
  ++counts_.rounds;
  counts_.round_us += took;
  counts_.slowest_us = std::max(counts_.slowest_us, took);
  counts_.waiting_gangs = waiting_.size();
  counts_.pods = mirror_.pods();
}

void Round::carry_out(const model::Decision& decision) {
  const PodRow* row = mirror_.pod(decision.ns, decision.pod);
  if (row == nullptr) return;
  const std::string pod_key = decision.ns + "/" + decision.pod;
  if (decision.kind == model::Decision::Kind::Nominate) {
    std::string& node = nominated_[pod_key];
    if (node == decision.node) return;
    node = decision.node;
    options_.journal->normal(subject_of(kube::kinds::pod, decision.ns, decision.pod, row->pod.uid), "Pipelined",
                             "waits for resources that are being freed on node " + decision.node);
    return;
  }
  nominated_.erase(pod_key);
  const std::string gang_key = decision.ns + "/" + row->pod.gang;
  PodTask task{.ns = decision.ns, .pod = decision.pod, .uid = row->pod.uid, .gang = row->pod.gang};
  const Time now = options_.clock->now();
  if (decision.kind == model::Decision::Kind::Bind) {
    task.kind = PodTask::Kind::Bind;
    task.node = decision.node;
    if (const NodeRow* node = mirror_.node(decision.node)) {
      task.pool = node->node.pool;
      task.devices = grant(decision.devices, node->node.devices);
    }
    mirror_.began_bind(decision, now);
  } else {
    task.kind = PodTask::Kind::Evict;
    task.action = std::string(model::to_text(decision.action));
    task.for_gang = decision.for_gang;
    task.message = in_words(decision);
    mirror_.began_eviction(decision, now);
  }
  if (const GangRow* gang = mirror_.gang(gang_key)) {
    task.gang_uid = gang->gang.uid;
    notices_.stamps({gang->gang.ns, gang->gang.name, gang->gang.last_start, gang->gang.last_evicted});
  }
  {
    Lock lock(mutex_);
    ++(decision.kind == model::Decision::Kind::Bind ? counts_.binds : counts_.evictions);
  }
  binder_.add(std::move(task));
}

// The engine names gangs by their objects; people know them as workloads.
std::string Round::in_words(const model::Decision& decision) const {
  std::string message = decision.message;
  const GangRow* gang = decision.for_gang.empty() ? nullptr : mirror_.gang(decision.for_gang);
  if (gang == nullptr || gang->title.empty()) return message;
  if (const std::size_t at = message.find(decision.for_gang); at != std::string::npos) {
    message.replace(at, decision.for_gang.size(), gang->title);
  }
  return message;
}

void Round::tell_verdicts(const sched::Round& round) {
  for (const auto& [gang_key, verdict] : round.verdicts) {
    if (verdict) {
      waiting_.insert(gang_key);
    } else {
      waiting_.erase(gang_key);
    }
    const GangRow* gang = mirror_.gang(gang_key);
    if (gang == nullptr) continue;
    Notices::Waiting waiting{.ns = gang->gang.ns,
                             .name = gang->gang.name,
                             .uid = gang->gang.uid,
                             .pool = gang->gang.pools.empty() ? "default" : gang->gang.pools.front(),
                             .verdict = verdict,
                             .was_written = gang->is_unschedulable};
    if (verdict) {
      for (const std::string& pod_key : mirror_.pods_of_gang(gang_key)) {
        const PodRow* row = mirror_.pod(gang->gang.ns, pod_key.substr(gang->gang.ns.size() + 1));
        if (row == nullptr || row->pod.state != model::PodState::Pending) continue;
        waiting.pods.push_back({row->pod.name, row->pod.uid, row->resource_version});
      }
    }
    notices_.waits(std::move(waiting));
  }
}

void Round::tell_queues(RoundNews& news) {
  std::map<std::string, sched::QueueUse> uses;
  for (const std::string& name : engine_.queue_names()) {
    std::optional<sched::QueueUse> use = engine_.queue_use(name);
    if (!use) continue;
    const auto known = uses_.find(name);
    if (known == uses_.end() || !is_same(known->second, *use)) {
      news.queues.emplace_back(name, *use);
      notices_.queue(name, *use);
    }
    uses.emplace(name, *use);
  }
  uses_ = std::move(uses);
}

void Round::tell_problem(const PodRow& row) {
  if (row.problem.empty() || row.pod.foreign || !row.pod.node.empty() || row.has_ended) return;
  std::string& told = problems_[row.pod.uid];
  if (told == row.problem) return;
  told = row.problem;
  options_.journal->warning(subject_of(kube::kinds::pod, row.pod.ns, row.pod.name, row.pod.uid), "Unschedulable",
                            row.problem);
}

std::string Round::metrics() const {
  const Binder::Counts binds = binder_.counts();
  Lock lock(mutex_);
  const auto seconds_of = [](std::uint64_t us) { return static_cast<double>(us) / 1e6; };
  std::string text;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    text += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
  };
  add("muster_rounds_total", "counter", "Scheduling rounds.", counts_.rounds);
  add("muster_round_seconds_total", "counter", "Time spent in rounds.", seconds_of(counts_.round_us));
  add("muster_round_seconds_max", "gauge", "The slowest round.", seconds_of(counts_.slowest_us));
  add("muster_decided_binds_total", "counter", "Pods that rounds gave a place.", counts_.binds);
  add("muster_decided_evictions_total", "counter", "Pods that rounds took their place.", counts_.evictions);
  add("muster_bound_total", "counter", "Bindings written.", binds.bound);
  add("muster_bind_failures_total", "counter", "Bindings refused.", binds.bind_failures);
  add("muster_evicted_total", "counter", "Evictions written.", binds.evicted);
  add("muster_eviction_failures_total", "counter", "Evictions refused.", binds.eviction_failures);
  add("muster_writes_waiting", "gauge", "Bindings and evictions not yet written.", binds.waiting);
  add("muster_gangs_waiting", "gauge", "Gangs that wait for resources.", counts_.waiting_gangs);
  add("muster_pods", "gauge", "Pods that the scheduler knows.", counts_.pods);
  return text;
}

}  // namespace muster::cluster
