#pragma once
// Contract: what a kind of the embedded store looks like: how its names are checked, which of its fields the server
// owns, and the schema that defaults and validates its objects.

#include <memory>
#include <optional>

#include "base/json.h"
#include "base/result.h"
#include "base/schema.h"
#include "kube/api.h"

namespace muster::kube::local {

enum class NameRule { Label, Subdomain };

struct Contract {
  Kind kind;
  NameRule name_rule = NameRule::Subdomain;
  bool counts_generations = false;  // metadata.generation grows when something beside metadata and status changes
  bool takes_status = false;        // a create may bring its status along (nodes)
  bool custom = false;              // from a CustomResourceDefinition
  std::optional<Schema> schema;     // none: everything goes

  // Sets defaults, then checks. invalid with the JSON pointer: 400 for an unknown field, 422 for a bad value.
  Result<void> apply(json::Value& object) const;
};

// The contract of a kind of Kubernetes' own.
std::shared_ptr<const Contract> built_in_contract(const Kind& kind);

// What a CustomResourceDefinition object declares. 422 when it declares what the store does not do: several versions,
// conversion, no structural schema.
Result<std::shared_ptr<const Contract>> read_crd(const json::Value& crd);

}  // namespace muster::kube::local
