#include "base/schema.h"

#include <doctest/doctest.h>

namespace muster {
namespace {

json::Value js(std::string_view text) {
  const Result<json::Value> value = json::parse(text);
  REQUIRE_MESSAGE(value.has_value(), (value.has_value() ? "" : value.error().text));
  return *value;
}

Schema load(std::string_view text, Schema::Options options = {}) {
  const Result<Schema> schema = Schema::load(js(text), "", options);
  REQUIRE_MESSAGE(schema.has_value(), (schema.has_value() ? "" : schema.error().text));
  return *schema;
}

bool fits(const Schema& schema, std::string_view value) { return schema.validate(js(value)).has_value(); }

Error refusal(const Schema& schema, std::string_view value) {
  const Result<void> result = schema.validate(js(value));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::Invalid);
  return result.error();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string_view training = R"({
  "type": "object", "required": ["name", "spec"],
  "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$",
             "x-expected": "a name of lower case letters, digits and -"},
    "spec": {"type": "object", "properties": {
      "image": {"type": "string"},
      "compute": {"type": "object", "nullable": true, "properties": {
        "gpuDevicesRequest": {"type": "integer", "minimum": 0},
        "gpuPortionRequest": {"type": "number", "minimum": 0, "maximum": 1},
        "gpuRequestType": {"type": "string", "enum": ["portion", "memory"]}}},
      "environmentVariables": {"type": "array", "maxItems": 2, "items": {
        "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}},
      "labels": {"type": "object", "additionalProperties": {"type": "string"}}}}}})";

TEST_CASE("a value that fits passes, and null only where it may stand") {
  const Schema schema = load(training);
  CHECK(fits(schema, R"({"name":"a","spec":{"image":"x","compute":null,"labels":{"any":"thing"}}})"));
  CHECK(refusal(schema, R"({"name":null,"spec":{}})").text ==
        "/name: expected a name of lower case letters, digits and -, got null");
  CHECK(refusal(schema, "[]").text == "document: expected an object, got []");
}

TEST_CASE("an unknown field is named with its place and the nearest known one") {
  const Schema schema = load(training);
  const Error error = refusal(schema, R"({"name":"a","spec":{"compute":{"gpuDeviceRequest":1}}})");
  CHECK(error.pointer == "/spec/compute/gpuDeviceRequest");
  CHECK(error.text ==
        "/spec/compute/gpuDeviceRequest: unknown field \"gpuDeviceRequest\" (did you mean \"gpuDevicesRequest\"?)");
  CHECK(has(refusal(schema, R"({"naem":"a","spec":{}})").text, "did you mean \"name\""));
  CHECK(has(refusal(schema, R"({"name":"a","spec":{"zzzzzzzzzz":1}})").text,
            "; known are compute, environmentVariables"));
  CHECK(refusal(schema, R"({"name":"a","a/b~c":1,"spec":{}})").pointer == "/a~1b~0c");
}

TEST_CASE("wrong types and values are named with what was expected") {
  const Schema schema = load(training);
  const auto text = [&](std::string_view value) { return refusal(schema, value).text; };
  CHECK(text(R"({"spec":{}})") == "document: field \"name\" is required");
  CHECK(text(R"({"name":"a","spec":{"environmentVariables":[{"value":"x"}]}})") ==
        "/spec/environmentVariables/0: field \"name\" is required");
  CHECK(text(R"({"name":"A b","spec":{}})") ==
        "/name: expected a name of lower case letters, digits and -, got \"A b\"");
  CHECK(text(R"({"name":"","spec":{}})") == "/name: expected at least 1 character, got 0");
  CHECK(text(R"({"name":"a","spec":{"image":5}})") == "/spec/image: expected a string, got 5");
  CHECK(text(R"({"name":"a","spec":{"compute":{"gpuDevicesRequest":1.5}}})") ==
        "/spec/compute/gpuDevicesRequest: expected an integer, got 1.5");
  CHECK(text(R"({"name":"a","spec":{"compute":{"gpuDevicesRequest":-1}}})") ==
        "/spec/compute/gpuDevicesRequest: expected at least 0, got -1");
  CHECK(has(text(R"({"name":"a","spec":{"compute":{"gpuPortionRequest":1.5}}})"), "expected at most 1"));
  CHECK(text(R"({"name":"a","spec":{"compute":{"gpuRequestType":"portoin"}}})") ==
        "/spec/compute/gpuRequestType: expected one of \"portion\", \"memory\", got \"portoin\" (did you mean "
        "\"portion\"?)");
  CHECK(text(R"({"name":"a","spec":{"labels":{"x":1}}})") == "/spec/labels/x: expected a string, got 1");
  CHECK(has(text(R"({"name":"a","spec":{"environmentVariables":[{"name":"a"},{"name":"b"},{"name":"c"}]}})"),
            "at most 2 items, got 3"));
  CHECK(fits(schema, R"({"name":"a","spec":{"compute":{"gpuDevicesRequest":2.0}}})"));
}

