// Readers of object metadata.
#include "kube/objects.h"

namespace muster::kube {

namespace {

std::string text_of(const json::Value* value) {
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->get_string());
}

const json::Value* metadata_member(const json::Value& object, std::string_view name) {
  const json::Value* metadata = json::member(object, "metadata");
  return metadata == nullptr ? nullptr : json::member(*metadata, name);
}

}  // namespace

std::string name_of(const json::Value& object) { return text_of(metadata_member(object, "name")); }
std::string namespace_of(const json::Value& object) { return text_of(metadata_member(object, "namespace")); }
std::string uid_of(const json::Value& object) { return text_of(metadata_member(object, "uid")); }
std::string resource_version_of(const json::Value& object) {
  return text_of(metadata_member(object, "resourceVersion"));
}

Key key_of(const json::Value& object) { return {namespace_of(object), name_of(object)}; }

std::string to_text(const Key& key) { return key.ns.empty() ? key.name : key.ns + "/" + key.name; }

Time created_at(const json::Value& object) {
  const Result<Time> time = parse_rfc3339(text_of(metadata_member(object, "creationTimestamp")));
  return time.has_value() ? *time : Time{};
}

bool is_being_deleted(const json::Value& object) {
  const json::Value* at = metadata_member(object, "deletionTimestamp");
  return at != nullptr && !at->is_null();
}

std::map<std::string, std::string> labels_of(const json::Value& object) {
  std::map<std::string, std::string> labels;
  const json::Value* found = metadata_member(object, "labels");
  if (found == nullptr || !found->is_object()) return labels;
  for (const auto& [name, value] : found->get_object()) labels[std::string(name)] = text_of(&value);
  return labels;
}

std::string label_of(const json::Value& object, std::string_view label) {
  const json::Value* labels = metadata_member(object, "labels");
  return labels == nullptr ? "" : text_of(json::member(*labels, label));
}

std::string annotation_of(const json::Value& object, std::string_view annotation) {
  const json::Value* annotations = metadata_member(object, "annotations");
  return annotations == nullptr ? "" : text_of(json::member(*annotations, annotation));
}

Owner controller_of(const json::Value& object) {
  const json::Value* owners = metadata_member(object, "ownerReferences");
  if (owners == nullptr || !owners->is_array()) return {};
  for (const json::Value& owner : owners->get_array()) {
    if (!json::bool_at(owner, "/controller").value_or(false)) continue;
    return {.api_version = json::text_or(owner, "/apiVersion"),
            .kind = json::text_or(owner, "/kind"),
            .name = json::text_or(owner, "/name"),
            .uid = json::text_or(owner, "/uid")};
  }
  return {};
}

json::Value owner_reference(const json::Value& owner) {
  return json::Object{{"apiVersion", json::text_or(owner, "/apiVersion")},
                      {"kind", json::text_or(owner, "/kind")},
                      {"name", name_of(owner)},
                      {"uid", uid_of(owner)},
                      {"controller", true},
                      {"blockOwnerDeletion", true}};
}

}  // namespace muster::kube
