// Watches: order, selectors, resume, bookmarks, ends.
#include <thread>

#include "home.h"

using namespace contract;
using Type = kube::Event::Type;

namespace {

std::unique_ptr<kube::Watch> watching(const kube::Kind& kind, const kube::WatchOptions& options) {
  auto watch = api().watch(kind, options);
  REQUIRE_MESSAGE(watch.has_value(), (watch.has_value() ? "" : watch.error().text));
  return std::move(*watch);
}

std::string version_now(const std::string& ns) {
  return api().list(kinds::config_map, {.ns = ns}).value().resource_version;
}

}  // namespace

TEST_CASE("a watch from nowhere begins with what exists, then follows") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a", "watch"));
  made(kinds::config_map, config_map(ns, "b", "watch"));
  const auto watch = watching(kinds::config_map, {.ns = ns, .label_selector = "case=watch"});
  std::vector<std::string> first;
  for (int i = 0; i < 2; ++i) {
    const kube::Event event = next_event(*watch);
    CHECK(event.type == Type::Added);
    first.push_back(kube::name_of(event.object));
  }
  std::sort(first.begin(), first.end());
  CHECK(first == std::vector<std::string>{"a", "b"});
  made(kinds::config_map, config_map(ns, "c", "watch"));
  const kube::Event event = next_event(*watch);
  CHECK(event.type == Type::Added);
  CHECK(kube::name_of(event.object) == "c");
  CHECK(text(event.object, "/kind") == "ConfigMap");
}

TEST_CASE("a watch tells of each write in order, with the object as it was written") {
  const std::string ns = new_namespace();
  const auto watch =
      watching(kinds::config_map, {.ns = ns, .label_selector = "case=watch", .resource_version = version_now(ns)});
  const json::Value object = made(kinds::config_map, config_map(ns, "a", "watch"));
  std::vector<json::Value> written = {object};
  for (int i = 0; i < 5; ++i) {
    json::Value patch = parsed(R"({"data":{}})");
    json::set_at(patch, "/data/k", json::Value(std::to_string(i)));
    written.push_back(api().patch(kinds::config_map, {ns, "a"}, patch).value());
  }
  REQUIRE(api().remove(kinds::config_map, {ns, "a"}, {}).has_value());
  for (std::size_t i = 0; i < written.size(); ++i) {
    const kube::Event event = next_event(*watch);
    CHECK(event.type == (i == 0 ? Type::Added : Type::Modified));
    CHECK(event.object == written[i]);
  }
  const kube::Event gone = next_event(*watch);
  CHECK(gone.type == Type::Deleted);
  CHECK(text(gone.object, "/data/k") == "4");
  CHECK(kube::resource_version_of(gone.object) != kube::resource_version_of(written.back()));
  CHECK(stays_quiet(*watch));
}

TEST_CASE("a watch resumes from a resourceVersion without a gap and without a repetition") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a", "watch"));
  const json::Value b = made(kinds::config_map, config_map(ns, "b", "watch"));
  made(kinds::config_map, config_map(ns, "c", "watch"));
  REQUIRE(api().remove(kinds::config_map, {ns, "a"}, {}).has_value());
  const auto watch = watching(
      kinds::config_map, {.ns = ns, .label_selector = "case=watch", .resource_version = kube::resource_version_of(b)});
  kube::Event event = next_event(*watch);
  CHECK(event.type == Type::Added);
  CHECK(kube::name_of(event.object) == "c");
  event = next_event(*watch);
  CHECK(event.type == Type::Deleted);
  CHECK(kube::name_of(event.object) == "a");
  const auto resumed =
      watching(kinds::config_map,
               {.ns = ns, .label_selector = "case=watch", .resource_version = kube::resource_version_of(event.object)});
  CHECK(stays_quiet(*resumed));
}

TEST_CASE("an object that enters a selection is added, one that leaves it is deleted") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a", "out"));
  const auto watch =
      watching(kinds::config_map, {.ns = ns, .label_selector = "case=in", .resource_version = version_now(ns)});
  REQUIRE(api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"metadata":{"labels":{"case":"in"}}})")).has_value());
  kube::Event event = next_event(*watch);
  CHECK(event.type == Type::Added);
  const auto left = api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"metadata":{"labels":{"case":"out"}}})"));
  event = next_event(*watch);
  CHECK(event.type == Type::Deleted);
  CHECK(kube::label_of(event.object, "case") == "in");
  CHECK(kube::resource_version_of(event.object) == kube::resource_version_of(left.value()));
  REQUIRE(api().remove(kinds::config_map, {ns, "a"}, {}).has_value());
  CHECK(stays_quiet(*watch));
}

