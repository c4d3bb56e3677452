// Removal with grace and finalizers, binding and eviction.
#include <algorithm>

#include "base/text.h"
#include "kube/kinds.h"
#include "kube/local/metadata.h"
#include "kube/local/rules.h"
#include "kube/objects.h"

namespace muster::kube::local {

namespace {

// Seconds that a removal leaves the object; nullopt: the kind knows no grace.
std::optional<std::int64_t> grace_of(const Contract& contract, const json::Value& object,
                                     const DeleteOptions& options) {
  if (contract.kind.kind != "Pod" || contract.custom) return std::nullopt;
  std::int64_t grace =
      options.grace_seconds.value_or(json::integer_at(object, "/spec/terminationGracePeriodSeconds").value_or(30));
  if (grace < 0) grace = 1;
  // Nobody runs it: there is nobody to wait for.
  const std::string phase = json::text_or(object, "/status/phase");
  if (json::text_or(object, "/spec/nodeName").empty() || phase == "Succeeded" || phase == "Failed") grace = 0;
  return grace;
}

void set_propagation(json::Value& object, Propagation propagation) {
  drop_finalizer(object, "orphan");
  drop_finalizer(object, "foregroundDeletion");
  if (propagation == Propagation::Orphan) add_finalizer(object, "orphan");
  if (propagation == Propagation::Foreground) add_finalizer(object, "foregroundDeletion");
}

void mark_deleted(json::Value& object, Time at, std::int64_t grace) {
  json::Object& metadata = metadata_of(object);
  metadata["deletionTimestamp"] = to_rfc3339_seconds(at + seconds(grace));
  metadata["deletionGracePeriodSeconds"] = grace;
  const std::int64_t generation = json::integer_at(object, "/metadata/generation").value_or(0);
  if (generation > 0) metadata["generation"] = generation + 1;
}

// A second removal may shorten what is left, never lengthen it.
Next shorten(const Version& old, json::Value object, std::int64_t grace) {
  const std::int64_t before = json::integer_at(object, "/metadata/deletionGracePeriodSeconds").value_or(0);
  if (grace < before) {
    const Result<Time> until = parse_rfc3339(json::text_or(object, "/metadata/deletionTimestamp"));
    json::Object& metadata = metadata_of(object);
    if (until.has_value()) metadata["deletionTimestamp"] = to_rfc3339_seconds(*until - seconds(before - grace));
    metadata["deletionGracePeriodSeconds"] = grace;
  }
  if (std::min(grace, before) == 0 && !has_finalizers(object)) return {Next::What::Remove, std::move(object)};
  if (same_but_revision(old.object, object)) return {};
  return {Next::What::Write, std::move(object)};
}

void set_condition(json::Value& pod, json::Object condition, Time now) {
  json::Value& status = pod.get_object()["status"];
  if (!status.is_object()) status.emplace_object();
  json::Value& conditions = status.get_object()["conditions"];
  if (!conditions.is_array()) conditions.emplace_array();
  condition["lastTransitionTime"] = to_rfc3339_seconds(now);
  for (json::Value& present : conditions.get_array()) {
    if (json::text_or(present, "/type") == std::string_view(condition.at("type").get_string())) {
      present = std::move(condition);
      return;
    }
  }
  conditions.get_array().push_back(std::move(condition));
}

}  // namespace

Result<Next> prepare_removal(const Contract& contract, const Version& old, const DeleteOptions& options, Time now) {
  TRY(check_preconditions(contract, old, options.uid, options.resource_version).at("deleting"));
  json::Value object = old.object;
  const std::optional<std::int64_t> grace = grace_of(contract, object, options);
  set_propagation(object, options.propagation);
  if (is_being_deleted(object)) {
    // Without a wish of its own a repeated removal changes nothing.
    const std::int64_t left = json::integer_at(object, "/metadata/deletionGracePeriodSeconds").value_or(0);
    return shorten(old, std::move(object), options.grace_seconds ? std::min(grace.value_or(0), left) : left);
  }
  if (grace.value_or(0) == 0 && !has_finalizers(object)) return Next{Next::What::Remove, std::move(object)};
  mark_deleted(object, now, grace.value_or(0));
  return Next{Next::What::Write, std::move(object)};
}

Result<Next> prepare_binding(const Contract& pods, const Version& old, const Binding& binding, Time now) {
  const std::string of = "binding " + title(pods.kind, old.object);
  if (binding.node.empty()) return invalid(of + ": no node is named", "/target/name");
  TRY(check_preconditions(pods, old, binding.uid, binding.resource_version).at("binding"));
  if (is_being_deleted(old.object)) return conflict(of + ": the pod is being deleted");
  const std::string node = json::text_or(old.object, "/spec/nodeName");
  if (!node.empty()) return conflict(of + " to " + binding.node + ": already bound to node " + node);
  const json::Value* gates = json::find(old.object, "/spec/schedulingGates");
  if (gates != nullptr && gates->is_array() && !gates->get_array().empty()) {
    return conflict(of + ": the pod has scheduling gates");
  }
  json::Value object = old.object;
  json::set_at(object, "/spec/nodeName", json::Value(binding.node));
  for (const auto& [name, value] : binding.annotations) {
    json::set_at(object, "/metadata/annotations/" + json::escape_step(name), json::Value(value));
  }
  TRY(check_metadata(pods, object));
  set_condition(object, {{"type", "PodScheduled"}, {"status", "True"}}, now);
  return Next{Next::What::Write, std::move(object)};
}

Result<Next> prepare_eviction(const Contract& pods, const Version& old, const DeleteOptions& options, Time now) {
  TRY(check_preconditions(pods, old, options.uid, options.resource_version).at("evicting"));
  if (is_being_deleted(old.object) || json::text_or(old.object, "/spec/nodeName").empty()) return Next{};
  json::Value object = old.object;
  set_condition(object,
                {{"type", "DisruptionTarget"},
                 {"status", "True"},
                 {"reason", "EvictionByEvictionAPI"},
                 {"message", "Eviction API: evicting"}},
                now);
  return Next{Next::What::Write, std::move(object)};
}

}  // namespace muster::kube::local
