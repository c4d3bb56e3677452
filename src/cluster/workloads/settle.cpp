#include "cluster/workloads/settle.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"

namespace muster::cluster {
namespace {

using model::Phase;
using State = Attempt::State;

constexpr std::size_t most_superseded = 5;  // ended pods kept besides the newest of each index, for their logs

// What the pods of a workload add up to.
struct Tally {
  std::map<std::int64_t, const Attempt*> newest;  // by index; a success stands for its index whatever came later
  std::vector<const Attempt*> superseded;         // ended, an index has a newer one; oldest first
  std::vector<const Attempt*> active;             // not ended
  const Attempt* last_ended = nullptr;
  std::set<std::int64_t> done;  // indexes that have succeeded
  std::int64_t failures = 0, restarts = 0, running = 0, bound = 0, going = 0;
};

bool is_newer(const Attempt& a, const Attempt& b) {
  if (a.failures_before != b.failures_before) return a.failures_before > b.failures_before;
  if (a.created != b.created) return a.created > b.created;
  return a.uid > b.uid;
}

// A pod that somebody took away is none.
bool is_failure(const Attempt& attempt) {
  return attempt.state == State::Failed && attempt.evicted.empty() && !attempt.is_going;
}

Time end_of(const Attempt& attempt) { return attempt.finished.value_or(attempt.created); }

Tally tally_of(const Training& training, const std::vector<Attempt>& attempts) {
  Tally tally;
  for (const Attempt& attempt : attempts) {
    const Attempt*& newest = tally.newest[attempt.index];
    if (newest == nullptr) {
      newest = &attempt;
    } else {
      const bool stays = training.restart == Restart::OnFailure && newest->state == State::Succeeded;
      const bool wins = training.restart == Restart::OnFailure && attempt.state == State::Succeeded;
      const Attempt* other = &attempt;
      if (!stays && (wins || is_newer(attempt, *newest))) std::swap(newest, other);
      if (other->has_ended()) tally.superseded.push_back(other);
    }
    if (attempt.has_ended()) {
      if (tally.last_ended == nullptr || end_of(*tally.last_ended) <= end_of(attempt)) tally.last_ended = &attempt;
      continue;
    }
    tally.active.push_back(&attempt);
    if (attempt.is_going) {
      ++tally.going;
    } else if (attempt.state == State::Running) {
      ++tally.running;
    } else if (attempt.state == State::Bound) {
      ++tally.bound;
    }
  }
  tally.done = training.status.done;
  for (const auto& [index, attempt] : tally.newest) {
    tally.restarts += attempt->failures_before;
    tally.failures += attempt->failures_before + (is_failure(*attempt) ? 1 : 0);
    if (attempt->state == State::Succeeded && training.restart == Restart::OnFailure) tally.done.insert(index);
  }
  std::sort(tally.superseded.begin(), tally.superseded.end(),
            [](const Attempt* a, const Attempt* b) { return end_of(*a) < end_of(*b); });
  return tally;
}

void look_within(Settlement& out, Duration delay) {
  if (!out.look_again || delay < *out.look_again) out.look_again = std::max(delay, milliseconds(1));
}

void set_phase(Settlement& out, Phase phase, std::string reason, std::string message) {
  out.status.phase = phase;
  out.status.reason = std::move(reason);
  out.status.message = std::move(message);
}

void remove_active(Settlement& out, const Tally& tally) {
  for (const Attempt* attempt : tally.active) {
    if (!attempt->is_going) out.remove.push_back({attempt->name, attempt->uid, false});
  }
}

void delete_training(Settlement& out, const std::vector<Attempt>& attempts) {
  for (const Attempt& attempt : attempts) {
    if (attempt.has_ended() || !attempt.is_going) {
      out.remove.push_back({attempt.name, attempt.uid, attempt.has_ended()});
    }
  }
  set_phase(out, Phase::Deleting, "", "");
  out.release = attempts.empty();
}

void rest(Settlement& out, const Training& training, Time now) {
  if (!training.delete_after || !training.status.completed) return;
  const Time due = *training.status.completed + *training.delete_after;
  if (due <= now) {
    out.remove_training = true;
  } else {
    // Long waits are looked at again once a day; the worklist needs no longer memory.
    look_within(out, std::min(due - now, hours(24)));
  }
}

void finish(Settlement& out, const Tally& tally, Phase phase, std::string reason, std::string message, Time now) {
  set_phase(out, phase, std::move(reason), std::move(message));
  out.status.completed = tally.last_ended != nullptr ? end_of(*tally.last_ended) : now;
  remove_active(out, tally);
}

std::string failure_text(const Attempt& attempt) {
  std::string text = fmt::format("pod {} ", attempt.name);
  if (attempt.exit_code) {
    text += fmt::format("ended with exit code {}", *attempt.exit_code);
  } else {
    text += "failed";
  }
  if (!attempt.reason.empty() && attempt.reason != "Error") text += " (" + attempt.reason + ")";
  if (!attempt.message.empty()) text += ": " + attempt.message;
  return text;
}

// The first pod that has run longer than it may; looks again when the next one will have.
const Attempt* overdue(Settlement& out, const Training& training, const Tally& tally, Time now) {
  if (!training.timeout) return nullptr;
  for (const Attempt* attempt : tally.active) {
    if (attempt->state != State::Running || !attempt->started || attempt->is_going) continue;
    const Time due = *attempt->started + *training.timeout;
    if (due <= now) return attempt;
    look_within(out, due - now);
  }
  return nullptr;
}

struct Backoff {
  std::int64_t index = -1;  // the index that waits; -1: none
  Time until;
  const Attempt* after = nullptr;
};

// Makes the pods that are missing; indexes that wait for their restart take a place as well.
Backoff make_pods(Settlement& out, const Training& training, const Tally& tally, Time now) {
  Backoff backoff;
  std::int64_t places =
      std::min(training.parallelism, training.completions - static_cast<std::int64_t>(tally.done.size()));
  for (std::int64_t index = 0; index < training.completions && places > 0; ++index) {
    if (tally.done.contains(index)) continue;
    const auto found = tally.newest.find(index);
    const Attempt* newest = found == tally.newest.end() ? nullptr : found->second;
    if (newest == nullptr) {
      out.create.push_back({pod_name(training.name, index, 0), index, 0});
      --places;
      continue;
    }
    --places;
    if (!newest->has_ended()) continue;
    if (!newest->evicted.empty() || newest->is_going) {
      // Its name is taken until it is gone.
      out.remove.push_back({newest->name, newest->uid, true});
      continue;
    }
    const std::int64_t next = newest->failures_before + 1;
    const Time due = end_of(*newest) + restart_delay(next);
    if (due <= now) {
      out.create.push_back({pod_name(training.name, index, next), index, next});
    } else {
      look_within(out, due - now);
      if (backoff.index < 0 || due < backoff.until) backoff = {index, due, newest};
    }
  }
  return backoff;
}

void phase_of_active(Settlement& out, const Training& training, const Tally& tally, const Backoff& backoff) {
  const TrainingStatus& old = training.status;
  if (tally.running > 0) return set_phase(out, Phase::Running, "", "");
  for (const Attempt* attempt : tally.active) {
    if (attempt->is_going && !attempt->evicted.empty()) {
      return set_phase(out, Phase::Pending, "Preempted", attempt->evicted);
    }
  }
  if (tally.bound > 0) {
    for (const Attempt* attempt : tally.active) {
      if (attempt->state == State::Bound && !attempt->reason.empty()) {
        return set_phase(out, Phase::Initializing, attempt->reason, attempt->message);
      }
    }
    return set_phase(out, Phase::Initializing, "", "");
  }
  if (backoff.after != nullptr && tally.active.empty()) {
    return set_phase(
        out, Phase::Pending, "BackOff",
        failure_text(*backoff.after) + fmt::format("; attempt {} of {} begins at {}", tally.failures + 1,
                                                   training.backoff_limit + 1, to_rfc3339_seconds(backoff.until)));
  }
  // Why it waits again stays known until it has started.
  if (!training.evicted.empty()) return set_phase(out, Phase::Pending, "Preempted", training.evicted);
  if (old.phase == Phase::Pending && old.reason == "Preempted") {
    return set_phase(out, Phase::Pending, old.reason, old.message);
  }
  set_phase(out, Phase::Pending, "", "");
}

void live(Settlement& out, const Training& training, const Tally& tally, Time now) {
  if (std::cmp_greater_equal(tally.done.size(), training.completions)) {
    finish(out, tally, Phase::Completed, "", "", now);
    out.status.exit_code = 0;
    return;
  }
  if (tally.failures > training.backoff_limit && training.restart == Restart::OnFailure) {
    const Attempt* last = nullptr;
    for (const auto& [index, attempt] : tally.newest) {
      if (is_failure(*attempt) && (last == nullptr || end_of(*last) < end_of(*attempt))) last = attempt;
    }
    std::string message = last != nullptr ? failure_text(*last) : "a pod failed";
    if (training.backoff_limit > 0)
      message += fmt::format("; it was the last of {} attempts", training.backoff_limit + 1);
    finish(out, tally, Phase::Failed, "BackoffLimitExceeded", std::move(message), now);
    if (last != nullptr && last->exit_code) out.status.exit_code = last->exit_code;
    return;
  }
  if (const Attempt* late = overdue(out, training, tally, now)) {
    finish(out, tally, Phase::Failed, "TimedOut",
           fmt::format("pod {} ran longer than the timeout of {}", late->name, to_text(*training.timeout)), now);
    out.status.completed = now;
    return;
  }
  if (training.terminate_after_preemption) {
    for (const Attempt* attempt : tally.active) {
      if (!attempt->is_going || attempt->evicted.empty()) continue;
      finish(out, tally, Phase::Failed, "TerminatedAfterPreemption", attempt->evicted, now);
      out.status.completed = now;
      return;
    }
  }
  const Backoff backoff = make_pods(out, training, tally, now);
  phase_of_active(out, training, tally, backoff);
}

void suspend(Settlement& out, const Tally& tally) {
  remove_active(out, tally);
  set_phase(out, tally.active.empty() ? Phase::Stopped : Phase::Stopping, "", "");
}

void drop_superseded(Settlement& out, const Tally& tally) {
  for (std::size_t i = 0; i + most_superseded < tally.superseded.size(); ++i) {
    out.remove.push_back({tally.superseded[i]->name, tally.superseded[i]->uid, true});
  }
}

// A run outlives its pod in the status, so that a person sees what became of it.
PastRun past_run(const Attempt& attempt, bool suspended) {
  PastRun run{.pod = attempt.name,
              .uid = attempt.uid,
              .node = attempt.node,
              .gpus = attempt.gpus,
              .started = *attempt.started,
              .finished = attempt.finished,
              .exit_code = attempt.exit_code,
              .reason = attempt.reason,
              .message = attempt.message};
  if (!attempt.evicted.empty()) {
    run.reason = "Preempted";
    run.message = attempt.evicted;
  } else if (attempt.is_going && attempt.state == State::Failed && suspended) {
    run.reason = "Stopped";
  } else if (attempt.state == State::Succeeded) {
    run.reason = "Completed";
  }
  return run;
}

void record_runs(Settlement& out, const Training& training, const std::vector<Attempt>& attempts) {
  for (const Attempt& attempt : attempts) {
    if (!attempt.is_let_go || !attempt.has_run_finalizer()) continue;
    out.let_go.push_back(attempt);
    if (!attempt.started || training.is_being_deleted) continue;
    std::vector<PastRun>& runs = out.status.runs;
    const bool is_known =
        std::any_of(runs.begin(), runs.end(), [&](const PastRun& run) { return run.uid == attempt.uid; });
    if (!is_known) runs.push_back(past_run(attempt, training.suspend));
    if (runs.size() > most_past_runs) runs.erase(runs.begin());
  }
}

}  // namespace

std::string pod_name(const std::string& training, std::int64_t index, std::int64_t failures_before) {
  std::string name = fmt::format("{}-{}", training, index);
  if (failures_before > 0) name += fmt::format("-r{}", failures_before);
  return name;
}

Duration restart_delay(std::int64_t failures) {
  const std::int64_t n = std::clamp<std::int64_t>(failures - 1, 0, 20);
  return std::min(seconds(1) * (std::int64_t{1} << n), minutes(5));
}

Settlement settle(const Training& training, const std::vector<Attempt>& attempts, Time now) {
  Settlement out;
  out.status = training.status;
  record_runs(out, training, attempts);
  if (training.is_being_deleted) {
    delete_training(out, attempts);
    if (out.status != training.status) out.status.phase_updated = now;
    return out;
  }
  const Tally tally = tally_of(training, attempts);
  out.status.running = tally.running;
  out.status.active = static_cast<std::int64_t>(tally.active.size());
  out.status.done = tally.done;
  out.status.succeeded = static_cast<std::int64_t>(tally.done.size());
  out.status.failed = tally.failures;
  out.status.restarts = std::max(tally.restarts, training.status.restarts);
  if (tally.last_ended != nullptr && tally.last_ended->exit_code) out.status.exit_code = tally.last_ended->exit_code;
  for (const Attempt& attempt : attempts) {
    if (attempt.started && (!out.status.started || *attempt.started < *out.status.started)) {
      out.status.started = attempt.started;
    }
  }
  drop_superseded(out, tally);
  if (model::is_final(training.status.phase)) {
    out.status.exit_code = training.status.exit_code;
    remove_active(out, tally);
    rest(out, training, now);
  } else if (training.suspend) {
    suspend(out, tally);
  } else {
    live(out, training, tally, now);
  }
  if (out.status.phase != training.status.phase || !out.status.phase_updated) out.status.phase_updated = now;
  return out;
}

}  // namespace muster::cluster
