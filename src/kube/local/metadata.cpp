// The rules of ObjectMeta, as a real API server applies them.
#include "kube/local/metadata.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"
#include "kube/names.h"
#include "kube/objects.h"

namespace muster::kube::local {

namespace {

constexpr std::size_t most_annotation_bytes = 256 * 1024;

Result<void> check_name(const Contract& contract, const std::string& name) {
  const bool good = contract.name_rule == NameRule::Label ? is_rfc1123_label(name) : is_rfc1123_subdomain(name);
  if (good) return {};
  return unprocessable(title(contract.kind, Key{"", name}) +
                           ": not a valid name; use lower case letters, digits and '-'" +
                           (contract.name_rule == NameRule::Label ? ", at most 63" : " or '.', at most 253") +
                           ", beginning and ending with a letter or digit",
                       "/metadata/name");
}

Result<void> check_texts(const std::string& of, const json::Object& metadata, std::string_view member) {
  const json::Value* found = metadata.if_contains(member);
  if (found == nullptr || found->is_null()) return {};
  const std::string pointer = "/metadata/" + std::string(member);
  if (!found->is_object()) return invalid(of + ": " + std::string(member) + " must be an object", pointer);
  std::size_t bytes = 0;
  for (const auto& [name, value] : found->get_object()) {
    const std::string at = pointer + "/" + json::escape_step(name);
    if (!value.is_string()) return invalid(of + ": " + std::string(member) + " must be texts", at);
    if (!is_qualified_name(name)) {
      return unprocessable(of + ": \"" + std::string(name) + "\" is not a valid key", at);
    }
    if (member == "labels" && !is_label_value(value.get_string())) {
      return unprocessable(of + ": \"" + std::string(value.get_string()) + "\" is not a valid label value", at);
    }
    bytes += name.size() + value.get_string().size();
  }
  if (bytes > most_annotation_bytes) return unprocessable(of + ": annotations are larger than 256 KiB", pointer);
  return {};
}

Result<void> check_owners(const std::string& of, const json::Object& metadata) {
  const json::Value* owners = metadata.if_contains("ownerReferences");
  if (owners == nullptr || owners->is_null()) return {};
  if (!owners->is_array()) return invalid(of + ": ownerReferences must be a list", "/metadata/ownerReferences");
  std::size_t index = 0;
  int controllers = 0;
  for (const json::Value& owner : owners->get_array()) {
    const std::string at = "/metadata/ownerReferences/" + std::to_string(index++);
    for (const char* member : {"apiVersion", "kind", "name", "uid"}) {
      if (json::text_or(owner, std::string("/") + member).empty()) {
        return unprocessable(of + ": an owner reference needs apiVersion, kind, name and uid", at + "/" + member);
      }
    }
    if (json::bool_at(owner, "/controller").value_or(false)) ++controllers;
  }
  if (controllers > 1) {
    return unprocessable(of + ": only one owner reference can be the controller", "/metadata/ownerReferences");
  }
  return {};
}

Result<void> check_finalizers(const std::string& of, const json::Object& metadata) {
  const json::Value* finalizers = metadata.if_contains("finalizers");
  if (finalizers == nullptr || finalizers->is_null()) return {};
  if (!finalizers->is_array()) return invalid(of + ": finalizers must be a list", "/metadata/finalizers");
  std::size_t index = 0;
  for (const json::Value& finalizer : finalizers->get_array()) {
    const std::string at = "/metadata/finalizers/" + std::to_string(index++);
    if (!finalizer.is_string()) return invalid(of + ": finalizers must be texts", at);
    if (!is_qualified_name(finalizer.get_string())) {
      return unprocessable(of + ": \"" + std::string(finalizer.get_string()) + "\" is not a qualified name", at);
    }
  }
  return {};
}

Result<void> check_members(const std::string& of, const json::Object& metadata) {
  static const std::vector<std::string> known = {
      "name",       "generateName",    "namespace",         "selfLink",      "uid",
      "labels",     "annotations",     "resourceVersion",   "generation",    "creationTimestamp",
      "finalizers", "ownerReferences", "deletionTimestamp", "managedFields", "deletionGracePeriodSeconds"};
  for (const auto& [name, value] : metadata) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) {
      return invalid(of + ": unknown field metadata." + std::string(name) + did_you_mean(name, known),
                     "/metadata/" + json::escape_step(name));
    }
  }
  for (const char* text : {"name", "generateName", "namespace", "uid", "resourceVersion"}) {
    const json::Value* value = metadata.if_contains(text);
    if (value != nullptr && !value->is_null() && !value->is_string()) {
      return invalid(of + ": metadata." + text + " must be a text", std::string("/metadata/") + text);
    }
  }
  return {};
}

}  // namespace

Error unprocessable(std::string text, std::string pointer) {
  Error error = invalid(std::move(text), std::move(pointer));
  error.status = 422;
  return error;
}

std::string title(const Kind& kind, const Key& key) { return to_lower(kind.kind) + " " + to_text(key); }
std::string title(const Kind& kind, const json::Value& object) { return title(kind, key_of(object)); }