TEST_CASE("a watch by field follows pods of one node") {
  const std::string ns = new_namespace();
  const auto watch = watching(kinds::pod, {.ns = ns, .field_selector = "spec.nodeName=node-x"});
  made(kinds::pod, pod(ns, "a"));
  made(kinds::pod, pod(ns, "b"));
  REQUIRE(api().bind({ns, "b"}, {.node = "node-x"}).has_value());
  const kube::Event event = next_event(*watch);
  CHECK(event.type == Type::Added);
  CHECK(kube::name_of(event.object) == "b");
}

TEST_CASE("a watch over all namespaces sees each, a watch of one only its own") {
  const std::string one = new_namespace(), two = new_namespace();
  const std::string label = "all-" + one;
  const auto everywhere = watching(kinds::config_map, {.label_selector = "case=" + label});
  const auto only = watching(kinds::config_map, {.ns = two, .label_selector = "case=" + label});
  made(kinds::config_map, config_map(one, "x", label));
  made(kinds::config_map, config_map(two, "y", label));
  CHECK(kube::name_of(next_event(*everywhere).object) == "x");
  CHECK(kube::name_of(next_event(*everywhere).object) == "y");
  CHECK(kube::name_of(next_event(*only).object) == "y");
}

TEST_CASE("waiting for nothing ends at the deadline, and cancel ends it at once") {
  const std::string ns = new_namespace();
  const auto watch = watching(kinds::config_map, {.ns = ns, .resource_version = version_now(ns)});
  const auto nothing = watch->next(Deadline::in(milliseconds(50)));
  REQUIRE(nothing.has_value());
  CHECK_FALSE(nothing->has_value());
  std::thread other([&] { watch->cancel(); });
  CHECK(end_of(*watch).kind == ErrorKind::Unavailable);
  other.join();
}

TEST_CASE("a watch that the server ends sends a bookmark before, from which one resumes") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a", "watch"));
  const auto watch = watching(kinds::config_map, {.ns = ns, .label_selector = "case=watch", .timeout_seconds = 4});
  CHECK(next_event(*watch).type == Type::Added);
  // Another write that this watch does not see moves the bookmark.
  const json::Value other = made(kinds::config_map, config_map(ns, "b", "other"));
  std::string bookmark;
  const Deadline deadline = Deadline::in(seconds(20));
  while (true) {
    auto event = watch->next(deadline);
    if (!event.has_value()) {
      CHECK(event.error().kind == ErrorKind::Unavailable);
      break;
    }
    REQUIRE(event->has_value());
    CHECK((*event)->type == Type::Bookmark);
    bookmark = kube::resource_version_of((*event)->object);
  }
  REQUIRE_FALSE(bookmark.empty());
  CHECK(std::stoll(bookmark) >= std::stoll(kube::resource_version_of(other)));
  const auto resumed =
      watching(kinds::config_map, {.ns = ns, .label_selector = "case=watch", .resource_version = bookmark});
  CHECK(stays_quiet(*resumed));
  made(kinds::config_map, config_map(ns, "c", "watch"));
  CHECK(kube::name_of(next_event(*resumed).object) == "c");
}

TEST_CASE("a watch from a resourceVersion that is too old ends with 410") {
  // Older than the kind itself, so that no history can reach back to it.
  auto watch = api().watch(kinds::queue, {.resource_version = "1"});
  const muster::Error error = watch.has_value() ? end_of(**watch) : watch.error();
  CHECK(error.kind == ErrorKind::NotFound);
  CHECK(muster::http_status(error) == 410);
}

TEST_CASE("a watch from a resourceVersion that is no number is refused") {
  auto watch = api().watch(kinds::config_map, {.resource_version = "yesterday"});
  const muster::Error error = watch.has_value() ? end_of(**watch) : watch.error();
  CHECK(error.kind == ErrorKind::Invalid);
}

TEST_CASE("a watch of an unknown kind is not found, a bad selector is refused") {
  const kube::Kind strange{"example.com", "v1", "Strange", "stranges", true, true};
  auto watch = api().watch(strange, {});
  CHECK((watch.has_value() ? end_of(**watch) : watch.error()).kind == ErrorKind::NotFound);
  watch = api().watch(kinds::pod, {.label_selector = "a in"});
  CHECK((watch.has_value() ? end_of(**watch) : watch.error()).kind == ErrorKind::Invalid);
  watch = api().watch(kinds::pod, {.field_selector = "spec.containers=x"});
  CHECK((watch.has_value() ? end_of(**watch) : watch.error()).kind == ErrorKind::Invalid);
}

TEST_CASE("resourceVersions grow over all kinds") {
  const std::string ns = new_namespace();
  std::int64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::to_string(i);
    for (const json::Value& object :
         {made(kinds::config_map, config_map(ns, "c" + name)), made(kinds::pod, pod(ns, "p" + name))}) {
      const std::int64_t version = std::stoll(kube::resource_version_of(object));
      CHECK(version > last);
      last = version;
    }
  }
}
