// One run of a pod, from the order on disk to its end: how it is begun once and only once, found again, and what the
// pod is told.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "kube/kinds.h"
#include "node/pod_order.h"
#include "node/pods.h"
#include "node/run/spawn.h"

namespace muster::node {

namespace {

constexpr Duration longest_restart = minutes(5);
constexpr std::string_view enforced = "enforced", not_enforced = "not enforced";

const kube::Kind* kind_of(const kube::Owner& owner) {
  for (const kube::Kind* kind : kube::kinds::all()) {
    if (kind->kind == owner.kind && kind->api_version() == owner.api_version) return kind;
  }
  return nullptr;
}

}  // namespace

void Pods::begin(PodRun& run, const json::Value& pod) {
  const int attempt = newest_attempt(run.uid);
  if (attempt >= 0) {
    run.attempt = attempt;
    if (attempt > 0) {
      const RunFolder before(setting_.runs + "/" + run.uid + "/" + std::to_string(attempt - 1));
      if (const auto exit = before.exit(); exit.has_value()) run.last = *exit;
    }
    return look_at(run);
  }
  if (json::text_or(pod, "/status/phase") == "Running") {
    // It ran, and its folder is no more: whatever is left of it is found by its mark alone.
    kill_marked(run_marker(run.uid), {});
    const std::string now = to_rfc3339(setting_.clock->now());
    return ended(run,
                 {.exit_code = 137, .reason = "Lost", .message = "the folder of this run is gone", .ended_at = now});
  }
  if (run.is_deleting || ending_) return never_begun(run);
  begin_attempt(run, pod);
}

void Pods::begin_attempt(PodRun& run, const json::Value& pod) {
  const auto node = setting_.nodes.find(run.node);
  const auto order = order_of_pod(pod, run.attempt,
                                  {.api = setting_.api,
                                   .node = run.node,
                                   .devices = &node->second,
                                   .root_mode = setting_.root_mode,
                                   .walls = &setting_.walls});
  if (!order.has_value()) {
    if (is_retryable(order.error().kind)) return after(seconds(1), run.uid, &Pods::try_again);
    return refuse(run, "CreateContainerConfigError", order.error().text);
  }
  const RunFolder folder = folder_of(run);
  auto written = make_folders(folder.path(), 0700);
  if (written.has_value()) written = folder.write(*order);
  if (!written.has_value()) {
    // A full disk is no fault of the job: it begins when there is space.
    log::warn("run_not_begun", {{"pod", kube::to_text(run.key)}, {"error", written.error().text}});
    return after(seconds(1), run.uid, &Pods::try_again);
  }
  if (run.attempt >= 2) {
    const std::string old = setting_.runs + "/" + run.uid + "/" + std::to_string(run.attempt - 2);
    ignore(remove_tree(old), "an old attempt's log takes space, no more");
  }
  start_shim(run);
}

void Pods::start_shim(PodRun& run) {
  const RunFolder folder = folder_of(run);
  const auto order = folder.order();
  if (!order.has_value()) return after(seconds(1), run.uid, &Pods::try_again);
  poller_.watch_folder(run.uid, folder.path());
  Result<Fd> shim = new_shim(folder, *order);
  if (!shim.has_value()) {
    ++run.failed_starts;
    log::warn("shim_not_started", {{"pod", kube::to_text(run.key)}, {"error", shim.error().text}});
    return after(milliseconds(100LL << std::min(run.failed_starts, 7)), run.uid, &Pods::look_at);
  }
  poller_.watch_process(run.uid, std::move(*shim));
  run.state = State::Going;
}

void Pods::start_nursery() {
  // A scope is entered by exec: systemd starts those shims.
  if (nursery_ || setting_.walls.kind == "scope") return;
  auto started = Nursery::start(setting_.program, setting_.runs);
  if (!started.has_value()) return log::warn("nursery_not_started", {{"error", started.error().text}});
  nursery_.emplace(std::move(*started));
}

Result<Fd> Pods::new_shim(const RunFolder& folder, const RunOrder& order) {
  start_nursery();
  if (nursery_) {
    if (auto shim = nursery_->begin(folder); shim.has_value()) return shim;
    // Should it have begun one all the same, the run's lock turns the second one back.
    nursery_.reset();
  }
  const pid_t pid = TRY(spawn_shim(setting_.program, folder, setting_.walls, order));
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.is_open()) return system_error(errno, "watching the shim of pod " + order.ns + "/" + order.pod);
  return pidfd;
}

