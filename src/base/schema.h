#pragma once
// Schema: the one validator of Muster's contracts: the part of OpenAPI 3.0 that Kubernetes calls structural. Compiled
// once from a document (allOf merged, $ref followed), then asked from any thread. An unknown field, a wrong type or a
// bad value gives the same error at every door: JSON pointer, what was expected, the nearest known name.
//
// Understood: type, nullable, properties, required, additionalProperties, items, enum, pattern, minimum and maximum
// (exclusive too), multipleOf, minLength, maxLength, minItems, maxItems, uniqueItems, minProperties, maxProperties,
// format (int32, int64, uuid, date-time; others say nothing), default, allOf, anyOf, oneOf, not, local $ref,
// x-kubernetes-int-or-string, x-kubernetes-preserve-unknown-fields, x-kubernetes-embedded-resource,
// x-kubernetes-list-type, x-kubernetes-list-map-keys, and our own x-expected: words for people in place of a pattern.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace muster {

class Schema {
 public:
  enum class Dialect {
    OpenApi,     // an object without named properties is free
    Structural,  // Kubernetes: such an object has no fields unless it says otherwise
  };
  struct Options {
    Dialect dialect = Dialect::OpenApi;
    // The root is a Kubernetes object: apiVersion, kind and metadata are known, metadata is left to the API server.
    bool is_resource = false;
  };

  // The schema at a JSON pointer of `document` ("/components/schemas/Training"; "" for the whole). Nothing of
  // `document` is kept. invalid: names the keyword's pointer.
  static Result<Schema> load(const json::Value& document, std::string_view pointer, Options options);
  static Result<Schema> load(const json::Value& document, std::string_view pointer) {
    return load(document, pointer, Options());
  }

  // The first thing that is wrong, unknown fields of an object before anything else in it.
  Result<void> validate(const json::Value& value) const;
  // Everything that is wrong, at most `most` errors.
  std::vector<Error> problems(const json::Value& value, std::size_t most) const;
  // Puts defaults where a field is absent, or null without being nullable. As in Kubernetes a default inside an object
  // needs that object.
  void apply_defaults(json::Value& value) const;
  // Takes out fields that are unknown and not preserved; where they stood is appended to `removed`.
  void prune(json::Value& value, std::vector<std::string>* removed = nullptr) const;

  // The type of the field at a pointer whose list steps are any number or "*": "object", "array", "string", "integer",
  // "number", "boolean", "any"; "" when the schema has no such field.
  std::string type_at(std::string_view pointer) const;
  // Names of the fields of the object there; empty when it is none.
  std::vector<std::string> fields_at(std::string_view pointer) const;

  struct Compiled;

 private:
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace muster
