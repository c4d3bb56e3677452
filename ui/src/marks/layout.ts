// Where everything of a row of GPU cells stands: pure arithmetic, drawn by GpuRow. Holders stand from the left of their
// device, as wide as their share; one workload on whole neighbouring devices is one block with a notch at each border.
import type { Device, Holder } from "../api/types";

export interface Frame {
  index: number; // of the device on its node
  x: number;
  w: number;
  state: "ok" | "failed" | "draining";
  simulated: boolean;
  idle: number; // share that nobody holds, 0..1
}

export interface Block {
  key: string;
  x: number;
  w: number;
  holder: Holder;
  /** Share of one device, or the number of whole devices. */
  share: number;
  devices: number;
  /** Touches the left or right end of its device, so it takes its rounding. */
  left: boolean;
  right: boolean;
}

export interface Outline {
  key: string;
  x: number;
  w: number;
  project: string;
  workload: string;
}

export interface RowLayout {
  frames: Frame[];
  blocks: Block[];
  notches: number[]; // x of the middle of each device border inside a block
  outlines: Outline[];
}

export interface RowOptions {
  cell: number; // width of one cell
  gap: number;
  draining: boolean;
}

export const leastHolder = 3;

export function layoutRow(devices: Device[], { cell, gap, draining }: RowOptions): RowLayout {
  const frames: Frame[] = [];
  const blocks: Block[] = [];
  const notches: number[] = [];
  const outlines: Outline[] = [];
  devices.forEach((device, i) => {
    const x = i * (cell + gap);
    const held = device.holders.reduce((sum, holder) => sum + holder.milli, 0) / 1000;
    const failed = device.healthy === false;
    frames.push({
      index: device.index,
      x,
      w: cell,
      state: failed ? "failed" : draining ? "draining" : "ok",
      simulated: device.simulated === true,
      idle: Math.max(0, 1 - held),
    });
    const whole = device.holders.length === 1 && held >= 0.9995 ? device.holders[0]! : null;
    const last = blocks.at(-1);
    if (whole && last && last.devices >= 1 && last.x + last.w + gap === x && same(last.holder, whole)) {
      notches.push(last.x + last.w + gap / 2);
      last.w += gap + cell;
      last.devices += 1;
      last.share += 1;
    } else {
      placeHolders(device, x, cell, blocks);
    }
    const next = device.next;
    if (!next) return;
    const before = outlines.at(-1);
    if (before && before.workload === next.workload && before.x + before.w + gap === x) before.w += gap + cell;
    else outlines.push({ key: `${device.uuid}>`, x, w: cell, project: next.project, workload: next.workload });
  });
  return { frames, blocks, notches, outlines };
}

function same(a: Holder, b: Holder): boolean {
  return a.workloadId === b.workloadId && !!a.overQuota === !!b.overQuota && !!a.leaving === !!b.leaving;
}

function placeHolders(device: Device, x: number, cell: number, blocks: Block[]) {
  let from = x;
  const end = x + cell;
  device.holders.forEach((holder, i) => {
    const share = Math.min(1, holder.milli / 1000);
    const left = i === 0;
    const to = Math.min(end, Math.max(from + leastHolder, from + share * cell));
    const full = end - to < 0.5;
    // One pixel of sheet between neighbours, taken from the one that ends.
    const w = Math.max(1, to - from - (full ? 0 : 1));
    blocks.push({
      key: `${device.uuid}/${holder.pod}`,
      x: from,
      w: full ? end - from : w,
      holder,
      share,
      devices: share >= 0.9995 ? 1 : 0,
      left,
      right: full,
    });
    from = to;
  });
}

/** Path of a rectangle that is rounded only at the ends asked for. */
export function roundedEnds(
  x: number,
  y: number,
  w: number,
  h: number,
  r: number,
  left: boolean,
  right: boolean,
): string {
  const a = Math.min(r, w / 2, h / 2);
  const l = left ? a : 0;
  const rr = right ? a : 0;
  return [
    `M${x + l},${y}`,
    `H${x + w - rr}`,
    rr ? `A${rr},${rr} 0 0 1 ${x + w},${y + rr}` : "",
    `V${y + h - rr}`,
    rr ? `A${rr},${rr} 0 0 1 ${x + w - rr},${y + h}` : "",
    `H${x + l}`,
    l ? `A${l},${l} 0 0 1 ${x},${y + h - l}` : "",
    `V${y + l}`,
    l ? `A${l},${l} 0 0 1 ${x + l},${y}` : "",
    "Z",
  ].join("");
}

/** A cell with its top right corner cut: a simulated device. */
export function cutCell(x: number, y: number, w: number, h: number, r: number): string {
  const c = Math.max(5, Math.min(9, h * 0.28));
  const x2 = x + w;
  const y2 = y + h;
  return `M${x + r},${y}H${x2 - c}L${x2},${y + c}V${y2 - r}A${r},${r} 0 0 1 ${x2 - r},${y2}H${x + r}A${r},${r} 0 0 1 ${x},${y2 - r}V${y + r}A${r},${r} 0 0 1 ${x + r},${y}Z`;
}

/** Shortens in the middle and keeps the end, because names of a series differ there. `measure` gives px of a text. */
export function shorten(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  const tail = /-[^-]{1,4}$/.exec(text)?.[0] ?? "";
  for (let keep = text.length - tail.length - 1; tail && keep >= 2; keep--) {
    const short = `${text.slice(0, keep)}…${tail}`;
    if (measure(short) <= width) return short;
  }
  for (let keep = Math.min(text.length - 1, 24); keep >= 2; keep--) {
    const short = `${text.slice(0, keep)}…`;
    if (measure(short) <= width) return short;
  }
  return "";
}

export type GridSize = "L" | "M" | "S" | "XS" | "pool";

export function gridSize(gpus: number): GridSize {
  if (gpus <= 16) return "L";
  if (gpus <= 128) return "M";
  if (gpus <= 1500) return "S";
  if (gpus <= 30_000) return "XS";
  return "pool";
}
