#pragma once
// Feeds: one reflector per kind for all parts of a cluster. Each part subscribes before start(); every change is handed
// to the subscribers one after another on the kind's own thread, so that an object is read once however many look at
// it.

#include <functional>
#include <memory>
#include <vector>

#include "base/threads.h"
#include "kube/reflector.h"

namespace muster::cluster {

class Feeds {
 public:
  using Deliver = std::function<void(const kube::Change&)>;

  explicit Feeds(kube::Api& api) : api_(api) {}
  ~Feeds() { stop(); }
  Feeds(const Feeds&) = delete;

  // Requires: before start(); the kind lives as long as the program (kinds.h). `deliver` must not block for long.
  void subscribe(const kube::Kind& kind, Deliver deliver);
  void start();
  // No subscriber is called afterwards.
  void stop();
  // Every kind has handed over its first list.
  bool is_synced() const;

 private:
  struct Feed {
    const kube::Kind* kind = nullptr;
    std::vector<Deliver> readers;
    std::unique_ptr<kube::Reflector> reflector;
  };
  void hand_out(Feed& feed, const kube::Change& change);

  kube::Api& api_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  mutable Mutex mutex_;
  std::vector<const Feed*> synced_ GUARDED_BY(mutex_);
};

}  // namespace muster::cluster
