#pragma once
// Sender: brings the outbox to the cluster, in order, on a thread of its own. What was handed over but not yet applied
// stays here and is sent again when the line is connected anew.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "model/line.h"
#include "sql/connection.h"

namespace muster::control {

class Sender {
 public:
  Sender();
  ~Sender();
  // Entries of earlier runs. Before the first add.
  Result<void> load(sql::Connection& db);
  // Requires: growing sequence numbers.
  void add(std::vector<model::Desired> changes);
  void connect(model::LineToCluster& line);
  // After it returned the old line is not touched any more.
  void disconnect();
  // Entries that are settled now, oldest first.
  std::vector<model::Desired> applied(std::uint64_t sequence);
  bool is_waiting(std::string_view kind, const std::string& ns, const std::string& name) const;
  std::size_t waiting() const;
  // Until the cluster has applied everything that waits now; false when the deadline passes first.
  bool settle(Deadline deadline);
  // A question on the line; unavailable without one.
  Result<json::Value> ask(const json::Value& question, Deadline deadline);

 private:
  void run(std::stop_token stop);
  // What to send next; empty when stopping.
  std::vector<model::Desired> take(std::stop_token stop) EXCLUDES(mutex_);

  static constexpr std::size_t largest_batch = 500;
  static constexpr Duration retry_delay = milliseconds(500);

  mutable Mutex mutex_;
  Condition changed_;
  std::deque<model::Desired> entries_ GUARDED_BY(mutex_);
  std::size_t sent_ GUARDED_BY(mutex_) = 0;  // entries at the front that the line has taken over
  model::LineToCluster* line_ GUARDED_BY(mutex_) = nullptr;
  int using_line_ GUARDED_BY(mutex_) = 0;
  std::jthread thread_;
};

}  // namespace muster::control
