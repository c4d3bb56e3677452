#include "cli/feed.h"

#include <algorithm>

#include "base/threads.h"

namespace muster::cli {

Result<std::unique_ptr<Feed>> Feed::open(Server& server) {
  std::unique_ptr<Feed> feed(new Feed(server));
  TRY(feed->connect());
  return feed;
}

Result<void> Feed::connect() {
  net::Headers headers;
  if (!last_id_.empty()) headers.emplace_back("Last-Event-ID", last_id_);
  reading_ = TRY(server_.open("/api/muster/v1/events", headers));
  events_ = net::SseReader();
  pause_ms_ = 100;
  return {};
}

Result<std::optional<FeedEvent>> Feed::next(Deadline deadline) {
  for (;;) {
    while (const std::optional<net::SseEvent> event = events_.next()) {
      if (!event->id.empty()) last_id_ = event->id;
      if (event->event == "hello") continue;
      if (event->event == "reset") return std::optional(FeedEvent{"gap", nullptr});
      Result<json::Value> object = json::parse(event->data, {.depth = 64, .bytes = 16U << 20});
      if (object.has_value()) return std::optional(FeedEvent{event->event, *std::move(object)});
    }
    if (deadline.passed()) return std::optional<FeedEvent>();
    if (!reading_) {
      const Deadline until{std::min(retry_.monotonic_ms, deadline.monotonic_ms)};
      sleep_until(std::stop_token(), until);
      if (!retry_.passed()) return std::optional<FeedEvent>();
      const Result<void> connected = connect();
      if (connected.has_value()) return std::optional(FeedEvent{"gap", nullptr});
      if (connected.error().kind != ErrorKind::Unavailable && connected.error().kind != ErrorKind::Timeout)
        return connected.error();
      pause_ms_ = std::min<std::int64_t>(pause_ms_ * 2, 2000);
      retry_ = Deadline::in(milliseconds(pause_ms_));
      continue;
    }
    const Result<std::string> bytes = reading_->read(deadline);
    if (bytes.has_value() && !bytes->empty()) {
      events_.feed(*bytes);
    } else if (bytes.has_value() || bytes.error().kind != ErrorKind::Timeout) {
      reading_.reset();
      retry_ = Deadline::in(milliseconds(pause_ms_));
    }
  }
}

}  // namespace muster::cli
