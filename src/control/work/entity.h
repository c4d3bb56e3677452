#pragma once
// Entity: a workload as REST shows it: Run:ai's fields and ours (docs/rest.md).

#include <string>

#include "base/json.h"
#include "base/time.h"
#include "control/work/workload.h"

namespace muster::control {

// The one tenant of a server, as Run:ai numbers tenants.
inline constexpr int tenant = 1;

// Whether values of environment variables are shown: they may hold secrets of the submitter.
enum class Secrets { Shown, Hidden };

// The entity of lists as JSON text. It never holds environment variables.
std::string entity_text(const Workload& workload, const std::string& cluster_id, Time now);
// The entity plus pendingSchedulingMessages: GET /api/v1/workloads/{id}.
json::Value detailed(const Workload& workload, const std::string& cluster_id, Time now, Secrets secrets);
// Everything: GET /api/muster/v1/workloads/{id}, without events.
json::Value described(const Workload& workload, const std::string& cluster_id, Time now, Secrets secrets);
// The answer of POST and GET /api/v1/workloads/trainings.
json::Value training_json(const Workload& workload, const std::string& cluster_id, Secrets secrets);
// Pods of the newest fact as Run:ai shows them.
json::Array pods_json(const Workload& workload, const std::string& cluster_id);
// Why it waits, without remedies; null when it does not.
json::Value waiting_json(const Workload& workload);

json::Value time_json(const std::optional<Time>& time);

}  // namespace muster::control
