// Lines to events. Ends of any kind become the errors that kube::Watch promises.
#include "kube/rest/stream.h"

#include "base/check.h"
#include "kube/rest/status.h"

namespace muster::kube {

namespace {

constexpr std::size_t longest_line = 16 << 20;
// A server that says nothing for so long, not even a bookmark or the end of the time asked for, is gone.
constexpr Duration longest_silence = seconds(400);

class RestWatch final : public Watch {
 public:
  RestWatch(std::unique_ptr<net::Client::Reading> reading, std::string doing)
      : reading_(std::move(reading)), doing_(std::move(doing)), silent_until_(Deadline::in(longest_silence)) {}

  Result<std::optional<Event>> next(Deadline deadline) override {
    while (true) {
      const std::size_t end = buffer_.find('\n', looked_);
      if (end != std::string::npos) {
        const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
        Result<std::optional<Event>> event = read_line(line);
        begin_ = looked_ = end + 1;
        return event;
      }
      buffer_.erase(0, begin_);
      begin_ = 0;
      looked_ = buffer_.size();
      if (looked_ > longest_line) return unavailable(doing_ + ": a line of the stream does not end");
      const Deadline wake{std::min(deadline.monotonic_ms, silent_until_.monotonic_ms)};
      const Result<std::string> bytes = reading_->read(wake);
      if (!bytes.has_value()) {
        if (bytes.error().kind != ErrorKind::Timeout) return unavailable(doing_ + ": " + bytes.error().text);
        if (silent_until_.passed()) return unavailable(doing_ + ": the server is silent");
        return std::optional<Event>();
      }
      if (bytes->empty()) return unavailable(doing_ + ": the server ended the stream");
      silent_until_ = Deadline::in(longest_silence);
      buffer_ += *bytes;
    }
  }

  void cancel() override { reading_->cancel(); }

 private:
  Result<std::optional<Event>> read_line(std::string_view line) const {
    Result<json::Value> parsed = json::parse(line, {.depth = 128, .bytes = longest_line});
    if (!parsed.has_value()) return unavailable(doing_ + ": " + parsed.error().text);
    const std::string type = json::text_or(*parsed, "/type");
    json::Value* object = json::find(*parsed, "/object");
    if (object == nullptr) return unavailable(doing_ + ": an event without an object");
    if (type == "ERROR") {
      const int status = static_cast<int>(json::integer_at(*object, "/code").value_or(500));
      return error_of_status(doing_, status < 400 ? 500 : status, *object);
    }
    Event event;
    event.object = std::move(*object);
    strip(event.object);
    if (type == "ADDED") event.type = Event::Type::Added;
    else if (type == "MODIFIED") event.type = Event::Type::Modified;
    else if (type == "DELETED") event.type = Event::Type::Deleted;
    else if (type == "BOOKMARK") event.type = Event::Type::Bookmark;
    else return unavailable(doing_ + ": an event of the unknown type " + type);
    return std::optional<Event>(std::move(event));
  }

  const std::unique_ptr<net::Client::Reading> reading_;
  const std::string doing_;
  std::string buffer_;
  std::size_t begin_ = 0;   // of the line that is not read yet
  std::size_t looked_ = 0;  // no end of a line before here
  Deadline silent_until_;
};

}  // namespace

std::unique_ptr<Watch> read_watch(std::unique_ptr<net::Client::Reading> reading, std::string doing) {
  return std::make_unique<RestWatch>(std::move(reading), std::move(doing));
}

void strip(json::Value& object) {
  json::Value* metadata = json::find(object, "/metadata");
  if (metadata != nullptr && metadata->is_object()) metadata->get_object().erase("managedFields");
}

}  // namespace muster::kube
