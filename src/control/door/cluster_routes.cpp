// The one cluster, its nodes and pool, and the fixed tables of priorities, categories and types.
#include "base/ids.h"
#include "control/door/listing.h"
#include "control/door/org_json.h"
#include "control/door/routes.h"
#include "model/priority.h"

namespace muster::control {
namespace {

using Row = json::Value;

FieldValue text_in(const Row& row, const char* at) {
  const std::optional<std::string> text = json::text_at(row, at);
  return text ? FieldValue(*text) : FieldValue();
}

std::vector<Field<Row>> text_fields(std::initializer_list<std::pair<const char*, const char*>> places) {
  std::vector<Field<Row>> out;
  for (const auto& [name, place] : places) {
    out.push_back(
        {name, FieldKind::Text, [at = std::string(place)](const Row& row) { return text_in(row, at.c_str()); }});
  }
  return out;
}

// A list endpoint over rows that are JSON already.
struct Listed {
  Query query;
  json::Array all;
};

Result<Listed> select(const net::Request& request, const std::vector<Field<Row>>& fields, const json::Array& rows,
                      const char* searched) {
  Listed out;
  out.query = TRY(read_query(request, names_of(fields)));
  std::vector<const Row*> kept;
  for (const Row& row : rows) {
    if (!matches(out.query, fields, row)) continue;
    if (!out.query.search.empty() && !contains_text(json::text_or(row, searched), out.query.search)) continue;
    kept.push_back(&row);
  }
  sort_rows(out.query, fields, kept);
  for (const Row* row : kept) out.all.push_back(*row);
  return out;
}

net::Response page_response(const char* name, Listed listed) {
  const Page page = page_of(listed.query, listed.all.size());
  json::Array slice;
  for (std::size_t i = page.begin; i < page.end; ++i) slice.push_back(std::move(listed.all[i]));
  json::Object body{{name, std::move(slice)}};
  if (page.next) body["next"] = *page.next;
  return net::json_response(200, body);
}

const std::vector<Field<Row>>& node_fields() {
  static const std::vector<Field<Row>> fields = text_fields({{"name", "/name"},
                                                             {"status", "/status"},
                                                             {"nodePool", "/nodePool"},
                                                             {"gpuType", "/gpuInfo/gpuType"},
                                                             {"nvLinkDomainUid", "/nvLinkDomainUid"},
                                                             {"nvLinkCliqueId", "/nvLinkCliqueId"},
                                                             {"clusterUuid", "/clusterUuid"}});
  return fields;
}

json::Array nodes(const Plane& plane) {
  json::Array out;
  for (const auto& [name, fact] : plane.view.nodes()) out.push_back(node_json(plane, *fact));
  return out;
}

json::Array priorities(const Plane& plane) {
  json::Array out;
  for (const model::PriorityClass& one : model::priority_classes()) {
    out.push_back(
        json::Object{{"id", uuid_of_name("priority " + std::string(one.name))},
                     {"name", one.name},
                     {"value", one.value},
                     {"source", "System"},
                     {"scopeType", "system"},
                     {"scopeId", "system"},
                     {"aggregatedPhase", "Ready"},
                     {"status", json::Array{json::Object{{"clusterId", plane.cluster_id}, {"phase", "Ready"}}}},
                     {"createdAt", to_rfc3339(plane.cluster_created)},
                     {"updatedAt", to_rfc3339(plane.cluster_created)}});
  }
  return out;
}

json::Value categories(const Plane& plane) {
  json::Array out;
  for (const auto& [name, words] :
       {std::pair{"Build", "interactive work"}, {"Train", "training"}, {"Deploy", "serving"}}) {
    out.push_back(json::Object{{"id", uuid_of_name("category " + std::string(name))},
                               {"name", name},
                               {"description", words},
                               {"createdAt", to_rfc3339(plane.cluster_created)},
                               {"createdBy", "muster"}});
  }
  return json::Object{{"categories", std::move(out)}};
}

json::Array types(const Plane& plane) {
  return {
      json::Object{{"id", uuid_of_name("type Training")},
                   {"name", "Training"},
                   {"group", "muster.dev"},
                   {"categoryId", uuid_of_name("category Train")},
                   {"categoryName", "Train"},
                   {"priorityId", uuid_of_name("priority low")},
                   {"priorityName", "low"},
                   {"createdAt", to_rfc3339(plane.cluster_created)},
                   {"createdBy", "muster"},
                   {"updatedAt", to_rfc3339(plane.cluster_created)},
                   {"updatedBy", "muster"},
                   {"resourceInterfaces", json::Array{}},
                   {"clusterStatuses", json::Array{json::Object{{"clusterId", plane.cluster_id},
                                                                {"phase", "Ready"},
                                                                {"conditions", json::Array{}},
                                                                {"version", "v1alpha1"},
                                                                {"updatedAt", to_rfc3339(plane.cluster_created)}}}}}};
}

}  // namespace

void add_cluster_routes(Routes& routes) {
  Plane& plane = routes.plane();
  routes.add("GET", "/api/v1/clusters", [&plane](const Caller&, const net::Request&) -> Result<net::Response> {
    Lock lock(plane.tables);
    return net::json_response(200, json::Array{cluster_json(plane)});
  });
  routes.add("GET", "/api/v1/clusters/{id}",
             [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
               Lock lock(plane.tables);
               if (request.param("id") != plane.cluster_id) return not_found("there is no cluster with that id");
               return net::json_response(200, cluster_json(plane));
             });
  routes.add("GET", "/api/v1/nodes", [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
    Lock lock(plane.tables);
    return page_response("nodes", TRY(select(request, node_fields(), nodes(plane), "/name")));
  });
  routes.add("GET", "/api/v1/nodes/count",
             [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
               Lock lock(plane.tables);
               const Listed listed = TRY(select(request, node_fields(), nodes(plane), "/name"));
               return net::json_response(200, json::Object{{"count", listed.all.size()}});
             });
  routes.add("GET", "/api/v1/node-pools",
             [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
               Lock lock(plane.tables);
               const auto fields = text_fields({{"name", "/name"},
                                                {"clusterId", "/clusterId"},
                                                {"phase", "/phase"},
                                                {"createdAt", "/createdAt"},
                                                {"updatedAt", "/updatedAt"}});
               return page_response("nodepools", TRY(select(request, fields, {pool_json(plane)}, "/name")));
             });
  routes.add("GET", "/api/v1/node-pools/count", [](const Caller&, const net::Request&) -> Result<net::Response> {
    return net::json_response(200, json::Object{{"count", 1}});
  });
  routes.add("GET", "/api/v1/node-pools/{id}",
             [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
               Lock lock(plane.tables);
               if (request.param("id") != default_pool_id && request.param("id") != default_pool) {
                 return not_found("there is no node pool with that id; this version has the pool default alone");
               }
               return net::json_response(200, pool_json(plane));
             });
  routes.add("GET", "/api/v1/workload-priorities",
             [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
               auto fields = text_fields({{"name", "/name"}, {"source", "/source"}});
               fields.push_back({"value", FieldKind::Number, [](const Row& row) -> FieldValue {
                                   return json::number_at(row, "/value").value_or(0);
                                 }});
               return page_response("priorities", TRY(select(request, fields, priorities(plane), "/name")));
             });
  routes.add("GET", "/api/v1/workload-categories",
             [&plane](const Caller&, const net::Request&) -> Result<net::Response> {
               return net::json_response(200, categories(plane));
             });
  routes.add("GET", "/api/v1/workload-types",
             [&plane](const Caller&, const net::Request& request) -> Result<net::Response> {
               const auto fields = text_fields({{"name", "/name"}, {"group", "/group"}});
               return page_response("types", TRY(select(request, fields, types(plane), "/name")));
             });
}

}  // namespace muster::control
