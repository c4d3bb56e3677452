#pragma once
// Downward: applies what the control plane wants to the cluster's objects, in order, and remembers durably how far it
// has come (ConfigMap muster-system/line). Applying again changes nothing, so a crash between the two is harmless. A
// change that the cluster refuses is told upward and passed over: one bad object never blocks the line.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "kube/api.h"
#include "model/line.h"

namespace muster::cluster {

class Downward {
 public:
  // `refused` is called from the line's thread with the change and the reason.
  using Refused = std::function<void(const model::Desired&, const Error&)>;
  Downward(kube::Api& api, model::LineToControl* control, Refused refused);
  ~Downward() { stop(); }

  Result<void> send(std::vector<model::Desired> changes);
  void start();
  void stop();

 private:
  void work(std::stop_token stop);
  bool load(std::stop_token stop);
  bool save(std::stop_token stop);
  // nullopt: done; an error that may pass leads to another try.
  Result<void> apply(const model::Desired& change);
  Result<void> remove(const model::Desired& change, const kube::Kind& kind);
  Result<void> create_or_change(const model::Desired& change, const kube::Kind& kind);

  kube::Api& api_;
  model::LineToControl* control_;
  const Refused refused_;
  Mutex mutex_;
  Condition some_;
  std::deque<model::Desired> waiting_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::uint64_t applied_ = 0;  // owned by the line's thread
  std::jthread thread_;
};

// Takes out creations and changes that a later removal in the same list undoes: applied after a crash they would start
// work only to end it.
void drop_undone(std::vector<model::Desired>& changes);

}  // namespace muster::cluster
