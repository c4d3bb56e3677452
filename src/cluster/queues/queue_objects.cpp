#include "cluster/queues/queue_objects.h"

#include <algorithm>

#include "base/text.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

constexpr double medium_weight = 2;

// What one number of a REST resource becomes in a queue: null or absent is unlimited.
double amount_of(const json::Value* entry, const std::string& pointer, double factor, double otherwise) {
  const json::Value* value = entry == nullptr ? nullptr : json::find(*entry, pointer);
  if (value == nullptr) return otherwise;
  if (!value->is_number()) return -1;
  const double number = value->to_number<double>();
  return number < 0 ? -1 : number * factor;
}

// Memory numbers come in the entry's own unit; queues count MB (10^6 bytes).
double memory_factor(const json::Value* entry) {
  const std::string unit = to_lower(entry == nullptr ? "" : json::text_or(*entry, "/memory/units"));
  if (unit == "gb") return 1000;
  if (unit == "mb") return 1;
  return 1.048576;  // MiB
}

double weight_of(const json::Value* entry, const std::string& pointer) {
  if (entry == nullptr) return medium_weight;
  return std::max(0.0, json::number_at(*entry, pointer).value_or(medium_weight));
}

json::Object resource(const json::Value* entry, const std::string& name, double factor, double quota_otherwise) {
  return {{"quota", amount_of(entry, "/" + name + "/deserved", factor, quota_otherwise)},
          {"limit", amount_of(entry, "/" + name + "/limit", factor, -1)},
          {"overQuotaWeight", weight_of(entry, "/" + name + "/overQuotaWeight")}};
}

const json::Value* entry_of_pool(const json::Value& object, const std::string& pool) {
  const json::Value* resources = json::find(object, "/spec/resources");
  if (resources == nullptr || !resources->is_array()) return nullptr;
  for (const json::Value& entry : resources->get_array()) {
    if (json::text_or(entry, "/nodePool/name", "default") == pool) return &entry;
  }
  return nullptr;
}

// A pool without an entry: GPU quota 0, CPU and memory unlimited (product rule 1.2.2).
json::Value queue(const json::Value& object, const std::string& pool, const std::string& name,
                  const std::string& parent) {
  const json::Value* entry = entry_of_pool(object, pool);
  json::Object labels;
  if (pool != "default") labels[model::keys::pool_label] = pool;
  const std::string kind = json::text_or(object, "/kind");
  labels[kind == "Project" ? "muster.dev/project" : "muster.dev/department"] = kube::name_of(object);
  json::Object spec{{"displayName", kube::name_of(object)},
                    {"priority", rank_of(entry == nullptr ? "" : json::text_or(*entry, "/priority"))},
                    {"resources", json::Object{{"gpu", resource(entry, "gpu", 1, 0)},
                                               {"cpu", resource(entry, "cpu", 1, -1)},
                                               {"memory", resource(entry, "memory", memory_factor(entry), -1)}}}};
  if (!parent.empty()) spec["parentQueue"] = parent;
  return json::Object{{"apiVersion", kube::kinds::queue.api_version()},
                      {"kind", kube::kinds::queue.kind},
                      {"metadata", json::Object{{"name", name},
                                                {"labels", std::move(labels)},
                                                {"ownerReferences", json::Array{kube::owner_reference(object)}}}},
                      {"spec", std::move(spec)}};
}

}  // namespace

int rank_of(const std::string& name) {
  static constexpr std::pair<std::string_view, int> ranks[] = {
      {"VeryHigh", 140},  {"High", 130}, {"MediumHigh", 120}, {"Medium", 110},
      {"MediumLow", 100}, {"Low", 90},   {"VeryLow", 80}};
  for (const auto& [known, rank] : ranks) {
    if (known == name) return rank;
  }
  return 100;
}

std::vector<json::Value> queues_of_department(const json::Value& department, const std::vector<std::string>& pools) {
  std::vector<json::Value> queues;
  for (const std::string& pool : pools) {
    queues.push_back(queue(department, pool, model::queue_of_department(kube::name_of(department), pool), ""));
  }
  return queues;
}

std::vector<json::Value> queues_of_project(const json::Value& project, const std::vector<std::string>& pools) {
  std::vector<json::Value> queues;
  const std::string department = json::text_or(project, "/spec/department", "default");
  for (const std::string& pool : pools) {
    queues.push_back(queue(project, pool, model::queue_of_project(kube::name_of(project), pool),
                           model::queue_of_department(department, pool)));
  }
  return queues;
}

json::Value namespace_of_project_object(const json::Value& project) {
  const std::string name = kube::name_of(project);
  return json::Object{
      {"apiVersion", "v1"},
      {"kind", "Namespace"},
      {"metadata", json::Object{{"name", json::text_or(project, "/spec/namespace", model::namespace_of_project(name))},
                                {"labels", json::Object{{std::string(model::keys::runai_queue_label), name}}}}}};
}

}  // namespace muster::cluster
