// Deletions: preconditions, grace, finalizers, owners, namespaces.
#include "home.h"

using namespace contract;
using muster::kube::Propagation;

namespace {

json::Value owned_by(json::Value object, std::vector<json::Value> owners) {
  json::Array references;
  for (const json::Value& owner : owners) {
    json::Value reference = kube::owner_reference(owner);
    if (!references.empty()) reference.get_object()["controller"] = false;
    references.push_back(std::move(reference));
  }
  json::set_at(object, "/metadata/ownerReferences", std::move(references));
  return object;
}

bool gone(const kube::Kind& kind, const kube::Key& key) { return found(kind, key).is_null(); }

void run_on_node(const std::string& ns, const std::string& name) {
  REQUIRE(api().bind({ns, name}, {.node = "no-such-node"}).has_value());
}

}  // namespace

TEST_CASE("a deletion with another uid or an old resourceVersion is a conflict") {
  const std::string ns = new_namespace();
  const json::Value object = made(kinds::config_map, config_map(ns, "a"));
  REQUIRE(api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"data":{"k":"w"}})")).has_value());
  const kube::Key key{ns, "a"};
  CHECK(refusal(api().remove(kinds::config_map, key, {.uid = "11111111-1111-4111-8111-111111111111"})).kind ==
        ErrorKind::Conflict);
  CHECK(refusal(api().remove(kinds::config_map, key, {.resource_version = kube::resource_version_of(object)})).kind ==
        ErrorKind::Conflict);
  CHECK(api().remove(kinds::config_map, key, {.uid = kube::uid_of(object)}).has_value());
  CHECK(gone(kinds::config_map, key));
}

TEST_CASE("an object with a finalizer stays until the finalizer is gone") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "a");
  json::set_at(object, "/metadata/finalizers", json::Array{"muster.dev/test"});
  made(kinds::config_map, object);
  const kube::Key key{ns, "a"};
  REQUIRE(api().remove(kinds::config_map, key, {}).has_value());
  json::Value left = found(kinds::config_map, key);
  REQUIRE(left.is_object());
  CHECK(kube::is_being_deleted(left));
  CHECK(number(left, "/metadata/deletionGracePeriodSeconds") == 0);
  // A second deletion changes nothing.
  REQUIRE(api().remove(kinds::config_map, key, {}).has_value());
  CHECK(found(kinds::config_map, key) == left);
  // Nothing new may hold it.
  const auto more = api().patch(kinds::config_map, key,
                                parsed(R"({"metadata":{"finalizers":["muster.dev/test","muster.dev/more"]}})"));
  CHECK(muster::http_status(more.error()) == 422);
  CHECK(api().patch(kinds::config_map, key, parsed(R"({"data":{"k":"still writable"}})")).has_value());
  CHECK(api().patch(kinds::config_map, key, parsed(R"({"metadata":{"finalizers":null}})")).has_value());
  CHECK(gone(kinds::config_map, key));
}

TEST_CASE("deletionTimestamp cannot be taken back") {
  const std::string ns = new_namespace();
  json::Value object = config_map(ns, "a");
  json::set_at(object, "/metadata/finalizers", json::Array{"muster.dev/test"});
  made(kinds::config_map, object);
  REQUIRE(api().remove(kinds::config_map, {ns, "a"}, {}).has_value());
  const auto patched = api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"metadata":{"deletionTimestamp":null}})"));
  CHECK(patched.has_value());
  CHECK(kube::is_being_deleted(found(kinds::config_map, {ns, "a"})));
  REQUIRE(api().patch(kinds::config_map, {ns, "a"}, parsed(R"({"metadata":{"finalizers":[]}})")).has_value());
  CHECK(gone(kinds::config_map, {ns, "a"}));
}

TEST_CASE("a pod that no node runs goes at once") {
  const std::string ns = new_namespace();
  made(kinds::pod, pod(ns, "waiting"));
  REQUIRE(api().remove(kinds::pod, {ns, "waiting"}, {}).has_value());
  CHECK(gone(kinds::pod, {ns, "waiting"}));
  made(kinds::pod, pod(ns, "ended"));
  run_on_node(ns, "ended");
  REQUIRE(api().patch_status(kinds::pod, {ns, "ended"}, parsed(R"({"status":{"phase":"Succeeded"}})")).has_value());
  REQUIRE(api().remove(kinds::pod, {ns, "ended"}, {}).has_value());
  CHECK(gone(kinds::pod, {ns, "ended"}));
}

