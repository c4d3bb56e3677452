#include "control/door/changes.h"

#include <algorithm>

namespace muster::control {
namespace {

std::string frame(std::uint64_t number, const Changes::Told& told) {
  return "id: " + std::to_string(number) + "\nevent: " + told.event + "\ndata: " + told.data + "\n\n";
}

}  // namespace

Changes::Changes(Render render, std::uint64_t first) : render_(std::move(render)), last_(first) {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

Changes::~Changes() {
  thread_.request_stop();
  {
    Lock lock(mutex_);
    changed_.notify_all();
  }
  thread_.join();
  for (const Watcher& watcher : watchers_) watcher.stream->close();
  Lock lock(mutex_);
  for (const Watcher& watcher : arrived_) watcher.stream->close();
}

void Changes::mark(ChangeKey key) {
  Lock lock(mutex_);
  if (!is_marked_.emplace(key, true).second) return;
  marked_.push_back(std::move(key));
  if (due_.monotonic_ms != Deadline::never().monotonic_ms) return;
  due_ = Deadline::in(gather);
  changed_.notify_one();
}

std::size_t Changes::watchers() const {
  Lock lock(mutex_);
  return count_;
}

net::Response Changes::watch(std::optional<std::uint64_t> resume, Allowed allowed) {
  net::Response response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = [this, resume, allowed = std::move(allowed)](const std::shared_ptr<net::Stream>& stream) {
    Lock lock(mutex_);
    arrived_.push_back({.stream = stream, .allowed = allowed, .resume = resume});
    changed_.notify_one();
  };
  return response;
}

std::optional<Changes::Work> Changes::take(std::stop_token stop) {
  Lock lock(mutex_);
  while (!stop.stop_requested() && arrived_.empty() && !due_.passed() && !next_beat_.passed()) {
    const Deadline next{std::min(due_.monotonic_ms, next_beat_.monotonic_ms)};
    if (next.monotonic_ms == Deadline::never().monotonic_ms) {
      changed_.wait(mutex_);
    } else {
      changed_.wait_until(mutex_, next);
    }
  }
  if (stop.stop_requested()) return std::nullopt;
  Work work;
  work.arrived = std::exchange(arrived_, {});
  work.beat = next_beat_.passed();
  if (!work.arrived.empty()) {
    work.missed.assign(ring_.begin(), ring_.end());
    work.oldest = ring_.empty() ? last_ : ring_.front().number - 1;
    work.newest = last_;
  }
  if (due_.passed()) {
    for (ChangeKey& key : marked_) {
      ring_.push_back({.number = ++last_, .key = std::move(key)});
      if (ring_.size() > ring_size) ring_.pop_front();
      work.fresh.push_back(ring_.back());
    }
    marked_.clear();
    is_marked_.clear();
    due_ = Deadline::never();
  }
  return work;
}

void Changes::welcome(const Watcher& watcher, const Work& work) const {
  std::string text = frame(work.newest, {.event = "hello", .data = "{\"id\":" + std::to_string(work.newest) + "}"});
  if (watcher.resume && (*watcher.resume < work.oldest || *watcher.resume > work.newest)) {
    text += frame(work.newest, {.event = "reset", .data = "{}"});
  } else if (watcher.resume) {
    // The newest state of each key that changed since, once, at the place of its last change.
    std::unordered_map<ChangeKey, bool, Hash> seen;
    std::vector<Entry> entries;
    for (auto entry = work.missed.rbegin(); entry != work.missed.rend() && entry->number > *watcher.resume; ++entry) {
      if (seen.emplace(entry->key, true).second) entries.push_back(*entry);
    }
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if (!entry->key.project.empty() && !watcher.allowed(entry->key.project)) continue;
      if (const std::optional<Told> told = render_(entry->key)) text += frame(entry->number, *told);
    }
  }
  watcher.stream->send(std::move(text));
}

void Changes::tell(const std::vector<Entry>& entries) {
  if (watchers_.empty()) return;
  struct Frame {
    const ChangeKey* key = nullptr;
    std::string text;
  };
  std::vector<Frame> frames;
  for (const Entry& entry : entries) {
    if (const std::optional<Told> told = render_(entry.key)) {
      frames.push_back({.key = &entry.key, .text = frame(entry.number, *told)});
    }
  }
  for (const Watcher& watcher : watchers_) {
    std::string text;
    for (const Frame& one : frames) {
      if (one.key->project.empty() || watcher.allowed(one.key->project)) text += one.text;
    }
    if (!text.empty()) watcher.stream->send(std::move(text));
  }
}

void Changes::run(std::stop_token stop) {
  name_thread("changes");
  while (std::optional<Work> work = take(stop)) {
    for (Watcher& watcher : work->arrived) {
      welcome(watcher, *work);
      watchers_.push_back(std::move(watcher));
    }
    tell(work->fresh);
    if (work->beat) {
      for (const Watcher& watcher : watchers_) {
        if (!watcher.allowed("")) watcher.stream->close();
        watcher.stream->send(": still here\n\n");
      }
    }
    std::erase_if(watchers_, [](const Watcher& watcher) { return !watcher.stream->is_open(); });
    Lock lock(mutex_);
    count_ = watchers_.size();
    if (watchers_.empty()) {
      next_beat_ = Deadline::never();
    } else if (work->beat || next_beat_.monotonic_ms == Deadline::never().monotonic_ms) {
      next_beat_ = Deadline::in(heartbeat);
    }
  }
}

}  // namespace muster::control
