// One thread per reflector: a list in pages, then a watch from its resourceVersion until something ends it.
#include "kube/reflector.h"

#include <map>
#include <thread>

#include "base/log.h"
#include "base/threads.h"
#include "kube/objects.h"

namespace muster::kube {

namespace {

constexpr int page_size = 500;
constexpr Duration first_pause = milliseconds(50);
constexpr Duration longest_pause = seconds(10);

}  // namespace

struct Reflector::Inside {
  Api& api;
  const Kind kind;
  const WatchOptions options;
  const std::function<void(Change)> deliver;

  Mutex mutex;
  Watch* running GUARDED_BY(mutex) = nullptr;
  // What was handed over, by "ns/name", so that a new list can tell what vanished. Only what Remove needs is kept.
  std::map<std::string, json::Value> known;
  std::string resource_version;
  std::jthread thread;

  void run(std::stop_token stop);
  Result<void> list(std::stop_token stop);
  Result<void> follow(std::stop_token stop);
  void hand_over(Event event);
  void upsert(json::Value object);
  static json::Value sketch(const json::Value& object);
};

// The identity and the labels of an object: what a receiver needs to drop its own row.
json::Value Reflector::Inside::sketch(const json::Value& object) {
  json::Object metadata;
  for (const char* member : {"name", "namespace", "uid", "resourceVersion", "labels", "ownerReferences"}) {
    const json::Value* value = json::find(object, std::string("/metadata/") + member);
    if (value != nullptr) metadata[member] = *value;
  }
  json::Object out;
  for (const char* member : {"apiVersion", "kind"}) {
    if (const json::Value* value = json::member(object, member)) out[member] = *value;
  }
  out["metadata"] = std::move(metadata);
  return out;
}

void Reflector::Inside::upsert(json::Value object) {
  known[to_text(key_of(object))] = sketch(object);
  deliver({Change::Type::Upsert, std::move(object)});
}

Result<void> Reflector::Inside::list(std::stop_token stop) {
  ListOptions page{.ns = options.ns,
                   .label_selector = options.label_selector,
                   .field_selector = options.field_selector,
                   .limit = page_size,
                   .continue_token = ""};
  std::map<std::string, json::Value> vanished = known;
  do {
    List list = TRY(api.list(kind, page));
    if (stop.stop_requested()) return {};
    resource_version = list.resource_version;
    page.continue_token = list.continue_token;
    for (json::Value& object : list.items) {
      vanished.erase(to_text(key_of(object)));
      upsert(std::move(object));
    }
  } while (!page.continue_token.empty());
  for (auto& [name, object] : vanished) {
    known.erase(name);
    deliver({Change::Type::Remove, std::move(object)});
  }
  deliver({Change::Type::Synced, nullptr});
  return {};
}

void Reflector::Inside::hand_over(Event event) {
  const std::string version = resource_version_of(event.object);
  if (!version.empty()) resource_version = version;
  switch (event.type) {
    case Event::Type::Added:
    case Event::Type::Modified:
      upsert(std::move(event.object));
      return;
    case Event::Type::Deleted:
      known.erase(to_text(key_of(event.object)));
      deliver({Change::Type::Remove, std::move(event.object)});
      return;
    case Event::Type::Bookmark:
      return;
  }
}

// Ends with an error in any case: what ended the watch.
Result<void> Reflector::Inside::follow(std::stop_token stop) {
  WatchOptions from = options;
  from.resource_version = resource_version;
  const std::unique_ptr<Watch> watch = TRY(api.watch(kind, from));
  {
    const Lock lock(mutex);
    running = watch.get();
  }
  Result<void> ended;
  while (ended.has_value() && !stop.stop_requested()) {
    Result<std::optional<Event>> event = watch->next(Deadline::in(minutes(10)));
    if (!event.has_value()) {
      ended = event.error();
    } else if (*event) {
      hand_over(std::move(**event));
    }
  }
  const Lock lock(mutex);
  running = nullptr;
  return ended;
}

void Reflector::Inside::run(std::stop_token stop) {
  name_thread("watch " + kind.plural);
  Duration pause = first_pause;
  bool must_list = true;
  while (!stop.stop_requested()) {
    const std::string before = resource_version;
    Result<void> result;
    if (must_list) result = list(stop);
    if (result.has_value()) {
      must_list = false;
      result = follow(stop);
      // A connection that ended goes on from where it was; anything else says that our place is of no use any more.
      must_list = !result.has_value() && result.error().kind != ErrorKind::Unavailable;
    }
    if (stop.stop_requested()) return;
    if (resource_version != before) {
      pause = first_pause;
    } else {
      pause = std::min(longest_pause, pause * 2);
    }
    const bool ordinary =
        result.has_value() || result.error().kind == ErrorKind::Unavailable || result.error().status == 410;
    if (!ordinary) {
      log::warn("kube_watch", {{"kind", kind.plural}, {"error", result.error().text}});
    }
    if (sleep_until(stop, Deadline::in(pause))) return;
  }
}

Reflector::Reflector(Api& api, const Kind& kind, WatchOptions options, std::function<void(Change)> deliver)
    : inside_(new Inside{.api = api, .kind = kind, .options = std::move(options), .deliver = std::move(deliver)}) {
  inside_->thread = std::jthread([inside = inside_.get()](std::stop_token stop) { inside->run(stop); });
}

Reflector::~Reflector() {
  inside_->thread.request_stop();
  {
    const Lock lock(inside_->mutex);
    if (inside_->running != nullptr) inside_->running->cancel();
  }
  // Cancelled before the watch was known here: it ends at its first look at the stop token.
  inside_->thread.join();
}

}  // namespace muster::kube
