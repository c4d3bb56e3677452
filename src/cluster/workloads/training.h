#pragma once
// Training: one workload as its controller reads it, and the attempts (pods) at it. Decoded once from the objects; the
// rules of settle.h look at nothing else.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "model/phase.h"

namespace muster::cluster {

// Held on a Training until its pods are gone.
inline constexpr std::string_view training_finalizer = "muster.dev/pods";
// Held on a pod until its run stands in the status of its Training.
inline constexpr std::string_view run_finalizer = "muster.dev/run";
inline constexpr std::string_view index_label = "muster.dev/index";
inline constexpr std::string_view failures_annotation = "muster.dev/failures-before";

// A run whose pod is gone: evicted, stopped, or replaced by its next attempt.
struct PastRun {
  std::string pod, uid, node, gpus;  // gpus as in "sim-1/0:0.50"
  Time started;
  std::optional<Time> finished;
  std::optional<std::int64_t> exit_code;
  std::string reason, message;
  friend bool operator==(const PastRun&, const PastRun&) = default;
};

// What the controller has written into the status.
struct TrainingStatus {
  model::Phase phase = model::Phase::Creating;
  std::string reason, message;
  std::optional<Time> phase_updated, started, completed;
  std::int64_t active = 0, running = 0, succeeded = 0, failed = 0, restarts = 0;
  std::optional<std::int64_t> exit_code;
  std::set<std::int64_t> done;  // indexes that have succeeded; outlives their pods
  std::vector<PastRun> runs;    // oldest first; the newest `most_past_runs`
  friend bool operator==(const TrainingStatus&, const TrainingStatus&) = default;
};

inline constexpr std::size_t most_past_runs = 50;

enum class Restart { OnFailure, Always };

struct Training {
  std::string ns, name, uid, id, project;
  Time created;
  bool is_being_deleted = false;
  bool has_finalizer = false;
  bool suspend = false;
  std::int64_t completions = 1, parallelism = 1, backoff_limit = 6;
  Restart restart = Restart::OnFailure;
  std::optional<Duration> timeout;       // of one attempt's running time
  std::optional<Duration> delete_after;  // after its end; nullopt: never
  bool terminate_after_preemption = false;
  // The scheduler's message about a pod that was evicted and is gone, while no pod has started since; the controller
  // remembers it, the object does not say it.
  std::string evicted;
  TrainingStatus status;
};

// Sets of indexes as text: "0-3,7".
std::string write_indexes(const std::set<std::int64_t>& indexes);
std::set<std::int64_t> read_indexes(std::string_view text);
Training decode_training(const json::Value& object);
TrainingStatus decode_status(const json::Value& object);
json::Value encode_status(const TrainingStatus& status);

struct Attempt {
  enum class State { Pending, Bound, Running, Succeeded, Failed };
  std::string name, uid, node;
  std::int64_t index = 0;
  std::int64_t failures_before = 0;  // of this index, before this attempt
  State state = State::Pending;
  bool is_going = false;   // being deleted
  bool is_let_go = false;  // being deleted, and whoever ran it has finished: only finalizers hold it
  std::vector<std::string> finalizers;
  std::string gpus;     // granted, as in "sim-1/0:0.50"
  std::string evicted;  // the scheduler's message when it evicted this pod; "" = it did not
  std::optional<std::int64_t> exit_code;
  std::string reason, message;
  Time created;
  std::optional<Time> started, finished;

  bool has_run_finalizer() const {
    return std::find(finalizers.begin(), finalizers.end(), run_finalizer) != finalizers.end();
  }
  bool has_ended() const { return state == State::Succeeded || state == State::Failed; }
};

Attempt decode_attempt(const json::Value& pod);

}  // namespace muster::cluster
