#include "control/org/quota.h"

#include <array>
#include <cmath>
#include <initializer_list>

#include "base/text.h"

namespace muster::control {
namespace {

constexpr std::array<std::string_view, 3> unit_names = {"Mib", "MB", "GB"};
constexpr std::array<std::string_view, 8> ranks = {"VeryLow",    "Low",  "MediumLow", "Medium",
                                                   "MediumHigh", "High", "Normal",    "VeryHigh"};

Result<void> only_members(const json::Value& value, std::initializer_list<std::string_view> allowed,
                          const std::string& pointer) {
  if (!value.is_object()) return invalid("expected an object", pointer);
  std::vector<std::string> known(allowed.begin(), allowed.end());
  for (const auto& [name, item] : value.get_object()) {
    const std::string key(name);
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return invalid("unknown field \"" + key + "\"" + did_you_mean(key, known),
                     pointer + "/" + json::escape_step(key));
    }
  }
  return {};
}

// Absent leaves `out` as it is; null is nullopt; -1 is the older word for unlimited.
Result<void> read_amount(const json::Value& object, std::string_view name, std::optional<double>& out,
                         const std::string& pointer) {
  const json::Value* value = json::member(object, name);
  if (value == nullptr) return {};
  const std::string at = pointer + "/" + std::string(name);
  if (value->is_null()) {
    out = std::nullopt;
    return {};
  }
  if (!value->is_number()) return invalid("expected a number or null", at);
  const double number = value->to_number<double>();
  if (number == -1) {
    out = std::nullopt;
    return {};
  }
  if (!std::isfinite(number) || number < 0 || number > 1e15) {
    return invalid("expected a number of at least 0 (or null for unlimited)", at);
  }
  out = number;
  return {};
}

Result<void> read_share(const json::Value& entry, std::string_view name, Share& out, const std::string& pointer) {
  const json::Value* value = json::member(entry, name);
  if (value == nullptr || value->is_null()) return {};
  const std::string at = pointer + "/" + std::string(name);
  if (name == "memory") {
    TRY(only_members(*value, {"deserved", "limit", "overQuotaWeight", "units"}, at));
  } else {
    TRY(only_members(*value, {"deserved", "limit", "overQuotaWeight"}, at));
  }
  TRY(read_amount(*value, "deserved", out.quota, at));
  TRY(read_amount(*value, "limit", out.limit, at));
  TRY(read_amount(*value, "overQuotaWeight", out.weight, at));
  if (out.limit && (!out.quota || *out.limit < *out.quota)) {
    const json::Value* said = json::member(*value, "limit");
    return invalid(std::string(name) + " limit " + json::write(*out.limit) + " is below the quota " +
                       (out.quota ? json::write(*out.quota) : "unlimited") + "; raise the limit or lower the quota",
                   at + (said != nullptr ? "/limit" : "/deserved"));
  }
  return {};
}

Result<std::string> read_pool(const json::Value& entry, const std::string& pointer) {
  const json::Value* pool = json::member(entry, "nodePool");
  if (pool == nullptr || pool->is_null()) return std::string(default_pool);
  const std::string at = pointer + "/nodePool";
  TRY(only_members(*pool, {"id", "name"}, at));
  const std::string id = json::text_or(*pool, "/id");
  const std::string name = json::text_or(*pool, "/name");
  if (!id.empty() && id != default_pool_id && id != default_pool) {
    return invalid("there is no node pool with id \"" + id + "\"; this version has the pool default alone (id \"" +
                       std::string(default_pool_id) + "\")",
                   at + "/id");
  }
  if (!name.empty() && name != default_pool) {
    return invalid("there is no node pool \"" + name + "\"; this version has the pool default alone", at + "/name");
  }
  return std::string(default_pool);
}

Result<void> read_units(const json::Value& entry, Quota& out, const std::string& pointer) {
  const json::Value* units = json::find(entry, "/memory/units");
  if (units == nullptr) return {};
  const std::string at = pointer + "/memory/units";
  if (!units->is_string()) return invalid("expected Mib, MB or GB", at);
  const std::string text(units->get_string());
  if (std::find(unit_names.begin(), unit_names.end(), text) == unit_names.end()) {
    return invalid("unknown unit \"" + text + "\"; expected Mib, MB or GB", at);
  }
  out.memory_units = text;
  return {};
}

Result<void> read_rank(const json::Value& entry, Quota& out, const std::string& pointer) {
  // Newer releases of Run:ai call the same thing rank.
  const char* name = json::member(entry, "rank") != nullptr ? "rank" : "priority";
  const json::Value* rank = json::member(entry, name);
  if (rank == nullptr) return {};
  if (rank->is_null()) {
    out.rank = std::nullopt;
    return {};
  }
  const std::vector<std::string> known(ranks.begin(), ranks.end());
  const std::string text = rank->is_string() ? std::string(rank->get_string()) : "";
  if (std::find(known.begin(), known.end(), text) == known.end()) {
    return invalid("unknown rank \"" + text + "\"" + did_you_mean(text, known) +
                       "; ranks are VeryLow, Low, MediumLow, Medium, MediumHigh, High, VeryHigh",
                   pointer + "/" + name);
  }
  out.rank = text;
  return {};
}

Result<Quota> read_quota(const json::Value& entry, const std::vector<Quota>& before, Absent absent,
                         const std::string& pointer) {
  TRY(only_members(entry, {"nodePool", "gpu", "cpu", "memory", "priority", "rank"}, pointer));
  const std::string pool = TRY(read_pool(entry, pointer));
  Quota quota;
  if (absent == Absent::Keeps) {
    for (const Quota& one : before) {
      if (one.pool == pool) quota = one;
    }
  }
  quota.pool = pool;
  TRY(read_share(entry, "gpu", quota.gpu, pointer));
  if (!quota.gpu.quota)
    return invalid("a gpu quota is a number; only the limit may be unlimited", pointer + "/gpu/deserved");
  TRY(read_share(entry, "cpu", quota.cpu, pointer));
  TRY(read_share(entry, "memory", quota.memory, pointer));
  TRY(read_units(entry, quota, pointer));
  TRY(read_rank(entry, quota, pointer));
  return quota;
}

json::Value amount(const std::optional<double>& number) { return number ? json::Value(*number) : json::Value(nullptr); }

json::Object share_json(const Share& share) {
  return {{"deserved", amount(share.quota)}, {"limit", amount(share.limit)}, {"overQuotaWeight", amount(share.weight)}};
}

json::Object entry_json(const Quota& quota, json::Object pool) {
  json::Object memory = share_json(quota.memory);
  memory["units"] = quota.memory_units;
  return {{"nodePool", std::move(pool)},
          {"gpu", share_json(quota.gpu)},
          {"cpu", share_json(quota.cpu)},
          {"memory", std::move(memory)},
          {"priority", quota.rank ? json::Value(*quota.rank) : json::Value(nullptr)}};
}

template <class Member>
std::optional<double> total(const std::vector<Quota>& quotas, Member&& amount_of) {
  double sum = 0;
  for (const Quota& quota : quotas) {
    const std::optional<double> one = amount_of(quota);
    if (!one) return std::nullopt;
    sum += *one;
  }
  return sum;
}

sql::Cell cell(const std::optional<double>& number) { return number ? sql::Cell(*number) : sql::Cell(nullptr); }

std::optional<double> number_at(const sql::Row& row, std::size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.real(column));
}

}  // namespace

