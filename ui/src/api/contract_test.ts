// The types by hand are held to the contract: every field that the console reads of ours exists there, and every one the
// contract requires is known or deliberately unread.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Schema {
  properties?: Record<string, unknown>;
  additionalProperties?: unknown;
  allOf?: (Schema & { $ref?: string })[];
  $ref?: string;
}
const load = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../api/openapi/${name}.json`, import.meta.url), "utf8")) as {
    components: { schemas: Record<string, Schema> };
  };
const source = readFileSync(new URL("./types.ts", import.meta.url), "utf8");

/** Names of the fields that an interface of types.ts declares at its top level. */
function fieldsOf(name: string): string[] {
  const start = source.indexOf(`export interface ${name} `);
  expect(start, name).toBeGreaterThanOrEqual(0);
  const open = source.indexOf("{", start);
  let depth = 0;
  const out: string[] = [];
  for (const line of source.slice(open).split("\n")) {
    if (depth === 1) {
      const field = /^ {2}([a-zA-Z]+)\??:/.exec(line)?.[1];
      if (field) out.push(field);
    }
    depth += (line.match(/[{]/g)?.length ?? 0) - (line.match(/[}]/g)?.length ?? 0);
    if (depth === 0) break;
  }
  return out;
}

function known(schemas: Record<string, Schema>, schema: Schema): Set<string> {
  const out = new Set(Object.keys(schema.properties ?? {}));
  for (const part of schema.allOf ?? []) {
    const target = part.$ref ? schemas[part.$ref.split("/").at(-1)!]! : part;
    for (const field of known(schemas, target)) out.add(field);
  }
  return out;
}

const ours = load("muster").components.schemas;
for (const [type, schema] of [
  ["Remedy", "Remedy"],
  ["Verdict", "Verdict"],
  ["WorkloadPod", "Pod"],
  ["ActivityEvent", "Activity"],
  ["Share", "Use"],
  ["Project", "Project"],
  ["Holder", "Holder"],
  ["Device", "Device"],
  ["Node", "Node"],
  ["Me", "Me"],
  ["Plan", "Plan"],
] as const) {
  it(`${type} reads only fields that the contract has`, () => {
    const fields = known(ours, ours[schema]!);
    for (const field of fieldsOf(type)) expect([...fields], `${type}.${field}`).toContain(field);
  });
}

it("the submission sends only fields that Run:ai's contract has", () => {
  const schemas = load("runai").components.schemas;
  const fields = known(schemas, schemas.TrainingSpecSpec!);
  for (const field of fieldsOf("TrainingSpec")) expect([...fields], field).toContain(field);
});
