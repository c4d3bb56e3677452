// Network topologies on Run:ai's paths (product rule 2.5): made and removed by administrators, never changed.
#include "control/door/listing.h"
#include "control/door/org_json.h"
#include "control/door/routes.h"
#include "control/work/entity.h"
#include "control/work/fields.h"

namespace muster::control {
namespace {

json::Value topology_json(const Plane& plane, const NetworkTopology& one) {
  json::Array levels;
  for (const std::string& level : one.levels) levels.emplace_back(level);
  const bool waits = plane.sender->is_waiting("Topology", "", one.name);
  return json::Object{{"id", one.id},
                      {"name", one.name},
                      {"clusterId", plane.cluster_id},
                      {"tenantId", tenant},
                      {"levels", std::move(levels)},
                      {"phase", waits ? "Creating" : "Ready"},
                      {"status", waits ? "Creating" : "Ready"},
                      {"source", "product"},
                      {"nodePools", json::Array{}},
                      {"createdAt", to_rfc3339(one.created)},
                      {"createdBy", one.created_by}};
}

const std::vector<Field<json::Value>>& topology_fields() {
  const auto text = [](const char* name) {
    return Field<json::Value>{name, FieldKind::Text, [at = std::string("/") + name](const json::Value& row) {
                                return FieldValue(json::text_or(row, at));
                              }};
  };
  static const std::vector<Field<json::Value>> fields = {text("name"), text("clusterId"), text("source"),
                                                         text("phase")};
  return fields;
}

Result<json::Array> list(const Plane& plane, const net::Request& request) {
  const Query query = TRY(read_query(request, names_of(topology_fields())));
  json::Array all;
  for (const auto& [id, one] : plane.topologies.all()) {
    json::Value row = topology_json(plane, one);
    if (matches(query, topology_fields(), row)) all.push_back(std::move(row));
  }
  return all;
}

Result<net::Response> create(Plane& plane, const Caller& caller, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const Fields fields(body, "");
  TRY(fields.only({"name", "clusterId", "levels"}));
  const std::optional<std::string> cluster = TRY(fields.text("clusterId"));
  if (cluster && *cluster != plane.cluster_id) {
    return invalid("there is no cluster \"" + cluster->substr(0, 80) + "\"; this one is " + plane.cluster_id,
                   "/clusterId");
  }
  NetworkTopology wanted{.id = {},
                         .name = TRY(fields.text("name")).value_or(""),
                         .levels = {},
                         .created = plane.now(),
                         .created_by = caller.name};
  if (const json::Array* levels = TRY(fields.list("levels"))) {
    for (const json::Value& level : *levels) wanted.levels.push_back(json::text_or(level, ""));
  }
  NetworkTopology made;
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    made = TRY(plane.topologies.create(db, effects, wanted));
    return {};
  });
  TRY(done);
  Lock lock(plane.tables);
  return net::json_response(201, topology_json(plane, made));
}

Result<net::Response> remove(Plane& plane, const Caller& caller, const net::Request& request) {
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    const NetworkTopology* one = plane.topologies.find(request.param("id"));
    if (one == nullptr) return not_found("there is no network topology with that id");
    TRY(audit(db, plane.now(), caller.name, "delete", "topology", one->name, json::Object{{"id", one->id}}));
    return plane.topologies.remove(db, effects, one->id);
  });
  TRY(done);
  return net::Response{.status = 204};
}

}  // namespace

void add_topology_routes(Routes& routes) {
  Plane& plane = routes.plane();
  const std::string path = "/api/v1/network-topologies";
  routes.add("GET", path, [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
    Lock lock(plane.tables);
    return net::json_response(200, json::Object{{"networkTopologies", TRY(list(plane, request))}});
  });
  routes.add("GET", path + "/count", [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
    Lock lock(plane.tables);
    return net::json_response(200, json::Object{{"count", TRY(list(plane, request)).size()}});
  });
  routes.add("GET", path + "/{id}", [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
    Lock lock(plane.tables);
    const NetworkTopology* one = plane.topologies.find(request.param("id"));
    if (one == nullptr) return not_found("there is no network topology with that id");
    return net::json_response(200, topology_json(plane, *one));
  });
  routes.add_admin("POST", path, [&plane](const Caller& caller, const net::Request& request) {
    return create(plane, caller, request);
  });
  routes.add_admin("DELETE", path + "/{id}", [&plane](const Caller& caller, const net::Request& request) {
    return remove(plane, caller, request);
  });
}

}  // namespace muster::control
