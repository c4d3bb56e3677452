#pragma once
// Journal: records Event objects about objects of the cluster on a thread of its own, so that nobody who decides or
// binds waits for them. Best effort: when too many are waiting, new ones are dropped and counted.

#include <cstdint>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/threads.h"
#include "kube/api.h"

namespace muster::cluster {

// What an event is about.
struct Subject {
  std::string api_version = "v1";
  std::string kind = "Pod";
  std::string ns, name, uid;
};
Subject subject_of(const kube::Kind& kind, std::string ns, std::string name, std::string uid);

class Journal {
 public:
  Journal(kube::Api& api, Clock& clock);
  ~Journal();
  Journal(const Journal&) = delete;

  void normal(Subject about, std::string reason, std::string message);
  void warning(Subject about, std::string reason, std::string message);
  std::uint64_t dropped() const;

 private:
  struct Entry {
    Subject about;
    bool is_warning = false;
    std::string reason, message;
    Time at;
  };
  void put(Entry entry);
  void write_all();

  kube::Api& api_;
  Clock& clock_;
  BoundedQueue<Entry> entries_;
  mutable Mutex mutex_;
  std::uint64_t dropped_ GUARDED_BY(mutex_) = 0;
  std::jthread writer_;
};

}  // namespace muster::cluster
