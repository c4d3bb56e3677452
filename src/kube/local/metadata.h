#pragma once
// Metadata: the checks and the server's own fields of metadata, the same for every kind. Pure functions.

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "kube/local/table.h"

namespace muster::kube::local {

// 422 with a pointer: the object was understood and breaks a rule.
Error unprocessable(std::string text, std::string pointer);
// "pod ns/name" for error texts.
std::string title(const Kind& kind, const Key& key);
std::string title(const Kind& kind, const json::Value& object);

// The metadata object, made when absent. Requires: `object` is an object whose metadata is absent or an object.
json::Object& metadata_of(json::Value& object);
const json::Object& metadata_of(const json::Value& object);

// apiVersion and kind are filled in or must fit; metadata is an object without unknown members; the namespace is there
// exactly when the kind has one.
Result<void> check_frame(const Kind& kind, json::Value& object);
// Name, labels, annotations, owner references and finalizers.
Result<void> check_metadata(const Contract& contract, const json::Value& object);

bool has_finalizer(const json::Value& object, std::string_view finalizer);
bool has_finalizers(const json::Value& object);
void add_finalizer(json::Value& object, std::string_view finalizer);
void drop_finalizer(json::Value& object, std::string_view finalizer);

// True when only resourceVersion may differ.
bool same_but_revision(const json::Value& a, const json::Value& b);
// True when something beside metadata and status differs.
bool content_differs(const json::Value& a, const json::Value& b);

}  // namespace muster::kube::local
