#pragma once
// Quota: what a department or project may have of one node pool, and its REST form: an entry of `resources`
// (product rules 1.2.1 and 2.6). CPU counts in milli-cores, memory in the entry's own units.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sql/connection.h"

namespace muster::control {

// The one pool of this version.
inline constexpr std::string_view default_pool = "default";
inline constexpr std::string_view default_pool_id = "1";

struct Share {
  std::optional<double> quota;  // nullopt = unlimited
  std::optional<double> limit;  // nullopt = unlimited
  std::optional<double> weight;
  friend bool operator==(const Share&, const Share&) = default;
};

struct Quota {
  std::string pool = std::string(default_pool);
  Share gpu{.quota = 0.0, .limit = {}, .weight = 2.0};  // always has a quota; weight Medium
  Share cpu, memory;
  std::string memory_units = "Mib";  // Mib | MB | GB
  std::optional<std::string> rank = "MediumLow";
  friend bool operator==(const Quota&, const Quota&) = default;
};

// Whether members that the entry leaves out keep what `before` says (PATCH) or take the defaults (POST, PUT).
enum class Absent { Defaults, Keeps };

// Reads the list `resources`. Unknown members, unknown pools, negative numbers and a limit below the quota are refused
// with their pointer below `pointer`. Pools that the list does not name keep what `before` has.
Result<std::vector<Quota>> read_quotas(const json::Value& list, const std::vector<Quota>& before, Absent absent,
                                       const std::string& pointer);
json::Value quota_json(const Quota& quota);
json::Value quotas_json(const std::vector<Quota>& quotas);
// What goes down the line: as quota_json, the pool by its name alone.
json::Value quotas_desired(const std::vector<Quota>& quotas);
// GPUs, milli-cores and MB over all pools; nullopt = unlimited.
std::optional<double> total_gpu(const std::vector<Quota>& quotas);
json::Value total_resources(const std::vector<Quota>& quotas);
// Bytes of one unit.
double bytes_of_unit(std::string_view units);

Result<void> write_quotas(sql::Connection& db, const std::string& unit_id, const std::vector<Quota>& quotas);
Result<std::vector<Quota>> load_quotas(sql::Connection& db, const std::string& unit_id);

}  // namespace muster::control
