// What happens to one object: create, read, update, patch, status.
#include "home.h"

using namespace contract;

TEST_CASE("a created object has a uid, a resourceVersion, a creation time, its kind and its apiVersion") {
  const std::string ns = new_namespace();
  const json::Value object = made(kinds::config_map, config_map(ns, "a"));
  CHECK(kube::uid_of(object).size() == 36);
  CHECK_FALSE(kube::resource_version_of(object).empty());
  CHECK(kube::created_at(object).ms > 1'600'000'000'000);
  CHECK(text(object, "/kind") == "ConfigMap");
  CHECK(text(object, "/apiVersion") == "v1");
  CHECK(text(object, "/data/k") == "v");
  CHECK(found(kinds::config_map, {ns, "a"}) == object);
}

TEST_CASE("a name that is taken is a conflict") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a"));
  const auto again = api().create(kinds::config_map, config_map(ns, "a"));
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().kind == ErrorKind::Conflict);
  CHECK(muster::http_status(again.error()) == 409);
}

TEST_CASE("what does not exist is not found, by every verb") {
  const std::string ns = new_namespace();
  const kube::Key key{ns, "none"};
  CHECK(refusal(api().get(kinds::config_map, key)).kind == ErrorKind::NotFound);
  CHECK(refusal(api().patch(kinds::config_map, key, parsed(R"({"data":{}})"))).kind == ErrorKind::NotFound);
  CHECK(refusal(api().update(kinds::config_map, config_map(ns, "none"))).kind == ErrorKind::NotFound);
  CHECK(refusal(api().remove(kinds::config_map, key, {})).kind == ErrorKind::NotFound);
  CHECK(refusal(api().patch_status(kinds::pod, key, parsed(R"({"status":{}})"))).kind == ErrorKind::NotFound);
  CHECK(refusal(api().bind(key, {.node = "n"})).kind == ErrorKind::NotFound);
  CHECK(refusal(api().evict(key, {})).kind == ErrorKind::NotFound);
}

TEST_CASE("generateName gives different names with the same beginning") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "");
  object.at("metadata").get_object().erase("name");
  json::set_at(object, "/metadata/generateName", "part-");
  const std::string one = kube::name_of(made(kinds::config_map, object));
  const std::string two = kube::name_of(made(kinds::config_map, object));
  CHECK(one.starts_with("part-"));
  CHECK(one.size() == 10);
  CHECK(one != two);
}

TEST_CASE("an object without any name, and one with a bad name, are refused with a pointer") {
  const std::string ns = new_namespace();
  json::Value nameless = config_map(ns, "");
  nameless.at("metadata").get_object().erase("name");
  const auto none = api().create(kinds::config_map, nameless);
  CHECK(none.error().kind == ErrorKind::Invalid);
  CHECK(muster::http_status(none.error()) == 422);
  const auto bad = api().create(kinds::config_map, config_map(ns, "Not_A_Name"));
  CHECK(bad.error().kind == ErrorKind::Invalid);
  CHECK(muster::http_status(bad.error()) == 422);
  CHECK(bad.error().pointer == "/metadata/name");
}

TEST_CASE("labels and annotations must have Kubernetes' form") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "a");
  json::set_at(object, "/metadata/labels", json::Object{{"a b", "c"}});
  CHECK(muster::http_status(refusal(api().create(kinds::config_map, object))) == 422);
  json::set_at(object, "/metadata/labels", json::Object{{"a", "c d"}});
  CHECK(muster::http_status(refusal(api().create(kinds::config_map, object))) == 422);
  json::set_at(object, "/metadata/labels", json::Object{{"a", 1}});
  CHECK(muster::http_status(refusal(api().create(kinds::config_map, object))) == 400);
  object.at("metadata").get_object().erase("labels");
  json::set_at(object, "/metadata/annotations", json::Object{{"example.com/free text", "c"}});
  CHECK(muster::http_status(refusal(api().create(kinds::config_map, object))) == 422);
  json::set_at(object, "/metadata/annotations", json::Object{{"example.com/free", "any text, even {}"}});
  CHECK(api().create(kinds::config_map, object).has_value());
}

