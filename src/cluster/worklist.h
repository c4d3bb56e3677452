#pragma once
// Worklist: the keys of objects that a controller has to look at, each once, each at its time. Workers take the key
// that is due longest; a key is never looked at by two workers at once, and one that is added while it is being looked
// at is looked at again. Level-triggered: the visit reads what is, not what happened.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "base/time.h"

namespace muster::cluster {

class Worklist {
 public:
  // What became of a visit: nullopt: nothing more to do; a duration: look again after it.
  using Visit = std::function<std::optional<Duration>(const std::string& key)>;

  Worklist(std::string thread_name, std::size_t workers, Visit visit);
  ~Worklist() { stop(); }
  Worklist(const Worklist&) = delete;

  void add(const std::string& key) { add_after(key, Duration{}); }
  // The earlier of two times for one key holds.
  void add_after(const std::string& key, Duration delay);
  // Visits begin. Keys may be added before; calling it again does nothing.
  void start();
  // Ends after the visits under way.
  void stop();
  std::size_t size() const;

 private:
  void work();
  void put(const std::string& key, std::int64_t due) REQUIRES(mutex_);

  const std::string thread_name_;
  const std::size_t workers_;
  const Visit visit_;
  mutable Mutex mutex_;
  Condition some_;
  std::map<std::string, std::pair<std::int64_t, std::uint64_t>> waiting_ GUARDED_BY(mutex_);  // key -> place in order_
  std::map<std::pair<std::int64_t, std::uint64_t>, std::string> order_ GUARDED_BY(mutex_);    // (due, sequence) -> key
  std::set<std::string> under_way_ GUARDED_BY(mutex_);
  std::map<std::string, std::int64_t> again_ GUARDED_BY(mutex_);  // keys added while under way -> due
  std::uint64_t sequence_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace muster::cluster
