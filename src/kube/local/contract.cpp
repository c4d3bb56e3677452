// Contracts of Kubernetes' own kinds, from api/kubernetes.json, and of CustomResourceDefinitions.
#include "kube/local/contract.h"

#include <algorithm>

#include "base/contract.h"
#include "base/text.h"
#include "kube/local/metadata.h"
#include "kube/objects.h"

namespace muster::kube::local {

namespace {

constexpr Schema::Options of_resources{.dialect = Schema::Dialect::Structural, .is_resource = true};

// Schemas of Kubernetes' own kinds stand in one document by their kind.
std::optional<Schema> built_in_schema(const Kind& kind) {
  const Schema* schema =
      muster::contract::schema_at("kubernetes.json", "/components/schemas/" + kind.kind, of_resources);
  return schema == nullptr ? std::nullopt : std::optional<Schema>(*schema);
}

Error refused(const json::Value& crd, const std::string& why, std::string pointer) {
  return unprocessable("customresourcedefinition " + name_of(crd) + ": " + why, std::move(pointer));
}

// The one version that is served and stored.
Result<const json::Value*> only_version(const json::Value& crd) {
  const json::Value* versions = json::find(crd, "/spec/versions");
  if (versions == nullptr || !versions->is_array() || versions->get_array().size() != 1) {
    return refused(crd, "exactly one version is served by the embedded store", "/spec/versions");
  }
  const json::Value& version = versions->get_array().front();
  for (const char* member : {"served", "storage"}) {
    if (!json::bool_at(version, std::string("/") + member).value_or(false)) {
      return refused(crd, std::string("its version must be ") + member, std::string("/spec/versions/0/") + member);
    }
  }
  return &version;
}

}  // namespace

Result<void> Contract::apply(json::Value& object) const {
  if (!schema) return {};
  schema->apply_defaults(object);
  const Result<void> checked = schema->validate(object);
  if (checked.has_value()) return {};
  Error error = checked.error().at(title(kind, object));
  json::Value known = object;
  std::vector<std::string> unknown;
  schema->prune(known, &unknown);
  error.status = std::find(unknown.begin(), unknown.end(), error.pointer) != unknown.end() ? 0 : 422;
  return error;
}

std::shared_ptr<const Contract> built_in_contract(const Kind& kind) {
  auto contract = std::make_shared<Contract>();
  contract->kind = kind;
  if (kind.kind == "Namespace") contract->name_rule = NameRule::Label;
  contract->counts_generations =
      kind.kind == "Pod" || kind.kind == "PriorityClass" || kind.kind == "CustomResourceDefinition";
  contract->takes_status = kind.kind == "Node";
  contract->schema = built_in_schema(kind);
  return contract;
}

Result<std::shared_ptr<const Contract>> read_crd(const json::Value& crd) {
  auto contract = std::make_shared<Contract>();
  contract->custom = true;
  contract->counts_generations = true;
  Kind& kind = contract->kind;
  const json::Value* version = TRY(only_version(crd));
  kind.group = json::text_or(crd, "/spec/group");
  kind.version = json::text_or(*version, "/name");
  kind.kind = json::text_or(crd, "/spec/names/kind");
  kind.plural = json::text_or(crd, "/spec/names/plural");
  for (const auto& [value, pointer] :
       std::initializer_list<std::pair<std::string*, const char*>>{{&kind.group, "/spec/group"},
                                                                   {&kind.version, "/spec/versions/0/name"},
                                                                   {&kind.kind, "/spec/names/kind"},
                                                                   {&kind.plural, "/spec/names/plural"}}) {
    if (value->empty()) return refused(crd, "is incomplete", pointer);
  }
  if (name_of(crd) != kind.plural + "." + kind.group) {
    return refused(crd, "must be named <plural>.<group>: " + kind.plural + "." + kind.group, "/metadata/name");
  }
  const std::string scope = json::text_or(crd, "/spec/scope");
  if (scope != "Namespaced" && scope != "Cluster") {
    return refused(crd, "scope is Namespaced or Cluster", "/spec/scope");
  }
  kind.namespaced = scope == "Namespaced";
  kind.has_status = json::find(*version, "/subresources/status") != nullptr;
  if (json::find(*version, "/schema/openAPIV3Schema") == nullptr) {
    return refused(crd, "a schema is required", "/spec/versions/0/schema/openAPIV3Schema");
  }
  Result<Schema> schema = Schema::load(*version, "/schema/openAPIV3Schema", of_resources);
  if (!schema.has_value()) {
    return refused(crd, schema.error().text, "/spec/versions/0" + schema.error().pointer);
  }
  contract->schema = std::move(*schema);
  return std::shared_ptr<const Contract>(std::move(contract));
}

}  // namespace muster::kube::local
