#include "node/status_writer.h"

#include <algorithm>

#include "base/log.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::node {

namespace {

Duration pause_after(int failures) { return milliseconds(std::min<std::int64_t>(2000, 20LL << std::min(failures, 7))); }

}  // namespace

StatusWriter::StatusWriter(kube::Api& api) : api_(api), thread_([this](std::stop_token stop) { run(stop); }) {}

StatusWriter::~StatusWriter() {
  if (!flush(Deadline::in(seconds(1)))) log::warn("pod_status_unwritten", {});
  thread_.request_stop();
  {
    const Lock lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

StatusWriter::Entry& StatusWriter::entry_of(const kube::Key& pod, const std::string& uid) {
  const auto [at, is_new] = entries_.try_emplace(uid);
  if (is_new) {
    at->second.key = pod;
    order_.push_back(uid);
  }
  changed_.notify_all();
  return at->second;
}

void StatusWriter::write(const kube::Key& pod, const std::string& uid, json::Value status) {
  const Lock lock(mutex_);
  Entry& entry = entry_of(pod, uid);
  if (entry.status.is_null()) {
    entry.status = std::move(status);
  } else {
    json::merge_patch(entry.status, status);
  }
}

void StatusWriter::annotate(const kube::Key& pod, const std::string& uid,
                            const std::vector<std::pair<std::string, std::string>>& annotations) {
  const Lock lock(mutex_);
  Entry& entry = entry_of(pod, uid);
  if (!entry.annotations.is_object()) entry.annotations = json::Object{};
  for (const auto& [name, value] : annotations) entry.annotations.get_object()[name] = value;
}

void StatusWriter::remove(const kube::Key& pod, const std::string& uid) {
  const Lock lock(mutex_);
  entry_of(pod, uid).remove = true;
}

bool StatusWriter::flush(Deadline deadline) {
  const Lock lock(mutex_);
  while (!entries_.empty() || is_writing_) {
    if (deadline.passed()) return false;
    changed_.wait_until(mutex_, deadline);
  }
  return true;
}

Result<void> StatusWriter::carry_out(const std::string& uid, Entry& entry) {
  json::Value pod = TRY(api_.get(kube::kinds::pod, entry.key));
  // The name may belong to a new pod by now.
  if (kube::uid_of(pod) != uid) return {};
  const auto precondition = [&] { return json::Object{{"resourceVersion", kube::resource_version_of(pod)}}; };
  // The status first: people wait for it.
  if (!entry.status.is_null()) {
    const json::Object patch{{"metadata", precondition()}, {"status", entry.status}};
    pod = TRY(api_.patch_status(kube::kinds::pod, entry.key, patch));
    entry.status = nullptr;
  }
  if (entry.annotations.is_object()) {
    json::Object metadata = precondition();
    metadata["annotations"] = entry.annotations;
    TRY(api_.patch(kube::kinds::pod, entry.key, json::Object{{"metadata", metadata}}));
    entry.annotations = nullptr;
  }
  if (entry.remove) TRY(api_.remove(kube::kinds::pod, entry.key, {.grace_seconds = 0, .uid = uid}));
  return {};
}

void StatusWriter::run(std::stop_token stop) {
  name_thread("pod-status");
  while (!stop.stop_requested()) {
    std::string uid;
    Entry entry;
    {
      const Lock lock(mutex_);
      Deadline next = Deadline::never();
      auto at = order_.begin();
      for (; at != order_.end(); ++at) {
        const Deadline ready = entries_[*at].not_before;
        if (ready.passed()) break;
        next = std::min(next, ready, [](Deadline a, Deadline b) { return a.monotonic_ms < b.monotonic_ms; });
      }
      if (at == order_.end()) {
        if (is_ending_) return;
        changed_.wait_until(mutex_, next);
        continue;
      }
      uid = *at;
      order_.erase(at);
      entry = std::move(entries_[uid]);
      entries_.erase(uid);
      is_writing_ = true;
    }
    const auto done = carry_out(uid, entry);
    const Lock lock(mutex_);
    is_writing_ = false;
    changed_.notify_all();
    if (done.has_value() || done.error().kind == ErrorKind::NotFound) continue;
    ++entry.failures;
    if (entry.failures == 1 || entry.failures % 100 == 0) {
      log::debug("pod_status_retry", {{"pod", kube::to_text(entry.key)}, {"error", done.error().text}});
    }
    // What came in meanwhile is newer: it goes on top of what failed.
    Entry newer;
    if (const auto present = entries_.find(uid); present != entries_.end()) newer = std::move(present->second);
    Entry& again = entry_of(entry.key, uid);
    again = std::move(entry);
    again.not_before = Deadline::in(pause_after(again.failures));
    if (!newer.status.is_null()) {
      if (again.status.is_null()) again.status = json::Object{};
      json::merge_patch(again.status, newer.status);
    }
    if (newer.annotations.is_object()) {
      if (!again.annotations.is_object()) again.annotations = json::Object{};
      for (const auto& [name, value] : newer.annotations.get_object()) again.annotations.get_object()[name] = value;
    }
    again.remove = again.remove || newer.remove;
  }
}

}  // namespace muster::node
