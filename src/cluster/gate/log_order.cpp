#include "cluster/gate/log_order.h"

#include <algorithm>

#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::cluster {
namespace {

using Type = kube::Change::Type;

constexpr std::size_t most_gone = 4096;

bool has_started(const Attempt& attempt) { return attempt.state == Attempt::State::Running || attempt.has_ended(); }

}  // namespace

void LogOrder::on_training(const kube::Change& change) {
  if (change.type == Type::Synced) return;
  Lock lock(mutex_);
  if (change.type == Type::Remove) {
    trainings_.erase(kube::uid_of(change.object));
    if (gone_.size() >= most_gone) gone_.erase(gone_.begin());
    gone_.insert(kube::uid_of(change.object));
  } else {
    trainings_[kube::uid_of(change.object)] = decode_training(change.object);
  }
  changed_.notify_all();
}

void LogOrder::know(const json::Value& training) {
  Lock lock(mutex_);
  const std::string uid = kube::uid_of(training);
  if (!gone_.contains(uid)) trainings_.try_emplace(uid, decode_training(training));
}

void LogOrder::on_pod(const kube::Change& change) {
  if (change.type == Type::Synced) return;
  const kube::Owner owner = kube::controller_of(change.object);
  if (owner.kind != kube::kinds::training.kind) return;
  Lock lock(mutex_);
  std::map<std::string, Attempt>& attempts = attempts_[owner.uid];
  if (change.type == Type::Remove) {
    attempts.erase(kube::name_of(change.object));
    if (attempts.empty()) attempts_.erase(owner.uid);
  } else {
    attempts[kube::name_of(change.object)] = decode_attempt(change.object);
  }
  changed_.notify_all();
}

std::vector<const Attempt*> LogOrder::pods_of(const LogWish& wish) const {
  std::vector<const Attempt*> pods;
  if (const auto found = attempts_.find(wish.uid); found != attempts_.end()) {
    for (const auto& [name, attempt] : found->second) {
      if (wish.pod.empty() || wish.pod == name) pods.push_back(&attempt);
    }
  }
  std::sort(pods.begin(), pods.end(), [](const Attempt* a, const Attempt* b) {
    return std::tuple(a->index, a->failures_before, a->created) < std::tuple(b->index, b->failures_before, b->created);
  });
  return pods;
}

Result<std::set<std::string>> LogOrder::begin(LogWish& wish) {
  Lock lock(mutex_);
  const std::vector<const Attempt*> pods = pods_of(wish);
  if (!wish.pod.empty() && pods.empty() && last_run(wish) == nullptr) {
    return not_found("workload " + wish.name + " has no pod \"" + wish.pod + "\"");
  }
  std::set<std::string> old;
  std::map<std::int64_t, const Attempt*> newest;
  for (const Attempt* pod : pods) {
    const Attempt*& known = newest[pod->index];
    const bool replaces = known == nullptr || has_started(*pod) || !has_started(*known);
    if (known != nullptr && replaces) old.insert(known->uid);
    if (replaces) known = pod;
  }
  if (wish.options.previous) {
    // Without an attempt before, a restart of the container itself is the stream's business.
    const auto before =
        std::find_if(pods.rbegin(), pods.rend(), [&](const Attempt* pod) { return old.contains(pod->uid); });
    if (before != pods.rend()) {
      const std::string uid = (*before)->uid;
      for (const Attempt* pod : pods) old.insert(pod->uid);
      old.erase(uid);
      wish.options.previous = wish.options.follow = false;
    }
  }
  if (!wish.options.follow && next(wish, old).kind != Next::Kind::Pod) {
    return not_found("workload " + wish.name + " has printed nothing: it has not started yet");
  }
  return old;
}

// While nothing of a workload has started, or all of it is gone, what it printed last is that of an earlier run.
const PastRun* LogOrder::last_run(const LogWish& wish) const {
  const auto training = trainings_.find(wish.uid);
  if (training == trainings_.end()) return nullptr;
  const std::vector<PastRun>& runs = training->second.status.runs;
  const auto found = std::find_if(runs.rbegin(), runs.rend(),
                                  [&](const PastRun& run) { return wish.pod.empty() || run.pod == wish.pod; });
  return found == runs.rend() ? nullptr : &*found;
}

LogOrder::Next LogOrder::next(const LogWish& wish, const std::set<std::string>& done) const {
  bool some_waits = false;
  for (const Attempt* pod : pods_of(wish)) {
    if (done.contains(pod->uid)) continue;
    if (has_started(*pod)) return {Next::Kind::Pod, pod->name, pod->uid};
    some_waits = some_waits || !pod->is_going;
  }
  if (done.empty()) {
    if (const PastRun* run = last_run(wish); run != nullptr) return {Next::Kind::Pod, run->pod, run->uid, true};
  }
  if (!wish.options.follow) return {};
  const auto training = trainings_.find(wish.uid);
  if (training == trainings_.end()) return {};
  if (!wish.pod.empty()) return some_waits ? Next{Next::Kind::Wait, "", ""} : Next{};
  const model::Phase phase = training->second.status.phase;
  const bool is_over = model::is_final(phase) || phase == model::Phase::Stopped || training->second.is_being_deleted;
  return is_over ? Next{} : Next{Next::Kind::Wait, "", ""};
}

LogOrder::Next LogOrder::wait_next(const LogWish& wish, const std::set<std::string>& done,
                                   const std::function<bool()>& cancelled) {
  Lock lock(mutex_);
  while (!stopping_ && !cancelled()) {
    const Next found = next(wish, done);
    if (found.kind != Next::Kind::Wait) return found;
    changed_.wait(mutex_);
  }
  return {};
}

void LogOrder::wake() {
  Lock lock(mutex_);
  changed_.notify_all();
}

void LogOrder::stop() {
  Lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

}  // namespace muster::cluster
