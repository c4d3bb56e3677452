#pragma once
// Readers for the parts of a Kubernetes object that everybody reads.

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "kube/api.h"

namespace muster::kube {

std::string name_of(const json::Value& object);
std::string namespace_of(const json::Value& object);
std::string uid_of(const json::Value& object);
std::string resource_version_of(const json::Value& object);
Key key_of(const json::Value& object);
std::string to_text(const Key& key);  // "ns/name", or "name"
Time created_at(const json::Value& object);
bool is_being_deleted(const json::Value& object);
std::map<std::string, std::string> labels_of(const json::Value& object);
std::string label_of(const json::Value& object, std::string_view label);            // "" when absent
std::string annotation_of(const json::Value& object, std::string_view annotation);  // "" when absent
// The controlling owner: its kind, name, uid; empty strings when there is none.
struct Owner {
  std::string api_version, kind, name, uid;
};
Owner controller_of(const json::Value& object);
// A metadata.ownerReferences entry with controller and blockOwnerDeletion set.
json::Value owner_reference(const json::Value& owner);

// Records an Event object about `about` (best effort: a failure is logged, not returned). Equal events within 10
// minutes count up.
void record_event(Api& api, const json::Value& about, std::string_view type, std::string_view reason,
                  std::string_view message, std::string_view component, Time now);

}  // namespace muster::kube