TEST_CASE("a pod on a node gets its grace, and goes when its node says so with grace 0") {
  const std::string ns = new_namespace();
  const json::Value before = made(kinds::pod, pod(ns, "a"));
  run_on_node(ns, "a");
  const kube::Key key{ns, "a"};
  REQUIRE(api().remove(kinds::pod, key, {}).has_value());
  const json::Value left = found(kinds::pod, key);
  REQUIRE(left.is_object());
  CHECK(number(left, "/metadata/deletionGracePeriodSeconds") == 30);
  const auto until = muster::parse_rfc3339(text(left, "/metadata/deletionTimestamp"));
  CHECK(until.value() - kube::created_at(before) >= seconds(30));
  CHECK(until.value() - kube::created_at(before) <= seconds(50));
  CHECK(number(left, "/metadata/generation") == number(found(kinds::pod, key), "/metadata/generation"));
  // Repeated without a wish: the same. With a shorter one: shorter. With a longer one: the same.
  REQUIRE(api().remove(kinds::pod, key, {}).has_value());
  CHECK(number(found(kinds::pod, key), "/metadata/deletionGracePeriodSeconds") == 30);
  REQUIRE(api().remove(kinds::pod, key, {.grace_seconds = 5}).has_value());
  CHECK(number(found(kinds::pod, key), "/metadata/deletionGracePeriodSeconds") == 5);
  REQUIRE(api().remove(kinds::pod, key, {.grace_seconds = 60}).has_value());
  CHECK(number(found(kinds::pod, key), "/metadata/deletionGracePeriodSeconds") == 5);
  REQUIRE(api().remove(kinds::pod, key, {.grace_seconds = 0}).has_value());
  CHECK(gone(kinds::pod, key));
}

TEST_CASE("a pod's own grace counts, and a finalizer outlasts it") {
  const std::string ns = new_namespace();
  json::Value object = pod(ns, "a");
  json::set_at(object, "/spec/terminationGracePeriodSeconds", 7);
  json::set_at(object, "/metadata/finalizers", json::Array{"muster.dev/test"});
  made(kinds::pod, object);
  run_on_node(ns, "a");
  const kube::Key key{ns, "a"};
  REQUIRE(api().remove(kinds::pod, key, {}).has_value());
  CHECK(number(found(kinds::pod, key), "/metadata/deletionGracePeriodSeconds") == 7);
  // The finalizer goes first: the pod still has its grace.
  REQUIRE(api().patch(kinds::pod, key, parsed(R"({"metadata":{"finalizers":null}})")).has_value());
  CHECK(number(found(kinds::pod, key), "/metadata/deletionGracePeriodSeconds") == 7);
  REQUIRE(api().remove(kinds::pod, key, {.grace_seconds = 0}).has_value());
  CHECK(gone(kinds::pod, key));
}

TEST_CASE("a deletion with grace 0 goes at once, but for finalizers") {
  const std::string ns = new_namespace();
  made(kinds::pod, pod(ns, "a"));
  run_on_node(ns, "a");
  REQUIRE(api().remove(kinds::pod, {ns, "a"}, {.grace_seconds = 0}).has_value());
  CHECK(gone(kinds::pod, {ns, "a"}));
  json::Value held = pod(ns, "b");
  json::set_at(held, "/metadata/finalizers", json::Array{"muster.dev/test"});
  made(kinds::pod, held);
  run_on_node(ns, "b");
  REQUIRE(api().remove(kinds::pod, {ns, "b"}, {.grace_seconds = 0}).has_value());
  CHECK(number(found(kinds::pod, {ns, "b"}), "/metadata/deletionGracePeriodSeconds") == 0);
  REQUIRE(api().patch(kinds::pod, {ns, "b"}, parsed(R"({"metadata":{"finalizers":null}})")).has_value());
  CHECK(gone(kinds::pod, {ns, "b"}));
}

TEST_CASE("what an object owns goes after it") {
  const std::string ns = new_namespace();
  const json::Value owner = made(kinds::config_map, config_map(ns, "owner"));
  const json::Value child = made(kinds::config_map, owned_by(config_map(ns, "child"), {owner}));
  made(kinds::pod, owned_by(pod(ns, "grandchild"), {child}));
  CHECK(kube::controller_of(child).uid == kube::uid_of(owner));
  REQUIRE(api().remove(kinds::config_map, {ns, "owner"}, {}).has_value());
  CHECK(eventually([&] { return gone(kinds::config_map, {ns, "child"}); }));
  CHECK(eventually([&] { return gone(kinds::pod, {ns, "grandchild"}); }));
}