double bytes_of_unit(std::string_view units) {
  if (units == "MB") return 1e6;
  if (units == "GB") return 1e9;
  return 1048576.0;
}

Result<std::vector<Quota>> read_quotas(const json::Value& list, const std::vector<Quota>& before, Absent absent,
                                       const std::string& pointer) {
  if (!list.is_array()) return invalid("expected a list of resources per node pool", pointer);
  std::vector<Quota> out = before;
  if (absent == Absent::Defaults) out.assign(1, Quota{});
  std::vector<std::string> seen;
  std::size_t i = 0;
  for (const json::Value& entry : list.get_array()) {
    const std::string at = pointer + "/" + std::to_string(i++);
    Quota quota = TRY(read_quota(entry, before, absent, at));
    if (std::find(seen.begin(), seen.end(), quota.pool) != seen.end()) {
      return invalid("node pool \"" + quota.pool + "\" stands in the list twice", at + "/nodePool");
    }
    seen.push_back(quota.pool);
    const auto same = std::find_if(out.begin(), out.end(), [&](const Quota& one) { return one.pool == quota.pool; });
    if (same != out.end()) {
      *same = std::move(quota);
    } else {
      out.push_back(std::move(quota));
    }
  }
  return out;
}

json::Value quota_json(const Quota& quota) {
  return entry_json(quota, {{"id", default_pool_id}, {"name", quota.pool}});
}

