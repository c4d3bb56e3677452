#pragma once
// Watches of the embedded store: a position in a table's history and a filter. Nothing is queued per watch: events are
// read from the history, so a slow reader costs nothing and is told 410 when it has fallen behind what is kept.

#include <memory>

#include "kube/api.h"
#include "kube/field_selector.h"
#include "kube/label_selector.h"
#include "kube/local/core.h"

namespace muster::kube::local {

// The part of a list or watch that chooses objects.
struct Filter {
  LabelSelector labels;
  FieldSelector fields;
  std::string prefix;  // "ns/" or ""
  static Result<Filter> create(const Kind& kind, const std::string& ns, const std::string& label_selector,
                               const std::string& field_selector);
  // Requires: the object's path begins with prefix.
  bool wants(const json::Value& object) const { return labels.matches_object(object) && fields.matches(object); }
};

Result<std::unique_ptr<Watch>> start_watch(std::shared_ptr<Core> core, TablePtr table, const WatchOptions& options);

}  // namespace muster::kube::local
