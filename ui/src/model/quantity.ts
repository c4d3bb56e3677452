// GPU requests and sizes: the same grammar as the command line ("2", "0.5", "2x0.5", "10Gi", "2x10Gi").

export interface GpuRequest {
  kind: "none" | "whole" | "portion" | "memory";
  devices: number;
  portion: number; // of each device
  memory: string; // of each device
}

export type Parsed = { ok: true; request: GpuRequest } | { ok: false; error: string };

const none: GpuRequest = { kind: "none", devices: 0, portion: 0, memory: "" };

export function parseGpuRequest(text: string): Parsed {
  const trimmed = text.trim();
  const match = /^(?:(\d+)x)?(\d+(?:\.\d+)?)([KMGT]i?)?$/.exec(trimmed);
  if (!match) return { ok: false, error: "Ask like 2, 0.5, 2x0.5 or 10Gi." };
  const times = match[1] === undefined ? 1 : Number(match[1]);
  const number = Number(match[2]);
  if (match[3]) {
    if (times < 1 || number <= 0) return { ok: false, error: "Ask for more than 0, like 10Gi." };
    return { ok: true, request: { kind: "memory", devices: times, portion: 0, memory: `${match[2]}${match[3]}` } };
  }
  if (Number.isInteger(number)) {
    if (match[1] !== undefined && number !== 1)
      return { ok: false, error: `Ask for ${times * number || 1} whole GPUs.` };
    const devices = times * number;
    return { ok: true, request: devices === 0 ? none : { kind: "whole", devices, portion: 1, memory: "" } };
  }
  if (number > 1) {
    const half = Math.round((number / 2) * 1000) / 1000;
    return {
      ok: false,
      error: half < 1 ? `Ask for whole GPUs, or 2x${half}.` : `Ask for ${Math.ceil(number)} whole GPUs.`,
    };
  }
  if (Math.round(number * 1000) / 1000 !== number || times < 1) {
    return { ok: false, error: "A share has at most three decimals, like 0.125." };
  }
  return { ok: true, request: { kind: "portion", devices: times, portion: number, memory: "" } };
}

export function gpuRequestText(request: GpuRequest): string {
  if (request.kind === "none") return "0";
  const times = request.devices > 1 ? `${request.devices}x` : "";
  if (request.kind === "whole") return String(request.devices);
  return `${times}${request.kind === "portion" ? request.portion : request.memory}`;
}

/** GPUs charged, as far as it is known without a device: a request by memory is not. */
export function gpusOf(request: GpuRequest): number {
  return request.kind === "memory" ? Number.NaN : request.devices * request.portion;
}

const units: Record<string, number> = {
  "": 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of "64Gi", "100M" or "512"; null when it is no quantity. */
export function bytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([KMGT]i?)?$/.exec(text.trim());
  return match ? Number(match[1]) * units[match[2] ?? ""]! : null;
}

/** 12, 6.5, 4.25: up to two decimals, no trailing zeros; "–" when unknown. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return String(Math.round(value * 100) / 100);
}

export function gpus(count: number): string {
  return `${number(count)} ${count > 0 && count <= 1 ? "GPU" : "GPUs"}`;
}

export function gibibytes(mib: number | null | undefined): string {
  if (mib === null || mib === undefined) return "–";
  return number(Math.round((mib / 1024) * 10) / 10);
}

/** 64 Gi, 512 Mi of a number of bytes. */
export function sizeText(value: number): string {
  for (const [unit, factor] of [
    ["Ti", 2 ** 40],
    ["Gi", 2 ** 30],
    ["Mi", 2 ** 20],
    ["Ki", 2 ** 10],
  ] as const) {
    if (value >= factor) return `${number(value / factor)} ${unit}`;
  }
  return `${value} B`;
}

/** "A100-80G" as it is said: "A100 80G". */
export const modelText = (model: string) => model.replace(/^NVIDIA[ -]/, "").replaceAll("-", " ");
