#include "base/contract.h"

#include <doctest/doctest.h>

namespace muster::contract {
namespace {

json::Value js(std::string_view text) {
  const Result<json::Value> value = json::parse(text);
  REQUIRE_MESSAGE(value.has_value(), (value.has_value() ? "" : value.error().text));
  return *value;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("every schema of every contract compiles") {
  for (const std::string& path : paths_below("openapi/")) {
    CAPTURE(path);
    const json::Value* file = document(path);
    REQUIRE(file != nullptr);
    for (const auto& [name, schema] : json::find(*file, "/components/schemas")->get_object()) {
      CAPTURE(std::string(name));
      CHECK(schema_at(path, "/components/schemas/" + json::escape_step(name), {}) != nullptr);
    }
    for (const auto& [name, methods] : json::find(*file, "/paths")->get_object()) {
      for (const auto& [method, operation] : methods.get_object()) {
        if (!operation.is_object()) continue;
        const bool has_body = json::find(operation, "/requestBody") != nullptr;
        CHECK((request_schema(method, name) != nullptr) == has_body);
      }
    }
  }
  const json::Value* kubernetes = document("kubernetes.json");
  REQUIRE(kubernetes != nullptr);
  for (const auto& [name, schema] : json::find(*kubernetes, "/components/schemas")->get_object()) {
    const bool is_kind = json::member(schema, "x-kubernetes-group-version-kind") != nullptr;
    CHECK(schema_at("kubernetes.json", "/components/schemas/" + std::string(name),
                    {.dialect = Schema::Dialect::Structural, .is_resource = is_kind}) != nullptr);
  }
}

TEST_CASE("paths are found under other parameter names and from the wire, literal parts first") {
  const Schema* resources = request_schema("PUT", "/api/v1/org-unit/projects/{id}/resources");
  REQUIRE(resources != nullptr);
  CHECK(request_schema("put", "/api/v1/org-unit/projects/4500001/resources") == resources);
  CHECK(request_schema("PUT", "/api/v1/org-unit/projects/{projectId}/resources") == resources);
  CHECK(request_schema("POST", "/api/v1/nowhere") == nullptr);
  CHECK(request_schema("GET", "/api/v1/workloads") == nullptr);
  const Schema* count = response_schema("GET", "/api/v1/workloads/count", 200);
  REQUIRE(count != nullptr);
  CHECK(count->type_at("/count") == "integer");
  CHECK(response_schema("GET", "/api/v1/workloads/x", 404)->type_at("/message") == "string");
  CHECK(document("openapi/none.json") == nullptr);
}

TEST_CASE("a training needs a project and a spec; name, image and cluster may be left out") {
  const Schema* schema = request_schema("POST", "/api/v1/workloads/trainings");
  REQUIRE(schema != nullptr);
  CHECK(schema
            ->validate(js(R"({"projectId":"4500001","spec":{"command":"sh","compute":{"gpuDevicesRequest":1,
    "gpuRequestType":"portion","gpuPortionRequest":0.5},"environmentVariables":[{"name":"A","value":"b"}]}})"))
            .has_value());
  // As Run:ai's own client writes it.
  CHECK(schema
            ->validate(js(R"({"name":"train-1","useGivenNameAsPrefix":false,"projectId":"4500001",
    "clusterId":"b7e9a9c4-6a3d-4d6d-8a3e-0f2f1f0a9b11","spec":{"image":"x","args":null}})"))
            .has_value());
  const Result<void> typo = schema->validate(js(R"({"projectId":"1","spec":{"imagee":"x"}})"));
  REQUIRE_FALSE(typo.has_value());
  CHECK(typo.error().text == "/spec/imagee: unknown field \"imagee\" (did you mean \"image\"?)");
  CHECK(has(schema->validate(js(R"({"spec":{}})")).error().text, "\"projectId\" is required"));
  CHECK(has(schema->validate(js(R"({"projectId":"1","name":"Train","spec":{}})")).error().text, "lower case"));
  CHECK(request_schema("POST", "/api/muster/v1/plan") == schema);
}

TEST_CASE("names with -- are refused, since they divide queue and pool") {
  const Schema* schema = request_schema("POST", "/api/v1/org-unit/projects");
  REQUIRE(schema != nullptr);
  CHECK(schema->validate(js(R"({"name":"vision","resources":[{"nodePool":{"name":"default"},"gpu":{"deserved":1}}]})"))
            .has_value());
  CHECK(schema->validate(js(R"({"name":"a--b","resources":[]})")).error().pointer == "/name");
  CHECK(schema->validate(js(R"({"name":"vision-","resources":[]})")).error().pointer == "/name");
}

TEST_CASE("a project patch takes quota, limit, weight, members and colour only") {
  const Schema* schema = request_schema("PATCH", "/api/muster/v1/projects/vision");
  REQUIRE(schema != nullptr);
  CHECK(schema->validate(js(R"({"gpu":{"quota":2.5,"limit":null},"members":["ann"],"color":3})")).has_value());
  CHECK(has(schema->validate(js(R"({"gpu":{"qouta":2}})")).error().text, "did you mean \"quota\""));
  CHECK(schema->validate(js(R"({"gpu":{"quota":-1}})")).error().pointer == "/gpu/quota");
}

TEST_CASE("CRDs are valid objects of their kind and their schemas take what we write") {
  const Schema* crd = schema_at("kubernetes.json", "/components/schemas/CustomResourceDefinition",
                                {.dialect = Schema::Dialect::Structural, .is_resource = true});
  REQUIRE(crd != nullptr);
  const std::vector<std::string> paths = paths_below("crds/");
  CHECK(paths.size() == 7);
  for (const std::string& path : paths) {
    CAPTURE(path);
    const Result<void> valid = crd->validate(*document(path));
    CHECK_MESSAGE(valid.has_value(), (valid.has_value() ? "" : valid.error().text));
  }
  const auto kind = [](std::string_view path) {
    const Schema* schema = schema_at(path, "/spec/versions/0/schema/openAPIV3Schema",
                                     {.dialect = Schema::Dialect::Structural, .is_resource = true});
    REQUIRE(schema != nullptr);
    return schema;
  };
  CHECK(kind("crds/queues.yaml")
            ->validate(js(R"({"apiVersion":"scheduling.run.ai/v2","kind":"Queue","metadata":{"name":"vision"},
    "spec":{"parentQueue":"dept--default","resources":{"gpu":{"quota":1,"limit":-1,"overQuotaWeight":2}}}})"))
            .has_value());
  CHECK(kind("crds/queues.yaml")
            ->validate(js(R"({"spec":{"resources":{"gpu":{"overQuotaWeight":-1}}}})"))
            .error()
            .pointer == "/spec/resources/gpu/overQuotaWeight");
  CHECK(kind("crds/podgroups.yaml")
            ->validate(js(R"({"spec":{"queue":"a","minMember":2,"minSubGroup":1}})"))
            .error()
            .pointer == "/spec");
  CHECK(kind("crds/trainings.yaml")
            ->validate(js(R"({"metadata":{"name":"t"},"spec":{"suspend":false,"command":"sh",
    "restartPolicy":null,"compute":{"gpuDevicesRequest":1}},"status":{"phase":"Running","anything":1}})"))
            .has_value());
  CHECK(kind("crds/projects.yaml")
            ->validate(js(R"({"spec":{"department":"default","namespace":"runai-vision","resources":
    [{"nodePool":{"name":"default"},"gpu":{"deserved":1,"limit":null,"overQuotaWeight":2},"cpu":null,
      "memory":{"deserved":null,"units":"Mib"},"priority":"MediumLow"}]}})"))
            .has_value());
}