TEST_CASE("an object with another owner stays and forgets the one that is gone") {
  const std::string ns = new_namespace();
  const json::Value one = made(kinds::config_map, config_map(ns, "one"));
  const json::Value two = made(kinds::config_map, config_map(ns, "two"));
  made(kinds::config_map, owned_by(config_map(ns, "child"), {one, two}));
  REQUIRE(api().remove(kinds::config_map, {ns, "one"}, {}).has_value());
  CHECK(eventually([&] {
    const json::Value child = found(kinds::config_map, {ns, "child"});
    return text(child, "/metadata/ownerReferences/0/name") == "two";
  }));
}

TEST_CASE("orphans stay and forget their owner") {
  const std::string ns = new_namespace();
  const json::Value owner = made(kinds::config_map, config_map(ns, "owner"));
  made(kinds::config_map, owned_by(config_map(ns, "child"), {owner}));
  REQUIRE(api().remove(kinds::config_map, {ns, "owner"}, {.propagation = Propagation::Orphan}).has_value());
  CHECK(eventually([&] { return gone(kinds::config_map, {ns, "owner"}); }));
  CHECK(eventually([&] {
    const json::Value child = found(kinds::config_map, {ns, "child"});
    return json::find(child, "/metadata/ownerReferences") == nullptr;
  }));
  REQUIRE(found(kinds::config_map, {ns, "child"}).is_object());
}

TEST_CASE("a foreground deletion waits for what blocks the owner") {
  const std::string ns = new_namespace();
  const json::Value owner = made(kinds::config_map, config_map(ns, "owner"));
  json::Value child = owned_by(config_map(ns, "child"), {owner});
  json::set_at(child, "/metadata/finalizers", json::Array{"muster.dev/test"});
  made(kinds::config_map, child);
  REQUIRE(api().remove(kinds::config_map, {ns, "owner"}, {.propagation = Propagation::Foreground}).has_value());
  CHECK(eventually([&] { return kube::is_being_deleted(found(kinds::config_map, {ns, "child"})); }));
  const json::Value waiting = found(kinds::config_map, {ns, "owner"});
  REQUIRE(waiting.is_object());
  CHECK(text(waiting, "/metadata/finalizers/0") == "foregroundDeletion");
  REQUIRE(api().patch(kinds::config_map, {ns, "child"}, parsed(R"({"metadata":{"finalizers":null}})")).has_value());
  CHECK(eventually([&] { return gone(kinds::config_map, {ns, "owner"}); }));
}

TEST_CASE("an object whose owner never was goes") {
  const std::string ns = new_namespace();
  json::Value ghost = made(kinds::config_map, config_map(ns, "ghost"));
  REQUIRE(api().remove(kinds::config_map, {ns, "ghost"}, {}).has_value());
  made(kinds::config_map, owned_by(config_map(ns, "child"), {ghost}));
  CHECK(eventually([&] { return gone(kinds::config_map, {ns, "child"}); }));
}

TEST_CASE("a namespace takes everything in it along and takes nothing new meanwhile") {
  const std::string ns = new_namespace();
  made(kinds::config_map, config_map(ns, "a"));
  json::Value held = config_map(ns, "held");
  json::set_at(held, "/metadata/finalizers", json::Array{"muster.dev/test"});
  made(kinds::config_map, held);
  made(kinds::pod, pod(ns, "p"));
  REQUIRE(api().remove(kinds::ns, {"", ns}, {}).has_value());
  json::Value leaving = found(kinds::ns, {"", ns});
  REQUIRE(leaving.is_object());
  CHECK(kube::is_being_deleted(leaving));
  CHECK(text(leaving, "/status/phase") == "Terminating");
  CHECK(refusal(api().create(kinds::config_map, config_map(ns, "late"))).kind == ErrorKind::Denied);
  CHECK(eventually([&] { return gone(kinds::config_map, {ns, "a"}) && gone(kinds::pod, {ns, "p"}); }));
  CHECK(eventually([&] { return kube::is_being_deleted(found(kinds::config_map, {ns, "held"})); }));
  REQUIRE(found(kinds::ns, {"", ns}).is_object());
  REQUIRE(api().patch(kinds::config_map, {ns, "held"}, parsed(R"({"metadata":{"finalizers":null}})")).has_value());
  CHECK(eventually([&] { return gone(kinds::ns, {"", ns}); }));
}

TEST_CASE("a namespace is active, carries its name as a label, and default always exists") {
  const json::Value ns = found(kinds::ns, {"", new_namespace()});
  CHECK(text(ns, "/status/phase") == "Active");
  CHECK(kube::label_of(ns, "kubernetes.io/metadata.name") == kube::name_of(ns));
  CHECK(found(kinds::ns, {"", "default"}).is_object());
  CHECK(refusal(api().remove(kinds::ns, {"", "default"}, {})).kind == ErrorKind::Denied);
}
