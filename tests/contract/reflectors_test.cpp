// What stands on the Api and must work in both homes: reflectors and recorded events.
#include <map>

#include "base/clock.h"
#include "base/threads.h"
#include "home.h"
#include "kube/reflector.h"

using namespace contract;

namespace {

// What a receiver of changes would keep.
struct Mirror {
  muster::Mutex mutex;
  std::map<std::string, std::string> values GUARDED_BY(mutex);
  int synced GUARDED_BY(mutex) = 0;

  void take(const kube::Change& change) {
    const muster::Lock lock(mutex);
    if (change.type == kube::Change::Type::Synced) ++synced;
    if (change.type == kube::Change::Type::Upsert)
      values[kube::name_of(change.object)] = text(change.object, "/data/k");
    if (change.type == kube::Change::Type::Remove) values.erase(kube::name_of(change.object));
  }
  std::map<std::string, std::string> now() {
    const muster::Lock lock(mutex);
    return values;
  }
  int times_synced() {
    const muster::Lock lock(mutex);
    return synced;
  }
};

using Values = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("a reflector hands over what exists, says when that was all, and follows") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a", "mirror"));
  made(kinds::config_map, config_map(ns, "b", "mirror"));
  Mirror mirror;
  {
    const kube::Reflector reflector(api(), kinds::config_map, {.ns = ns, .label_selector = "case=mirror"},
                                    [&](const kube::Change& change) { mirror.take(change); });
    CHECK(eventually([&] { return mirror.times_synced() == 1; }));
    CHECK(mirror.now() == Values{{"a", "v"}, {"b", "v"}});
    REQUIRE(api().remove(kinds::config_map, {ns, "a"}, {}).has_value());
    made(kinds::config_map, config_map(ns, "c", "mirror"));
    REQUIRE(api().patch(kinds::config_map, {ns, "b"}, parsed(R"({"data":{"k":"w"}})")).has_value());
    CHECK(eventually([&] { return mirror.now() == Values{{"b", "w"}, {"c", "v"}}; }));
  }
  made(kinds::config_map, config_map(ns, "d", "mirror"));
  CHECK_FALSE(mirror.now().contains("d"));
}

TEST_CASE("equal events count up, another message is another event") {
  const std::string ns = new_namespace();
  const json::Value about = made(kinds::pod, pod(ns, "a"));
  const muster::Time now = muster::system_clock().now();
  for (int i = 0; i < 3; ++i) kube::record_event(api(), about, "Warning", "Unschedulable", "no room", "contract", now);
  kube::record_event(api(), about, "Normal", "Scheduled", "bound to n", "contract", now);
  const auto list =
      api().list(kinds::event, {.ns = ns, .field_selector = "involvedObject.name=a,reason=Unschedulable"});
  REQUIRE(list.has_value());
  REQUIRE(list->items.size() == 1);
  CHECK(number(list->items[0], "/count") == 3);
  CHECK(text(list->items[0], "/message") == "no room");
  CHECK(text(list->items[0], "/type") == "Warning");
  CHECK(text(list->items[0], "/involvedObject/uid") == kube::uid_of(about));
  CHECK(api().list(kinds::event, {.ns = ns, .field_selector = "involvedObject.name=a"}).value().items.size() == 2);
}

TEST_CASE("an event about something without a namespace stands in default") {
  const std::string name = "queue-" + new_namespace();
  const json::Value about = made(kinds::queue, queue(name));
  kube::record_event(api(), about, "Normal", "Created", "made by a test", "contract", muster::system_clock().now());
  const auto list = api().list(kinds::event, {.ns = "default", .field_selector = "involvedObject.name=" + name});
  REQUIRE(list.has_value());
  CHECK(list->items.size() == 1);
  CHECK(api().remove(kinds::queue, {"", name}, {}).has_value());
}
