#include "control/org/topologies.h"

#include <algorithm>

#include "base/ids.h"
#include "base/text.h"

namespace muster::control {
namespace {

constexpr std::size_t most_levels = 16;

json::Value desired(const NetworkTopology& topology) {
  json::Array levels;
  for (const std::string& level : topology.levels) levels.push_back(json::Object{{"nodeLabel", level}});
  return json::Object{{"apiVersion", "kai.scheduler/v1alpha1"},
                      {"kind", "Topology"},
                      {"metadata", json::Object{{"name", topology.name}}},
                      {"spec", json::Object{{"levels", std::move(levels)}}}};
}

model::Desired change_of(const NetworkTopology& topology) {
  return {.kind = "Topology", .ns = {}, .name = topology.name, .object = desired(topology)};
}

bool is_label_key(const std::string& key) {
  const std::size_t slash = key.find('/');
  const std::string name = slash == std::string::npos ? key : key.substr(slash + 1);
  const auto is_alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto is_part = [&](const std::string& text, std::string_view extra) {
    return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_alnum(c) || extra.find(c) != std::string_view::npos; });
  };
  return key.size() <= 63 && is_part(name, "-_.") &&
         (slash == std::string::npos || is_part(key.substr(0, slash), "-."));
}

}  // namespace

Result<void> check_topology(const NetworkTopology& topology) {
  const std::string title = "topology name \"" + topology.name.substr(0, 80) + "\"";
  if (!is_dns_label(topology.name)) {
    return invalid(title +
                       " is not possible: lower-case letters, digits and hyphens, beginning with a letter and "
                       "ending with a letter or digit",
                   "/name");
  }
  if (topology.levels.empty())
    return invalid("a topology needs levels: node labels, the widest domain first", "/levels");
  if (topology.levels.size() > most_levels) {
    return invalid("a topology has at most " + std::to_string(most_levels) + " levels", "/levels");
  }
  for (std::size_t i = 0; i < topology.levels.size(); ++i) {
    const std::string& level = topology.levels[i];
    const std::string pointer = "/levels/" + std::to_string(i);
    if (!is_label_key(level)) {
      return invalid(
          "level \"" + level.substr(0, 80) + "\" is no key of a node label, such as rack or example.com/rack", pointer);
    }
    if (std::find(topology.levels.begin(), topology.levels.begin() + static_cast<std::ptrdiff_t>(i), level) !=
        topology.levels.begin() + static_cast<std::ptrdiff_t>(i)) {
      return invalid("level \"" + level + "\" is there twice", pointer);
    }
    if (level == "kubernetes.io/hostname" && i + 1 < topology.levels.size()) {
      return invalid("level kubernetes.io/hostname is the narrowest there is; put it last", pointer);
    }
  }
  return {};
}

Result<void> Topologies::load(sql::Connection& db) {
  by_id_.clear();
  for (const sql::Row& row :
       TRY(db.query("SELECT id, name, levels, created_at, created_by FROM topology ORDER BY name"))) {
    NetworkTopology one{
        .id = row.text(0), .name = row.text(1), .levels = {}, .created = {row.integer(3)}, .created_by = row.text(4)};
    const json::Value levels = TRY(json::parse(row.text(2)));
    if (levels.is_array()) {
      for (const json::Value& level : levels.get_array()) one.levels.push_back(json::text_or(level, ""));
    }
    by_id_[one.id] = std::move(one);
  }
  return {};
}

const NetworkTopology* Topologies::find(const std::string& id_or_name) const {
  if (const auto found = by_id_.find(id_or_name); found != by_id_.end()) return &found->second;
  for (const auto& [id, one] : by_id_) {
    if (one.name == id_or_name) return &one;
  }
  return nullptr;
}

Result<NetworkTopology> Topologies::create(sql::Connection& db, Effects& effects, NetworkTopology wanted) {
  TRY(check_topology(wanted));
  if (find(wanted.name) != nullptr) {
    Error error =
        conflict("there is a topology \"" + wanted.name + "\" already; delete it first, or choose another name");
    error.pointer = "/name";
    return error;
  }
  wanted.id = new_uuid();
  json::Array levels;
  for (const std::string& level : wanted.levels) levels.emplace_back(level);
  TRY(db.execute("INSERT INTO topology (id, name, levels, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
                 {wanted.id, wanted.name, json::write(levels), wanted.created.ms, wanted.created_by}));
  TRY(enqueue_desired(db, effects, change_of(wanted), wanted.id));
  TRY(audit(db, wanted.created, wanted.created_by, "create", "topology", wanted.name, json::Object{{"id", wanted.id}}));
  by_id_[wanted.id] = wanted;
  return wanted;
}

Result<void> Topologies::remove(sql::Connection& db, Effects& effects, const std::string& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return not_found("there is no network topology with id \"" + id.substr(0, 80) + "\"");
  TRY(db.execute("DELETE FROM topology WHERE id = ?", {id}));
  TRY(enqueue_desired(db, effects, {.kind = "Topology", .ns = {}, .name = found->second.name, .remove = true}, id));
  by_id_.erase(found);
  return {};
}

Result<void> Topologies::send_again(sql::Connection& db, Effects& effects) const {
  for (const auto& [id, one] : by_id_) TRY(enqueue_desired(db, effects, change_of(one), id));
  return {};
}

}  // namespace muster::control