TEST_CASE("the server's own fields are not taken from a new object") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "a");
  json::set_at(object, "/metadata/uid", "11111111-1111-4111-8111-111111111111");
  json::set_at(object, "/metadata/creationTimestamp", "2001-01-01T00:00:00Z");
  json::set_at(object, "/metadata/deletionTimestamp", "2001-01-01T00:00:00Z");
  const json::Value result = made(kinds::config_map, object);
  CHECK(kube::uid_of(result) != "11111111-1111-4111-8111-111111111111");
  CHECK(kube::created_at(result).ms > 1'600'000'000'000);
  CHECK_FALSE(kube::is_being_deleted(result));
  json::Value versioned = config_map(ns, "b");
  json::set_at(versioned, "/metadata/resourceVersion", "1");
  CHECK(muster::http_status(refusal(api().create(kinds::config_map, versioned))) == 400);
}

TEST_CASE("kind, apiVersion and namespace must fit") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "a");
  json::set_at(object, "/kind", "Secret");
  CHECK(refusal(api().create(kinds::config_map, object)).kind == ErrorKind::Invalid);
  json::Value elsewhere = config_map("", "a");
  elsewhere.at("metadata").get_object().erase("namespace");
  CHECK(refusal(api().create(kinds::config_map, elsewhere)).kind == ErrorKind::Invalid);
  CHECK(refusal(api().create(kinds::config_map, config_map("no-such-namespace", "a"))).kind == ErrorKind::NotFound);
}

TEST_CASE("a kind that the cluster does not know is not found") {
  const kube::Kind strange{"example.com", "v1", "Strange", "stranges", true, true};
  CHECK(refusal(api().get(strange, {"default", "a"})).kind == ErrorKind::NotFound);
  CHECK(refusal(api().list(strange, {})).kind == ErrorKind::NotFound);
  const auto refused = api().create(strange, parsed(R"({"metadata":{"name":"a","namespace":"default"}})"));
  CHECK(refused.error().kind == ErrorKind::NotFound);
}

TEST_CASE("an update replaces the content and moves the resourceVersion") {
  const std::string ns = new_namespace();
  const json::Value first = made(kinds::config_map, config_map(ns, "a"));
  json::Value wanted = first;
  json::set_at(wanted, "/data", json::Object{{"other", "w"}});
  const auto second = api().update(kinds::config_map, wanted);
  REQUIRE(second.has_value());
  CHECK(kube::resource_version_of(*second) != kube::resource_version_of(first));
  CHECK(text(*second, "/data/other") == "w");
  CHECK(text(*second, "/data/k").empty());
  CHECK(kube::uid_of(*second) == kube::uid_of(first));
}

TEST_CASE("an update from an old resourceVersion is a conflict, one without any wins") {
  const std::string ns = new_namespace();
  const json::Value first = made(kinds::config_map, config_map(ns, "a"));
  json::Value wanted = first;
  json::set_at(wanted, "/data/k", "w");
  REQUIRE(api().update(kinds::config_map, wanted).has_value());
  json::set_at(wanted, "/data/k", "x");
  CHECK(refusal(api().update(kinds::config_map, wanted)).kind == ErrorKind::Conflict);
  wanted.at("metadata").get_object().erase("resourceVersion");
  CHECK(api().update(kinds::config_map, wanted).has_value());
  const std::string name = kube::name_of(made(kinds::queue, queue("contract-" + ns)));
  CHECK(api().update(kinds::queue, queue(name, 2)).has_value());
  CHECK(number(found(kinds::queue, {"", name}), "/spec/resources/gpu/quota") == 2);
  CHECK(api().remove(kinds::queue, {"", name}, {}).has_value());
}

TEST_CASE("an update of an object that was made anew is a conflict") {
  const std::string ns = new_namespace();
  json::Value old = made(kinds::config_map, config_map(ns, "a"));
  REQUIRE(api().remove(kinds::config_map, {ns, "a"}, {}).has_value());
  made(kinds::config_map, config_map(ns, "a"));
  json::set_at(old, "/data/k", "w");
  CHECK(refusal(api().update(kinds::config_map, old)).kind == ErrorKind::Conflict);
  old.at("metadata").get_object().erase("resourceVersion");
  CHECK(refusal(api().update(kinds::config_map, old)).kind == ErrorKind::Conflict);
}

