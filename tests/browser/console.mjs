// The console in Debian's Chromium against a real server: sign-in, submission, live rows, why, quotas, keys, a server that
// is killed and comes back, accessibility, and pictures of every page. See run for the environment.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Server } from "./server.mjs";
import { check, runAll, test, until } from "./suite.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const require = createRequire(join(root, "ui/"));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const program = resolve(process.env.MUSTER_BIN ?? join(root, "build/bin/muster"));
const pictures = resolve(process.env.MUSTER_SCREENSHOTS ?? join(root, "build/screenshots"));
const browserPath = process.env.MUSTER_CHROMIUM ?? "/usr/bin/chromium";
for (const [what, path] of [
  ["program", program],
  ["browser", browserPath],
]) {
  if (existsSync(path)) continue;
  console.log(`browser tests skipped: no ${what} at ${path}\n0 passed, 0 failed`);
  process.exit(0);
}
mkdirSync(pictures, { recursive: true });

const server = new Server(program);
await server.start();
const browser = await chromium.launch({
  executablePath: browserPath,
  args: [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

const strays = []; // requests that left the machine's own server
const complaints = []; // what the browser's console complained about
let expectLoss = false;

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light", ...options });
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.host !== new URL(server.url).host) strays.push(request.url());
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => complaints.push(`${error}`));
  page.on("console", (message) => {
    if (message.type() !== "error" || expectLoss) return;
    // A refusal that a page shows in words is also noted by the browser.
    if (/status of (401|404|409)/.test(message.text())) return;
    if (/status of 400/.test(message.text()) && message.location()?.url?.endsWith("/plan/quotas")) return;
    complaints.push(`${message.text()} ${message.location()?.url ?? ""}`);
  });
  return page;
}

