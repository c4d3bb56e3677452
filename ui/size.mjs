// What the first load of the console weighs: the page, the scripts and styles it names (with what they import at once)
// and the preloaded font, gzipped. Prints it, and fails above the budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budget = 250 * 1024;
const dist = new URL("./dist/", import.meta.url);
const text = (name) => readFileSync(new URL(name.replace(/^\//, ""), dist), "utf8");
const weigh = (name) => {
  const bytes = readFileSync(new URL(name.replace(/^\//, ""), dist));
  return name.endsWith(".woff2") ? bytes.length : gzipSync(bytes, { level: 6 }).length;
};

const wanted = new Set(["index.html"]);
for (const match of text("index.html").matchAll(/(?:src|href)="(\/[^"]+)"/g)) wanted.add(match[1]);
for (const name of wanted) {
  if (!name.endsWith(".js")) continue;
  // Static imports only: what is behind import() comes on demand.
  for (const match of text(name).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) wanted.add(`/assets/${match[1]}`);
}
let sum = 0;
const kinds = {};
for (const name of wanted) {
  const bytes = weigh(name);
  sum += bytes;
  const kind = name.split(".").at(-1);
  kinds[kind] = (kinds[kind] ?? 0) + bytes;
}
const kb = (bytes) => `${Math.round(bytes / 1024)} KB`;
const parts = Object.entries(kinds).map(([kind, bytes]) => `${kind} ${kb(bytes)}`);
process.stdout.write(`console: first load ${kb(sum)} gzip of ${kb(budget)} (${parts.join(", ")})\n`);
if (sum > budget) {
  process.stderr.write("console: the first load is over its budget\n");
  process.exit(1);
}
