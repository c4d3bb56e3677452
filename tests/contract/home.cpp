// Worlds and questions of the contract cases.
#include "home.h"

#include "base/clock.h"
#include "base/ids.h"
#include "base/threads.h"

namespace contract {

namespace {
kube::Api* chosen = nullptr;
}

kube::Api& api() { return *chosen; }
void set_api(kube::Api* api) { chosen = api; }

json::Value parsed(std::string_view text) {
  const auto value = json::parse(text);
  REQUIRE_MESSAGE(value.has_value(), (value.has_value() ? "" : value.error().text));
  return *value;
}

bool eventually(const std::function<bool()>& holds) {
  const Deadline deadline = Deadline::in(seconds(20));
  while (!holds()) {
    if (deadline.passed()) return false;
    muster::sleep_until({}, Deadline::in(milliseconds(20)));
  }
  return true;
}

std::string new_namespace() {
  const auto ns = api().create(kinds::ns, parsed(R"({"metadata":{"generateName":"contract-"}})"));
  REQUIRE_MESSAGE(ns.has_value(), (ns.has_value() ? "" : ns.error().text));
  const std::string name = kube::name_of(*ns);
  // A real cluster first makes the service account that pods of the namespace need.
  const bool ready = eventually([&] {
    const auto probe = api().create(kinds::pod, pod(name, "probe"));
    return probe.has_value();
  });
  REQUIRE(ready);
  REQUIRE(api().remove(kinds::pod, {name, "probe"}, {.grace_seconds = 0}).has_value());
  return name;
}

json::Value config_map(const std::string& ns, const std::string& name, const std::string& label) {
  json::Value object = parsed(R"({"metadata":{},"data":{"k":"v"}})");
  json::set_at(object, "/metadata/namespace", json::Value(ns));
  json::set_at(object, "/metadata/name", json::Value(name));
  if (!label.empty()) json::set_at(object, "/metadata/labels", json::Object{{"case", label}});
  return object;
}

json::Value pod(const std::string& ns, const std::string& name) {
  json::Value object = parsed(
      R"({"metadata":{},"spec":{"schedulerName":"contract","containers":[{"name":"main","image":"host","command":["true"]}]}})");
  json::set_at(object, "/metadata/namespace", json::Value(ns));
  json::set_at(object, "/metadata/name", json::Value(name));
  return object;
}

json::Value queue(const std::string& name, double quota) {
  json::Value object = parsed(R"({"metadata":{},"spec":{"resources":{"gpu":{"limit":-1}}}})");
  json::set_at(object, "/metadata/name", json::Value(name));
  json::set_at(object, "/spec/resources/gpu/quota", quota);
  return object;
}

json::Value made(const kube::Kind& kind, json::Value object) {
  const auto result = api().create(kind, std::move(object));
  REQUIRE_MESSAGE(result.has_value(), (result.has_value() ? "" : result.error().text));
  return *result;
}

json::Value found(const kube::Kind& kind, const kube::Key& key) {
  const auto result = api().get(kind, key);
  if (result.has_value()) return *result;
  CHECK_MESSAGE(result.error().kind == ErrorKind::NotFound, result.error().text);
  return nullptr;
}

std::vector<std::string> names_of(const std::vector<json::Value>& objects) {
  std::vector<std::string> names;
  for (const json::Value& object : objects) names.push_back(kube::name_of(object));
  return names;
}

kube::Event next_event(kube::Watch& watch) {
  const Deadline deadline = Deadline::in(seconds(10));
  while (true) {
    auto event = watch.next(deadline);
    REQUIRE_MESSAGE(event.has_value(), (event.has_value() ? "" : event.error().text));
    REQUIRE_MESSAGE(event->has_value(), "no event came within 10 s");
    if ((*event)->type != kube::Event::Type::Bookmark) return std::move(**event);
  }
}

bool stays_quiet(kube::Watch& watch) {
  const Deadline deadline = Deadline::in(milliseconds(300));
  while (true) {
    auto event = watch.next(deadline);
    if (!event.has_value()) return false;
    if (!event->has_value()) return true;
    if ((*event)->type != kube::Event::Type::Bookmark) return false;
  }
}

muster::Error end_of(kube::Watch& watch) {
  const Deadline deadline = Deadline::in(seconds(20));
  while (true) {
    auto event = watch.next(deadline);
    if (!event.has_value()) return event.error();
    REQUIRE_MESSAGE(event->has_value(), "the watch did not end within 20 s");
  }
}

std::string text(const json::Value& value, std::string_view pointer) { return json::text_or(value, pointer); }
std::int64_t number(const json::Value& value, std::string_view pointer) {
  return json::integer_at(value, pointer).value_or(-1);
}

}  // namespace contract