void Pods::look_at(PodRun& run) {
  if (run.state == State::Ended || run.state == State::Waiting) return;
  const RunFolder folder = folder_of(run);
  if (const auto exit = folder.exit(); exit.has_value()) return ended(run, *exit);
  if (folder.is_locked()) return adopt(run);
  if (folder.has_shim()) {
    // It may have ended between the two looks above.
    if (const auto exit = folder.exit(); exit.has_value()) return ended(run, *exit);
    return declare_lost(run);
  }
  if (run.is_deleting || run.is_gone || ending_) return never_begun(run);
  if (folder.order().has_value()) return start_shim(run);
  try_again(run);
}

void Pods::adopt(PodRun& run) {
  const RunFolder folder = folder_of(run);
  const auto record = folder.shim();
  Fd pidfd = record.has_value() ? open_process(record->shim) : Fd();
  if (!pidfd.is_open()) {
    // It took the lock this moment and has not said who it is, or ended this moment: both pass.
    return after(milliseconds(10), run.uid, &Pods::look_at);
  }
  run.state = State::Going;
  run.failed_starts = 0;
  poller_.watch_folder(run.uid, folder.path());
  poller_.watch_process(run.uid, std::move(pidfd));
  tell_start(run);
  if (run.stop_grace) stop(run, *run.stop_grace, run.end_reason);
}

void Pods::declare_lost(PodRun& run) {
  const RunFolder folder = folder_of(run);
  std::vector<std::string> cgroups;
  if (const auto order = folder.order(); order.has_value()) {
    cgroups = {order->walls.memory_folder, order->walls.cpu_folder};
    std::erase(cgroups, "");
  }
  const int killed = kill_marked(run_marker(run.uid), cgroups);
  for (const std::string& cgroup : cgroups) ::rmdir(cgroup.c_str());
  log::warn("run_lost", {{"pod", kube::to_text(run.key)}, {"killed", killed}});
  ExitRecord exit{.exit_code = 137, .signal = 9, .reason = "Lost"};
  const auto shim = folder.shim();
  exit.message = shim.has_value() && shim->shim.boot_id != boot_id()
                     ? "the machine was restarted while this ran"
                     : "the process that kept this run was killed; what was left of the run was ended";
  if (const auto start = folder.start(); start.has_value()) exit.started_at = start->started_at;
  exit.ended_at = to_rfc3339(setting_.clock->now());
  const auto written = folder.write(exit);
  if (!written.has_value()) log::warn("run_lost_unwritten", {{"error", written.error().text}});
  ended(run, exit);
}

void Pods::annotate(PodRun& run, const StartRecord& start) {
  const auto word = [](bool is_enforced) { return is_enforced ? enforced : not_enforced; };
  json::Object limits{{"cpu", word(start.cpu_enforced)}, {"memory", word(start.memory_enforced)}};
  if (!start.why_not.empty()) limits["why"] = start.why_not;
  writer_.annotate(run.key, run.uid,
                   {{"muster.dev/limits", json::write(limits)},
                    {"muster.dev/gpu-enforcement", "none"},
                    {"muster.dev/device-enforcement", "advisory"}});
}

void Pods::tell_start(PodRun& run) {
  if (run.is_start_told || run.state != State::Going) return;
  const auto start = folder_of(run).start();
  if (!start.has_value()) return;
  run.is_start_told = true;
  annotate(run, *start);
  writer_.write(run.key, run.uid, running_status(run.container, *start, run.attempt, run.last));
  if (!run.active_deadline_s) return;
  const auto since = parse_rfc3339(start->started_at);
  const Time now = setting_.clock->now();
  const Duration left = seconds(*run.active_deadline_s) - (now - since.value_or(now));
  after(std::max(left, milliseconds(0)), run.uid, &Pods::deadline_passed);
}

void Pods::deadline_passed(PodRun& run) {
  if (run.state == State::Going) stop(run, seconds(run.grace_s), "DeadlineExceeded");
}

void Pods::stop(PodRun& run, Duration grace, const std::string& reason) {
  const bool is_news = !run.stop_grace || grace < *run.stop_grace || !reason.empty();
  run.stop_grace = run.stop_grace ? std::min(*run.stop_grace, grace) : grace;
  if (run.end_reason.empty()) run.end_reason = reason;
  const Fd* process = poller_.process(run.uid);
  if (!is_news || process == nullptr) return;
  const auto written = folder_of(run).write(StopRecord{.grace_ms = run.stop_grace->ms});
  // Without the file the shim uses the pod's own grace.
  if (!written.has_value()) log::warn("stop_unwritten", {{"error", written.error().text}});
  signal_process(*process, SIGTERM);
}

