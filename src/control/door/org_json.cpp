#include "control/door/org_json.h"

#include "base/ids.h"
#include "control/work/entity.h"
#include "model/names.h"

namespace muster::control {
namespace {

std::string queue_of(const Project& project) { return model::queue_of_project(project.name, default_pool); }
std::string queue_of(const Department& department) { return model::queue_of_department(department.name, default_pool); }

double number_in(const Body& queue, const char* at) {
  return queue == nullptr ? 0.0 : json::number_at(*queue, at).value_or(0);
}

// Run:ai counts GPUs, milli-cores and MB here.
json::Value status_amounts(const Body& queue, const std::string& what) {
  return json::Object{{"gpu", number_in(queue, ("/gpu/" + what).c_str())},
                      {"cpu", number_in(queue, ("/cpu/" + what).c_str()) * 1000},
                      {"memory", number_in(queue, ("/memory/" + what).c_str()) / 1e6}};
}

json::Object quota_status(const Body& queue) {
  return {{"allocated", status_amounts(queue, "allocated")},
          {"allocatedNonPreemptible", status_amounts(queue, "allocatedNonPreemptible")},
          {"requested", status_amounts(queue, "requested")}};
}

void add_quota_statuses(json::Object& status, const Body& queue) {
  json::Object pool = quota_status(queue);
  pool["nodePoolName"] = default_pool;
  pool["nodePoolId"] = default_pool_id;
  status["nodePoolQuotaStatuses"] = json::Array{std::move(pool)};
  status["quotaStatus"] = quota_status(queue);
}

const json::Value& setting(const json::Object& settings, std::string_view name, const json::Value& otherwise) {
  const json::Value* value = settings.if_contains(name);
  return value == nullptr ? otherwise : *value;
}

const json::Value& null_value() {
  static const json::Value value = nullptr;
  return value;
}

// The member of the project where it has one, else the department's.
json::Object effective(const json::Object& own, const json::Object& parent) {
  static const json::Value pools = json::Array{"default"};
  static const json::Value types =
      json::Object{{"training", json::Array{}}, {"workspace", json::Array{}}, {"names", nullptr}};
  return {{"schedulingRules", setting(own, "schedulingRules", setting(parent, "schedulingRules", null_value()))},
          {"defaultNodePools", setting(own, "defaultNodePools", setting(parent, "defaultNodePools", pools))},
          {"nodeTypes", setting(own, "nodeTypes", setting(parent, "nodeTypes", types))}};
}

template <class Unit>
void add_common(json::Object& out, const Plane& plane, const Unit& unit) {
  out["id"] = unit.id;
  out["name"] = unit.name;
  out["clusterId"] = plane.cluster_id;
  out["description"] = "";
  for (const char* name : {"description", "schedulingRules", "defaultNodePools", "nodeTypes"}) {
    if (const json::Value* value = unit.settings.if_contains(name)) out[name] = *value;
  }
  out["resources"] = quotas_json(unit.quotas);
  out["totalResources"] = total_resources(unit.quotas);
  out["createdAt"] = to_rfc3339(unit.created);
  out["createdBy"] = unit.created_by;
  out["updatedAt"] = to_rfc3339(unit.updated);
  out["updatedBy"] = unit.updated_by;
}

// Quota, limit and weight as the record has them (they hold even before the cluster has answered), use as the cluster
// says. `scale` turns the record's unit into the wire's: cores and bytes.
json::Value share_of(const Share& share, const Body& queue, const std::string& resource, double scale) {
  const auto amount = [scale](const std::optional<double>& number) {
    return number ? json::Value(*number * scale) : json::Value(nullptr);
  };
  const auto said = [&](const char* name) -> json::Value {
    const json::Value* value = queue == nullptr ? nullptr : json::find(*queue, "/" + resource + "/" + name);
    return value == nullptr ? json::Value(0) : *value;
  };
  return json::Object{{"quota", amount(share.quota)},
                      {"limit", amount(share.limit)},
                      {"weight", share.weight ? json::Value(*share.weight) : json::Value(nullptr)},
                      {"fairShare", said("fairShare")},
                      {"allocated", said("allocated")},
                      {"allocatedNonPreemptible", said("allocatedNonPreemptible")},
                      {"requested", said("requested")}};
}

}  // namespace

double held_without_preemption(const Plane& plane, const std::string& queue) {
  return number_in(plane.view.queue(queue), "/gpu/allocatedNonPreemptible");
}

double allocated_gpus(const Plane& plane, const std::string& queue) {
  return number_in(plane.view.queue(queue), "/gpu/allocated");
}

json::Value project_json(const Plane& plane, const Project& project) {
  const Department* parent = plane.organisation.department(project.department_id);
  const Body queue = plane.view.queue(queue_of(project));
  json::Object out;
  add_common(out, plane, project);
  out["parentId"] = project.department_id;
  if (parent != nullptr) {
    out["parent"] = json::Object{
        {"id", parent->id},
        {"name", parent->name},
        {"parent", json::Object{{"id", plane.cluster_id}, {"name", plane.options.cluster_name}, {"parent", nullptr}}}};
  }
  out["requestedNamespace"] = project.ns;
  const json::Value* enforce = project.settings.if_contains("enforceRunaiScheduler");
  out["enforceRunaiScheduler"] = enforce == nullptr || !enforce->is_bool() || enforce->get_bool();
  json::Object status{{"namespace", project.ns},
                      {"phase", project.deleting   ? "Deleting"
                                : queue == nullptr ? "Creating"
                                                   : "Ready"},
                      {"phaseMessage", ""},
                      {"lastUpdatedTime", to_rfc3339(project.updated)},
                      {"additionalStatusData", json::Object{}}};
  add_quota_statuses(status, queue);
  out["status"] = std::move(status);
  out["effective"] = effective(project.settings, parent == nullptr ? json::Object{} : parent->settings);
  const std::string warning = plane.organisation.quota_warning(project.id, plane.machine_gpus);
  if (!warning.empty()) out["warning"] = warning;
  return out;
}

json::Value department_json(const Plane& plane, const Department& department) {
  json::Object out;
  add_common(out, plane, department);
  json::Array children;
  std::vector<Quota> quotas;
  double gpus = 0;
  for (const Project* project : plane.organisation.projects_of(department.id)) {
    children.push_back(json::Object{{"id", project->id}, {"name", project->name}, {"children", json::Array{}}});
    gpus += total_gpu(project->quotas).value_or(0);
  }
  out["children"] = std::move(children);
  out["projectsAggregatedResources"] =
      json::Array{json::Object{{"nodePool", json::Object{{"id", default_pool_id}, {"name", default_pool}}},
                               {"gpu", json::Object{{"deserved", gpus}}},
                               {"cpu", json::Object{{"deserved", nullptr}}},
                               {"memory", json::Object{{"deserved", nullptr}, {"units", "MB"}}}}};
  json::Object status;
  add_quota_statuses(status, plane.view.queue(queue_of(department)));
  out["status"] = std::move(status);
  out["effective"] = effective(department.settings, json::Object{});
  return out;
}

json::Value share_json(const Plane& plane, const Project& project) {
  const Department* parent = plane.organisation.department(project.department_id);
  const Body queue = plane.view.queue(queue_of(project));
  const Quota nothing;
  const Quota& quota = project.quotas.empty() ? nothing : project.quotas.front();
  json::Array members;
  for (const std::string& user : project.members) members.push_back(json::Value(user));
  json::Object out{{"id", project.id},
                   {"name", project.name},
                   {"department", parent == nullptr ? "" : parent->name},
                   {"color", project.color},
                   {"members", std::move(members)},
                   {"namespace", project.ns},
                   {"phase", project.deleting   ? "Deleting"
                             : queue == nullptr ? "Creating"
                                                : "Ready"},
                   {"gpu", share_of(quota.gpu, queue, "gpu", 1)},
                   {"cpu", share_of(quota.cpu, queue, "cpu", 0.001)},
                   {"memory", share_of(quota.memory, queue, "memory", bytes_of_unit(quota.memory_units))},
                   {"createdAt", to_rfc3339(project.created)}};
  const std::string warning = plane.organisation.quota_warning(project.id, plane.machine_gpus);
  if (!warning.empty()) out["warning"] = warning;
  return out;
}

json::Value node_json(const Plane& plane, const json::Value& fact) {
  const std::string name = json::text_or(fact, "/name");
  const bool ready = json::bool_at(fact, "/ready").value_or(false);
  const std::string created = json::text_or(fact, "/createdAt", to_rfc3339(plane.started_at));
  const json::Value* devices = json::member(fact, "devices");
  const json::Value* taints = json::member(fact, "taints");
  json::Object out{{"id", uuid_of_name("node " + plane.cluster_id + " " + name)},
                   {"name", name},
                   {"clusterUuid", plane.cluster_id},
                   {"status", ready ? "Ready" : "NotReady"},
                   {"conditions", json::Array{json::Object{
                                      {"type", "Ready"}, {"reason", ready ? "Ready" : "NotReady"}, {"message", ""}}}},
                   {"taints", taints != nullptr && taints->is_array() ? *taints : json::Value(json::Array{})},
                   {"nodePool", json::text_or(fact, "/pool", default_pool)},
                   {"nvLinkDomainUid", nullptr},
                   {"nvLinkCliqueId", nullptr},
                   {"createdAt", created},
                   {"updatedAt", created},
                   {"gpuInfo", nullptr}};
  if (devices != nullptr && devices->is_array() && !devices->get_array().empty()) {
    const json::Array& list = devices->get_array();
    out["gpuInfo"] = json::Object{{"gpuType", json::text_or(list.front(), "/model")}, {"gpuCount", list.size()}};
  }
  return out;
}

json::Value pool_json(const Plane& plane) {
  json::Array nodes;
  bool ready = false;
  for (const auto& [name, fact] : plane.view.nodes()) {
    nodes.push_back(json::Value(name));
    ready = ready || json::bool_at(*fact, "/ready").value_or(false);
  }
  const json::Object strategy{{"gpu", "binpack"}, {"cpu", "binpack"}};
  const char* phase = nodes.empty() ? "Empty" : ready ? "Ready" : "Unschedulable";
  json::Object settings{{"placementStrategy", strategy}, {"minGuaranteedRuntime", "0"}};
  return json::Object{{"id", default_pool_id},
                      {"name", default_pool},
                      {"labelKey", "muster.dev/node-pool"},
                      {"labelValue", default_pool},
                      {"clusterId", plane.cluster_id},
                      {"clusterName", plane.options.cluster_name},
                      {"tenantId", tenant},
                      {"isDefault", true},
                      {"phase", phase},
                      {"phaseMessage", ""},
                      {"placementStrategy", strategy},
                      {"schedulingConfiguration", settings},
                      {"gpuNetworkAccelerationDetection", "Auto"},
                      {"status", json::Object{{"conditions", json::Array{}},
                                              {"nodes", std::move(nodes)},
                                              {"gpuNetworkAccelerationDetected", false}}},
                      {"createdAt", to_rfc3339(plane.cluster_created)},
                      {"createdBy", "muster"},
                      {"updatedAt", to_rfc3339(plane.cluster_created)},
                      {"updatedBy", "muster"},
                      {"deletedAt", nullptr}};
}

json::Value cluster_json(const Plane& plane) {
  const std::string now = to_rfc3339(plane.now());
  return json::Object{
      {"uuid", plane.cluster_id},
      {"tenantId", tenant},
      {"name", plane.options.cluster_name},
      {"createdAt", to_rfc3339(plane.cluster_created)},
      {"updatedAt", to_rfc3339(plane.started_at)},
      {"deletedAt", nullptr},
      {"deleteRequestedAt", nullptr},
      {"lastLiveness", now},
      {"domain", plane.url},
      {"version", MUSTER_VERSION},
      {"status",
       json::Object{{"state", plane.view.synced ? "Connected" : "WaitingToConnect"},
                    {"conditions", json::Array{}},
                    {"operands", json::Object{}},
                    {"platform", json::Object{{"type", "vanilla"}, {"kubeVersion", nullptr}}},
                    {"config", json::Object{{"workloadOwnershipProtection", false},
                                            {"subdomainEnabled", false},
                                            {"ingressClass", nullptr}}},
                    {"dependencies", json::Object{{"required", json::Object{}}, {"optional", json::Object{}}}}}}};
}

}  // namespace muster::control