json::Value quotas_json(const std::vector<Quota>& quotas) {
  json::Array list;
  for (const Quota& quota : quotas) list.push_back(quota_json(quota));
  return list;
}

json::Value quotas_desired(const std::vector<Quota>& quotas) {
  json::Array list;
  for (const Quota& quota : quotas) list.push_back(entry_json(quota, {{"name", quota.pool}}));
  return list;
}

std::optional<double> total_gpu(const std::vector<Quota>& quotas) {
  return total(quotas, [](const Quota& one) { return one.gpu.quota; });
}

json::Value total_resources(const std::vector<Quota>& quotas) {
  return json::Object{{"gpuQuota", amount(total_gpu(quotas))},
                      {"cpuQuota", amount(total(quotas, [](const Quota& one) { return one.cpu.quota; }))},
                      {"memoryQuota", amount(total(quotas, [](const Quota& one) -> std::optional<double> {
                         if (!one.memory.quota) return std::nullopt;
                         return *one.memory.quota * bytes_of_unit(one.memory_units) / 1e6;
                       }))}};
}

Result<void> write_quotas(sql::Connection& db, const std::string& unit_id, const std::vector<Quota>& quotas) {
  TRY(db.execute("DELETE FROM quota WHERE unit_id = ?", {unit_id}));
  for (const Quota& quota : quotas) {
    TRY(db.execute(
        "INSERT INTO quota (unit_id, pool, gpu_quota, gpu_limit, gpu_weight, cpu_quota, cpu_limit, cpu_weight, "
        "memory_quota, memory_limit, memory_weight, memory_units, rank) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {unit_id, quota.pool, quota.gpu.quota.value_or(0), cell(quota.gpu.limit), cell(quota.gpu.weight),
         cell(quota.cpu.quota), cell(quota.cpu.limit), cell(quota.cpu.weight), cell(quota.memory.quota),
         cell(quota.memory.limit), cell(quota.memory.weight), quota.memory_units,
         quota.rank ? sql::Cell(*quota.rank) : sql::Cell(nullptr)}));
  }
  return {};
}

Result<std::vector<Quota>> load_quotas(sql::Connection& db, const std::string& unit_id) {
  std::vector<Quota> out;
  for (const sql::Row& row :
       TRY(db.query("SELECT pool, gpu_quota, gpu_limit, gpu_weight, cpu_quota, cpu_limit, cpu_weight, memory_quota, "
                    "memory_limit, memory_weight, memory_units, rank FROM quota WHERE unit_id = ? ORDER BY pool",
                    {unit_id}))) {
    Quota quota;
    quota.pool = row.text(0);
    quota.gpu = {.quota = row.real(1), .limit = number_at(row, 2), .weight = number_at(row, 3)};
    quota.cpu = {.quota = number_at(row, 4), .limit = number_at(row, 5), .weight = number_at(row, 6)};
    quota.memory = {.quota = number_at(row, 7), .limit = number_at(row, 8), .weight = number_at(row, 9)};
    quota.memory_units = row.text(10);
    if (!row.is_null(11)) quota.rank = row.text(11);
    out.push_back(std::move(quota));
  }
  return out;
}

}  // namespace muster::control
