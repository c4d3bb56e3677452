#pragma once
// Feed: the server's events as they happen. Connects, resumes and connects again by itself; a reader hears of a gap and
// asks anew for what it watches.

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "cli/server.h"
#include "net/sse.h"

namespace muster::cli {

struct FeedEvent {
  std::string kind;  // "workload", "workload-gone", "project", "node" ...; "gap": events may have been missed
  json::Value object;
};

class Feed {
 public:
  // Connects; a first failure is an error, later ones are gaps.
  static Result<std::unique_ptr<Feed>> open(Server& server);
  // The next event; nullopt when the deadline passed. Errors: the server refuses us for good.
  Result<std::optional<FeedEvent>> next(Deadline deadline);
  // Whether the server is there; false between a break and the next connection.
  bool is_connected() const { return reading_ != nullptr; }

 private:
  explicit Feed(Server& server) : server_(server) {}
  Result<void> connect();

  Server& server_;
  std::unique_ptr<net::Client::Reading> reading_;
  net::SseReader events_;
  std::string last_id_;
  Deadline retry_{0};
  std::int64_t pause_ms_ = 100;
};

}  // namespace muster::cli
