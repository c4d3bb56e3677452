// Create, update, patch and status.
#include "kube/local/rules.h"

#include "base/check.h"
#include "kube/kinds.h"
#include "kube/local/metadata.h"
#include "kube/objects.h"

namespace muster::kube::local {

namespace {

void erase_all(json::Object& object, std::initializer_list<const char*> members) {
  for (const char* member : members) object.erase(member);
}

// Null members of metadata mean absent.
void drop_nulls(json::Object& metadata) {
  std::vector<std::string> nulls;
  for (const auto& [name, value] : metadata) {
    if (value.is_null()) nulls.emplace_back(name);
  }
  for (const std::string& name : nulls) metadata.erase(name);
  for (const char* collection : {"labels", "annotations", "finalizers", "ownerReferences"}) {
    const json::Value* value = metadata.if_contains(collection);
    if (value == nullptr) continue;
    if ((value->is_object() && value->get_object().empty()) || (value->is_array() && value->get_array().empty())) {
      metadata.erase(collection);
    }
  }
}

void complete_new(const Contract& contract, json::Value& object) {
  const std::string& kind = contract.kind.kind;
  if (contract.custom) return;
  if (kind == "Pod") {
    json::set_at(object, "/status/phase", "Pending");
  } else if (kind == "PersistentVolumeClaim") {
    json::set_at(object, "/status/phase", "Pending");
  } else if (kind == "Namespace") {
    json::set_at(object, "/status/phase", "Active");
    json::set_at(object, "/spec/finalizers", json::Array{"kubernetes"});
  }
}

// What may change in the spec of a pod that exists.
Result<void> check_pod_update(const Contract& contract, const json::Value& old, const json::Value& next) {
  const auto fixed = [](const json::Value& pod) {
    const json::Value* found = json::member(pod, "spec");
    json::Value spec = found == nullptr ? json::Value(json::Object{}) : *found;
    if (!spec.is_object()) return spec;
    erase_all(spec.get_object(),
              {"activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "schedulingGates"});
    for (const char* list : {"containers", "initContainers"}) {
      json::Value* containers = spec.get_object().if_contains(list);
      if (containers == nullptr || !containers->is_array()) continue;
      for (json::Value& container : containers->get_array()) {
        if (container.is_object()) container.get_object().erase("image");
      }
    }
    return spec;
  };
  if (fixed(old) == fixed(next)) return {};
  // An object from before a default was known differs by that default only.
  json::Value completed = old;
  if (contract.apply(completed).has_value() && fixed(completed) == fixed(next)) return {};
  return unprocessable(title(kinds::pod, next) +
                           ": a pod's spec does not change, but for images, tolerations, schedulingGates, "
                           "activeDeadlineSeconds and terminationGracePeriodSeconds; bind it through pods/binding or "
                           "make it anew",
                       "/spec");
}

Result<void> check_immutable(const Contract& contract, const json::Value& old, const json::Value& next) {
  if (contract.custom) return {};
  if (contract.kind.kind == "Pod") return check_pod_update(contract, old, next);
  if (contract.kind.kind == "PriorityClass") {
    const json::Value* before = json::member(old, "value");
    const json::Value* after = json::member(next, "value");
    if (before != nullptr && (after == nullptr || *before != *after)) {
      return unprocessable(
          title(contract.kind, next) + ": the value of a priority class does not change; make a new one", "/value");
    }
  }
  return {};
}

Result<void> check_new_finalizers(const Contract& contract, const json::Value& old, const json::Value& next) {
  if (!is_being_deleted(old) || !has_finalizers(next)) return {};
  for (const json::Value& finalizer : metadata_of(next).at("finalizers").get_array()) {
    if (finalizer.is_string() && has_finalizer(old, finalizer.get_string())) continue;
    return unprocessable(title(contract.kind, next) + ": no finalizer can be added while the object is being deleted",
                         "/metadata/finalizers");
  }
  return {};
}

// The fields of metadata that only the server writes come from the present state.
Result<void> carry_metadata(const Contract& contract, const json::Value& old, json::Value& next) {
  const json::Object& before = metadata_of(old);
  json::Object& after = metadata_of(next);
  const json::Value* uid = after.if_contains("uid");
  if (uid != nullptr && uid->is_string() && !uid->get_string().empty() && *uid != before.at("uid")) {
    return conflict("updating " + title(contract.kind, next) + ": the uid is another one; the object was made anew");
  }
  const json::Value* created = after.if_contains("creationTimestamp");
  if (created != nullptr && !created->is_null() && *created != before.at("creationTimestamp")) {
    return unprocessable(title(contract.kind, next) + ": creationTimestamp does not change",
                         "/metadata/creationTimestamp");
  }
  for (const char* member :
       {"uid", "creationTimestamp", "generation", "deletionTimestamp", "generateName", "deletionGracePeriodSeconds"}) {
    const json::Value* value = before.if_contains(member);
    if (value != nullptr) {
      after[member] = *value;
    } else {
      after.erase(member);
    }
  }
  erase_all(after, {"managedFields", "selfLink"});
  return {};
}

// An object whose last finalizer went, and whose grace is over, goes.
Next settle(const Contract& contract, json::Value object) {
  const bool holds_content = contract.kind.kind == "Namespace" && json::find(object, "/spec/finalizers/0") != nullptr;
  const bool over = is_being_deleted(object) && !has_finalizers(object) && !holds_content &&
                    json::integer_at(object, "/metadata/deletionGracePeriodSeconds").value_or(0) == 0;
  return {over ? Next::What::Remove : Next::What::Write, std::move(object)};
}

Result<Next> finish(const Contract& contract, const Version& old, json::Value next) {
  if (same_but_revision(old.object, next)) return Next{};
  if (contract.counts_generations && content_differs(old.object, next)) {
    metadata_of(next)["generation"] = json::integer_at(old.object, "/metadata/generation").value_or(0) + 1;
  }
  return settle(contract, std::move(next));
}

}  // namespace

Result<void> check_preconditions(const Contract& contract, const Version& old, const std::string& uid,
                                 const std::string& resource_version) {
  if (!uid.empty() && uid != uid_of(old.object)) {
    return conflict(title(contract.kind, old.object) + ": has uid " + uid_of(old.object) + ", not " + uid +
                    "; it was made anew");
  }
  if (!resource_version.empty() && resource_version != std::to_string(old.revision)) {
    return conflict(title(contract.kind, old.object) + ": has been changed since (resourceVersion " +
                    std::to_string(old.revision) + ", not " + resource_version + "); read it again");
  }
  return {};
}

Result<void> prepare_create(const Contract& contract, json::Value& object, Time now) {
  TRY(check_frame(contract.kind, object));
  json::Object& metadata = metadata_of(object);
  if (!resource_version_of(object).empty()) {
    return invalid("creating " + title(contract.kind, object) + ": resourceVersion must not be set",
                   "/metadata/resourceVersion");
  }
  erase_all(metadata, {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
                       "selfLink", "managedFields", "resourceVersion"});
  drop_nulls(metadata);
  if (contract.kind.has_status && !contract.takes_status) object.get_object().erase("status");
  complete_new(contract, object);
  // Read anew: adding members moves the object's own.
  metadata_of(object)["creationTimestamp"] = to_rfc3339_seconds(now);
  if (contract.counts_generations) metadata_of(object)["generation"] = 1;
  return contract.apply(object);
}

Result<Next> prepare_update(const Contract& contract, const Version& old, json::Value next) {
  TRY(check_frame(contract.kind, next));
  if (key_of(next).name != name_of(old.object) || key_of(next).ns != namespace_of(old.object)) {
    return invalid("updating " + title(contract.kind, old.object) + ": name and namespace do not change",
                   "/metadata/name");
  }
  TRY(check_preconditions(contract, old, "", resource_version_of(next)).at("updating"));
  TRY(carry_metadata(contract, old.object, next));
  drop_nulls(metadata_of(next));
  if (contract.kind.has_status) {
    const json::Value* status = json::member(old.object, "status");
    if (status != nullptr) {
      next.get_object()["status"] = *status;
    } else {
      next.get_object().erase("status");
    }
  }
  if (contract.kind.kind == "Namespace") {
    // Only the collector takes these.
    const json::Value* finalizers = json::find(old.object, "/spec/finalizers");
    if (finalizers != nullptr) json::set_at(next, "/spec/finalizers", *finalizers);
  }
  TRY(check_metadata(contract, next));
  TRY(check_new_finalizers(contract, old.object, next));
  TRY(contract.apply(next));
  TRY(check_immutable(contract, old.object, next));
  return finish(contract, old, std::move(next));
}

Result<Next> prepare_patch(const Contract& contract, const Version& old, const json::Value& patch) {
  if (!patch.is_object()) return invalid("patching " + title(contract.kind, old.object) + ": a patch is an object");
  json::Value next = old.object;
  json::merge_patch(next, patch);
  if (!uid_of(next).empty() && uid_of(next) != uid_of(old.object)) {
    return unprocessable("patching " + title(contract.kind, old.object) + ": the uid does not change", "/metadata/uid");
  }
  Result<Next> result = prepare_update(contract, old, std::move(next));
  // An unknown field is a broken document in an update and a broken value in a patch: so a real server has it.
  if (!result.has_value() && result.error().kind == ErrorKind::Invalid && http_status(result.error()) == 400 &&
      !result.error().pointer.empty()) {
    Error error = result.error();
    error.status = 422;
    return error;
  }
  return result;
}

Result<Next> prepare_status(const Contract& contract, const Version& old, const json::Value& patch) {
  TRY(check_preconditions(contract, old, "", json::text_or(patch, "/metadata/resourceVersion"))
          .at("patching the status of"));
  json::Value next = old.object;
  const json::Value* status = json::member(patch, "status");
  if (status == nullptr) return Next{};
  json::merge_patch(next, json::Object{{"status", *status}});
  TRY(contract.apply(next));
  if (same_but_revision(old.object, next)) return Next{};
  return Next{Next::What::Write, std::move(next)};
}

}  // namespace muster::kube::local
