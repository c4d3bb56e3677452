// A stand-in for the server while the console is developed and tested: the shapes of docs/rest.md over a made-up world
// that lives (submissions start, end and wait). MUSTER_MOCK=lab|machine|machine4, PORT, MUSTER_MOCK_OPEN=1 (no sign-in).
import { randomBytes } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { World } from "./world.mjs";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

export function serve({ kind = "lab", port = 0, open = false } = {}) {
  const world = new World(kind);
  const sessions = new Set();
  const codes = new Set();
  const streams = new Set();
  const history = [];
  const timers = new Set();
  let eventId = 0;
  const token = "owner-token";
  const newCode = () => {
    const code = randomBytes(16).toString("hex");
    codes.add(code);
    return code;
  };
  const later = (ms, act) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const emit = (type, data) => {
    eventId += 1;
    const text = `id: ${eventId}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
    history.push([eventId, text]);
    for (const stream of streams) stream.write(text);
  };
  const tell = (w) => {
    world.refresh();
    emit("workload", world.entity(w));
    for (const node of world.nodes) emit("node", node);
    for (const project of world.projects) emit("project", project);
  };
  const phase = (w, name, message = "") => {
    w.phase = name;
    w.phaseMessage = message;
    w.phases.push({ phase: name, at: Date.now(), message });
  };
  const note = (w, type, reason, message) => emit("activity", world.say(w, Date.now(), type, reason, message));

  const room = (w) => {
    const need = world.gpusOf(w);
    if (need === 0) return { node: world.nodes[0], from: 0 };
    for (const node of world.nodes) {
      if (node.unschedulable) continue;
      for (let i = 0; i < node.devices.length; i++) {
        const part = node.devices.slice(i, i + Math.max(1, Math.ceil(need)));
        if (part.length < Math.ceil(need) || part.some((d) => !d.healthy)) continue;
        const free = (d) => 1 - d.holders.reduce((s, h) => s + h.milli / 1000, 0);
        if (part.every((d) => free(d) >= Math.min(1, need) - 1e-9 && !d.next)) return { node, from: i };
      }
    }
    return null;
  };
  const tryStart = (w) => {
    const project = world.projects.find((p) => p.name === w.project);
    const need = world.gpusOf(w);
    const limit = project.gpu.limit ?? Number.POSITIVE_INFINITY;
    const place = room(w);
    if (project.gpu.allocated + need > limit + 1e-9 || !place) {
      w.verdict = { reason: place ? "OverLimit" : "InsufficientResources" };
      w.verdict = world.judge(w);
      return tell(w);
    }
    w.verdict = null;
    if (need > 0) world.place(w, place.node.name, place.from, need);
    phase(w, "Initializing");
    tell(w);
    later(500, () => {
      if (w.phase !== "Initializing") return;
      w.startedAt = Date.now();
      phase(w, "Running");
      note(w, "Normal", "Started", `started on ${place.node.name}`);
      tell(w);
    });
  };
  const submit = (body, by) => {
    const project = world.projects.find((p) => p.id === body.projectId);
    if (!project) return { status: 404, body: { code: 404, message: "project does not exist" } };
    const n = (world.counter.get(project.name) ?? 0) + 1;
    const name = body.name ?? `train-${n}`;
    if (!body.name) world.counter.set(project.name, n);
    if (world.workloads.some((w) => w.name === name && w.project === project.name)) {
      return {
        status: 409,
        body: { code: 409, message: `workload "${name}" exists in project "${project.name}"; choose another name` },
      };
    }
    const compute = body.spec.compute ?? {};
    const devices = compute.gpuDevicesRequest ?? 0;
    const portion = compute.gpuPortionRequest ?? 1;
    const ask =
      devices === 0
        ? "0"
        : compute.gpuMemoryRequest
          ? compute.gpuMemoryRequest
          : portion < 1
            ? `${devices > 1 ? `${devices}x` : ""}${portion}`
            : String(devices);
    const w = world.makeWorkload({ name, project: project.name, ask, by, at: Date.now(), spec: body.spec });
    w.phases.push({ phase: "Creating", at: Date.now(), message: "" });
    world.workloads.push(w);
    tell(w);
    later(150, () => {
      phase(w, "Pending");
      tell(w);
      later(150, () => tryStart(w));
    });
    return {
      status: 202,
      body: {
        workloadId: w.id,
        name,
        requestedName: name,
        projectId: project.id,
        desiredPhase: "Running",
        actualPhase: "Creating",
        spec: body.spec,
      },
    };
  };
  const act = (w, deed) => {
    if (deed === "suspend") {
      world.unplace(w);
      phase(w, "Stopped");
      note(w, "Normal", "Suspended", "suspended by owner");
      tell(w);
    } else if (deed === "resume") {
      phase(w, "Pending");
      tell(w);
      later(200, () => tryStart(w));
    } else {
      world.unplace(w);
      world.workloads = world.workloads.filter((other) => other !== w);
      world.refresh();
      emit("workload-gone", { id: w.id });
      for (const node of world.nodes) emit("node", node);
      for (const project of world.projects) emit("project", project);
    }
    for (const other of world.workloads)
      if (other.phase === "Pending" && other.verdict && other !== w)
        later(250, () => other.phase === "Pending" && tryStart(other));
  };

  const plan = (body) => {
    const project = world.projects.find((p) => p.id === body.projectId);
    const compute = body.spec?.compute ?? {};
    const devices = compute.gpuDevicesRequest ?? 0;
    const probe = {
      ask:
        devices === 0
          ? "0"
          : (compute.gpuPortionRequest ?? 1) < 1
            ? String(compute.gpuPortionRequest)
            : String(devices),
      project: project?.name,
    };
    const place = room(probe);
    const need = world.gpusOf(probe);
    if (project && project.gpu.allocated + need > (project.gpu.limit ?? 1e9)) {
      return {
        startsNow: false,
        node: null,
        devices: [],
        displaced: [],
        verdict: {
          reason: "OverLimit",
          queue: project.name,
          numbers: { limit: project.gpu.limit, allocated: project.gpu.allocated, need },
          causes: {},
          message: "the project is at its limit",
          remedy: [],
        },
      };
    }
    if (place)
      return {
        startsNow: true,
        node: place.node.name,
        devices:
          need === 0
            ? []
            : Array.from({ length: Math.max(1, Math.ceil(need)) }, (_, i) => ({
                index: place.from + i,
                milli: Math.min(1000, need * 1000),
              })),
        displaced: [],
        verdict: null,
      };
    if (kind === "lab" && need <= 4)
      return {
        startsNow: false,
        node: "gpu-02",
        devices: Array.from({ length: need }, (_, i) => ({ index: 4 + i, milli: 1000 })),
        displaced: [{ workload: "pretrain-7b", project: "language", gpus: need }],
        verdict: {
          reason: "WaitingForTermination",
          queue: project?.name,
          numbers: { need },
          causes: {},
          message: "language gives way",
          remedy: [],
        },
      };
    return {
      startsNow: false,
      node: null,
      devices: [],
      displaced: [],
      verdict: {
        reason: "InsufficientResources",
        queue: project?.name,
        numbers: { need, have: 1 },
        causes: {},
        message: "no node has enough free devices",
        remedy: [{ set: "workload", field: "gpu", to: 1 }],
      },
    };
  };

  function logs(response, w, url) {
    response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
    const line = (i) =>
      `step ${17000 + i * 10}  lr 2.1e-05  loss ${(0.23 + Math.sin(i) * 0.004 - i * 0.00002).toFixed(4)}  mIoU 0.7${String(34 + (i % 9)).padStart(2, "0")}  1.9${i % 5} it/s\n`;
    const count =
      w.phase === "Pending" && !w.ran
        ? 0
        : Math.min(400, Math.max(3, Math.floor((Date.now() - (w.startedAt ?? w.at)) / 5000)));
    if (w.ran)
      for (let i = 0; i < 30; i++)
        response.write(`epoch 3  step ${4100 + i * 50}  loss 0.4${90 + (i % 10)}  box AP 31.${i % 10}\n`);
    else for (let i = 0; i < count; i++) response.write(line(i));
    if (url.searchParams.get("follow") !== "true") return response.end();
    let i = count;
    const timer = setInterval(() => (w.phase === "Running" ? response.write(line(i++)) : undefined), 700);
    response.on("close", () => clearInterval(timer));
  }

  async function answer(request, response) {
    const url = new URL(request.url, "http://x");
    const path = url.pathname;
    const send = (status, body, headers = {}) => {
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(body === undefined ? "" : JSON.stringify(body));
    };
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = text ? JSON.parse(text) : {};
    if (path === "/healthz") return send(200, {});
    if (!path.startsWith("/api/") && !path.startsWith("/gate/")) return file(path, response);
    const session = /muster_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    const bearer = request.headers.authorization === `Bearer ${token}`;
    if (path === "/api/muster/v1/signin") {
      if (!codes.delete(body.code)) return send(401, { code: 401, message: "the sign-in link is used up or expired" });
      const id = randomBytes(12).toString("hex");
      sessions.add(id);
      return send(
        200,
        { name: "ana" },
        {
          "Set-Cookie": [
            `muster_session=${id}; HttpOnly; SameSite=Strict; Path=/`,
            `muster_csrf=c${id}; SameSite=Strict; Path=/`,
          ],
        },
      );
    }
    if (!open && !bearer && !sessions.has(session)) return send(401, { code: 401, message: "sign in first" });
    if (!open && !bearer && request.method !== "GET" && request.headers["x-muster-csrf"] !== `c${session}`)
      return send(403, { code: 403, message: "the CSRF header is missing" });
    const m = (pattern) => pattern.exec(path);
    const byId = (id) => world.workloads.find((w) => w.id === id);
    let match;
    if (path === "/api/muster/v1/me")
      return send(200, {
        name: "ana",
        admin: true,
        mode: "user",
        via: "cookie",
        projects: world.projects.map((p) => p.name),
        machine: {
          host: kind === "lab" ? "lab-cluster" : "this machine",
          dataFolder: "/home/ana/.local/share/muster",
          version: "0.1.0",
          simulated: world.simulated,
          startedAt: new Date(world.started).toISOString(),
        },
      });
    if (path === "/api/muster/v1/signout") {
      sessions.delete(session);
      return send(204);
    }
    if (path === "/api/muster/v1/login-links") return send(200, { signInUrl: `/signin#code=${newCode()}` });
    if (path === "/api/muster/v1/events") {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      response.write(`event: hello\ndata: ${JSON.stringify({ id: eventId })}\nid: ${eventId}\n\n`);
      const from = Number(url.searchParams.get("lastEventId") ?? Number.NaN);
      if (!Number.isNaN(from)) for (const [id, event] of history) if (id > from) response.write(event);
      streams.add(response);
      const beat = setInterval(() => response.write(": still here\n\n"), 15_000);
      response.on("close", () => {
        clearInterval(beat);
        streams.delete(response);
      });
      return undefined;
    }
    if (path === "/api/muster/v1/projects") return send(200, { projects: world.projects });
    if ((match = m(/^\/api\/muster\/v1\/projects\/([^/]+)$/)) && request.method === "PATCH") {
      const project = world.projects.find((p) => p.name === match[1]);
      if (!project) return send(404, { code: 404, message: `project "${match[1]}" does not exist` });
      Object.assign(project.gpu, body.gpu ?? {});
      world.refresh();
      for (const p of world.projects) emit("project", p);
      for (const w of world.workloads)
        if (w.phase === "Pending" && w.verdict && w.project === project.name)
          later(200, () => w.phase === "Pending" && tryStart(w));
      const sum = world.projects.reduce((s, p) => s + (p.gpu.quota ?? 0), 0);
      const all = world.nodes.reduce((s, n) => s + n.devices.length, 0);
      return send(200, { ...project, warning: sum > all ? `quotas sum to ${sum}, there are ${all} GPUs` : null });
    }
    if (path === "/api/muster/v1/nodes") return send(200, { nodes: world.nodes });
    if (path === "/api/muster/v1/activity")
      return send(200, { events: world.events.slice(0, Number(url.searchParams.get("limit") ?? 50)) });
    if (path === "/api/muster/v1/plan") return send(200, plan(body));
    if ((match = m(/^\/api\/muster\/v1\/workloads\/([^/]+)(\/why)?$/))) {
      const w = byId(match[1]);
      if (!w) return send(404, { code: 404, message: "workload does not exist" });
      if (!match[2]) return send(200, world.detail(w));
      return send(200, {
        workloadId: w.id,
        phase: w.phase,
        ...(w.verdict ? world.judge(w) : { reason: null, message: "it does not wait" }),
      });
    }
    if (path === "/api/v1/clusters") return send(200, [{ uuid: world.cluster, name: kind }]);
    if (path === "/api/v1/org-unit/departments")
      return send(200, {
        departments: [
          {
            id: world.department,
            name: "default",
            resources: [
              {
                nodePool: { name: "default" },
                gpu: {
                  deserved: world.nodes.reduce((s, n) => s + n.devices.length, 0),
                  limit: null,
                  overQuotaWeight: 2,
                },
              },
            ],
          },
        ],
      });
    if (path === "/api/v1/workloads") {
      const offset = Number(url.searchParams.get("offset") ?? 0);
      const limit = Number(url.searchParams.get("limit") ?? 50);
      const list = world.workloads.slice(offset, offset + limit).map((w) => world.entity(w));
      return send(200, {
        workloads: list,
        ...(offset + limit < world.workloads.length ? { next: offset + limit } : {}),
      });
    }
    if (path === "/api/v1/workloads/batch") {
      const failed = [];
      const succeeded = [];
      for (const id of body.ids) {
        const w = byId(id);
        if (w) {
          act(w, body.action);
          succeeded.push({ id });
        } else failed.push({ id, code: 404, message: "workload does not exist" });
      }
      return send(200, { succeeded, failed });
    }
    if (path === "/api/v1/workloads/trainings" && request.method === "POST") {
      const result = submit(body, "ana");
      return send(result.status, result.body);
    }
    if ((match = m(/^\/api\/v1\/workloads\/trainings\/([^/]+)(?:\/(suspend|resume))?$/))) {
      const w = byId(match[1]);
      if (!w) return send(404, { code: 404, message: "workload does not exist" });
      act(w, request.method === "DELETE" ? "delete" : match[2]);
      return send(202, { code: 202, message: "accepted" });
    }
    if ((match = m(/^\/gate\/v1\/projects\/([^/]+)\/workloads\/([^/]+)\/logs$/))) {
      const w = world.workloads.find((x) => x.project === match[1] && x.name === match[2]);
      return w ? logs(response, w, url) : send(404, { code: 404, message: "workload does not exist" });
    }
    return send(404, { code: 404, message: `nothing at ${path}` });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      response.writeHead(500);
      response.end(String(error));
    });
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${server.address().port}`;
      resolve({
        url,
        world,
        newCode,
        emit,
        submit,
        tell,
        signInUrl: () => `${url}/signin#code=${newCode()}`,
        close: () => {
          for (const timer of timers) clearTimeout(timer);
          for (const stream of streams) stream.destroy();
          server.closeAllConnections();
          return new Promise((done) => server.close(done));
        },
      });
    });
  });
}

function file(path, response) {
  let name = normalize(join(dist, decodeURIComponent(path)));
  if (!name.startsWith(dist) || !existsSync(name) || statSync(name).isDirectory()) name = join(dist, "index.html");
  if (!existsSync(name)) {
    response.writeHead(404);
    return response.end("build the console first");
  }
  response.writeHead(200, {
    "Content-Type": types[extname(name)] ?? "application/octet-stream",
    "Content-Security-Policy":
      "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  });
  createReadStream(name).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await serve({
    kind: process.env.MUSTER_MOCK ?? "lab",
    port: Number(process.env.PORT ?? 0),
    open: process.env.MUSTER_MOCK_OPEN === "1",
  });
  process.stdout.write(`${mock.signInUrl()}\n`);
}
