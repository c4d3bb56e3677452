// A made-up but consistent world behind the mock server: six nodes, six projects and what runs and waits there, or one
// machine with two simulated devices on which nothing runs yet. Every sum is computed from the same placements.
import { randomUUID } from "node:crypto";
import { lab, projectsOfLab } from "./lab.mjs";

const minute = 60_000;
const hour = 60 * minute;
const iso = (ms) => new Date(ms).toISOString();

const weightDefault = 2;

export class World {
  constructor(kind) {
    this.kind = kind;
    this.started = Date.now();
    this.workloads = [];
    this.events = [];
    this.counter = new Map();
    this.cluster = randomUUID();
    this.department = "d1";
    if (kind === "lab") this.buildLab();
    else if (kind.startsWith("many")) this.buildMany(Number(kind.slice(4)) || 125);
    else this.buildMachine(kind === "machine4" ? 4 : 2);
  }

  get simulated() {
    return this.kind.startsWith("machine");
  }

  buildLab() {
    const models = { "gpu-05": ["A100-40G", 40960], "gpu-06": ["A100-40G", 40960] };
    this.nodes = [1, 2, 3, 4, 5, 6].map((n) => {
      const name = `gpu-0${n}`;
      const [model, memoryMib] = models[name] ?? ["H100-80G", 81920];
      return this.node(name, 8, model, memoryMib, false);
    });
    this.nodes[4].unschedulable = true;
    this.nodes[5].devices[7].healthy = false;
    this.projects = projectsOfLab.map(([name, quota, limit, color], i) =>
      this.project(`p${i + 1}`, name, quota, limit, color),
    );
    const now = Date.now();
    for (const [name, project, ask, phase, age, placed, more = {}] of lab) {
      const w = this.makeWorkload({
        name,
        project,
        ask,
        command: more.command,
        by: more.by ?? "ana",
        at: now - age * minute,
      });
      w.phase = phase;
      w.phaseMessage = more.message ?? "";
      w.preemptible = more.preemptible ?? true;
      w.overQuota = more.overQuota ?? false;
      w.exitCode = more.exitCode ?? null;
      for (const [nodeName, from, count] of placed) this.place(w, nodeName, from, count, more);
      if (phase === "Running" || phase === "Degraded") {
        w.startedAt = now - age * minute + 25_000;
        w.pendingSeconds = [6, 20, 240, 7800, 45, 260][name.length % 6];
      }
      if (more.ended !== undefined) w.endedAt = now - more.ended * minute;
      if (more.reason) w.verdict = { reason: more.reason };
      if (more.next) {
        const node = this.nodes.find((n) => n.name === more.next[0]);
        for (const i of more.next[1]) node.devices[i].next = { workload: name, workloadId: w.id, project };
      }
      if (more.ran) w.ran = true;
      this.timeline(w, now - age * minute);
      this.workloads.push(w);
    }
    const find = (name) => this.workloads.find((w) => w.name === name);
    this.say(find("policy-rl"), now - 54 * minute, "Normal", "Suspended", "node gpu-05 was set to drain by ana");
    this.say(find("det-sweep-2"), now - 38 * minute, "Warning", "OOMKilled", "ran out of memory at 64 Gi");
    this.say(find("eval-mmlu"), now - 17 * minute, "Normal", "Started", "started, 1 over quota");
    this.say(find("diarize-eval"), now - 8 * minute, "Normal", "Completed", "completed after 41 min");
    this.say(find("pretrain-7b"), now - minute, "Warning", "Evicted", "loses 4 of 16 GPUs to robotics");
    this.refresh();
  }

