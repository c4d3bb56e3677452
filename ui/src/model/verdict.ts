// A verdict in words: the headline of a why panel, the short reason of a list row, and each remedy as a deed with its
// effect. The code (OverLimit ...) stays a searchable word at the end and is never the headline.
import type { Remedy, Verdict, Workload } from "../api/types";
import { gpus, number } from "./quantity";

const n = (verdict: Verdict, key: string) => {
  const value = verdict.numbers?.[key];
  return value === null || value === undefined ? null : value;
};

const projectOf = (verdict: Verdict, fallback: string) => {
  const queue = verdict.queue ?? fallback;
  if (queue.startsWith("dept--")) return `department ${queue.slice(6).split("--")[0]}`;
  return queue.split("--")[0]!;
};

function usedOf(verdict: Verdict, bound: string): string {
  const used = n(verdict, "allocated") ?? n(verdict, "have");
  const total = n(verdict, bound);
  const need = n(verdict, "need");
  if (used === null || total === null) return "";
  return `${number(used)} of ${number(total)} used${need === null ? "" : `, asks ${number(need)}`}`;
}

function causesText(verdict: Verdict): string {
  const entries = Object.entries(verdict.causes ?? {}).sort((a, b) => b[1] - a[1]);
  return entries.map(([cause, nodes]) => `${nodes} ${nodes === 1 ? "node" : "nodes"}: ${cause}`).join("; ");
}

function sentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return "";
  const body = trimmed[0]!.toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(body) ? body : `${body}.`;
}

export interface Said {
  head: string;
  short: string;
  detail: string;
}

/** `project` is the workload's own, for verdicts that name no queue. */
export function say(verdict: Verdict, project: string): Said {
  const who = projectOf(verdict, project);
  const detail = sentence(verdict.message);
  const need = n(verdict, "need");
  const have = n(verdict, "have");
  const quiet = (head: string, short = head): Said => ({ head, short, detail });
  switch (verdict.reason) {
    case "OverLimit": {
      const limit = n(verdict, "limit");
      const used = usedOf(verdict, "limit");
      return quiet(
        limit === null ? `${who} is at its limit` : `${who} is at its limit of ${gpus(limit)}`,
        used
          ? `${who === project ? "Project" : sentence(who).slice(0, -1)} at its limit: ${used}`
          : "Project at its limit",
      );
    }
    case "NonPreemptibleOverQuota": {
      const used = usedOf(verdict, "quota");
      return quiet(`${who} has no firm quota left`, used ? `No firm quota left: ${used}` : "No firm quota left");
    }
    case "ReclaimNotAllowed": {
      const share = n(verdict, "fairShare");
      const used = usedOf(verdict, "fairShare");
      const held = n(verdict, "allocated");
      // Below its share it still asks for more than the share is.
      if (share !== null && held !== null && held < share)
        return quiet(`${who} has a fair share of ${gpus(share)}`, `Asks for more than its fair share: ${used}`);
      return quiet(
        share === null ? `${who} is at its fair share` : `${who} is at its fair share of ${gpus(share)}`,
        used ? `At its fair share: ${used}` : "Project at its fair share",
      );
    }
    case "InsufficientResources": {
      const head = need === null ? "No node has enough room" : `No node has ${gpus(need).replace(/ GPU/, " free GPU")}`;
      return quiet(head, have === null ? head : `${head}; ${number(have)} at most`);
    }
    case "NoMatchingNode": {
      const causes = causesText(verdict);
      return quiet("No node matches", causes ? `No node matches: ${causes}` : "No node matches");
    }
    case "VictimsInsufficient":
      return quiet("Nothing that may give way frees enough", "Others that may give way hold too little");
    case "TopologyUnsatisfied":
      return quiet("No place keeps its pods close enough together", "No place keeps its pods together");
    case "GangIncomplete":
      return quiet(
        "Not all of its pods exist yet",
        have !== null && need !== null
          ? `${number(have)} of ${number(need)} pods exist`
          : "Not all of its pods exist yet",
      );
    case "Gated":
      return quiet("It is held back by a gate", "Held back by a gate");
    case "PreemptionDelayNotElapsed":
      return quiet("It may take from others in a moment", "Waits before it takes from others");
    case "BackingOff":
      return quiet("It is tried again in a moment", "Tried again in a moment");
    case "WaitingForTermination":
      return quiet("Its GPUs are being freed", "Starts when others have stopped");
    case "BindFailing":
      return quiet("It cannot be started on its node", "Cannot be started on its node");
    case "QueueDoesNotExist":
      return quiet(`${who} has no queue`, "Its project has no queue");
    case "QueueNotLeaf":
      return quiet(`${who} cannot hold workloads`, "Its queue has queues below it");
    default:
      return quiet(detail.replace(/\.$/, "") || "It waits", detail || "Waits for the first decision");
  }
}

