// The reading side: what an event means to one filter, bookmarks, and the ways in which a watch ends.
#include "kube/local/watch.h"

#include <algorithm>
#include <charconv>

#include "kube/local/metadata.h"
#include "kube/objects.h"

namespace muster::kube::local {

namespace {

constexpr Duration bookmark_interval = minutes(1);
constexpr Duration last_bookmark_before_end = seconds(2);

json::Value with_revision(const json::Value& object, std::int64_t revision) {
  json::Value copy = object;
  metadata_of(copy)["resourceVersion"] = std::to_string(revision);
  return copy;
}

class LocalWatch final : public Watch {
 public:
  LocalWatch(std::shared_ptr<Core> core, TablePtr table, Filter filter, const WatchOptions& options)
      : core_(std::move(core)), table_(std::move(table)), filter_(std::move(filter)) {
    if (options.bookmarks) next_bookmark_ = Deadline::in(bookmark_interval);
    if (options.timeout_seconds > 0) {
      end_ = Deadline::in(seconds(options.timeout_seconds));
      if (options.bookmarks) next_bookmark_ = Deadline::in(seconds(options.timeout_seconds) - last_bookmark_before_end);
    }
  }

  // Begins with what exists, or after `revision`.
  void begin_with(std::deque<Pin> existing, std::int64_t revision) {
    existing_ = std::move(existing);
    seen_ = revision;
  }

  Result<std::optional<Event>> next(Deadline deadline) override {
    while (true) {
      Lock lock(core_->mutex);
      if (cancelled_ || core_->closed) return unavailable("watching " + table_->name + ": the watch was closed");
      if (lost_) return unavailable("watching " + table_->name + ": the connection was lost by fault switch");
      if (!existing_.empty()) {
        const Pin pin = std::move(existing_.front());
        existing_.pop_front();
        if (is_lost()) continue;
        return Event{Event::Type::Added, pin->object};
      }
      if (seen_ < table_->forgotten) return too_old();
      std::optional<Event> event = following();
      if (lost_) continue;
      if (event) return event;
      // What there was to deliver has been: the end of a kind's table included.
      if (table_->dropped) return not_found("watching " + table_->name + ": its definition is gone");
      if (end_.passed()) return unavailable("watching " + table_->name + ": the time asked for is over");
      if (next_bookmark_.passed()) {
        next_bookmark_ =
            end_.monotonic_ms == Deadline::never().monotonic_ms ? Deadline::in(bookmark_interval) : Deadline::never();
        seen_ = core_->revision;
        return bookmark();
      }
      const Deadline wake{std::min({deadline.monotonic_ms, next_bookmark_.monotonic_ms, end_.monotonic_ms})};
      if (!table_->changed.wait_until(core_->mutex, wake) && deadline.passed()) return std::optional<Event>();
    }
  }

  void cancel() override {
    const Lock lock(core_->mutex);
    cancelled_ = true;
    table_->changed.notify_all();
  }

 private:
  Error too_old() const {
    Error error = not_found("watching " + table_->name + " from resourceVersion " + std::to_string(seen_) +
                            ": too old, the history begins at " + std::to_string(table_->forgotten) + "; list again");
    error.status = 410;
    return error;
  }

  bool is_lost() REQUIRES(core_->mutex) {
    ++core_->watch_events;
    lost_ = core_->faults.lose_watch_every > 0 && core_->watch_events % core_->faults.lose_watch_every == 0;
    return lost_;
  }

  // The next write that means something to the filter.
  std::optional<Event> following() REQUIRES(core_->mutex) {
    const auto& history = table_->history;
    auto it = std::upper_bound(history.begin(), history.end(), seen_,
                               [](std::int64_t seen, const Revision& entry) { return seen < entry.revision; });
    for (; it != history.end(); ++it) {
      seen_ = it->revision;
      std::optional<Event> event = meaning_of(*it);
      if (!event) continue;
      if (is_lost()) return std::nullopt;
      return event;
    }
    return std::nullopt;
  }

  std::optional<Event> meaning_of(const Revision& entry) const {
    if (!filter_.prefix.empty() && namespace_of(entry.after->object) + "/" != filter_.prefix) return std::nullopt;
    const bool was = entry.before != nullptr && filter_.wants(entry.before->object);
    const bool is = !entry.removed && filter_.wants(entry.after->object);
    if (entry.removed && was) return Event{Event::Type::Deleted, entry.after->object};
    if (was && is) return Event{Event::Type::Modified, entry.after->object};
    if (is) return Event{Event::Type::Added, entry.after->object};
    // It left the selection: to this watch it is gone, in the state it last had there.
    if (was) return Event{Event::Type::Deleted, with_revision(entry.before->object, entry.revision)};
    return std::nullopt;
  }

  Event bookmark() const {
    json::Value object = json::Object{{"kind", table_->contract->kind.kind},
                                      {"apiVersion", table_->contract->kind.api_version()},
                                      {"metadata", json::Object{{"resourceVersion", std::to_string(seen_)}}}};
    return {Event::Type::Bookmark, std::move(object)};
  }

  const std::shared_ptr<Core> core_;
  const TablePtr table_;
  const Filter filter_;
  std::deque<Pin> existing_;
  std::int64_t seen_ = 0;
  Deadline next_bookmark_ = Deadline::never();
  Deadline end_ = Deadline::never();
  bool cancelled_ = false;  // guarded by the Core's mutex
  bool lost_ = false;
};

}  // namespace

Result<Filter> Filter::create(const Kind& kind, const std::string& ns, const std::string& label_selector,
                              const std::string& field_selector) {
  if (!kind.namespaced && !ns.empty()) return invalid(kind.plural + " have no namespaces; ask without one");
  Filter filter;
  filter.labels = TRY(LabelSelector::parse(label_selector));
  filter.fields = TRY(FieldSelector::parse(kind, field_selector));
  if (!ns.empty()) filter.prefix = ns + "/";
  return filter;
}

Result<std::unique_ptr<Watch>> start_watch(std::shared_ptr<Core> core, TablePtr table, const WatchOptions& options) {
  Filter filter =
      TRY(Filter::create(core->contract_of(*table)->kind, options.ns, options.label_selector, options.field_selector));
  std::int64_t from = 0;
  const std::string& asked = options.resource_version;
  const bool from_now = asked.empty() || asked == "0";
  if (!from_now) {
    const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), from);
    if (error != std::errc() || end != asked.data() + asked.size()) {
      return invalid("watching " + table->name + ": \"" + asked + "\" is not a resourceVersion");
    }
  }
  const Lock lock(core->mutex);
  std::deque<Pin> existing;
  if (from_now) {
    from = core->revision;
    for (auto it = table->objects.lower_bound(filter.prefix);
         it != table->objects.end() && it->first.starts_with(filter.prefix); ++it) {
      if (filter.wants(it->second->object)) existing.push_back(it->second);
    }
  } else if (from > core->revision) {
    Error error = timed_out("watching " + table->name + ": too large resourceVersion " + asked + ", the newest is " +
                            std::to_string(core->revision) + "; list again");
    error.status = 504;
    return error;
  }
  auto watch = std::make_unique<LocalWatch>(core, std::move(table), std::move(filter), options);
  watch->begin_with(std::move(existing), from);
  return watch;
}

}  // namespace muster::kube::local