TEST_CASE("a write that changes nothing keeps the resourceVersion") {
  const std::string ns = new_namespace();
  const json::Value first = made(kinds::config_map, config_map(ns, "a"));
  CHECK(kube::resource_version_of(api().update(kinds::config_map, first).value()) == kube::resource_version_of(first));
  const auto patched = api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"data":{"k":"v"}})"));
  CHECK(kube::resource_version_of(patched.value()) == kube::resource_version_of(first));
}

TEST_CASE("a merge patch sets, keeps and removes") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "a", "patch");
  json::set_at(object, "/data/gone", "x");
  made(kinds::config_map, object);
  const auto patched = api().patch(kinds::config_map, {ns, "a"},
                                   parsed(R"({"metadata":{"labels":{"new":"y"}},"data":{"gone":null,"more":"z"}})"));
  REQUIRE(patched.has_value());
  CHECK(patched->at("data") == parsed(R"({"k":"v","more":"z"})"));
  CHECK(kube::label_of(*patched, "case") == "patch");
  CHECK(kube::label_of(*patched, "new") == "y");
}

TEST_CASE("a merge patch with an old resourceVersion is a conflict, one with another uid invalid") {
  const std::string ns = new_namespace();
  const json::Value first = made(kinds::config_map, config_map(ns, "a"));
  REQUIRE(api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"data":{"k":"w"}})")).has_value());
  json::Value patch = parsed(R"({"metadata":{},"data":{"k":"x"}})");
  json::set_at(patch, "/metadata/resourceVersion", json::Value(kube::resource_version_of(first)));
  CHECK(refusal(api().patch(kinds::config_map, {ns, "a"}, patch)).kind == ErrorKind::Conflict);
  json::Value other = parsed(R"({"metadata":{"uid":"11111111-1111-4111-8111-111111111111"},"data":{"k":"x"}})");
  const muster::Error refused = refusal(api().patch(kinds::config_map, {ns, "a"}, other));
  CHECK(muster::http_status(refused) == 422);
  CHECK(refused.pointer == "/metadata/uid");
  CHECK(text(found(kinds::config_map, {ns, "a"}), "/data/k") == "w");
}

TEST_CASE("status is written through its subresource only, and the subresource writes nothing else") {
  const std::string ns = new_namespace();
  json::Value object = pod(ns, "a");
  json::set_at(object, "/status", json::Object{{"message", "from create"}});
  made(kinds::pod, object);
  CHECK(text(found(kinds::pod, {ns, "a"}), "/status/message").empty());
  CHECK(text(found(kinds::pod, {ns, "a"}), "/status/phase") == "Pending");
  REQUIRE(api().patch(kinds::pod, {ns, "a"}, parsed(R"({"status":{"message":"from patch"}})")).has_value());
  CHECK(text(found(kinds::pod, {ns, "a"}), "/status/message").empty());
  const auto written = api().patch_status(
      kinds::pod, {ns, "a"},
      parsed(R"({"metadata":{"labels":{"x":"y"}},"spec":{"nodeName":"n"},"status":{"message":"from status"}})"));
  REQUIRE(written.has_value());
  CHECK(text(*written, "/status/message") == "from status");
  CHECK(text(*written, "/status/phase") == "Pending");
  CHECK(kube::label_of(*written, "x").empty());
  CHECK(text(*written, "/spec/nodeName").empty());
  CHECK(api().patch_status(kinds::pod, {ns, "a"}, parsed(R"({"status":{"message":null}})")).has_value());
  CHECK(text(found(kinds::pod, {ns, "a"}), "/status/message").empty());
}

TEST_CASE("a status patch with an old resourceVersion is a conflict") {
  const std::string ns = new_namespace();
  const json::Value first = made(kinds::pod, pod(ns, "a"));
  REQUIRE(api().patch_status(kinds::pod, {ns, "a"}, parsed(R"({"status":{"message":"one"}})")).has_value());
  json::Value patch = parsed(R"({"metadata":{},"status":{"message":"two"}})");
  json::set_at(patch, "/metadata/resourceVersion", json::Value(kube::resource_version_of(first)));
  CHECK(refusal(api().patch_status(kinds::pod, {ns, "a"}, patch)).kind == ErrorKind::Conflict);
}