TEST_CASE("every problem can be had at once, bounded") {
  const Schema schema = load(training);
  const json::Value wrong = js(R"({"naem":1,"spec":{"image":5,"imge":6,"labels":{"a":1,"b":2}}})");
  CHECK(schema.problems(wrong, 100).size() == 6);
  CHECK(schema.problems(wrong, 3).size() == 3);
  CHECK(schema.problems(js(R"({"name":"a","spec":{}})"), 100).empty());
}

TEST_CASE("parts of allOf and references make one object") {
  const json::Value document = js(R"({"components": {"schemas": {
    "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    "Sized": {"properties": {"size": {"type": "integer", "minimum": 1}}},
    "Thing": {"allOf": [{"$ref": "#/components/schemas/Named"}, {"$ref": "#/components/schemas/Sized"},
                        {"properties": {"size": {"maximum": 5}, "next": {"$ref": "#/components/schemas/Thing"}}}]}}}})");
  const Result<Schema> schema = Schema::load(document, "/components/schemas/Thing");
  REQUIRE(schema.has_value());
  CHECK(fits(*schema, R"({"name":"a","size":3,"next":{"name":"b","next":{"name":"c"}}})"));
  CHECK(refusal(*schema, R"({"name":"a","size":6})").pointer == "/size");
  CHECK(refusal(*schema, R"({"name":"a","size":0})").pointer == "/size");
  CHECK(refusal(*schema, R"({"name":"a","other":0})").pointer == "/other");
  CHECK(refusal(*schema, R"({"name":"a","next":{"name":"b","next":{}}})").pointer == "/next/next");
  CHECK(schema->type_at("/next/next/next/size") == "integer");
}

TEST_CASE("Kubernetes' extensions are understood") {
  const Schema::Options structural{.dialect = Schema::Dialect::Structural};
  const Schema schema = load(R"({"type": "object", "properties": {
    "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"known": {"type": "integer"}}},
    "any": {"x-kubernetes-preserve-unknown-fields": true},
    "empty": {"type": "object"},
    "keys": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
             "items": {"type": "object", "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}}},
    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}})",
                             structural);
  CHECK(fits(schema, R"({"port":80})"));
  CHECK(fits(schema, R"({"port":"http"})"));
  CHECK(has(refusal(schema, R"({"port":1.5})").text, "an integer or a string"));
  CHECK(fits(schema, R"({"free":{"a":{"b":1},"known":1}})"));
  CHECK(refusal(schema, R"({"free":{"known":"x"}})").pointer == "/free/known");
  CHECK(fits(schema, R"({"any":[1,{"a":null}]})"));
  CHECK(refusal(schema, R"({"empty":{"a":1}})").pointer == "/empty/a");
  CHECK(refusal(schema, R"({"keys":[{"name":"a","v":1},{"name":"b"},{"name":"a","v":2}]})").pointer == "/keys/2");
  CHECK(refusal(schema, R"({"set":["a","a"]})").pointer == "/set/1");
  const Schema object =
      load(R"({"type":"object","properties":{"spec":{"type":"object","properties":{"x":{"type":"integer"}}}}})",
           {.dialect = Schema::Dialect::Structural, .is_resource = true});
  CHECK(fits(object, R"({"apiVersion":"v1","kind":"X","metadata":{"name":"x","labels":{"a":"b"}},"spec":{"x":1}})"));
  CHECK(refusal(object, R"({"apiVersion":"v1","status":{}})").pointer == "/status");
}

TEST_CASE("anyOf, oneOf and not restate parts without closing them") {
  const Schema schema = load(R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "not": {"properties": {"a": {"enum": [7]}}, "required": ["a"]}})");
  CHECK(fits(schema, R"({"a":1})"));
  CHECK(has(refusal(schema, "{}").text, "none of its forms"));
  CHECK(has(refusal(schema, R"({"a":1,"b":1})").text, "exactly one"));
  CHECK(has(refusal(schema, R"({"a":7})").text, "not allowed"));
}

