#include "cluster/journal.h"

#include "kube/objects.h"

namespace muster::cluster {
namespace {

constexpr std::size_t most_waiting = 4096;

}  // namespace

Subject subject_of(const kube::Kind& kind, std::string ns, std::string name, std::string uid) {
  return {kind.api_version(), kind.kind, std::move(ns), std::move(name), std::move(uid)};
}

Journal::Journal(kube::Api& api, Clock& clock) : api_(api), clock_(clock), entries_(most_waiting) {
  writer_ = std::jthread([this] { write_all(); });
}

Journal::~Journal() {
  entries_.drain();
  entries_.close();
}

void Journal::put(Entry entry) {
  entry.at = clock_.now();
  if (entries_.try_push(std::move(entry))) return;
  Lock lock(mutex_);
  ++dropped_;
}

void Journal::normal(Subject about, std::string reason, std::string message) {
  put({std::move(about), false, std::move(reason), std::move(message), {}});
}

void Journal::warning(Subject about, std::string reason, std::string message) {
  put({std::move(about), true, std::move(reason), std::move(message), {}});
}

std::uint64_t Journal::dropped() const {
  Lock lock(mutex_);
  return dropped_;
}

void Journal::write_all() {
  name_thread("events");
  while (std::optional<Entry> entry = entries_.pop()) {
    const Subject& about = entry->about;
    json::Value object = json::Object{{"apiVersion", about.api_version},
                                      {"kind", about.kind},
                                      {"metadata", json::Object{{"name", about.name}, {"uid", about.uid}}}};
    if (!about.ns.empty()) json::set_at(object, "/metadata/namespace", json::Value(about.ns));
    kube::record_event(api_, object, entry->is_warning ? "Warning" : "Normal", entry->reason, entry->message, "muster",
                       entry->at);
  }
}

}  // namespace muster::cluster
