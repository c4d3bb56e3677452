// The submit form as one value, and the three other spellings of the same request: command, REST body, manifest. The
// command reads back into the form.
import type { Submission, TrainingSpec } from "../api/types";
import { gpuRequestText, parseGpuRequest } from "./quantity";
import { joinWords, quote, splitWords } from "./shell";

export interface Draft {
  name: string;
  project: string;
  command: string; // one line, with the quoting of sh
  gpus: string; // "0.5", "2x0.5", "10Gi", "0"
  cpu: string;
  memory: string;
  priority: string; // "" = low
  preemptibility: string; // "" = by priority
  folder: string;
  variables: { name: string; value: string }[];
  restarts: string; // "" = the default
  timeLimit: string; // "90s", "2h"; "" = none
}

export const emptyDraft: Draft = {
  name: "",
  project: "default",
  command: "",
  gpus: "1",
  cpu: "",
  memory: "",
  priority: "",
  preemptibility: "",
  folder: "",
  variables: [],
  restarts: "",
  timeLimit: "",
};

const timeoutKey = "muster.dev/timeout";

/** Restarts that a submission over REST gets when it names none. */
export const defaultRestarts = 6;

export type Errors = Partial<
  Record<"name" | "command" | "gpus" | "cpu" | "memory" | "restarts" | "timeLimit" | "folder" | "variables", string>
>;

export function check(draft: Draft): Errors {
  const errors: Errors = {};
  if (draft.name && !/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(draft.name)) {
    errors.name = "Lower-case letters, digits and hyphens, a letter first, 63 at most, like eval-2.";
  }
  const words = splitWords(draft.command);
  if (!words.ok) errors.command = words.error;
  else if (words.words.length === 0) errors.command = "A command is needed, like python3 train.py.";
  const request = parseGpuRequest(draft.gpus);
  if (!request.ok) errors.gpus = request.error;
  if (draft.cpu && !/^\d+(\.\d+)?$/.test(draft.cpu)) errors.cpu = "A number of cores, like 4 or 0.5.";
  if (draft.memory && !/^\d+(\.\d+)?([KMGT]i?)?$/.test(draft.memory)) errors.memory = "An amount like 64Gi or 512Mi.";
  if (draft.restarts && !/^\d+$/.test(draft.restarts)) errors.restarts = "A whole number, 0 for none.";
  if (draft.timeLimit && !/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(draft.timeLimit)) {
    errors.timeLimit = "A length of time like 90s, 2h or 1d12h.";
  }
  if (draft.folder && !draft.folder.startsWith("/")) errors.folder = "A full path, like /home/ana/eval.";
  if (draft.variables.some((v) => v.name && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(v.name))) {
    errors.variables = "Names are letters, digits and _, like WANDB_MODE.";
  }
  return errors;
}

export function specOf(draft: Draft): TrainingSpec {
  const words = splitWords(draft.command);
  const [program = "", ...rest] = words.ok ? words.words : [];
  const parsed = parseGpuRequest(draft.gpus);
  const compute: NonNullable<TrainingSpec["compute"]> = {};
  if (parsed.ok && parsed.request.kind !== "none") {
    compute.gpuDevicesRequest = parsed.request.devices;
    if (parsed.request.kind === "memory") {
      compute.gpuRequestType = "memory";
      compute.gpuMemoryRequest = parsed.request.memory;
    } else {
      compute.gpuRequestType = "portion";
      compute.gpuPortionRequest = parsed.request.portion;
    }
  }
  if (draft.cpu) compute.cpuCoreRequest = Number(draft.cpu);
  if (draft.memory) {
    compute.cpuMemoryRequest = draft.memory;
    compute.cpuMemoryLimit = draft.memory;
  }
  const spec: TrainingSpec = { image: "host", command: quote(program) };
  if (rest.length > 0) spec.args = joinWords(rest);
  spec.compute = compute;
  if (draft.folder) spec.workingDir = draft.folder;
  const variables = draft.variables.filter((v) => v.name);
  if (variables.length > 0) spec.environmentVariables = variables.map((v) => ({ name: v.name, value: v.value }));
  if (draft.priority) spec.priorityClass = draft.priority;
  if (draft.preemptibility) spec.preemptibility = draft.preemptibility;
  if (draft.restarts !== "") spec.backoffLimit = Number(draft.restarts);
  if (draft.timeLimit) spec.annotations = [{ name: timeoutKey, value: draft.timeLimit }];
  return spec;
}

export function submissionOf(draft: Draft, projectId: string, clusterId: string): Submission {
  const body: Submission = { projectId, clusterId, spec: specOf(draft) };
  if (draft.name) body.name = draft.name;
  return body;
}