TEST_CASE("kinds without a status have no status subresource") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a"));
  const auto refused = api().patch_status(kinds::config_map, {ns, "a"}, parsed(R"({"status":{"x":1}})"));
  CHECK(refused.error().kind == ErrorKind::NotFound);
}

TEST_CASE("generation counts changes of the spec, not of metadata or status") {
  const std::string ns = new_namespace();
  const std::string name = "contract-" + ns;
  CHECK(number(made(kinds::queue, queue(name)), "/metadata/generation") == 1);
  const kube::Key key{"", name};
  auto written = api().patch(kinds::queue, key, parsed(R"({"metadata":{"labels":{"a":"b"}}})"));
  CHECK(number(written.value(), "/metadata/generation") == 1);
  written = api().patch_status(kinds::queue, key, parsed(R"({"status":{"childQueues":["x"]}})"));
  CHECK(number(written.value(), "/metadata/generation") == 1);
  written = api().patch(kinds::queue, key, parsed(R"({"spec":{"priority":7}})"));
  CHECK(number(written.value(), "/metadata/generation") == 2);
  CHECK(api().remove(kinds::queue, key, {}).has_value());
  CHECK(number(made(kinds::pod, pod(ns, "a")), "/metadata/generation") == 1);
  written = api().patch(kinds::pod, {ns, "a"}, parsed(R"({"metadata":{"labels":{"a":"b"}}})"));
  CHECK(number(written.value(), "/metadata/generation") == 1);
}

TEST_CASE("name and namespace do not change") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a"));
  CHECK(refusal(api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"metadata":{"name":"b"}})"))).kind ==
        ErrorKind::Invalid);
}

TEST_CASE("nodes may be created with a status, and are cluster-scoped") {
  const std::string name = "node-" + new_namespace();
  json::Value node = parsed(R"({"metadata":{},"status":{"capacity":{"cpu":"4","nvidia.com/gpu":"8"}}})");
  json::set_at(node, "/metadata/name", json::Value(name));
  const json::Value result = made(kinds::node, node);
  CHECK(text(result, "/status/capacity/nvidia.com~1gpu") == "8");
  CHECK(kube::namespace_of(result).empty());
  const auto patched = api().patch_status(
      kinds::node, {"", name},
      parsed(R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":"Test","message":""}]}})"));
  REQUIRE(patched.has_value());
  CHECK(text(*patched, "/status/conditions/0/status") == "True");
  CHECK(api().patch(kinds::node, {"", name}, parsed(R"({"spec":{"unschedulable":true}})")).has_value());
  CHECK(api().remove(kinds::node, {"", name}, {}).has_value());
}

TEST_CASE("a priority class keeps its value") {
  const std::string name = "class-" + new_namespace();
  json::Value object = parsed(R"({"metadata":{},"value":40})");
  json::set_at(object, "/metadata/name", json::Value(name));
  made(kinds::priority_class, object);
  const auto refused = api().patch(kinds::priority_class, {"", name}, parsed(R"({"value":41})"));
  CHECK(muster::http_status(refused.error()) == 422);
  CHECK(api().patch(kinds::priority_class, {"", name}, parsed(R"({"description":"x"})")).has_value());
  CHECK(api().remove(kinds::priority_class, {"", name}, {}).has_value());
}

TEST_CASE("an owner reference needs all its fields, and one controller at most") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "a");
  json::set_at(object, "/metadata/ownerReferences", parsed(R"([{"apiVersion":"v1","kind":"ConfigMap","name":"o"}])"));
  CHECK(muster::http_status(refusal(api().create(kinds::config_map, object))) == 422);
  const json::Value owner = made(kinds::config_map, config_map(ns, "owner"));
  const json::Value other = made(kinds::config_map, config_map(ns, "other"));
  json::set_at(object, "/metadata/ownerReferences",
               json::Array{kube::owner_reference(owner), kube::owner_reference(other)});
  CHECK(muster::http_status(refusal(api().create(kinds::config_map, object))) == 422);
}
