#pragma once
// Leader: one of several `muster cluster` processes acts, by a Lease in the cluster. The holder renews it; another
// takes over when it has not been renewed for its whole duration, or at once when the holder was a process of this
// machine that is gone. A holder that cannot renew in time has lost and must stop acting before anybody else may begin.

#include <functional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/threads.h"
#include "kube/api.h"

namespace muster::cluster {

class Leader {
 public:
  struct Options {
    std::string ns = "muster-system", name = "muster-cluster";
    std::string identity;  // "" = this process
    Duration duration = seconds(15);
    Duration renew_every = seconds(5);
  };
  Leader(kube::Api& api, Clock& clock, Options options);
  ~Leader();

  // Waits until the lease is ours; unavailable when a stop was asked for first.
  Result<void> acquire(std::stop_token stop);
  // Renews from a thread of its own until release(); `lost` is called once from it when the lease could not be kept.
  void keep(std::function<void()> lost);
  void release();

 private:
  // True: ours now.
  Result<bool> try_acquire();
  Result<void> renew();
  json::Value spec(bool is_new) const;

  kube::Api& api_;
  Clock& clock_;
  Options options_;
  std::string seen_version_;     // of the lease as somebody else holds it
  std::int64_t seen_since_ = 0;  // monotonic ms since when it has not changed
  std::string acquired_at_;
  std::int64_t transitions_ = 0;
  bool held_ = false;
  std::jthread thread_;
};

// "<host>/<pid namespace>/<pid>/<start time>": names one process for good.
std::string process_identity();
// False only when the identity names a process of this host and pid namespace that is gone.
bool may_be_alive(const std::string& identity);

}  // namespace muster::cluster