let session; // cookies of the one sign-in
let page; // the tab most tests go on in
const at = (path) => server.url + path;
const text = (selector) => page.locator(selector).first().innerText();
const stamp = (tab) => tab.evaluate(() => Object.assign(window, { neverReloaded: true }) && undefined);
const sameDocument = (tab) => tab.evaluate(() => window.neverReloaded === true);
const show = (tab, path) =>
  tab.evaluate((to) => {
    history.pushState({}, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);

test("without a session every page leads to sign-in, which says how to get in", async () => {
  page = await open();
  await page.goto(at("/projects"));
  await page.waitForURL(/\/signin\?next=/);
  check((await text("main")).includes("muster login --link"), "the command is not named");
});

test("a sign-in link signs in, and its code is not left in the address", async () => {
  await page.goto(server.signInUrl);
  await page.waitForURL(at("/"));
  await page.getByText("Nothing runs yet").waitFor();
  session = await page.context().storageState();
});

test("the same link does not work a second time", async () => {
  const other = await open();
  await other.goto(server.signInUrl);
  await other.getByText("A link works once").waitFor();
  check(other.url().endsWith("/signin"), `left at ${other.url()}`);
  await other.context().close();
});

test("the owner's token signs in too, and is not kept in the browser", async () => {
  const other = await open();
  await other.goto(at("/signin"));
  await other.getByLabel("Link, one-time code or token").fill(server.token);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.waitForURL(at("/"));
  const kept = await other.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  check(!kept.includes(server.token), "the token is in the browser's storage");
  await other.context().close();
});

test("an empty overview shows the commands that fill it, and that the GPUs are simulated", async () => {
  const shown = await text("main");
  check(shown.includes("muster submit -g 0.5"), "no command to begin with");
  check((await text(".banner")).includes("simulated"), "simulated is not said");
  check((await page.locator(".gpu-grid [data-cell]").count()) === 4, "not four cells");
});

test("the submit form plans, submits, and the workload runs without a reload", async () => {
  await page.keyboard.press("c");
  await page.waitForURL(at("/new"));
  await stamp(page);
  await page.getByLabel("Command", { exact: true }).fill("sh -c 'i=0; while true; do i=$((i+1)); echo step $i; sleep 0.2; done'");
  await page.getByRole("radio", { name: "0.5" }).click();
  await page.getByText("Starts now on sim-1").first().waitFor();
  check((await page.locator(".same-text").inputValue()).includes("-g 0.5"), "the command does not follow the form");
  await page.getByRole("button", { name: /^Submit/ }).click();
  await page.waitForURL(/\/p\/default\/w\/train-1$/);
  await page.locator(".object-phase", { hasText: "Running" }).waitFor();
  check(await sameDocument(page), "the page was loaded anew");
});

test("its log comes as it is printed, is found in, and follows its end", async () => {
  await page.locator(".log-line", { hasText: /step \d/ }).first().waitFor();
  const last = () =>
    page.evaluate(() => Math.max(0, ...[...document.querySelectorAll(".log-line")].map((line) => Number(/step (\d+)/.exec(line.textContent)?.[1] ?? 0))));
  const before = await last();
  await until(async () => (await last()) > before + 2, 10_000, "more lines");
  await page.getByLabel("Find in logs").fill("step 3");
  await page.locator("mark").first().waitFor();
  await page.getByLabel("Find in logs").fill("");
});

test("a row in the list turns Running by itself when another tab submits", async () => {
  const list = await open({ storageState: session });
  await list.goto(at("/workloads"));
  await list.locator("tr", { hasText: "train-1" }).waitFor();
  await stamp(list);
  await page.goto(at("/new"));
  await page.getByLabel("Name optional").fill("by-form");
  await page.getByLabel("Command", { exact: true }).fill("sleep 600");
  await page.keyboard.press("Control+Enter");
  const row = list.locator("tr", { hasText: "by-form" });
  await row.waitFor();
  await row.locator("td", { hasText: "Running" }).waitFor();
  check(await sameDocument(list), "the list was loaded anew");
  await list.context().close();
});

test("a name that is taken is refused at its field and the form stays", async () => {
  await page.goto(at("/new"));
  await page.getByLabel("Name optional").fill("by-form");
  await page.getByLabel("Command", { exact: true }).fill("true");
  await page.getByRole("button", { name: /^Submit/ }).click();
  await page.getByText("by-form exists").first().or(page.locator(".field-error")).first().waitFor();
  check((await page.getByLabel("Command", { exact: true }).inputValue()) === "true", "the form was emptied");
});

test("a command that is pasted fills the form", async () => {
  await page.locator(".same-text").fill("muster submit -g 2 --name pasted --memory 1Gi -- python3 -c 'print(1)'");
  check((await page.getByLabel("Name optional").inputValue()) === "pasted", "the name did not follow");
  check((await page.getByRole("radio", { name: "2", exact: true }).getAttribute("aria-checked")) === "true", "the size did not follow");
});

test("what waits says why, and its remedy starts it", async () => {
  await server.api("POST", "/api/v1/org-unit/projects", {
    name: "vision",
    resources: [{ nodePool: { name: "default" }, gpu: { deserved: 1, limit: 1 } }],
  });
  for (const name of ["first", "second"]) {
    await server.muster("submit", "-p", "vision", "--gpu", "1", "--name", name, "--detach", "--", "sleep", "600");
  }
  await page.goto(at("/p/vision/w/second"));
  await page.getByRole("heading", { name: "vision is at its limit of 1 GPU" }).waitFor();
  check((await text(".why-code")).includes("OverLimit"), "the code is not named");
  await stamp(page);
  const apply = page.getByRole("button", { name: /Raise vision's limit.*apply/ });
  if ((await apply.count()) > 0) await apply.first().click();
  else await server.api("PATCH", "/api/muster/v1/projects/vision", { gpu: { limit: 2 } });
  await page.locator(".object-phase", { hasText: "Running" }).waitFor();
  check(await sameDocument(page), "the page was loaded anew");
});

test("a quota is changed by keyboard, with who gains beside it, and saved", async () => {
  await page.goto(at("/projects"));
  const field = page.getByLabel("Quota of vision").and(page.locator("input"));
  await field.focus();
  await page.keyboard.press("ArrowUp");
  await page.getByRole("heading", { name: "vision: quota 1 → 2" }).waitFor();
  await page.locator(".quota-side:not([data-stale])").waitFor();
  await page.keyboard.press("Control+s");
  await page.locator(".quota-side").waitFor({ state: "detached" });
  const { projects } = await server.api("GET", "/api/muster/v1/projects");
  check(projects.find((one) => one.name === "vision").gpu.quota === 2, "the server has another quota");
});

test("the quota mark moves with the arrow keys and by dragging", async () => {
  const mark = page.getByRole("slider", { name: "Quota of vision" });
  await mark.focus();
  await page.keyboard.press("Shift+ArrowRight");
  check((await mark.getAttribute("aria-valuenow")) === "2.25", "Shift is not a quarter");
  await page.getByText("gpu limit 2 is below the quota 2.25").waitFor();
  const box = await mark.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 260, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  check(Number(await mark.getAttribute("aria-valuenow")) >= 3, "dragging did not move it");
  await page.getByRole("button", { name: "Discard" }).click();
  check((await mark.getAttribute("aria-valuenow")) === "2", "discard did not restore it");
});

test("the palette finds a workload and opens it", async () => {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search or run a command" }).fill("by-f");
  await page.getByRole("option", { name: /by-form/ }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(at("/p/default/w/by-form"));
});

test("the list is worked by keys: move, select, suspend, resume, delete", async () => {
  await page.goto(at("/workloads?q=by-form"));
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByRole("region", { name: "Selection" }).waitFor();
  await page.keyboard.press("s");
  await page.locator("td", { hasText: "Suspended" }).waitFor();
  await page.keyboard.press("r");
  await page.locator("td", { hasText: "Running" }).waitFor();
  await page.keyboard.press("Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("No workload matches").waitFor();
});

test("filters are the address, and typing makes the same chips", async () => {
  await page.goto(at("/workloads"));
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("f");
  await page.getByRole("combobox", { name: "Filter" }).fill("project:vision phase:running");
  await page.keyboard.press("Enter");
  await page.waitForURL(/phase=running&project=vision/);
  check((await page.locator(".chip").count()) === 2, "not two chips");
  await page.reload();
  await page.locator("tbody tr").first().waitFor();
  check((await page.locator("tbody tr").count()) === 2, "the address does not filter");
});

test("GPU cells are walked with arrow keys and say who holds them", async () => {
  await page.goto(at("/"));
  const cells = page.locator("[data-cell]");
  await cells.first().waitFor();
  await cells.first().focus();
  await page.keyboard.press("ArrowRight");
  const label = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  check(/sim-1 GPU 1: /.test(label), `focus is on ${label}`);
  await page.getByRole("button", { name: "Show as table" }).click();
  check((await page.locator("main table tbody tr", { hasText: "sim-1 GPU" }).count()) === 4, "not four devices in the table");
  await page.getByRole("button", { name: "Show as cells" }).click();
});

test("killed, the server is missed: age after 5 s, banner after 10 s, actions off, data kept", async () => {
  await page.goto(at("/"));
  await page.locator("[data-cell]").first().waitFor();
  await stamp(page);
  expectLoss = true;
  await server.kill();
  const killed = Date.now();
  await page.locator(".stream.old").waitFor({ timeout: 7_000 });
  const aged = (Date.now() - killed) / 1000;
  check(aged <= 5.5, `the age came after ${aged} s`);
  await page.locator(".banner.bad").waitFor({ timeout: 12_000 });
  const told = (Date.now() - killed) / 1000;
  check(told >= 8 && told <= 13, `the banner came after ${told} s`);
  check((await text(".banner.bad")).includes("Workloads keep running"), "the banner does not say that work goes on");
  check(await page.getByRole("button", { name: "New workload" }).isDisabled(), "New workload can still be pressed");
  check((await page.locator("[data-cell]").count()) === 4, "the data is gone");
  await page.screenshot({ path: join(pictures, "server-lost-light-1440.png") });
});

test("started again, it is found by itself: banner gone, data live, nothing lost, no reload, no new sign-in", async () => {
  await server.start();
  await page.locator(".banner.bad").waitFor({ state: "detached", timeout: 20_000 });
  await page.locator(".stream.live").waitFor();
  check(await sameDocument(page), "the page was loaded anew");
  const one = await server.workload("default", "train-1");
  check(one?.phase === "Running", `train-1 is ${one?.phase}`);
  expectLoss = false;
  await server.muster("submit", "--gpu", "0.25", "--name", "after", "--detach", "--", "sleep", "600");
  await show(page, "/workloads");
  await page.locator("tr", { hasText: "after" }).locator("td", { hasText: "Running" }).waitFor();
});

// Something of every kind for the pictures: over quota, waiting, failed, completed.
test("a busy machine shows over quota, waiting, failed and completed each in its way", async () => {
  await server.muster("submit", "--gpu", "0", "--name", "done", "--detach", "--", "true");
  await server.muster("submit", "--gpu", "0", "--name", "broken", "--detach", "--", "sh", "-c", "echo no; exit 3");
  await server.api("POST", "/api/v1/org-unit/projects", {
    name: "speech",
    resources: [{ nodePool: { name: "default" }, gpu: { deserved: 0.5, limit: 1 } }],
  });
  await server.muster("submit", "-p", "speech", "--gpu", "1", "--name", "asr-large", "--detach", "--", "sleep", "600");
  await server.muster("submit", "-p", "speech", "--gpu", "1", "--name", "asr-small", "--detach", "--", "sleep", "600");
  await until(async () => (await server.workload("default", "broken"))?.phase === "Failed", 15_000, "broken fails");
  await show(page, "/workloads");
  await page.locator("tr", { hasText: "broken" }).locator("td", { hasText: "Failed" }).waitFor();
  await page.locator("tr", { hasText: "done" }).locator("td", { hasText: "Completed" }).waitFor();
  await page.locator("tr", { hasText: "asr-small" }).locator("td", { hasText: "Pending" }).waitFor();
});

const pages = [
  ["sign-in", "/signin", "h1"],
  ["overview", "/", "[data-cell]"],
  ["workloads", "/workloads", "tbody tr, .workload-list li"],
  ["workload-running", "/p/default/w/train-1", ".log-line"],
  ["workload-waiting", "/p/speech/w/asr-small", ".why-code"],
  ["workload-failed", "/p/default/w/broken", ".outcome"],
  ["workload-pods", "/p/default/w/train-1/pods", "tbody tr"],
  ["workload-events", "/p/default/w/train-1/events", "tbody tr"],
  ["workload-spec", "/p/default/w/train-1/spec", ".code-box"],
  ["submit", "/new?project=vision&gpus=1", ".prices tbody tr"],
  ["projects", "/projects", ".bar-holder"],
  ["nodes", "/nodes", "[data-cell]"],
  ["not-found", "/nowhere", "h1"],
];

for (const mode of ["light", "dark"]) {
  for (const width of [1440, 390]) {
    test(`every page in ${mode} at ${width} px has no serious accessibility finding and no sideways scroll`, async () => {
      const tab = await open({
        storageState: session,
        colorScheme: mode,
        viewport: { width, height: width === 390 ? 844 : 900 },
        reducedMotion: "reduce",
      });
      const found = [];
      for (const [name, path, sign] of pages) {
        await tab.goto(at(path));
        await tab.locator(sign).first().waitFor();
        await tab.waitForTimeout(name === "submit" ? 1200 : 350);
        await tab.screenshot({ path: join(pictures, `${name}-${mode}-${width}.png`) });
        const sideways = await tab.evaluate(() => document.documentElement.scrollWidth > window.innerWidth + 1 || (document.querySelector(".page-body")?.scrollWidth ?? 0) > (document.querySelector(".page-body")?.clientWidth ?? 0) + 1);
        if (sideways) found.push(`${name}: scrolls sideways`);
        await tab.evaluate(axeSource);
        const result = await tab.evaluate(() =>
          window.axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
        );
        for (const one of result.violations) {
          if (one.impact !== "serious" && one.impact !== "critical") continue;
          found.push(`${name}: ${one.id} (${one.nodes.length}): ${one.nodes[0].target} ${one.nodes[0].failureSummary?.split("\n")[1] ?? ""}`);
        }
      }
      await tab.context().close();
      check(found.length === 0, found.join("\n      "));
    });
  }
}

test("at 320 px nothing scrolls sideways", async () => {
  const tab = await open({ storageState: session, viewport: { width: 320, height: 700 } });
  const wide = [];
  for (const [name, path, sign] of pages) {
    await tab.goto(at(path));
    await tab.locator(sign).first().waitFor();
    if (await tab.evaluate(() => document.documentElement.scrollWidth > window.innerWidth + 1)) wide.push(name);
  }
  await tab.context().close();
  check(wide.length === 0, `these do: ${wide.join(", ")}`);
});

test("dialogs, palette and menus have no serious accessibility finding", async () => {
  const found = [];
  const look = async (name) => {
    await page.waitForTimeout(250);
    await page.evaluate(axeSource);
    const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    for (const one of result.violations) {
      if (one.impact === "serious" || one.impact === "critical") found.push(`${name}: ${one.id}: ${one.nodes[0].target}`);
    }
    await page.screenshot({ path: join(pictures, `${name}-light-1440.png`) });
  };
  await page.goto(at("/workloads"));
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search or run a command" }).fill("a");
  await look("palette");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await look("keys");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await look("selection");
  await page.keyboard.press("Delete");
  await page.getByRole("dialog").waitFor();
  await look("delete");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /This machine/ }).click();
  await page.getByRole("dialog", { name: "This machine" }).waitFor();
  await look("machine");
  check(found.length === 0, found.join("; "));
});

test("signing out ends the session", async () => {
  await page.goto(at("/"));
  await page.locator(".account").click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL(/\/signin/);
  await page.goto(at("/"));
  await page.waitForURL(/\/signin/);
});

test("nothing is fetched from elsewhere, and the browser has nothing to complain about", async () => {
  check(strays.length === 0, `requests elsewhere: ${strays.join(", ")}`);
  check(complaints.length === 0, complaints.join("\n      "));
});

let sum = { passed: 0, failed: 1 };
try {
  sum = await runAll((name) => page.screenshot({ path: join(pictures, `FAILED-${name.slice(0, 40).replace(/\W+/g, "-")}.png`) }));
} finally {
  await browser.close();
  await server.end();
}
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed > 0 ? 1 : 0);