json::Object& metadata_of(json::Value& object) {
  CHECK(object.is_object(), "check_frame refuses what is no object");
  json::Value& metadata = object.get_object()["metadata"];
  if (!metadata.is_object()) metadata.emplace_object();
  return metadata.get_object();
}

const json::Object& metadata_of(const json::Value& object) {
  const json::Value* metadata = json::member(object, "metadata");
  CHECK(metadata != nullptr && metadata->is_object(), "every stored object has metadata");
  return metadata->get_object();
}

Result<void> check_frame(const Kind& kind, json::Value& object) {
  if (!object.is_object()) return invalid(to_lower(kind.kind) + ": the body must be an object");
  json::Object& top = object.get_object();
  for (const auto& [name, wanted] :
       std::array<std::pair<const char*, std::string>, 2>{{{"apiVersion", kind.api_version()}, {"kind", kind.kind}}}) {
    json::Value& value = top[name];
    if (value.is_null()) value = wanted;
    if (!value.is_string() || std::string_view(value.get_string()) != wanted) {
      return invalid(to_lower(kind.kind) + ": " + name + " must be " + wanted, std::string("/") + name);
    }
  }
  const json::Value* metadata = top.if_contains("metadata");
  if (metadata != nullptr && !metadata->is_null() && !metadata->is_object()) {
    return invalid(to_lower(kind.kind) + ": metadata must be an object", "/metadata");
  }
  const json::Object& checked = metadata_of(object);
  const std::string of = title(kind, object);
  TRY(check_members(of, checked));
  const bool has_namespace = !namespace_of(object).empty();
  if (kind.namespaced && !has_namespace) {
    return invalid(of + ": a namespace is required; set metadata.namespace", "/metadata/namespace");
  }
  if (!kind.namespaced && has_namespace) {
    return invalid(of + ": the kind has no namespaces; leave out metadata.namespace", "/metadata/namespace");
  }
  return {};
}

Result<void> check_metadata(const Contract& contract, const json::Value& object) {
  const std::string of = title(contract.kind, object);
  const json::Object& metadata = metadata_of(object);
  TRY(check_name(contract, name_of(object)));
  TRY(check_texts(of, metadata, "labels"));
  TRY(check_texts(of, metadata, "annotations"));
  TRY(check_owners(of, metadata));
  return check_finalizers(of, metadata);
}

bool has_finalizers(const json::Value& object) {
  const json::Value* finalizers = metadata_of(object).if_contains("finalizers");
  return finalizers != nullptr && finalizers->is_array() && !finalizers->get_array().empty();
}

bool has_finalizer(const json::Value& object, std::string_view finalizer) {
  if (!has_finalizers(object)) return false;
  for (const json::Value& item : metadata_of(object).at("finalizers").get_array()) {
    if (item.is_string() && std::string_view(item.get_string()) == finalizer) return true;
  }
  return false;
}

void add_finalizer(json::Value& object, std::string_view finalizer) {
  if (has_finalizer(object, finalizer)) return;
  json::Value& finalizers = metadata_of(object)["finalizers"];
  if (!finalizers.is_array()) finalizers.emplace_array();
  finalizers.get_array().push_back(json::Value(finalizer));
}

void drop_finalizer(json::Value& object, std::string_view finalizer) {
  if (!has_finalizers(object)) return;
  json::Array& items = metadata_of(object)["finalizers"].get_array();
  items.erase(std::remove_if(items.begin(), items.end(),
                             [&](const json::Value& item) {
                               return item.is_string() && std::string_view(item.get_string()) == finalizer;
                             }),
              items.end());
  if (items.empty()) metadata_of(object).erase("finalizers");
}

bool same_but_revision(const json::Value& a, const json::Value& b) {
  const json::Object& x = a.get_object();
  const json::Object& y = b.get_object();
  if (x.size() != y.size()) return false;
  for (const auto& [name, value] : x) {
    const json::Value* other = y.if_contains(name);
    if (other == nullptr) return false;
    if (name != "metadata") {
      if (value != *other) return false;
      continue;
    }
    const auto& one = value.get_object();
    const auto& two = other->get_object();
    const auto members = [](const json::Object& o) { return o.size() - (o.contains("resourceVersion") ? 1 : 0); };
    if (members(one) != members(two)) return false;
    for (const auto& [field, item] : one) {
      if (field == "resourceVersion") continue;
      const json::Value* match = two.if_contains(field);
      if (match == nullptr || item != *match) return false;
    }
  }
  return true;
}

bool content_differs(const json::Value& a, const json::Value& b) {
  const auto covers = [](const json::Object& x, const json::Object& y) {
    for (const auto& [name, value] : x) {
      if (name == "metadata" || name == "status") continue;
      const json::Value* other = y.if_contains(name);
      if (other == nullptr || *other != value) return false;
    }
    return true;
  };
  return !covers(a.get_object(), b.get_object()) || !covers(b.get_object(), a.get_object());
}

}  // namespace muster::kube::local
