// The table of pods: what the cluster says of them, and the loop that waits. What becomes of one run: pod_run.cpp.
#include "node/pods.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "kube/kinds.h"
#include "model/names.h"

namespace muster::node {

namespace {

std::vector<std::string> entries_of(const std::string& path) {
  std::vector<std::string> names;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  ::closedir(folder);
  return names;
}

bool is_final(const json::Value& pod) {
  const std::string phase = json::text_or(pod, "/status/phase");
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace

Result<std::unique_ptr<Pods>> Pods::start(Setting setting) {
  TRY(make_folders(setting.runs, 0700));
  Result<Poller> poller = Poller::create();
  if (!poller.has_value()) return std::move(poller).error();
  std::unique_ptr<Pods> pods(new Pods(std::move(setting), std::move(*poller)));
  Pods* self = pods.get();
  pods->thread_ = std::jthread([self](std::stop_token stop) { self->run(stop); });
  return pods;
}

Pods::Pods(Setting setting, Poller poller)
    : setting_(std::move(setting)), poller_(std::move(poller)), writer_(*setting_.api) {}

Pods::~Pods() {
  thread_.request_stop();
  poller_.wake();
  if (thread_.joinable()) thread_.join();
}

void Pods::push(kube::Change change) {
  const Lock lock(mutex_);
  inbox_.push_back(std::move(change));
  poller_.wake();
}

Result<void> Pods::end_all(Deadline deadline) {
  {
    const Lock lock(mutex_);
    end_all_ = deadline;
    poller_.wake();
    while (!is_ending_ || live_ > 0) {
      if (deadline.passed()) return timed_out("ending all runs: " + std::to_string(live_) + " still run");
      changed_.wait_until(mutex_, deadline);
    }
  }
  if (!writer_.flush(deadline)) return timed_out("ending all runs: their ends could not be recorded in time");
  return {};
}

std::string Pods::kept_uid(const kube::Key& pod) const {
  const Lock lock(mutex_);
  const auto at = kept_.find(kube::to_text(pod));
  return at == kept_.end() ? "" : at->second;
}

void Pods::run(std::stop_token stop) {
  name_thread("pods");
  // Before the first pod needs it: loading it is what takes long.
  start_nursery();
  while (!stop.stop_requested()) {
    const Deadline next = timers_.empty() ? Deadline::never() : Deadline{timers_.begin()->first};
    for (const Poller::Event& event : poller_.wait(next)) {
      if (event.what == Poller::Event::What::ProcessEnded) on_process_ended(event.of);
      const auto at = runs_.find(event.of);
      if (event.what == Poller::Event::What::FolderChanged && at != runs_.end()) tell_start(at->second);
    }
    std::deque<kube::Change> changes;
    bool ends = false;
    {
      const Lock lock(mutex_);
      changes.swap(inbox_);
      ends = end_all_.has_value();
    }
    for (kube::Change& change : changes) take(change);
    if (ends && !ending_) stop_all();
    while (!timers_.empty() && Deadline{timers_.begin()->first}.passed()) {
      const Timer timer = timers_.begin()->second;
      timers_.erase(timers_.begin());
      const auto at = runs_.find(timer.uid);
      if (at != runs_.end()) (this->*timer.action)(at->second);
    }
    publish();
  }
}

void Pods::publish() {
  const auto live =
      std::count_if(runs_.begin(), runs_.end(), [](const auto& each) { return each.second.state == State::Going; });
  const Lock lock(mutex_);
  live_ = static_cast<std::size_t>(live);
  is_ending_ = ending_;
  changed_.notify_all();
}

void Pods::after(Duration delay, const std::string& uid, void (Pods::*action)(PodRun&)) {
  timers_.insert({Deadline::in(delay).monotonic_ms, {uid, action}});
}

void Pods::take(kube::Change& change) {
  switch (change.type) {
    case kube::Change::Type::Upsert:
      return on_pod(change.object);
    case kube::Change::Type::Remove:
      return on_pod_gone(kube::uid_of(change.object));
    case kube::Change::Type::Synced:
      return on_synced();
  }
}

void Pods::on_pod(const json::Value& pod) {
  const std::string node = json::text_or(pod, "/spec/nodeName");
  const std::string uid = kube::uid_of(pod);
  if (!setting_.nodes.contains(node) || !is_safe_uid(uid)) return;
  known_.insert(uid);
  const bool is_deleting = kube::is_being_deleted(pod);
  const auto present = runs_.find(uid);
  if (present != runs_.end()) {
    if (is_deleting) stop_for_deletion(present->second, pod);
    return;
  }
  if (is_final(pod)) {
    if (is_deleting) writer_.remove(kube::key_of(pod), uid);
    return;
  }
  PodRun& run = runs_[uid];
  run.uid = uid;
  run.key = kube::key_of(pod);
  run.node = node;
  run.owner = kube::controller_of(pod);
  run.container = {.name = json::text_or(pod, "/spec/containers/0/name", "main"),
                   .image = json::text_or(pod, "/spec/containers/0/image", "host"),
                   .uid = uid};
  const std::string policy = json::text_or(pod, "/spec/restartPolicy", "Always");
  run.restart = policy == "Never"       ? RestartPolicy::Never
                : policy == "OnFailure" ? RestartPolicy::OnFailure
                                        : RestartPolicy::Always;
  run.grace_s = json::integer_at(pod, "/spec/terminationGracePeriodSeconds").value_or(30);
  run.active_deadline_s = json::integer_at(pod, "/spec/activeDeadlineSeconds");
  run.is_deleting = is_deleting;
  begin(run, pod);
  if (is_deleting && runs_.contains(uid)) stop_for_deletion(run, pod);
}

void Pods::stop_for_deletion(PodRun& run, const json::Value& pod) {
  run.is_deleting = true;
  const std::int64_t grace = json::integer_at(pod, "/metadata/deletionGracePeriodSeconds").value_or(run.grace_s);
  if (run.state == State::Going) return stop(run, seconds(std::max<std::int64_t>(grace, 0)), "");
  // Its end, if it had one, was handed to the writer before this.
  if (run.state == State::Ended || run.state == State::Waiting) {
    run.state = State::Ended;
    writer_.remove(run.key, run.uid);
  } else {
    look_at(run);
  }
}

void Pods::on_pod_gone(const std::string& uid) {
  if (known_.erase(uid) == 0) return;
  const auto at = runs_.find(uid);
  PodRun* run = at != runs_.end() ? &at->second : from_disk(uid);
  if (run == nullptr) return;
  run->is_gone = true;
  if (run->state == State::Going) {
    // Removed by force: nobody waits for it any more.
    stop(*run, seconds(2), "");
  } else {
    run->state = State::Ended;
    keep_or_remove(*run);
  }
}

Pods::PodRun* Pods::from_disk(const std::string& uid) {
  const int attempt = newest_attempt(uid);
  if (attempt < 0) {
    ignore(remove_tree(setting_.runs + "/" + uid), "an empty folder does no harm");
    return nullptr;
  }
  PodRun& run = runs_[uid];
  run.uid = uid;
  run.attempt = attempt;
  run.is_gone = true;
  const auto order = folder_of(run).order();
  if (order.has_value()) {
    run.key = {order->ns, order->pod};
    run.node = order->node;
    run.grace_s = order->grace_ms / 1000;
    run.owner = {.api_version = order->owner_api_version,
                 .kind = order->owner_kind,
                 .name = order->owner_name,
                 .uid = order->owner_uid};
  }
  look_at(run);
  const auto still = runs_.find(uid);
  return still == runs_.end() ? nullptr : &still->second;
}

void Pods::on_synced() {
  for (const std::string& uid : entries_of(setting_.runs)) {
    if (known_.contains(uid) || runs_.contains(uid) || !is_safe_uid(uid)) continue;
    PodRun* run = from_disk(uid);
    // One that has ended is kept for its log.
    if (run == nullptr || run->state != State::Going) continue;
    log::info("run_without_pod", {{"pod", kube::to_text(run->key)}, {"uid", uid}});
    stop(*run, seconds(2), "");
  }
  if (was_synced_) return;
  was_synced_ = true;
  std::set<std::string> busy;
  for (const auto& [uid, run] : runs_) {
    if (run.state != State::Ended) busy.insert(run.node);
  }
  if (setting_.on_synced) setting_.on_synced(busy);
}

void Pods::on_process_ended(const std::string& uid) {
  const Fd* process = poller_.process(uid);
  if (process == nullptr) return;
  // Of an adopted shim we are not the parent: then there is nothing to collect.
  siginfo_t info{};
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process->get()), &info, WEXITED | WNOHANG);
  poller_.forget_process(uid);
  const auto at = runs_.find(uid);
  if (at == runs_.end()) return;
  PodRun& run = at->second;
  const RunFolder folder = folder_of(run);
  if (folder.has_shim() || folder.has_exit() || folder.is_locked()) return look_at(run);
  // The shim could not even say who it is: no space, no memory. The job was not begun.
  run.state = State::Beginning;
  ++run.failed_starts;
  log::warn("shim_failed", {{"pod", kube::to_text(run.key)}, {"times", run.failed_starts}});
  after(milliseconds(100LL << std::min(run.failed_starts, 7)), uid, &Pods::look_at);
}

void Pods::stop_all() {
  ending_ = true;
  Deadline deadline;
  {
    const Lock lock(mutex_);
    deadline = *end_all_;
  }
  const Duration most = milliseconds(std::max<std::int64_t>(0, deadline.left_ms() - 500));
  for (auto& [uid, run] : runs_) {
    if (run.state == State::Going) stop(run, std::min(seconds(run.grace_s), most), "NodeShutdown");
  }
}

int Pods::newest_attempt(const std::string& uid) const { return newest_attempt_in(setting_.runs + "/" + uid); }

RunFolder Pods::folder_of(const PodRun& run) const {
  return RunFolder(setting_.runs + "/" + run.uid + "/" + std::to_string(run.attempt));
}

}  // namespace muster::node
