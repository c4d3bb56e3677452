// What a change of quotas would mean, reckoned from the same rules that divide shares: who gains and loses fair share,
// what may start, what may be taken back sooner. The scheduler has the last word; this is for the eyes before saving.
import type { Department, Node, Project, Workload } from "../api/types";
import { type Claim, fairShares } from "./share";

export interface QuotaEdit {
  quota?: number;
  limit?: number | null;
}

export type Edits = ReadonlyMap<string, QuotaEdit>;

export function withEdits(projects: Project[], edits: Edits): Project[] {
  return projects.map((project) => {
    const edit = edits.get(project.name);
    if (!edit) return project;
    return {
      ...project,
      gpu: {
        ...project.gpu,
        quota: edit.quota ?? project.gpu.quota,
        limit: edit.limit === undefined ? project.gpu.limit : edit.limit,
      },
    };
  });
}

/** GPUs that can be given today: healthy, on nodes that take work or hold it. */
export function usableGpus(nodes: Node[]): number {
  let sum = 0;
  for (const node of nodes) {
    for (const device of node.devices) {
      if (device.healthy === false) continue;
      if ((node.ready && !node.unschedulable) || device.holders.length > 0) sum += 1;
    }
  }
  return sum;
}

export function idleGpus(nodes: Node[]): number {
  let sum = 0;
  for (const node of nodes) {
    if (!node.ready || node.unschedulable) continue;
    for (const device of node.devices) {
      if (device.healthy === false) continue;
      sum += Math.max(0, 1 - device.holders.reduce((s, h) => s + h.milli / 1000, 0));
    }
  }
  return sum;
}

const claimOf = (project: Project): Claim => ({
  name: project.name,
  quota: project.gpu.quota,
  limit: project.gpu.limit,
  request: project.gpu.requested,
  weight: project.gpu.weight ?? 2,
});

/** Shares of all projects, department by department. */
export function sharesOf(total: number, projects: Project[], departments: Department[]): Map<string, number> {
  const names = [...new Set(projects.map((project) => project.department))];
  const claims: Claim[] = names.map((name) => {
    const members = projects.filter((project) => project.department === name);
    const entry = departments
      .find((d) => d.name === name)
      ?.resources?.find((r) => (r.nodePool?.name ?? "default") === "default")?.gpu;
    const request = members.reduce((s, p) => s + Math.min(p.gpu.requested, p.gpu.limit ?? Number.POSITIVE_INFINITY), 0);
    return {
      name,
      quota: entry?.deserved ?? total,
      limit: entry?.limit ?? null,
      request,
      weight: entry?.overQuotaWeight ?? 2,
    };
  });
  const byDepartment = fairShares(total, claims);
  const out = new Map<string, number>();
  for (const name of names) {
    const members = projects.filter((project) => project.department === name).map(claimOf);
    for (const [project, share] of fairShares(byDepartment.get(name) ?? 0, members)) out.set(project, share);
  }
  return out;
}

export interface Consequence {
  shares: { project: Project; before: number; after: number }[];
  starts: Workload[];
  stillWait: Workload[];
  /** GPUs that each project would give back for them. */
  givesWay: Map<string, number>;
  sooner: Workload[];
  sumBefore: number;
  sumAfter: number;
}

const round = (value: number) => Math.round(value * 1000) / 1000;

export function consequences(
  projects: Project[],
  edits: Edits,
  workloads: Workload[],
  nodes: Node[],
  departments: Department[],
  ask: (workload: Workload) => number,
): Consequence {
  const total = usableGpus(nodes);
  const edited = withEdits(projects, edits);
  const old = sharesOf(total, projects, departments);
  const fresh = sharesOf(total, edited, departments);
  // The server's own share is the truth of today; ours only says by how much it moves.
  const shares = edited.map((project) => {
    const before = project.gpu.fairShare ?? old.get(project.name) ?? 0;
    return { project, before, after: round(before + (fresh.get(project.name) ?? 0) - (old.get(project.name) ?? 0)) };
  });
  const starts: Workload[] = [];
  const stillWait: Workload[] = [];
  const givesWay = new Map<string, number>();
  let idle = idleGpus(nodes);
  for (const { project, after } of shares) {
    if (!edits.has(project.name)) continue;
    const { quota, limit, allocated } = project.gpu;
    let room = Math.min(limit ?? Number.POSITIVE_INFINITY, Math.max(after, quota ?? 0)) - allocated;
    let holds = allocated;
    const waiting = workloads
      .filter((w) => w.projectName === project.name && w.phase === "Pending" && ask(w) > 0)
      .sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
    for (const w of waiting) {
      const need = ask(w);
      const fromIdle = Math.min(need, idle);
      const taken = need > room + 1e-9 ? null : take(need - fromIdle, project, holds + need, shares, givesWay);
      if (!taken) {
        stillWait.push(w);
        continue;
      }
      for (const [name, gpus] of taken) givesWay.set(name, (givesWay.get(name) ?? 0) + gpus);
      starts.push(w);
      room -= need;
      holds += need;
      idle -= fromIdle;
    }
  }
  const sooner = workloads.filter((w) => {
    if (!w.overQuota || w.phase !== "Running") return false;
    const row = shares.find((s) => s.project.name === w.projectName);
    return row !== undefined && row.after < row.before - 1e-9;
  });
  const sum = (list: Project[]) => list.reduce((s, p) => s + (p.gpu.quota ?? 0), 0);
  return { shares, starts, stillWait, givesWay, sooner, sumBefore: sum(projects), sumAfter: sum(edited) };
}

// What the rules of reclaim allow: from a project above its share, or above its quota while the taker stays within its own.
function take(
  need: number,
  taker: Project,
  after: number,
  shares: { project: Project; after: number }[],
  given: ReadonlyMap<string, number>,
): Map<string, number> | null {
  const out = new Map<string, number>();
  const within = taker.gpu.quota === null || after <= taker.gpu.quota + 1e-9;
  let left = need;
  for (const { project, after: share } of shares) {
    if (left < 1e-9) break;
    if (project.name === taker.name) continue;
    const { quota, allocated, allocatedNonPreemptible = 0 } = project.gpu;
    const keeps = within ? (quota ?? Number.POSITIVE_INFINITY) : Math.max(quota ?? Number.POSITIVE_INFINITY, share);
    const gives = Math.min(allocated - keeps, allocated - allocatedNonPreemptible) - (given.get(project.name) ?? 0);
    if (gives < 1e-9) continue;
    const part = Math.min(gives, left);
    out.set(project.name, part);
    left -= part;
  }
  return left < 1e-9 ? out : null;
}

/** "8" or "none": what is typed for a quota or limit. undefined = not a number. */
export function readAmount(text: string, unlimited: boolean): number | null | undefined {
  const trimmed = text.trim().toLowerCase();
  if (unlimited && (trimmed === "" || trimmed === "none" || trimmed === "unlimited")) return null;
  if (!/^\d+(\.\d{1,3})?$/.test(trimmed)) return undefined;
  return Number(trimmed);
}