void Pods::ended(PodRun& run, const ExitRecord& exit) {
  poller_.forget_process(run.uid);
  poller_.forget_folder(run.uid);
  if (!run.is_start_told) {
    if (const auto start = folder_of(run).start(); start.has_value()) annotate(run, *start);
  }
  const bool restarts =
      run.restart == RestartPolicy::Always || (run.restart == RestartPolicy::OnFailure && exit.exit_code != 0);
  const bool is_wanted = !run.is_deleting && !run.is_gone && !ending_ && run.end_reason.empty();
  if (restarts && is_wanted) return restart_later(run, exit);
  finish(run, exit);
}

void Pods::restart_later(PodRun& run, const ExitRecord& exit) {
  const Duration delay =
      std::min(longest_restart, milliseconds(setting_.first_restart.ms << std::min(run.attempt, 20)));
  run.state = State::Waiting;
  run.last = exit;
  writer_.write(run.key, run.uid, waiting_status(run.container, exit, run.attempt, delay));
  if (exit.exit_code != 0) {
    warn(run, "BackOff",
         "ended with exit code " + std::to_string(exit.exit_code) + "; starts again in " + to_text(delay));
  }
  after(delay, run.uid, &Pods::try_again);
}

void Pods::try_again(PodRun& run) {
  if (run.state == State::Going || run.state == State::Ended || ending_) return;
  const auto pod = setting_.api->get(kube::kinds::pod, run.key);
  if (!pod.has_value()) {
    // A pod that is no more is told by the watch.
    if (pod.error().kind != ErrorKind::NotFound) after(seconds(1), run.uid, &Pods::try_again);
    return;
  }
  if (kube::uid_of(*pod) != run.uid || kube::is_being_deleted(*pod)) return;
  if (run.state == State::Waiting) {
    ++run.attempt;
    run.is_start_told = false;
    run.failed_starts = 0;
    run.state = State::Beginning;
  }
  begin_attempt(run, *pod);
}

void Pods::finish(PodRun& run, const ExitRecord& exit) {
  run.state = State::Ended;
  if (run.is_gone) return keep_or_remove(run);
  writer_.write(run.key, run.uid, ended_status(run.container, exit, run.attempt, run.end_reason));
  if (exit.reason != "Completed" && exit.reason != "Error") warn(run, exit.reason, exit.message);
  if (run.is_deleting) writer_.remove(run.key, run.uid);
}

void Pods::never_begun(PodRun& run) {
  // At an end of everything the pod stays bound: the next start of Muster begins it.
  if (!run.is_deleting && !run.is_gone) return;
  const RunFolder folder = folder_of(run);
  Fd lock;
  if (::access(folder.path().c_str(), F_OK) == 0) {
    // A shim that an earlier Muster started may be on its way: with the lock in our hand it turns back.
    lock = folder.take_lock();
    if (!lock.is_open() || folder.has_shim()) return after(milliseconds(10), run.uid, &Pods::look_at);
    ignore(remove_tree(setting_.runs + "/" + run.uid), "nothing ran in it");
  }
  run.state = State::Ended;
  if (run.is_gone) return keep_or_remove(run);
  writer_.remove(run.key, run.uid);
}

void Pods::refuse(PodRun& run, const std::string& reason, const std::string& message) {
  run.state = State::Ended;
  writer_.write(run.key, run.uid, refused_status(reason, message));
  warn(run, reason, message);
}

void Pods::warn(const PodRun& run, const std::string& reason, const std::string& message) {
  const json::Object about{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", json::Object{{"name", run.key.name}, {"namespace", run.key.ns}, {"uid", run.uid}}}};
  kube::record_event(*setting_.api, about, "Warning", reason, message, "muster-node", setting_.clock->now());
}

void Pods::keep_or_remove(PodRun& run) {
  const std::string name = kube::to_text(run.key);
  bool is_owned = false;
  if (const kube::Kind* kind = kind_of(run.owner); kind != nullptr) {
    const auto owner = setting_.api->get(*kind, {kind->namespaced ? run.key.ns : "", run.owner.name});
    // While it is not known, it is kept.
    is_owned = owner.has_value() ? kube::uid_of(*owner) == run.owner.uid : owner.error().kind != ErrorKind::NotFound;
  }
  if (is_owned) {
    const Lock lock(mutex_);
    kept_[name] = run.uid;
  } else {
    ignore(remove_tree(setting_.runs + "/" + run.uid), "tried again at the next start");
    const Lock lock(mutex_);
    if (const auto at = kept_.find(name); at != kept_.end() && at->second == run.uid) kept_.erase(at);
  }
  if (is_owned) return after(seconds(60), run.uid, &Pods::keep_or_remove);
  const std::string uid = run.uid;
  runs_.erase(uid);
}

}  // namespace muster::node