  /** A large cluster: `count` nodes of eight, filled unevenly, and four workloads for each node. */
  buildMany(count) {
    let seed = 7;
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed / 2147483648;
    };
    const pools = count > 200 ? ["h100-a", "h100-b", "a100", "l40s"] : ["default"];
    this.projects = projectsOfLab.map(([name, quota, , color], i) =>
      this.project(`p${i + 1}`, name, quota * count, null, color),
    );
    this.nodes = Array.from({ length: count }, (_, i) => {
      const node = this.node(`node-${String(i + 1).padStart(4, "0")}`, 8, "H100-80G", 81920, false);
      node.pool = pools[i % pools.length];
      node.unschedulable = random() < 0.01;
      return node;
    });
    const now = Date.now();
    let n = 0;
    for (const node of this.nodes) {
      let from = 0;
      for (let i = 0; i < 4; i++) {
        const project = projectsOfLab[Math.floor(random() * 6)][0];
        const ask = [1, 1, 2, 4, 8][Math.floor(random() * 5)];
        n += 1;
        const w = this.makeWorkload({
          name: `run-${n}`,
          project,
          ask: String(ask),
          by: "ana",
          at: now - random() * 86_400_000,
        });
        w.overQuota = random() < 0.15;
        if (from + ask <= 8 && random() < 0.9) {
          w.phase = "Running";
          w.startedAt = w.at + 5000;
          w.phases = [{ phase: "Running", at: w.startedAt, message: "" }];
          this.place(w, node.name, from, ask);
          from += ask;
        } else {
          w.phase = random() < 0.5 ? "Completed" : "Pending";
          w.phases = [{ phase: w.phase, at: w.at, message: "" }];
          if (w.phase === "Pending") w.verdict = { reason: "InsufficientResources" };
        }
        this.workloads.push(w);
      }
    }
    this.refresh();
  }

  buildMachine(count) {
    this.nodes = [this.node("sim-1", count, "A100-80G", 81920, true)];
    this.projects = [this.project("p1", "default", count, null, 1)];
    this.refresh();
  }

  node(name, count, model, memoryMib, simulated) {
    return {
      name,
      ready: true,
      unschedulable: false,
      pool: "default",
      labels: {},
      taints: [],
      simulated,
      runtime: "process",
      cpu: { capacity: 64, allocated: 0 },
      memory: { capacity: 2 ** 39, allocated: 0 },
      createdAt: iso(Date.now() - 40 * 24 * hour),
      devices: Array.from({ length: count }, (_, index) => ({
        index,
        uuid: `${simulated ? "SIM" : "GPU"}-${name}-${index}`,
        model,
        memoryMib,
        healthy: true,
        simulated,
        utilization: simulated ? null : 0,
        memoryUsedMib: null,
        temperature: null,
        power: null,
        holders: [],
        next: null,
      })),
    };
  }

  project(id, name, quota, limit, color) {
    return {
      id,
      name,
      department: "default",
      color,
      members: [],
      namespace: `runai-${name}`,
      createdAt: iso(Date.now() - 30 * 24 * hour),
      gpu: {
        quota,
        limit,
        weight: weightDefault,
        fairShare: 0,
        allocated: 0,
        allocatedNonPreemptible: 0,
        requested: 0,
      },
      cpu: {},
      memory: {},
    };
  }

  makeWorkload({ name, project, ask, command, by, at, spec }) {
    const [program, ...rest] = (command ?? "sleep 60").split(" ");
    return {
      id: randomUUID(),
      name,
      project,
      ask,
      by,
      at,
      phase: "Creating",
      phaseMessage: "",
      preemptible: true,
      overQuota: false,
      exitCode: null,
      restarts: 0,
      startedAt: null,
      endedAt: null,
      pendingSeconds: 0,
      verdict: null,
      phases: [],
      placed: [],
      log: [],
      spec: spec ?? {
        image: "host",
        command: program,
        args: rest.join(" "),
        workingDir: `/data/${project}`,
        compute:
          ask === "0"
            ? {}
            : {
                gpuDevicesRequest: Number.isInteger(Number(ask)) ? Number(ask) : 1,
                gpuRequestType: "portion",
                gpuPortionRequest: Math.min(1, Number(ask)),
                cpuCoreRequest: 8,
                cpuMemoryRequest: "64Gi",
              },
        backoffLimit: 6,
      },
    };
  }

  timeline(w, from) {
    const push = (phase, at, message = "") => w.phases.push({ phase, at, message });
    push("Creating", from);
    push("Pending", from + 400);
    if (w.ran) {
      push("Initializing", from + 26 * minute);
      push("Running", from + 26.4 * minute);
      push("Pending", from + 92 * minute, "taken back: vision gave 1 GPU to nb-ana");
    } else if (w.startedAt || w.endedAt || w.phase === "Initializing") {
      push("Initializing", from + 6000);
      if (w.phase !== "Initializing") push("Running", w.startedAt ?? from + 8000);
      if (w.endedAt) push(w.phase, w.endedAt, w.phaseMessage);
    }
  }

  place(w, nodeName, from, count, more = {}) {
    const node = this.nodes.find((n) => n.name === nodeName);
    const whole = Number.isInteger(count);
    for (let i = 0; i < Math.max(1, Math.floor(count)); i++) {
      const device = node.devices[from + i];
      const milli = whole ? 1000 : count * 1000;
      const holder = {
        workloadId: w.id,
        workload: w.name,
        project: w.project,
        pod: `${w.name}-0`,
        milli,
        memoryMib: Math.round((device.memoryMib * milli) / 1000),
        overQuota: w.overQuota || !!more.over?.[nodeName]?.includes(from + i),
        leaving: !!more.leaving?.[nodeName]?.includes(from + i),
      };
      device.holders.push(holder);
      w.placed.push({ node: nodeName, index: from + i, milli, uuid: device.uuid });
      if (device.utilization !== null)
        device.utilization =
          { "nb-ana": 0, "nb-jo": 3, "nb-mei": 9, "nb-tom": 18, "rerank-api": 21 }[w.name] ??
          55 + ((w.name.length * 37 + i * 11) % 43);
      device.memoryUsedMib = device.utilization === null ? null : Math.round(device.memoryMib * 0.7);
    }
  }

  unplace(w) {
    for (const node of this.nodes)
      for (const device of node.devices) device.holders = device.holders.filter((h) => h.workloadId !== w.id);
    w.placed = [];
  }

  gpusOf(w) {
    const match = /^(?:(\d+)x)?(\d+(?:\.\d+)?)(Gi)?$/.exec(w.ask);
    if (!match) return 0;
    return match[3] ? 0.25 : Number(match[1] ?? 1) * Number(match[2]);
  }

  /** Use, demand and fair share of every project, from placements and what waits. */
  refresh() {
    const total = this.nodes.reduce((s, n) => s + n.devices.filter((d) => d.healthy && !n.unschedulable).length, 0);
    for (const project of this.projects) {
      const own = this.workloads.filter((w) => w.project === project.name);
      const held = own.reduce((s, w) => s + w.placed.reduce((t, p) => t + p.milli / 1000, 0), 0);
      const waiting = own.filter((w) => w.phase === "Pending").reduce((s, w) => s + this.gpusOf(w), 0);
      project.gpu.allocated = held;
      project.gpu.requested = held + waiting;
    }
    const shares = new Map();
    let surplus = total;
    for (const p of this.projects) {
      const most = Math.min(p.gpu.requested, p.gpu.limit ?? Number.POSITIVE_INFINITY);
      const sure = Math.min(p.gpu.quota, most);
      shares.set(p.name, sure);
      surplus -= sure;
    }
    for (let guard = 0; guard < 50 && surplus > 0.01; guard++) {
      const open = this.projects.filter(
        (p) => Math.min(p.gpu.requested, p.gpu.limit ?? 1e9) - shares.get(p.name) > 0.001,
      );
      if (open.length === 0) break;
      const piece = Math.min(1, surplus / open.length);
      for (const p of open) {
        const take = Math.min(piece, Math.min(p.gpu.requested, p.gpu.limit ?? 1e9) - shares.get(p.name));
        shares.set(p.name, shares.get(p.name) + take);
        surplus -= take;
      }
    }
    for (const p of this.projects) p.gpu.fairShare = Math.round(shares.get(p.name) * 4) / 4;
    for (const w of this.workloads) if (w.phase === "Pending" && w.verdict) w.verdict = this.judge(w);
  }

  judge(w) {
    const project = this.projects.find((p) => p.name === w.project);
    const need = this.gpusOf(w);
    const numbers = { allocated: project.gpu.allocated, need };
    const since = iso(w.phases.at(-1)?.at ?? w.at);
    const base = { reason: w.verdict.reason, queue: w.project, causes: {}, since };
    switch (w.verdict.reason) {
      case "OverLimit":
        return {
          ...base,
          numbers: { ...numbers, have: project.gpu.allocated, limit: project.gpu.limit },
          message: "it starts when another workload of vision ends, and none has a time limit",
          remedy: [
            { set: "workload", field: "gpu", to: 0.5 },
            { set: `queue/${w.project}`, field: "gpu.limit", to: (project.gpu.limit ?? 0) + 1 },
          ],
        };
      case "NonPreemptibleOverQuota":
        return {
          ...base,
          numbers: { ...numbers, have: project.gpu.allocated, quota: project.gpu.quota },
          message: "a non-preemptible workload needs room inside the quota",
          remedy: [
            { set: "workload", field: "preemptibility", to: "preemptible" },
            { set: `queue/${w.project}`, field: "gpu.quota", to: (project.gpu.quota ?? 0) + 1 },
          ],
        };
      case "InsufficientResources":
        return {
          ...base,
          numbers: { need, have: 1, nodes: this.nodes.length },
          message: "gpu-06 has 1 free device, gpu-05 drains; no other node has one",
          remedy: [{ set: "workload", field: "gpu", to: 1 }],
        };
      default:
        return { ...base, numbers: { need }, message: "the GPUs it gets are being freed", remedy: [] };
    }
  }

  say(w, at, type, reason, message) {
    const event = {
      id: randomUUID(),
      workloadId: w?.id ?? null,
      at: iso(at),
      type,
      reason,
      message,
      object: { kind: "Training", name: w?.name ?? "" },
      count: 1,
    };
    this.events.unshift(event);
    return event;
  }

  entity(w) {
    const project = this.projects.find((p) => p.name === w.project);
    const gpus = this.gpusOf(w);
    const { remedy: _, ...waiting } = w.phase === "Pending" && w.verdict ? this.judge(w) : {};
    return {
      id: w.id,
      name: w.name,
      type: "Training",
      tenantId: 1,
      clusterId: this.cluster,
      projectId: project?.id ?? "",
      projectName: w.project,
      departmentId: this.department,
      departmentName: "default",
      namespace: `runai-${w.project}`,
      submittedBy: w.by,
      source: "CLI",
      priority: 40,
      priorityClassName: "low",
      preemptible: w.preemptible,
      category: "Train",
      phase: w.phase,
      phaseReason: w.verdict?.reason ?? null,
      phaseMessage: w.phaseMessage,
      phaseUpdatedAt: iso(w.phases.at(-1)?.at ?? w.at),
      createdAt: iso(w.at),
      updatedAt: iso(Date.now()),
      completedAt: w.endedAt ? iso(w.endedAt) : null,
      runningPods: w.phase === "Running" ? 1 : 0,
      requestedPods: { number: 1, parallelism: 1, completions: 1 },
      command: w.spec.command,
      arguments: w.spec.args ?? "",
      workloadRequestedResources: { gpu: { request: gpus }, cpu: { request: 8 }, cpuMemory: { request: "64Gi" } },
      podsRequestedResources: { gpu: { request: gpus }, cpu: { request: 8 }, cpuMemory: { request: "64Gi" } },
      allocatedResources: { gpu: w.placed.reduce((s, p) => s + p.milli / 1000, 0) },
      totalPendingTimeSeconds: w.pendingSeconds,
      totalRunningTimeSeconds: w.startedAt ? Math.round((Date.now() - w.startedAt) / 1000) : 0,
      actionsSupport: { delete: true, suspend: true },
      exitCode: w.exitCode,
      restarts: w.restarts,
      overQuota: w.overQuota,
      gpuRequestText: w.ask,
      waiting: w.phase === "Pending" && w.verdict ? waiting : null,
    };
  }

  detail(w) {
    return {
      ...this.entity(w),
      exitCode: w.exitCode,
      restarts: w.restarts,
      gpuEnforcement: "none",
      limits: { cpu: "not enforced", memory: "not enforced" },
      devices: "advisory",
      spec: w.spec,
      timeline: w.phases.map((p) => ({ ...p, at: iso(p.at) })),
      events: this.events.filter((e) => e.workloadId === w.id),
      pods:
        w.phase === "Creating"
          ? []
          : [
              {
                name: `${w.name}-0`,
                phase: w.phase === "Completed" ? "Succeeded" : w.phase,
                node: w.placed[0]?.node ?? null,
                createdAt: iso(w.at),
                startedAt: w.startedAt ? iso(w.startedAt) : null,
                completedAt: w.endedAt ? iso(w.endedAt) : null,
                devices: w.placed.map((p) => ({ uuid: p.uuid, index: p.index, milli: p.milli })),
                gpus: w.placed.map((p) => `${p.node}/${p.index}:${(p.milli / 1000).toFixed(2)}`).join(","),
                restarts: w.restarts,
                exitCode: w.exitCode,
                reason: null,
                message: "",
                limits: { cpu: "not enforced", memory: "not enforced" },
                gpuEnforcement: "none",
                deviceEnforcement: "advisory",
              },
            ],
    };
  }
}
