// What a list shows, as its query string: ?phase=pending,failed&project=vision&q=det&sort=-age. Defaults are left out.
import type { Workload } from "../api/types";
import { isActive, needsChange, phaseWord, rank } from "./phase";

export const fields = ["phase", "project", "user", "kind"] as const;
export type Field = (typeof fields)[number];
export const sorts = ["phase", "name", "project", "gpus", "node", "age"] as const;
export type SortKey = (typeof sorts)[number];

export interface Query {
  filters: Partial<Record<Field, string[]>>;
  text: string;
  sort: SortKey;
  descending: boolean;
}

export type Search = Record<string, string>;

export function readQuery(search: Search): Query {
  const filters: Query["filters"] = {};
  for (const field of fields) {
    const values = (search[field] ?? "").split(",").filter(Boolean);
    if (values.length > 0) filters[field] = values;
  }
  const sort = search.sort ?? "";
  const key = sort.replace(/^-/, "") as SortKey;
  const known = sorts.includes(key);
  return { filters, text: search.q ?? "", sort: known ? key : "phase", descending: known && sort.startsWith("-") };
}

export function writeQuery(query: Query): Search {
  const out: Search = {};
  for (const field of fields) {
    const values = query.filters[field];
    if (values && values.length > 0) out[field] = values.join(",");
  }
  if (query.text) out.q = query.text;
  if (query.sort !== "phase" || query.descending) out.sort = (query.descending ? "-" : "") + query.sort;
  return out;
}

/** Value of a field as the query string spells it. "waiting" is a phase filter of its own: needs a change or not. */
export function fieldValue(workload: Workload, field: Field): string {
  switch (field) {
    case "phase":
      return phaseWord(workload.phase).toLowerCase();
    case "project":
      return workload.projectName;
    case "user":
      return workload.submittedBy ?? "";
    case "kind":
      return workload.type.toLowerCase();
  }
}

function passes(workload: Workload, field: Field, values: string[]): boolean {
  const value = fieldValue(workload, field);
  const wanted = values.filter((v) => !v.startsWith("!"));
  if (values.some((v) => v.startsWith("!") && matches(workload, field, value, v.slice(1)))) return false;
  return wanted.length === 0 || wanted.some((v) => matches(workload, field, value, v));
}

function matches(workload: Workload, field: Field, value: string, wanted: string): boolean {
  if (field === "phase" && wanted === "ended") return !isActive(workload.phase) && workload.phase !== "Stopped";
  if (field === "phase" && wanted === "starting") return ["creating", "initializing", "resuming"].includes(value);
  return value === wanted.toLowerCase() || value === wanted;
}

export function matching(workloads: Workload[], query: Query): Workload[] {
  const text = query.text.toLowerCase();
  const entries = Object.entries(query.filters) as [Field, string[]][];
  return workloads.filter(
    (workload) =>
      entries.every(([field, values]) => passes(workload, field, values)) &&
      (text === "" ||
        workload.name.toLowerCase().includes(text) ||
        (workload.command ?? "").toLowerCase().includes(text)),
  );
}

/** Splits what is typed into the filter: `project:vision phase:pending det` gives two chips and a text. */
export function typed(text: string, query: Query): Query {
  const filters = { ...query.filters };
  const words: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const match = /^(\w+):(.+)$/.exec(word);
    const field = match?.[1] as Field;
    if (match && fields.includes(field)) {
      const values = match[2]!.split(",").filter(Boolean);
      filters[field] = [...new Set([...(filters[field] ?? []), ...values])];
    } else words.push(word);
  }
  return { ...query, filters, text: words.join(" ") };
}

export function order(
  workloads: Workload[],
  query: Query,
  nominated: ReadonlySet<string>,
  nodeOf: (id: string) => string,
): Workload[] {
  const created = (w: Workload) => Date.parse(w.createdAt) || 0;
  const asked = (w: Workload) =>
    w.podsRequestedResources?.gpu?.request ?? w.workloadRequestedResources?.gpu?.request ?? 0;
  const compare: Record<SortKey, (a: Workload, b: Workload) => number> = {
    phase: (a, b) => rank(a, nominated) - rank(b, nominated),
    name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
    project: (a, b) => a.projectName.localeCompare(b.projectName),
    gpus: (a, b) => asked(b) - asked(a),
    node: (a, b) => (nodeOf(a.id) || "~").localeCompare(nodeOf(b.id) || "~", "en", { numeric: true }),
    age: (a, b) => created(b) - created(a),
  };
  const by = compare[query.sort];
  const sign = query.descending ? -1 : 1;
  return [...workloads].sort((a, b) => sign * by(a, b) || created(b) - created(a) || (a.id < b.id ? -1 : 1));
}

export const isNeeding = needsChange;