/** What stands in the reason column of a list. */
export function rowReason(workload: Workload, needs: boolean, nominatedOn?: string): string {
  if (workload.phase === "Pending") {
    if (nominatedOn) return `Starts on ${nominatedOn} when others have stopped`;
    if (workload.waiting?.reason) return say(workload.waiting, workload.projectName).short;
    return needs ? "Waits" : "Waits for the first decision";
  }
  if (workload.phase === "Running" && workload.overQuota) return "Over quota: first to be taken back";
  if (workload.phase === "Failed" && workload.exitCode != null) {
    return workload.phaseMessage ? sentence(workload.phaseMessage) : `Exit code ${workload.exitCode}`;
  }
  return workload.phaseMessage ? sentence(workload.phaseMessage) : "";
}

export type Deed =
  | { kind: "project"; project: string; body: { gpu: { quota?: number; limit?: number | null } }; command: string }
  | { kind: "copy"; change: { gpus?: string; preemptibility?: string } }
  | { kind: "told" };

export interface Offer {
  verb: string; // on a button: "Raise limit to 8"
  title: string; // in a list: "Raise vision's limit from 7 to 8"
  deed: Deed;
}

/** A remedy as something one can press. Unknown ones are told, never dropped. */
export function offer(remedy: Remedy, from?: number | null): Offer {
  const to = remedy.to;
  if (remedy.set === "workload") {
    if (remedy.field === "gpu") {
      const text = typeof to === "number" ? gpus(to) : String(to);
      return {
        verb: `Ask for ${text}`,
        title: `Ask for ${text}`,
        deed: { kind: "copy", change: { gpus: String(to) } },
      };
    }
    if (remedy.field === "preemptibility") {
      return {
        verb: to === "preemptible" ? "Make it preemptible" : `Make it ${to}`,
        title: to === "preemptible" ? "Make it preemptible" : `Make it ${to}`,
        deed: { kind: "copy", change: { preemptibility: String(to) } },
      };
    }
  }
  const queue = /^queue\/(.+)$/.exec(remedy.set)?.[1];
  const field = /^gpu\.(quota|limit)$/.exec(remedy.field)?.[1] as "quota" | "limit" | undefined;
  if (queue && field && (typeof to === "number" || to === null)) {
    const toText = to === null ? "none" : number(to);
    const project = queue.split("--")[0]!;
    const span = from === null || from === undefined ? `to ${toText}` : `from ${number(from)} to ${toText}`;
    const raise = from === null || from === undefined || to === null || to > from ? "Raise" : "Lower";
    if (queue.startsWith("dept--")) {
      const department = queue.slice(6).split("--")[0]!;
      return {
        verb: `${raise} ${department}'s ${field} to ${toText}`,
        title: `${raise} ${field} of department ${department} ${span}`,
        deed: { kind: "told" },
      };
    }
    const flag = to === null ? "unlimited" : number(to);
    return {
      verb: `${raise} ${field} to ${toText}`,
      title: `${raise} ${project}'s ${field} ${span}`,
      deed: {
        kind: "project",
        project,
        body: { gpu: { [field]: to } },
        command: `muster project set ${project} --${field} ${flag}`,
      },
    };
  }
  const text = `Set ${remedy.field} of ${remedy.set.replace("queue/", "")} to ${to}`;
  return { verb: text, title: text, deed: { kind: "told" } };
}

/** "have 6.5, need 1, limit 7": the raw numbers for the last line of a panel. */
export function numbersText(verdict: Verdict): string {
  return Object.entries(verdict.numbers ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key} ${number(value)}`)
    .join(", ");
}

/** Names that end differently, told short: "det-sweep-6, -7, -8". */
export function foldNames(names: string[], most = 4): string {
  const first = names[0];
  if (!first) return "";
  const stem = /^(.*?-)([^-]*)$/.exec(first)?.[1];
  const out = [first];
  for (const name of names.slice(1, most)) {
    out.push(
      stem && name.startsWith(stem) && /^\d+$/.test(name.slice(stem.length)) ? `-${name.slice(stem.length)}` : name,
    );
  }
  return out.join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
}
