// Our own kinds: registered definitions, defaults, validation, and definitions that come and go.
#include "base/clock.h"
#include "home.h"
#include "kube/rest/rest.h"

using namespace contract;

namespace {

const kube::Kind widget{"contract.example.com", "v1", "Widget", "widgets", true, true};

json::Value widget_definition() {
  return parsed(R"({"metadata":{"name":"widgets.contract.example.com"},
    "spec":{"group":"contract.example.com","scope":"Namespaced","names":{"kind":"Widget","plural":"widgets"},
      "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
        "schema":{"openAPIV3Schema":{"type":"object","properties":{
          "spec":{"type":"object","required":["size"],"properties":{
            "size":{"type":"integer","minimum":1,"maximum":10},
            "color":{"type":"string","enum":["red","blue"],"default":"red"},
            "name":{"type":"string","pattern":"^[a-z]+$"},
            "port":{"x-kubernetes-int-or-string":true},
            "note":{"type":"string","nullable":true},
            "parts":{"type":"array","items":{"type":"object","properties":{"weight":{"type":"number","default":1.5}}}},
            "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
          "status":{"type":"object","properties":{"ready":{"type":"boolean"}}}}}}}]}})");
}

void define_widgets() {
  const auto created = api().create(kinds::crd, widget_definition());
  if (!created.has_value()) REQUIRE(created.error().kind == ErrorKind::Conflict);
  REQUIRE(eventually([] { return api().list(widget, {}).has_value(); }));
}

json::Value a_widget(const std::string& ns, const std::string& name, std::string_view spec) {
  json::Value object = parsed(R"({"metadata":{}})");
  json::set_at(object, "/metadata/namespace", json::Value(ns));
  json::set_at(object, "/metadata/name", json::Value(name));
  object.get_object()["spec"] = parsed(spec);
  return object;
}

}  // namespace

TEST_CASE("the definitions of api/crds can be installed twice and are then all there") {
  CHECK(kube::ensure_crds(api(), false).has_value());
  CHECK(kube::ensure_crds(api(), true).has_value());
  for (const kube::Kind* kind : kinds::all()) {
    CAPTURE(kind->plural);
    CHECK(api().list(*kind, {.limit = 1}).has_value());
  }
}

TEST_CASE("a registered kind is stored, defaulted and read back") {
  define_widgets();
  const std::string ns = new_namespace();
  const json::Value object =
      made(widget, a_widget(ns, "a", R"({"size":3,"parts":[{}],"port":"http","free":{"x":{"y":1}}})"));
  CHECK(text(object, "/kind") == "Widget");
  CHECK(text(object, "/apiVersion") == "contract.example.com/v1");
  CHECK(text(object, "/spec/color") == "red");
  CHECK(json::number_at(object, "/spec/parts/0/weight") == 1.5);
  CHECK(number(object, "/spec/free/x/y") == 1);
  CHECK(number(object, "/metadata/generation") == 1);
  CHECK(found(widget, {ns, "a"}) == object);
}

TEST_CASE("a value that breaks the schema is refused with its pointer") {
  define_widgets();
  const std::string ns = new_namespace();
  const auto refused = [&](std::string_view spec) {
    const auto result = api().create(widget, a_widget(ns, "bad", spec));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::Invalid);
    return std::to_string(muster::http_status(result.error())) + " " + result.error().pointer;
  };
  CHECK(refused(R"({"size":0})") == "422 /spec/size");
  CHECK(refused(R"({"size":11})") == "422 /spec/size");
  CHECK(refused(R"({"size":"3"})") == "422 /spec/size");
  CHECK(refused(R"({})") == "422 /spec");
  CHECK(refused(R"({"size":3,"color":"green"})") == "422 /spec/color");
  CHECK(refused(R"({"size":3,"name":"Loud"})") == "422 /spec/name");
  CHECK(refused(R"({"size":3,"port":true})") == "422 /spec/port");
  CHECK(refused(R"({"size":3,"parts":[{"weight":1},{"weight":"heavy"}]})") == "422 /spec/parts/1/weight");
}