TEST_CASE("formats that carry meaning are checked, others are not") {
  const Schema schema = load(R"({"type": "object", "properties": {
    "id": {"type": "string", "format": "uuid"}, "at": {"type": "string", "format": "date-time"},
    "n": {"type": "integer", "format": "int32"}, "u": {"type": "string", "format": "uri"},
    "s": {"type": "number", "multipleOf": 0.1, "minimum": 0, "exclusiveMinimum": true}}})");
  CHECK(fits(
      schema,
      R"({"id":"b7e9a9c4-6a3d-4d6d-8a3e-0f2f1f0a9b11","at":"2026-11-24T08:15:30+01:00","n":-5,"u":"::","s":0.3})"));
  CHECK(has(refusal(schema, R"({"id":"x"})").text, "a UUID"));
  CHECK(has(refusal(schema, R"({"at":"yesterday"})").text, "a time"));
  CHECK(has(refusal(schema, R"({"n":3000000000})").text, "32 bits"));
  CHECK(has(refusal(schema, R"({"s":0.25})").text, "multiple of 0.1"));
  CHECK(has(refusal(schema, R"({"s":0})").text, "more than 0"));
}

TEST_CASE("defaults fill what is absent, and null where none may be") {
  const Schema schema = load(R"({"type": "object", "properties": {
    "restartPolicy": {"type": "string", "default": "Always"},
    "grace": {"type": "integer", "default": 30, "nullable": true},
    "inner": {"type": "object", "properties": {"x": {"type": "integer", "default": 1}}},
    "made": {"type": "object", "default": {}, "properties": {"y": {"type": "integer", "default": 2}}},
    "containers": {"type": "array", "items": {"type": "object", "properties": {
      "pull": {"type": "string", "default": "IfNotPresent"}}}},
    "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"z": {"type": "integer", "default": 3}}}}}})");
  json::Value value = js(R"({"restartPolicy":null,"grace":null,"containers":[{},{"pull":"Never"}],"map":{"k":{}}})");
  schema.apply_defaults(value);
  CHECK(value == js(R"({"restartPolicy":"Always","grace":null,"containers":[{"pull":"IfNotPresent"},{"pull":"Never"}],
    "map":{"k":{"z":3}},"made":{"y":2}})"));
}

TEST_CASE("pruning takes out what is unknown and says where it stood") {
  const Schema schema = load(training);
  json::Value value =
      js(R"({"name":"a","x":1,"spec":{"y":2,"labels":{"k":"v"},"environmentVariables":[{"name":"n","z":3}]},"w":0})");
  std::vector<std::string> removed;
  schema.prune(value, &removed);
  CHECK(json::write(value) == R"({"name":"a","spec":{"labels":{"k":"v"},"environmentVariables":[{"name":"n"}]}})");
  CHECK(removed == std::vector<std::string>{"/x", "/spec/y", "/spec/environmentVariables/0/z", "/w"});
}

TEST_CASE("a schema tells which fields it has") {
  const Schema schema = load(training);
  CHECK(schema.type_at("") == "object");
  CHECK(schema.type_at("/spec/compute/gpuPortionRequest") == "number");
  CHECK(schema.type_at("/spec/environmentVariables/*/name") == "string");
  CHECK(schema.type_at("/spec/environmentVariables/3") == "object");
  CHECK(schema.type_at("/spec/labels/anything") == "string");
  CHECK(schema.type_at("/spec/nothing").empty());
  CHECK(schema.fields_at("/spec/environmentVariables/*") == std::vector<std::string>{"name", "value"});
}

TEST_CASE("a broken schema is refused with the place of the keyword") {
  const auto pointer = [](std::string_view text) {
    const Result<Schema> schema = Schema::load(js(text), "");
    REQUIRE_FALSE(schema.has_value());
    return schema.error().pointer;
  };
  CHECK(pointer(R"({"properties":{"a":{"type":"text"}}})") == "/properties/a/type");
  CHECK(pointer(R"({"properties":{"a":{"$ref":"#/nowhere"}}})") == "/properties/a/$ref");
  CHECK(pointer(R"({"properties":{"a":{"$ref":"http://x/y"}}})") == "/properties/a/$ref");
  CHECK(pointer(R"({"items":{"pattern":"("}})") == "/items/pattern");
  CHECK(pointer(R"({"allOf":[{"type":"string"},{"type":"object"}]})") == "/allOf/1/type");
  CHECK(pointer(R"({"items":5})") == "/items");
  CHECK_FALSE(Schema::load(js("{}"), "/a").has_value());
}

}  // namespace
}  // namespace muster
