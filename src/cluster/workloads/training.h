#pragma once
// Training: one workload as its controller reads it, and the attempts (pods) at it. Decoded once from the objects; the
// rules of settle.h look at nothing else.

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/json.h"
#include "base/time.h"
#include "model/phase.h"

namespace muster::cluster {

// Held on a Training until its pods are gone.
inline constexpr std::string_view training_finalizer = "muster.dev/pods";
inline constexpr std::string_view index_label = "muster.dev/index";
inline constexpr std::string_view failures_annotation = "muster.dev/failures-before";

// What the controller has written into the status.
struct TrainingStatus {
  model::Phase phase = model::Phase::Creating;
  std::string reason, message;
  std::optional<Time> phase_updated, started, completed;
  std::int64_t active = 0, running = 0, succeeded = 0, failed = 0, restarts = 0;
  std::optional<std::int64_t> exit_code;
  std::set<std::int64_t> done;  // indexes that have succeeded; outlives their pods
  friend bool operator==(const TrainingStatus&, const TrainingStatus&) = default;
};

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
  bool is_going = false;  // being deleted
  std::string evicted;    // the scheduler's message when it evicted this pod; "" = it did not
  std::optional<std::int64_t> exit_code;
  std::string reason, message;
  Time created;
  std::optional<Time> started, finished;

  bool has_ended() const { return state == State::Succeeded || state == State::Failed; }
};

Attempt decode_attempt(const json::Value& pod);

}  // namespace muster::cluster
