#include "cluster/workloads/settle.h"

#include <doctest/doctest.h>

namespace muster::cluster {
namespace {

using model::Phase;
using State = Attempt::State;

const Time now{1'800'000'000'000};

Training training(std::int64_t completions = 1, std::int64_t parallelism = 1, std::int64_t backoff = 6) {
  Training made;
  made.ns = "runai-vision";
  made.name = "t";
  made.uid = "u";
  made.completions = completions;
  made.parallelism = parallelism;
  made.backoff_limit = backoff;
  made.delete_after = hours(1);
  return made;
}

Attempt attempt(std::int64_t index, State state, std::int64_t failures_before = 0) {
  Attempt made;
  made.index = index;
  made.failures_before = failures_before;
  made.name = pod_name("t", index, failures_before);
  made.uid = made.name + "-uid";
  made.state = state;
  made.created = now - minutes(2);
  if (state != State::Pending && state != State::Bound) made.started = now - minutes(1);
  if (made.has_ended()) {
    made.finished = now;
    made.exit_code = state == State::Succeeded ? 0 : 1;
  }
  return made;
}

// Told to go, and only its finalizer holds it.
Attempt leaving(Attempt made, const std::string& evicted = "") {
  made.is_going = made.is_let_go = true;
  made.finalizers = {"other.dev/x", std::string(run_finalizer)};
  made.evicted = evicted;
  return made;
}

}  // namespace

TEST_CASE("the run of an evicted pod stays in the status, once, and its pod is let go after that") {
  const Attempt gone = leaving(attempt(0, State::Failed), "project b took it");
  const Settlement made = settle(training(), {gone}, now);
  REQUIRE(made.let_go.size() == 1);
  REQUIRE(made.status.runs.size() == 1);
  CHECK(made.status.runs[0].reason == "Preempted");
  CHECK(made.status.runs[0].message == "project b took it");
  CHECK(made.status.runs[0].exit_code == 1);
  Training after = training();
  after.status = made.status;
  CHECK(settle(after, {gone}, now).status.runs.size() == 1);
}

TEST_CASE("a pod that is still ending is not let go, and one that never started leaves no run") {
  Attempt ending = leaving(attempt(0, State::Running), "x");
  ending.is_let_go = false;
  CHECK(settle(training(), {ending}, now).let_go.empty());
  const Settlement never = settle(training(), {leaving(attempt(0, State::Pending), "x")}, now);
  CHECK(never.let_go.size() == 1);
  CHECK(never.status.runs.empty());
}

TEST_CASE("a workload that is being deleted lets its pods go without a record of their runs") {
  Training going = training();
  going.is_being_deleted = true;
  const Settlement made = settle(going, {leaving(attempt(0, State::Failed))}, now);
  CHECK(made.let_go.size() == 1);
  CHECK(made.status.runs.empty());
}

TEST_CASE("the newest fifty runs are kept") {
  Training many = training();
  for (std::size_t i = 0; i < most_past_runs; ++i) many.status.runs.push_back({.uid = std::to_string(i)});
  const Settlement made = settle(many, {leaving(attempt(0, State::Failed), "x")}, now);
  REQUIRE(made.status.runs.size() == most_past_runs);
  CHECK(made.status.runs.front().uid == "1");
  CHECK(made.status.runs.back().uid == "t-0-uid");
}

TEST_CASE("a stopped workload's run says that it was stopped, and survives being written and read") {
  Training stopped = training();
  stopped.suspend = true;
  const Settlement made = settle(stopped, {leaving(attempt(0, State::Failed))}, now);
  REQUIRE(made.status.runs.size() == 1);
  CHECK(made.status.runs[0].reason == "Stopped");
  CHECK(decode_status(json::Object{{"status", encode_status(made.status)}}) == made.status);
}

TEST_CASE("pods are named by workload, index and failures") {
  CHECK(pod_name("train-1", 0, 0) == "train-1-0");
  CHECK(pod_name("train-1", 3, 2) == "train-1-3-r2");
}

TEST_CASE("pauses before a restart double from one second to five minutes") {
  CHECK(restart_delay(1) == seconds(1));
  CHECK(restart_delay(2) == seconds(2));
  CHECK(restart_delay(5) == seconds(16));
  CHECK(restart_delay(40) == minutes(5));
}

TEST_CASE("a new workload gets as many pods as parallelism and open completions allow") {
  const Settlement made = settle(training(4, 2), {}, now);
  REQUIRE(made.create.size() == 2);
  CHECK(made.create[1].name == "t-1");
  CHECK(made.status.phase == Phase::Pending);
  const Settlement later = settle(training(4, 2), {attempt(0, State::Succeeded), attempt(1, State::Running)}, now);
  REQUIRE(later.create.size() == 1);
  CHECK(later.create[0].index == 2);
  CHECK(later.status.phase == Phase::Running);
  CHECK(later.status.succeeded == 1);
}

TEST_CASE("phases follow the pods: pending, initializing, running, completed") {
  const auto phase = [](State state) { return settle(training(), {attempt(0, state)}, now).status.phase; };
  CHECK(phase(State::Pending) == Phase::Pending);
  CHECK(phase(State::Bound) == Phase::Initializing);
  CHECK(phase(State::Running) == Phase::Running);
  CHECK(phase(State::Succeeded) == Phase::Completed);
}

TEST_CASE("three failures with backoffLimit 2 end a workload, and the exit code is the last one's") {
  Attempt third = attempt(0, State::Failed, 2);
  third.exit_code = 137;
  third.reason = "OOMKilled";
  const Settlement made = settle(training(1, 1, 2), {attempt(0, State::Failed, 1), third}, now);
  CHECK(made.status.phase == Phase::Failed);
  CHECK(made.status.reason == "BackoffLimitExceeded");
  CHECK(made.status.exit_code == 137);
  CHECK(made.status.restarts == 2);
  CHECK(made.status.message.find("OOMKilled") != std::string::npos);
  CHECK(made.create.empty());
}

TEST_CASE("a failed pod is followed by another after its pause, on its own index") {
  Attempt failed = attempt(1, State::Failed);
  const Settlement waits = settle(training(2, 2), {attempt(0, State::Running), failed}, now);
  CHECK(waits.create.empty());
  CHECK(waits.look_again == seconds(1));
  const Settlement due = settle(training(2, 2), {attempt(0, State::Running), failed}, now + seconds(1));
  REQUIRE(due.create.size() == 1);
  CHECK(due.create[0].name == "t-1-r1");
  CHECK(due.create[0].failures_before == 1);
}

TEST_CASE("an evicted pod is no failure: the workload waits again, says why, and starts over when the pod is gone") {
  Attempt evicted = attempt(0, State::Running);
  evicted.is_going = true;
  evicted.evicted = "reclaimed by \"b\"";
  Training one = training(1, 1, 0);
  const Settlement going = settle(one, {evicted}, now);
  CHECK(going.status.phase == Phase::Pending);
  CHECK(going.status.reason == "Preempted");
  CHECK(going.status.message == "reclaimed by \"b\"");
  CHECK(going.create.empty());
  evicted.state = State::Failed;
  CHECK(settle(one, {evicted}, now).status.phase == Phase::Pending);
  one.status = going.status;
  const Settlement anew = settle(one, {}, now);
  REQUIRE(anew.create.size() == 1);
  CHECK(anew.create[0].failures_before == 0);
  CHECK(anew.status.reason == "Preempted");
  CHECK(settle(one, {attempt(0, State::Running)}, now).status.reason.empty());
}

TEST_CASE("terminateAfterPreemption ends a workload that was evicted") {
  Training one = training();
  one.terminate_after_preemption = true;
  Attempt evicted = attempt(0, State::Running);
  evicted.is_going = true;
  evicted.evicted = "reclaimed";
  CHECK(settle(one, {evicted}, now).status.phase == Phase::Failed);
}

TEST_CASE("a pod that somebody deleted is made anew and counts as no failure") {
  Attempt deleted = attempt(0, State::Failed);
  deleted.is_going = true;
  const Settlement made = settle(training(1, 1, 0), {deleted}, now);
  CHECK(made.status.phase == Phase::Pending);
  CHECK(made.status.failed == 0);
}

TEST_CASE("stopping deletes what runs and keeps what has ended; a stopped workload needs no pods") {
  Training one = training(2, 2);
  one.suspend = true;
  const Settlement stopping = settle(one, {attempt(0, State::Succeeded), attempt(1, State::Running)}, now);
  CHECK(stopping.status.phase == Phase::Stopping);
  REQUIRE(stopping.remove.size() == 1);
  CHECK(stopping.remove[0].name == "t-1");
  const Settlement stopped = settle(one, {attempt(0, State::Succeeded)}, now);
  CHECK(stopped.status.phase == Phase::Stopped);
  CHECK(stopped.create.empty());
}

TEST_CASE("a success that was seen counts even after its pod is gone") {
  Training one = training(2, 1);
  one.status = settle(one, {attempt(0, State::Succeeded)}, now).status;
  const Settlement made = settle(one, {}, now);
  REQUIRE(made.create.size() == 1);
  CHECK(made.create[0].index == 1);
}

TEST_CASE("an attempt that runs over its timeout ends the workload") {
  Training one = training();
  one.timeout = seconds(90);
  const Settlement before = settle(one, {attempt(0, State::Running)}, now);
  CHECK(before.status.phase == Phase::Running);
  CHECK(before.look_again == seconds(30));
  const Settlement after = settle(one, {attempt(0, State::Running)}, now + seconds(30));
  CHECK(after.status.phase == Phase::Failed);
  CHECK(after.status.reason == "TimedOut");
  CHECK(after.remove.size() == 1);
}

TEST_CASE("an ended workload stays ended and is deleted when its time is over") {
  Training one = training();
  one.status = settle(one, {attempt(0, State::Succeeded)}, now).status;
  CHECK(settle(one, {}, now + minutes(1)).status.phase == Phase::Completed);
  CHECK(settle(one, {}, now + minutes(1)).look_again == minutes(59));
  CHECK(settle(one, {}, now + hours(1)).remove_training);
  one.delete_after = Duration{};
  CHECK(settle(one, {}, now).remove_training);
}

TEST_CASE("deletion takes every pod along and lets the object go after the last") {
  Training one = training();
  one.is_being_deleted = true;
  const Settlement going = settle(one, {attempt(0, State::Running), attempt(1, State::Failed)}, now);
  CHECK(going.remove.size() == 2);
  CHECK_FALSE(going.release);
  CHECK(going.status.phase == Phase::Deleting);
  CHECK(settle(one, {}, now).release);
}

TEST_CASE("restartPolicy Always starts again after every end and never fails") {
  Training one = training(1, 1, 0);
  one.restart = Restart::Always;
  const Settlement made = settle(one, {attempt(0, State::Succeeded)}, now + seconds(5));
  REQUIRE(made.create.size() == 1);
  CHECK(made.create[0].name == "t-0-r1");
  CHECK(settle(one, {attempt(0, State::Failed, 3)}, now).status.phase == Phase::Pending);
}

TEST_CASE("of many superseded attempts only the newest few are kept") {
  std::vector<Attempt> attempts;
  for (int i = 0; i < 9; ++i) {
    attempts.push_back(attempt(0, State::Failed, i));
    attempts.back().finished = now - minutes(20 - i);
  }
  attempts.push_back(attempt(0, State::Running, 9));
  const Settlement made = settle(training(1, 1, 20), attempts, now);
  REQUIRE(made.remove.size() == 4);
  CHECK(made.remove[0].name == "t-0");
  CHECK(made.remove[0].at_once);
  CHECK(made.status.restarts == 9);
}

TEST_CASE("a status is written and read back") {
  TrainingStatus status;
  status.phase = Phase::Failed;
  status.reason = "TimedOut";
  status.exit_code = 3;
  status.started = now;
  status.done = {0, 1, 2, 5, 7, 8};
  CHECK(write_indexes(status.done) == "0-2,5,7-8");
  CHECK(decode_status(json::Object{{"status", encode_status(status)}}) == status);
}

}  // namespace muster::cluster
