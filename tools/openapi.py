#!/usr/bin/env python3
"""Derives the contracts of Run:ai's paths from a fact sheet (an OpenAPI document without texts).

openapi.py FACTS writes api/openapi/runai.json (the paths of docs/rest.md and every schema they reach) and
api/crds/trainings.yaml (the training spec of REST as a structural schema). Where Muster is more lenient than Run:ai, or
says more, `ours()` says so; everything else is taken as it stands. Output is committed; run again after a change here.
"""
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

PATHS = {
    "/api/v1/token": ["post"],
    "/api/v1/clusters": ["get"],
    "/api/v1/clusters/{clusterUuid}": ["get"],
    "/api/v1/org-unit/departments": ["get", "post"],
    "/api/v1/org-unit/departments/count": ["get"],
    "/api/v1/org-unit/departments/{departmentId}": ["get", "put", "delete"],
    "/api/v1/org-unit/departments/{departmentId}/resources": ["put", "patch"],
    "/api/v1/org-unit/projects": ["get", "post"],
    "/api/v1/org-unit/projects/count": ["get"],
    "/api/v1/org-unit/projects/{projectId}": ["get", "put", "delete"],
    "/api/v1/org-unit/projects/{projectId}/resources": ["put", "patch"],
    "/api/v1/workloads/trainings": ["post"],
    "/api/v1/workloads/trainings/{workloadId}": ["get", "delete"],
    "/api/v1/workloads/trainings/{workloadId}/suspend": ["post"],
    "/api/v1/workloads/trainings/{workloadId}/resume": ["post"],
    "/api/v1/workloads": ["get"],
    "/api/v1/workloads/count": ["get"],
    "/api/v1/workloads/batch": ["post"],
    "/api/v1/workloads/{workloadId}": ["get"],
    "/api/v1/workloads/{workloadId}/pods": ["get"],
    "/api/v1/workloads/{workloadId}/events": ["get"],
    "/api/v1/workloads/{workloadId}/history": ["get"],
    "/api/v1/nodes": ["get"],
    "/api/v1/nodes/count": ["get"],
    "/api/v1/node-pools": ["get"],
    "/api/v1/network-topologies": ["get", "post"],
    "/api/v1/network-topologies/count": ["get"],
    "/api/v1/network-topologies/{networkTopologyId}": ["get", "delete"],
    "/api/v1/workload-priorities": ["get"],
    "/api/v1/workload-categories": ["get"],
    "/api/v1/workload-types": ["get"],
}

# Patterns that say nothing, or that are JavaScript literals by mistake.
EMPTY_PATTERNS = {".*"}


def ours(document):
    """Where Muster differs: fewer fields are required, some are added."""
    schemas = document["components"]["schemas"]
    meta = schemas["WorkloadCreationMeta"]
    meta["required"] = ["projectId"]  # a name can be generated, and there is one cluster
    schemas["WorkloadName"].update(
        {"maxLength": 63, "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$",
         "x-expected": "a name of lower case letters, digits and -, which begins with a letter"})
    relax(schemas, schemas["NetworkTopologyCreateRequest"], "clusterId")
    for name in ("ProjectCreationRequest", "DepartmentCreationRequest"):
        relax(schemas, schemas[name], "clusterId")
        # A namespace is "runai-<project>", and "--" divides a queue's name from its pool.
        name_of(schemas, schemas[name]).update(
            {"minLength": 1, "maxLength": 57, "pattern": "^(?!.*--)[a-z]([-a-z0-9]*[a-z0-9])?$",
             "x-expected": "a name of lower case letters, digits and single -, which begins with a letter"})
    schemas["ResourcesNullable"]["properties"]["nodePool"].pop("required", None)  # by id or by name
    for name in ("ResourcesNullable", "Resources"):
        schemas[name]["properties"].setdefault("rank", {"type": "string", "nullable": True})
    token = schemas["TokenRequest"]["properties"]
    # Clients write these names in several ways.
    for name in ("AppId", "AppSecret", "appId", "ClientId", "ClientSecret", "clientId"):
        token.setdefault(name, {"type": "string"})
    schemas["Error"]["properties"]["pointer"] = {"type": "string"}
    extra = {
        "exitCode": {"type": "integer", "nullable": True},
        "restarts": {"type": "integer"},
        "overQuota": {"type": "boolean"},
        "gpuRequestText": {"type": "string"},
        "waiting": {"type": "object", "nullable": True, "properties": {
            "reason": {"type": "string"}, "queue": {"type": "string"}, "message": {"type": "string"},
            "numbers": {"type": "object", "additionalProperties": {"type": "number"}},
            "causes": {"type": "object", "additionalProperties": {"type": "integer"}},
            "since": {"type": "string", "format": "date-time"}}},
    }
    schemas["Workload"] = {"allOf": [schemas["Workload"], {"type": "object", "properties": extra}]}


def relax(schemas, schema, field):
    """Takes a field out of every list of required ones of this schema."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].split("/")[-1]]
    if field in schema.get("required", []):
        schema["required"] = [name for name in schema["required"] if name != field]
    for part in schema.get("allOf", []):
        relax(schemas, part, field)


def name_of(schemas, schema):
    """The schema of the field `name`."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].split("/")[-1]]
    if "name" in schema.get("properties", {}):
        return schema["properties"]["name"]
    for part in schema.get("allOf", []):
        found = name_of(schemas, part)
        if found is not None:
            return found
    return None