TEST_CASE("a pod gets the defaults of a real API server") {
  const Schema* schema = schema_at("kubernetes.json", "/components/schemas/Pod",
                                   {.dialect = Schema::Dialect::Structural, .is_resource = true});
  json::Value pod = js(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[
    {"name":"main","image":"host","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":1,"memory":"1Gi"}}}]}})");
  CHECK(schema->validate(pod).has_value());
  schema->apply_defaults(pod);
  CHECK(json::text_or(pod, "/spec/restartPolicy") == "Always");
  CHECK(json::integer_at(pod, "/spec/terminationGracePeriodSeconds") == 30);
  CHECK(json::text_or(pod, "/spec/schedulerName") == "default-scheduler");
  CHECK(json::text_or(pod, "/spec/containers/0/ports/0/protocol") == "TCP");
  CHECK(json::text_or(pod, "/spec/containers/0/terminationMessagePolicy") == "File");
  CHECK(has(schema->validate(js(R"({"spec":{"containers":[]}})")).error().text, "at least 1 item"));
  CHECK(has(schema->validate(js(R"({"spec":{"containers":[{"name":"A"}]}})")).error().text, "lower case"));
  CHECK(has(schema->validate(js(R"({"spec":{"containers":[{"name":"a","resources":{"limits":{"memory":"1GB"}}}]}})"))
                .error()
                .text,
            "a quantity such as"));
}

}  // namespace
}  // namespace muster::contract
