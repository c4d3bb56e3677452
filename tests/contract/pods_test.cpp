// Pods: defaults, what may change, binding, eviction.
#include "home.h"

using namespace contract;

TEST_CASE("a new pod gets its defaults and waits") {
  const std::string ns = new_namespace();
  json::Value object = pod(ns, "a");
  object.at("spec").get_object().erase("schedulerName");
  const json::Value result = made(kinds::pod, object);
  CHECK(text(result, "/spec/restartPolicy") == "Always");
  CHECK(number(result, "/spec/terminationGracePeriodSeconds") == 30);
  CHECK(text(result, "/spec/schedulerName") == "default-scheduler");
  CHECK(text(result, "/status/phase") == "Pending");
  CHECK(text(result, "/spec/nodeName").empty());
}

TEST_CASE("a pod without containers, or with a bad field, is refused with a pointer") {
  const std::string ns = new_namespace();
  json::Value object = pod(ns, "a");
  json::set_at(object, "/spec/containers", json::Array{});
  auto refused = api().create(kinds::pod, object);
  CHECK(muster::http_status(refused.error()) == 422);
  object.at("spec").get_object().erase("containers");
  refused = api().create(kinds::pod, object);
  CHECK(muster::http_status(refused.error()) == 422);
  CHECK(refused.error().pointer == "/spec");
  object = pod(ns, "a");
  json::set_at(object, "/spec/restartPolicy", "Sometimes");
  refused = api().create(kinds::pod, object);
  CHECK(muster::http_status(refused.error()) == 422);
  CHECK(refused.error().pointer == "/spec/restartPolicy");
}

TEST_CASE("a pod's spec does not change, but for a few fields") {
  const std::string ns = new_namespace();
  made(kinds::pod, pod(ns, "a"));
  const kube::Key key{ns, "a"};
  for (const char* patch : {R"({"spec":{"nodeName":"n"}})", R"({"spec":{"schedulerName":"other"}})",
                            R"({"spec":{"restartPolicy":"Never"}})"}) {
    CAPTURE(patch);
    CHECK(muster::http_status(refusal(api().patch(kinds::pod, key, parsed(patch)))) == 422);
  }
  json::Value image =
      json::Object{{"spec", json::Object{{"containers", found(kinds::pod, key).at("spec").at("containers")}}}};
  image.at("spec").at("containers").at(0).get_object()["image"] = "other";
  CHECK(text(api().patch(kinds::pod, key, image).value(), "/spec/containers/0/image") == "other");
  CHECK(api().patch(kinds::pod, key, parsed(R"({"spec":{"activeDeadlineSeconds":60}})")).has_value());
  CHECK(api().patch(kinds::pod, key, parsed(R"({"metadata":{"annotations":{"a":"b"}}})")).has_value());
}

TEST_CASE("binding names the node, carries annotations, and happens once") {
  const std::string ns = new_namespace();
  const json::Value before = made(kinds::pod, pod(ns, "a"));
  const kube::Key key{ns, "a"};
  const auto bound = api().bind(key, {.node = "node-x",
                                      .annotations = {{"muster.dev/devices", R"([{"uuid":"u","milli":500}])"}},
                                      .uid = kube::uid_of(before)});
  REQUIRE_MESSAGE(bound.has_value(), (bound.has_value() ? "" : bound.error().text));
  const json::Value after = found(kinds::pod, key);
  CHECK(text(after, "/spec/nodeName") == "node-x");
  CHECK(kube::annotation_of(after, "muster.dev/devices") == R"([{"uuid":"u","milli":500}])");
  CHECK(text(after, "/status/conditions/0/type") == "PodScheduled");
  CHECK(text(after, "/status/conditions/0/status") == "True");
  CHECK(text(after, "/status/phase") == "Pending");
  const auto again = api().bind(key, {.node = "node-y"});
  CHECK(again.error().kind == ErrorKind::Conflict);
  CHECK(refusal(api().bind(key, {.node = "node-x"})).kind == ErrorKind::Conflict);
  CHECK(text(found(kinds::pod, key), "/spec/nodeName") == "node-x");
}

TEST_CASE("binding counts as a change of the pod or not, alike in both homes") {
  const std::string ns = new_namespace();
  made(kinds::pod, pod(ns, "a"));
  REQUIRE(api().bind({ns, "a"}, {.node = "node-x"}).has_value());
  const json::Value bound = found(kinds::pod, {ns, "a"});
  CHECK(number(bound, "/metadata/generation") == 1);
  REQUIRE(api().remove(kinds::pod, {ns, "a"}, {}).has_value());
  CHECK(number(found(kinds::pod, {ns, "a"}), "/metadata/generation") == 2);
}