def cleaned(node):
    """Without texts and without patterns that say nothing."""
    if isinstance(node, list):
        return [cleaned(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key == "pattern" and isinstance(value, str) and (value in EMPTY_PATTERNS or value.startswith("/")):
            continue
        if key == "format" and value == ".*":
            continue
        if key in ("description", "summary", "example", "examples", "title") and isinstance(value, str):
            continue
        out[key] = cleaned(value)
    return out


def references(node):
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)


def reached(facts, paths):
    """The components that the paths need, and no others."""
    components = {}
    open_refs = list(references(paths))
    seen = set()
    while open_refs:
        ref = open_refs.pop()
        if ref in seen:
            continue
        seen.add(ref)
        _, _, kind, name = ref.split("/")
        part = cleaned(facts["components"][kind][name])
        components.setdefault(kind, {})[name] = part
        open_refs.extend(references(part))
    return {kind: dict(sorted(components[kind].items())) for kind in sorted(components)}


def runai(facts):
    paths = {}
    for path, methods in PATHS.items():
        known = facts["paths"][path]
        paths[path] = {method: cleaned(known[method]) for method in methods}
        if "parameters" in known:
            paths[path]["parameters"] = cleaned(known["parameters"])
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Run:ai's paths as Muster serves them", "version": "1"},
        "paths": paths,
        "components": reached(facts, paths),
    }
    ours(document)
    return document


def merged(schemas, schema):
    """One schema without $ref and allOf."""
    out = {}
    parts = [schema]
    if "$ref" in schema:
        parts.append(schemas[schema["$ref"].split("/")[-1]])
    parts += schema.get("allOf", [])
    for part in parts:
        if part is not schema:
            part = merged(schemas, part)
        for key, value in part.items():
            if key in ("$ref", "allOf"):
                continue
            if key == "properties":
                out.setdefault("properties", {}).update(value)
            elif key == "required":
                out["required"] = sorted(set(out.get("required", [])) | set(value))
            else:
                out.setdefault(key, value)
    return out


def structural(schemas, schema):
    """The schema as Kubernetes takes it: inline, typed, without defaults (a training keeps what was sent)."""
    flat = merged(schemas, schema)
    out = {}
    kind = flat.get("type") or ("object" if "properties" in flat else "array" if "items" in flat else None)
    if kind is None:
        return {"x-kubernetes-preserve-unknown-fields": True}
    out["type"] = kind
    for key in ("nullable", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"):
        if key in flat:
            out[key] = flat[key]
    if flat.get("format") in ("int32", "int64", "double", "uuid"):
        out["format"] = flat["format"]
    # An enum must list null as well where null may stand.
    if out.get("nullable") and "enum" in out and None not in out["enum"]:
        out["enum"] = out["enum"] + [None]
    if "properties" in flat:
        out["properties"] = {name: structural(schemas, part) for name, part in sorted(flat["properties"].items())}
    if "items" in flat:
        out["items"] = structural(schemas, flat["items"])
    extra = flat.get("additionalProperties")
    if isinstance(extra, dict):
        out["additionalProperties"] = structural(schemas, extra)
    elif extra is True or (kind == "object" and "properties" not in flat):
        out["x-kubernetes-preserve-unknown-fields"] = True
    if "required" in flat:
        out["required"] = flat["required"]
    return out


def written(value, indent=0):
    """YAML: short mappings and lists in one line, the rest as blocks."""
    pad = "  " * indent
    flow = flowed(value)
    if len(flow) <= 100 and not (isinstance(value, dict) and any(isinstance(v, dict) and v for v in value.values())):
        return " " + flow + "\n"
    if isinstance(value, dict):
        return "\n" + "".join(f"{pad}{quoted(k)}:{written(v, indent + 1)}" for k, v in value.items())
    return "\n" + "".join(f"{pad}- {written(v, indent + 1).lstrip()}" for v in value)


def quoted(text):
    plain = text and all(c.isalnum() or c in "-_./" for c in text) and not text[0].isdigit() and text not in ("null", "true", "false")
    return text if plain else json.dumps(text, ensure_ascii=False)


def flowed(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)}: {flowed(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flowed(v) for v in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def training_crd(document):
    schemas = document["components"]["schemas"]
    spec = structural(schemas, schemas["TrainingSpecSpec"])
    spec["properties"]["suspend"] = {"type": "boolean"}
    spec["properties"] = dict(sorted(spec["properties"].items()))
    spec.pop("nullable", None)
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True,
                       "properties": {"phase": {"type": "string"}}},
        },
    }

    def column(name, kind, path, **more):
        return {"name": name, "type": kind, "jsonPath": path, **more}

    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "trainings.muster.dev"},
        "spec": {
            "group": "muster.dev",
            "scope": "Namespaced",
            "names": {"kind": "Training", "listKind": "TrainingList", "plural": "trainings", "singular": "training",
                      "categories": ["muster"]},
            "versions": [{
                "name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    column("Project", "string", ".metadata.labels.project"),
                    column("Phase", "string", ".status.phase"),
                    column("GPUs", "integer", ".spec.compute.gpuDevicesRequest"),
                    column("Portion", "number", ".spec.compute.gpuPortionRequest", priority=1),
                    column("Reason", "string", ".status.verdict.reason", priority=1),
                    column("Age", "date", ".metadata.creationTimestamp"),
                ],
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    }
    head = ("# A batch job of one or more equal pods. `spec` is the spec of POST /api/v1/workloads/trainings, plus `suspend`.\n"
            "# Written by tools/openapi.py.\n")
    return head + written(crd).lstrip("\n")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: openapi.py FACTS.json")
    with open(sys.argv[1], encoding="utf-8") as file:
        facts = json.load(file)
    document = runai(facts)
    with open(os.path.join(ROOT, "api/openapi/runai.json"), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
        file.write("\n")
    with open(os.path.join(ROOT, "api/crds/trainings.yaml"), "w", encoding="utf-8") as file:
        file.write(training_crd(document))


main()
