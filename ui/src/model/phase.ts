// What a phase looks like and where it stands in a list. "Pending" is two things: what starts by itself is quiet, what
// needs somebody is amber.
import type { Node, Phase, Verdict, Workload } from "../api/types";

export type Glyph =
  | "creating"
  | "clock"
  | "change"
  | "starting"
  | "running"
  | "degraded"
  | "updating"
  | "paused"
  | "done"
  | "failed"
  | "leaving"
  | "unknown";

export type Tone = "ink" | "ink-2" | "ink-3" | "warn" | "bad";

const looks: Record<Exclude<Phase, "Pending">, { glyph: Glyph; tone: Tone }> = {
  Creating: { glyph: "creating", tone: "ink-3" },
  Initializing: { glyph: "starting", tone: "ink" },
  Resuming: { glyph: "starting", tone: "ink" },
  Running: { glyph: "running", tone: "ink" },
  Updating: { glyph: "updating", tone: "ink" },
  Degraded: { glyph: "degraded", tone: "warn" },
  Stopping: { glyph: "paused", tone: "ink-3" },
  Stopped: { glyph: "paused", tone: "ink-3" },
  Completed: { glyph: "done", tone: "ink-2" },
  Failed: { glyph: "failed", tone: "bad" },
  Deleting: { glyph: "leaving", tone: "ink-3" },
  Terminating: { glyph: "leaving", tone: "ink-3" },
  Unknown: { glyph: "unknown", tone: "warn" },
};

// Causes that end without anybody doing something: devices are on their way, or a time runs out.
const passing = new Set(["WaitingForTermination", "PreemptionDelayNotElapsed", "BackingOff"]);

/** Whether a workload that waits needs somebody. Without a verdict the first decision is still to come. */
export function needsChange(
  workload: Pick<Workload, "phase" | "id" | "waiting">,
  nominated?: ReadonlySet<string>,
): boolean {
  if (workload.phase !== "Pending") return false;
  const reason = workload.waiting?.reason;
  if (!reason || passing.has(reason)) return false;
  return !nominated?.has(workload.id);
}

export function look(phase: Phase, needs: boolean): { glyph: Glyph; tone: Tone } {
  if (phase === "Pending") return needs ? { glyph: "change", tone: "warn" } : { glyph: "clock", tone: "ink-2" };
  return looks[phase] ?? looks.Unknown;
}

const shown: Partial<Record<Phase, string>> = { Stopped: "Suspended", Stopping: "Suspending" };
export const phaseWord = (phase: Phase) => shown[phase] ?? phase;

/** Default order: needs a change, degraded, starts by itself, starting, running, the rest. */
export function rank(workload: Workload, nominated?: ReadonlySet<string>): number {
  switch (workload.phase) {
    case "Pending":
      return needsChange(workload, nominated) ? 0 : 2;
    case "Degraded":
    case "Unknown":
      return 1;
    case "Creating":
    case "Initializing":
    case "Resuming":
      return 3;
    case "Running":
    case "Updating":
      return 4;
    case "Stopping":
    case "Terminating":
    case "Deleting":
      return 5;
    case "Stopped":
      return 6;
    default:
      return 7;
  }
}

export const isFinal = (phase: Phase) => phase === "Completed" || phase === "Failed";
export const isWaiting = (phase: Phase) => phase === "Pending";
export const isActive = (phase: Phase) => rank({ phase } as Workload) < 5;

/** Ids of workloads that have devices set aside, with the node where. */
export function nominations(nodes: Node[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const node of nodes)
    for (const device of node.devices) if (device.next) out.set(device.next.workloadId, node.name);
  return out;
}

/** Nodes on which each workload holds devices. */
export function placements(nodes: Node[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const node of nodes) {
    for (const device of node.devices) {
      for (const holder of device.holders) {
        const list = out.get(holder.workloadId);
        if (!list) out.set(holder.workloadId, [node.name]);
        else if (list.at(-1) !== node.name) list.push(node.name);
      }
    }
  }
  return out;
}

export const canSuspend = (phase: Phase) =>
  ["Creating", "Pending", "Initializing", "Resuming", "Running", "Updating", "Degraded"].includes(phase);
export const canResume = (phase: Phase) => phase === "Stopped" || phase === "Stopping";
export const canDelete = (phase: Phase) => phase !== "Deleting" && phase !== "Terminating";

export function exitMeaning(code: number): string {
  if (code === 137) return "killed (SIGKILL), often for memory";
  if (code === 143) return "ended by SIGTERM";
  if (code === 139) return "crashed (SIGSEGV)";
  if (code === 134) return "aborted (SIGABRT)";
  if (code === 130) return "interrupted";
  if (code === 127) return "command not found";
  if (code === 126) return "command cannot be run";
  if (code > 128 && code < 160) return `ended by signal ${code - 128}`;
  return "";
}

export type { Verdict };