TEST_CASE("binding with another uid or an old resourceVersion is a conflict, without a node invalid") {
  const std::string ns = new_namespace();
  const json::Value before = made(kinds::pod, pod(ns, "a"));
  const kube::Key key{ns, "a"};
  CHECK(refusal(api().bind(key, {.node = "n", .uid = "11111111-1111-4111-8111-111111111111"})).kind ==
        ErrorKind::Conflict);
  REQUIRE(api().patch(kinds::pod, key, parsed(R"({"metadata":{"labels":{"a":"b"}}})")).has_value());
  CHECK(refusal(api().bind(key, {.node = "n", .resource_version = kube::resource_version_of(before)})).kind ==
        ErrorKind::Conflict);
  CHECK(refusal(api().bind(key, {.node = ""})).kind == ErrorKind::Invalid);
  CHECK(text(found(kinds::pod, key), "/spec/nodeName").empty());
}

TEST_CASE("a pod that is being deleted, or has gates, is not bound") {
  const std::string ns = new_namespace();
  json::Value held = pod(ns, "held");
  json::set_at(held, "/metadata/finalizers", json::Array{"muster.dev/test"});
  made(kinds::pod, held);
  REQUIRE(api().remove(kinds::pod, {ns, "held"}, {}).has_value());
  CHECK(refusal(api().bind({ns, "held"}, {.node = "n"})).kind == ErrorKind::Conflict);
  REQUIRE(api().patch(kinds::pod, {ns, "held"}, parsed(R"({"metadata":{"finalizers":null}})")).has_value());
  json::Value gated = pod(ns, "gated");
  json::set_at(gated, "/spec/schedulingGates", parsed(R"([{"name":"muster.dev/test"}])"));
  made(kinds::pod, gated);
  CHECK(refusal(api().bind({ns, "gated"}, {.node = "n"})).kind == ErrorKind::Conflict);
  REQUIRE(api().patch(kinds::pod, {ns, "gated"}, parsed(R"({"spec":{"schedulingGates":null}})")).has_value());
  CHECK(api().bind({ns, "gated"}, {.node = "n"}).has_value());
}

TEST_CASE("an eviction deletes with grace and says why") {
  const std::string ns = new_namespace();
  made(kinds::pod, pod(ns, "a"));
  const kube::Key key{ns, "a"};
  REQUIRE(api().bind(key, {.node = "n"}).has_value());
  REQUIRE(api().patch_status(kinds::pod, key, parsed(R"({"status":{"phase":"Running"}})")).has_value());
  const auto evicted = api().evict(key, {.grace_seconds = 9});
  REQUIRE_MESSAGE(evicted.has_value(), (evicted.has_value() ? "" : evicted.error().text));
  const json::Value left = found(kinds::pod, key);
  REQUIRE(left.is_object());
  CHECK(kube::is_being_deleted(left));
  CHECK(number(left, "/metadata/deletionGracePeriodSeconds") == 9);
  bool said = false;
  for (const json::Value& condition : left.at("status").at("conditions").get_array()) {
    said = said || (text(condition, "/type") == "DisruptionTarget" && text(condition, "/status") == "True" &&
                    text(condition, "/reason") == "EvictionByEvictionAPI");
  }
  CHECK(said);
  CHECK(api().evict(key, {}).has_value());
  REQUIRE(api().remove(kinds::pod, key, {.grace_seconds = 0}).has_value());
}

TEST_CASE("an eviction with another uid is a conflict; a pod that waits goes at once") {
  const std::string ns = new_namespace();
  made(kinds::pod, pod(ns, "a"));
  CHECK(refusal(api().evict({ns, "a"}, {.uid = "11111111-1111-4111-8111-111111111111"})).kind == ErrorKind::Conflict);
  CHECK(api().evict({ns, "a"}, {}).has_value());
  CHECK(found(kinds::pod, {ns, "a"}).is_null());
}

TEST_CASE("a pod takes the number of its priority class, and an unknown class is denied") {
  const std::string ns = new_namespace();
  json::Value its_class = parsed(R"({"metadata":{},"value":70,"preemptionPolicy":"Never"})");
  json::set_at(its_class, "/metadata/name", json::Value("class-" + ns));
  made(kinds::priority_class, its_class);
  json::Value object = pod(ns, "a");
  json::set_at(object, "/spec/priorityClassName", json::Value("class-" + ns));
  // A real server reads the class from a cache of its own.
  json::Value result;
  CHECK(eventually([&] {
    const auto created = api().create(kinds::pod, object);
    if (created.has_value()) result = *created;
    return created.has_value();
  }));
  CHECK(number(result, "/spec/priority") == 70);
  CHECK(text(result, "/spec/preemptionPolicy") == "Never");
  json::set_at(object, "/metadata/name", "b");
  json::set_at(object, "/spec/priorityClassName", json::Value("none-" + ns));
  CHECK(refusal(api().create(kinds::pod, object)).kind == ErrorKind::Denied);
  CHECK(number(made(kinds::pod, pod(ns, "c")), "/spec/priority") == 0);
  CHECK(api().remove(kinds::priority_class, {"", "class-" + ns}, {}).has_value());
}
