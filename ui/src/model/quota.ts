// What a change of quotas would mean, as the scheduler answers before it is saved: who gains and loses fair share, what
// starts, who gives way, what may be taken back sooner.
import type { Node, Project, Workload } from "../api/types";

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

export interface Affected {
  workload: string;
  project: string;
  gpus: number;
}

/** What the scheduler answers to a change of quotas that is not saved. */
export interface QuotaPlan {
  queues: { name: string; before?: { fairShare: number } | null; after: { fairShare: number } }[];
  starts: Affected[];
  displaced: Affected[];
  moved: Affected[];
}

/** The question to it. */
export function planOf(edits: Edits): { projects: { name: string; gpu: QuotaEdit }[] } | null {
  if (edits.size === 0) return null;
  return { projects: [...edits].map(([name, gpu]) => ({ name, gpu })) };
}

export interface Consequence {
  shares: { project: Project; before: number; after: number }[];
  starts: Workload[];
  displaced: Workload[];
  moved: Workload[];
  stillWait: Workload[];
  /** GPUs that each project would give back for them. */
  givesWay: Map<string, number>;
  sooner: Workload[];
  sumBefore: number;
  sumAfter: number;
}

/** The answer beside the projects and workloads that are shown; without one, nothing moves. */
export function consequences(
  projects: Project[],
  edits: Edits,
  workloads: Workload[],
  plan: QuotaPlan | undefined,
): Consequence {
  const edited = withEdits(projects, edits);
  const queues = new Map((plan?.queues ?? []).map((queue) => [queue.name, queue]));
  const shares = edited.map((project) => {
    const queue = edits.size > 0 ? queues.get(project.name) : undefined;
    const before = queue?.before?.fairShare ?? project.gpu.fairShare ?? 0;
    return { project, before, after: queue?.after.fairShare ?? before };
  });
  const find = (one: Affected) => workloads.find((w) => w.projectName === one.project && w.name === one.workload);
  const known = (w: Workload | undefined): w is Workload => w !== undefined;
  const starts = (plan?.starts ?? []).map(find).filter(known);
  const displaced = (plan?.displaced ?? []).map(find).filter(known);
  const moved = (plan?.moved ?? []).map(find).filter(known);
  const givesWay = new Map<string, number>();
  for (const one of plan?.displaced ?? []) givesWay.set(one.project, (givesWay.get(one.project) ?? 0) + one.gpus);
  const stillWait = workloads.filter((w) => edits.has(w.projectName) && w.phase === "Pending" && !starts.includes(w));
  const sooner = workloads.filter((w) => {
    if (!w.overQuota || w.phase !== "Running" || displaced.includes(w)) return false;
    const row = shares.find((s) => s.project.name === w.projectName);
    return row !== undefined && row.after < row.before - 1e-9;
  });
  const sum = (list: Project[]) => list.reduce((s, p) => s + (p.gpu.quota ?? 0), 0);
  return {
    shares,
    starts,
    displaced,
    moved,
    stillWait,
    givesWay,
    sooner,
    sumBefore: sum(projects),
    sumAfter: sum(edited),
  };
}

/** "8" or "none": what is typed for a quota or limit. undefined = not a number. */
export function readAmount(text: string, unlimited: boolean): number | null | undefined {
  const trimmed = text.trim().toLowerCase();
  if (unlimited && (trimmed === "" || trimmed === "none" || trimmed === "unlimited")) return null;
  if (!/^\d+(\.\d{1,3})?$/.test(trimmed)) return undefined;
  return Number(trimmed);
}