TEST_CASE("an unknown field is refused with its pointer, and is free where the schema says so") {
  define_widgets();
  const std::string ns = new_namespace();
  const auto unknown = api().create(widget, a_widget(ns, "bad", R"({"size":3,"colour":"red"})"));
  REQUIRE_FALSE(unknown.has_value());
  CHECK(muster::http_status(unknown.error()) == 400);
  CHECK(unknown.error().pointer == "/spec/colour");
  const auto deep = api().create(widget, a_widget(ns, "bad", R"({"size":3,"parts":[{"wait":1}]})"));
  CHECK(deep.error().pointer == "/spec/parts/0/wait");
  CHECK(api().create(widget, a_widget(ns, "good", R"({"size":3,"free":{"anything":[1]}})")).has_value());
  const auto patched = api().patch(widget, {ns, "good"}, parsed(R"({"spec":{"colour":"red"}})"));
  REQUIRE_FALSE(patched.has_value());
  CHECK(muster::http_status(patched.error()) == 422);
  CHECK(patched.error().pointer == "/spec/colour");
}

TEST_CASE("an update and a status are held to the schema too") {
  define_widgets();
  const std::string ns = new_namespace();
  made(widget, a_widget(ns, "a", R"({"size":3})"));
  const kube::Key key{ns, "a"};
  const auto patched = api().patch(widget, key, parsed(R"({"spec":{"size":99}})"));
  CHECK(muster::http_status(patched.error()) == 422);
  CHECK(patched.error().pointer == "/spec/size");
  const auto status = api().patch_status(widget, key, parsed(R"({"status":{"ready":"yes"}})"));
  CHECK(muster::http_status(status.error()) == 422);
  CHECK(status.error().pointer == "/status/ready");
  CHECK(api().patch_status(widget, key, parsed(R"({"status":{"ready":true}})")).has_value());
  json::Value replaced = found(widget, key);
  json::set_at(replaced, "/spec", parsed(R"({"size":4,"color":"blue"})"));
  replaced.get_object().erase("status");
  const auto updated = api().update(widget, replaced);
  REQUIRE(updated.has_value());
  CHECK(json::bool_at(*updated, "/status/ready") == true);
  CHECK(number(*updated, "/metadata/generation") == 2);
}

TEST_CASE("a queue with a quota below -1 is refused") {
  const auto refused = api().create(kinds::queue, queue("contract-bad", -2));
  CHECK(muster::http_status(refused.error()) == 422);
  CHECK(refused.error().pointer == "/spec/resources/gpu/quota");
}

TEST_CASE("a definition that goes takes its objects along") {
  const kube::Kind gadget{"contract.example.com", "v1", "Gadget", "gadgets", false, false};
  REQUIRE(api()
              .create(kinds::crd, parsed(R"({"metadata":{"name":"gadgets.contract.example.com"},
    "spec":{"group":"contract.example.com","scope":"Cluster","names":{"kind":"Gadget","plural":"gadgets"},
      "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object",
        "x-kubernetes-preserve-unknown-fields":true}}}]}})"))
              .has_value());
  REQUIRE(
      eventually([&] { return api().create(gadget, parsed(R"({"metadata":{"name":"g"},"size":1})")).has_value(); }));
  CHECK(refusal(api().patch_status(gadget, {"", "g"}, parsed(R"({"status":{}})"))).kind == ErrorKind::NotFound);
  REQUIRE(api().remove(kinds::crd, {"", "gadgets.contract.example.com"}, {}).has_value());
  CHECK(eventually([&] {
    const auto list = api().list(gadget, {});
    return !list.has_value() && list.error().kind == ErrorKind::NotFound;
  }));
  CHECK(eventually([&] { return found(kinds::crd, {"", "gadgets.contract.example.com"}).is_null(); }));
}

TEST_CASE("a definition must be named by its plural and group, and needs a schema") {
  json::Value wrong = widget_definition();
  json::set_at(wrong, "/metadata/name", "gizmos.contract.example.com");
  CHECK(muster::http_status(refusal(api().create(kinds::crd, wrong))) == 422);
  json::Value bare = widget_definition();
  json::set_at(bare, "/metadata/name", "bares.contract.example.com");
  json::set_at(bare, "/spec/names", parsed(R"({"kind":"Bare","plural":"bares"})"));
  json::find(bare, "/spec/versions/0")->get_object().erase("schema");
  CHECK(muster::http_status(refusal(api().create(kinds::crd, bare))) == 422);
}