/** A draft that would make the same workload again. */
export function draftOf(project: string, name: string, spec: TrainingSpec): Draft {
  const compute = spec.compute ?? {};
  let gpuText = "0";
  const devices = compute.gpuDevicesRequest ?? 0;
  if (devices > 0) {
    const times = devices > 1 ? `${devices}x` : "";
    if (compute.gpuRequestType === "memory" || (compute.gpuMemoryRequest && !compute.gpuPortionRequest)) {
      gpuText = `${times}${compute.gpuMemoryRequest ?? ""}`;
    } else {
      const portion = compute.gpuPortionRequest ?? 1;
      gpuText = portion >= 1 ? String(devices) : `${times}${portion}`;
    }
  }
  return {
    name,
    project,
    command: [spec.command, spec.args].filter(Boolean).join(" "),
    gpus: gpuText,
    cpu: compute.cpuCoreRequest == null ? "" : String(compute.cpuCoreRequest),
    memory: compute.cpuMemoryRequest ?? "",
    priority: spec.priorityClass ?? "",
    preemptibility: spec.preemptibility ?? "",
    folder: spec.workingDir ?? "",
    variables: (spec.environmentVariables ?? []).map((v) => ({ name: v.name, value: v.value ?? "" })),
    restarts: spec.backoffLimit == null ? "" : String(spec.backoffLimit),
    timeLimit: spec.annotations?.find((one) => one.name === timeoutKey)?.value ?? "",
  };
}

// What the command line takes over from its caller by itself.
const passedOn = new Set(["PATH", "HOME", "USER", "LANG", "TERM", "VIRTUAL_ENV", "CONDA_PREFIX"]);

/** The command that does the same, broken where it grows long. */
export function commandOf(draft: Draft): string {
  const first: string[] = ["muster submit", `-p ${quote(draft.project)}`];
  if (draft.name) first.push(`--name ${quote(draft.name)}`);
  const parsed = parseGpuRequest(draft.gpus);
  if (parsed.ok && parsed.request.kind === "memory") first.push(`--gpu-memory ${parsed.request.memory}`);
  else if (parsed.ok && parsed.request.kind !== "none") first.push(`-g ${gpuRequestText(parsed.request)}`);
  if (draft.cpu) first.push(`--cpu ${draft.cpu}`);
  if (draft.memory) first.push(`--memory ${draft.memory}`);
  if (draft.priority) first.push(`--priority ${draft.priority}`);
  if (draft.preemptibility) first.push(`--preemptibility ${draft.preemptibility}`);
  const second: string[] = [];
  if (draft.folder) second.push(`--workdir ${quote(draft.folder)}`);
  for (const v of draft.variables)
    if (v.name && !passedOn.has(v.name)) second.push(`-e ${quote(`${v.name}=${v.value}`)}`);
  if (draft.timeLimit) second.push(`--timeout ${draft.timeLimit}`);
  // The command line means "no restart" where REST means six, so the number is always said.
  second.push(`--restart ${draft.restarts === "" ? defaultRestarts : draft.restarts}`, "--detach");
  const words = splitWords(draft.command);
  second.push(`-- ${words.ok && words.words.length > 0 ? joinWords(words.words) : "COMMAND"}`);
  const one = [...first, ...second].join(" ");
  return one.length <= 110 ? one : `${first.join(" ")} \\\n    ${second.join(" ")}`;
}

export type Pasted = { ok: true; draft: Draft } | { ok: false; error: string };

/** Reads a `muster submit` line back into the form. */
export function readCommand(text: string, base: Draft): Pasted {
  const split = splitWords(text);
  if (!split.ok) return split;
  const words = [...split.words];
  if (words[0] === "muster") words.shift();
  if (words.shift() !== "submit") return { ok: false, error: "A line that begins with muster submit is needed." };
  const draft: Draft = { ...emptyDraft, project: base.project, gpus: "0", restarts: "0", variables: [] };
  while (words.length > 0) {
    let flag = words.shift()!;
    if (flag === "--") {
      draft.command = joinWords(words);
      return { ok: true, draft };
    }
    let value: string | undefined;
    const equals = /^(--[a-z-]+)=(.*)$/s.exec(flag);
    if (equals) {
      flag = equals[1]!;
      value = equals[2]!;
    }
    if (flag === "--detach" || flag === "--plan") continue;
    value ??= words.shift();
    if (value === undefined) return { ok: false, error: `${flag} needs a value.` };
    switch (flag) {
      case "-p":
      case "--project":
        draft.project = value;
        break;
      case "--name":
        draft.name = value;
        break;
      case "-g":
      case "--gpu":
      case "--gpu-memory":
        draft.gpus = value;
        break;
      case "--cpu":
        draft.cpu = value;
        break;
      case "--memory":
        draft.memory = value;
        break;
      case "--priority":
        draft.priority = value;
        break;
      case "--preemptibility":
        draft.preemptibility = value;
        break;
      case "--workdir":
        draft.folder = value;
        break;
      case "--timeout":
        draft.timeLimit = value;
        break;
      case "--restart":
        draft.restarts = value;
        break;
      case "-e": {
        const at = value.indexOf("=");
        draft.variables.push(
          at < 0 ? { name: value, value: "" } : { name: value.slice(0, at), value: value.slice(at + 1) },
        );
        break;
      }
      default:
        return { ok: false, error: `${flag} has no field in this form.` };
    }
  }
  return { ok: false, error: "The command after -- is missing." };
}

export function restOf(body: Submission): string {
  return `POST /api/v1/workloads/trainings\n${JSON.stringify(body, null, 2)}`;
}
