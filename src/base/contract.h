#pragma once
// Contract: the documents of api/ that are built into the program, and the schemas in them, compiled when first asked
// for and kept. How to check a request at a door:
//   const Schema* schema = contract::request_schema("POST", "/api/v1/workloads/trainings");
//   TRY(schema->validate(body));
// Knows OpenAPI, not what a path means. Safe from any thread; what is handed out lives as long as the program.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/schema.h"

namespace muster::contract {

// A file below api/, JSON or YAML: "openapi/runai.json", "crds/queues.yaml". nullptr: there is none.
const json::Value* document(std::string_view path);
// The files below a folder of api/ ("crds/"), in order of their names.
std::vector<std::string> paths_below(std::string_view folder);

// The schema of a request's or an answer's JSON body by method and path. A part of the path that is a parameter in the
// contract matches anything, so a route with other parameter names ("/projects/{id}") and a path from the wire both
// work; literal parts win. nullptr: the contract has no such path, or it has no body.
const Schema* request_schema(std::string_view method, std::string_view path);
const Schema* response_schema(std::string_view method, std::string_view path, int status);

// The schema at a pointer of a document, compiled once: schema_at("kubernetes.json", "/components/schemas/Pod", {...}).
// nullptr: there is none. Requires: always the same options for one pointer.
const Schema* schema_at(std::string_view path, std::string_view pointer, Schema::Options options);

}  // namespace muster::contract
