// Marks: where cells, notches and phases stand, and that project colours keep their contrast and difference.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Device, Holder } from "../api/types";
import { gridSize, layoutRow, shorten } from "./layout";
import { pieces, widths } from "./PhaseBar";

const holder = (workloadId: string, milli = 1000, more: Partial<Holder> = {}): Holder => ({
  workloadId,
  workload: workloadId,
  project: "p",
  pod: `${workloadId}-0`,
  milli,
  ...more,
});
const device = (index: number, holders: Holder[], more: Partial<Device> = {}): Device => ({
  index,
  uuid: `u${index}`,
  model: "A100",
  holders,
  ...more,
});
const options = { cell: 70, gap: 4, draining: false };

describe("a row of cells", () => {
  it("draws one workload on neighbours as one block with a notch at each border", () => {
    const row = layoutRow([device(0, [holder("a")]), device(1, [holder("a")]), device(2, [holder("b")])], options);
    expect(row.blocks.map((b) => [b.holder.workloadId, b.x, b.w])).toEqual([
      ["a", 0, 144],
      ["b", 148, 70],
    ]);
    expect(row.notches).toEqual([72]);
  });
  it("does not join across a device that another holds, nor shares of two devices", () => {
    const row = layoutRow(
      [device(0, [holder("a")]), device(1, []), device(2, [holder("a")]), device(3, [holder("a", 500)])],
      options,
    );
    expect(row.blocks).toHaveLength(3);
    expect(row.notches).toEqual([]);
  });
  it("draws shares to scale from the left, at least 3 px, with 1 px between", () => {
    const row = layoutRow([device(0, [holder("a", 500), holder("b", 10), holder("c", 250)])], options);
    const [a, b, c] = row.blocks;
    expect([a!.x, a!.w]).toEqual([0, 34]);
    expect([b!.x, b!.w]).toEqual([35, 2]);
    expect(c!.x).toBe(38);
    expect(row.frames[0]!.idle).toBeCloseTo(0.24);
  });
  it("keeps over quota and leaving parts of one workload apart", () => {
    const row = layoutRow([device(0, [holder("a")]), device(1, [holder("a", 1000, { leaving: true })])], options);
    expect(row.blocks).toHaveLength(2);
  });
  it("draws the outline of what comes next once over its devices", () => {
    const next = { workload: "n", workloadId: "n", project: "q" };
    const row = layoutRow([device(0, [holder("a")], { next }), device(1, [holder("a")], { next })], options);
    expect(row.outlines).toMatchObject([{ x: 0, w: 144, project: "q" }]);
  });
});

it("names are shortened in the middle, so that a series stays apart", () => {
  const measure = (text: string) => text.length * 6;
  expect(shorten("det-sweep-3", 60, measure)).toBe("det-swe…-3");
  expect(shorten("diarize", 36, measure)).toBe("diari…");
  expect(shorten("short", 60, measure)).toBe("short");
});

it("the grid takes the size that fits the number of GPUs", () => {
  expect([2, 16, 17, 128, 129, 1500, 1501, 30_000, 30_001].map(gridSize)).toEqual([
    "L",
    "L",
    "M",
    "M",
    "S",
    "S",
    "XS",
    "XS",
    "pool",
  ]);
});

describe("the phase bar", () => {
  const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
  const now = Date.UTC(2026, 0, 1, 1);
  it("joins creating and pending, and marks a start that was taken back", () => {
    const list = pieces(
      [
        { phase: "Creating", at: at(0) },
        { phase: "Pending", at: at(1) },
        { phase: "Initializing", at: at(10) },
        { phase: "Running", at: at(12) },
        { phase: "Pending", at: at(30), message: "reclaimed" },
      ],
      now,
    );
    expect(list.map((p) => [p.phase, p.preempted, p.open])).toEqual([
      ["Pending", false, false],
      ["Initializing", false, false],
      ["Running", false, false],
      ["Pending", true, true],
    ]);
  });
  it("ends with what ended it", () => {
    const list = pieces(
      [
        { phase: "Running", at: at(0) },
        { phase: "Failed", at: at(9) },
      ],
      now,
    );
    expect(list).toMatchObject([{ phase: "Running", to: Date.UTC(2026, 0, 1, 0, 0, 9), open: false }]);
  });
  it("gives every phase at least 26 px and fills the line", () => {
    const list = pieces(
      [
        { phase: "Pending", at: at(0) },
        { phase: "Initializing", at: at(1) },
        { phase: "Running", at: at(2) },
      ],
      now,
    );
    const wide = widths(list, 1000);
    expect(Math.min(...wide)).toBeGreaterThanOrEqual(26);
    expect(wide.reduce((a, b) => a + b, 0) + 4).toBeCloseTo(1000);
  });
});

describe("the tokens", () => {
  const css = readFileSync(new URL("../tokens.css", import.meta.url), "utf8");
  const dark = css.slice(
    css.indexOf('[data-theme="dark"]') >= 0 ? css.indexOf('[data-theme="dark"] {') : css.indexOf("[data-theme=dark]"),
  );
  const light = css.slice(0, css.length - dark.length);
  const token = (part: string, name: string) => new RegExp(`--${name}:\\s*(#[0-9a-fA-F]{3,6})`).exec(part)![1]!;
  const rgb = (hex: string) => {
    const full = hex.length === 4 ? [...hex.slice(1)].map((c) => c + c).join("") : hex.slice(1);
    return [0, 2, 4].map((i) => Number.parseInt(full.slice(i, i + 2), 16) / 255);
  };
  const linear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = (hex: string) => {
    const [r, g, b] = rgb(hex).map(linear);
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (a: string, b: string) => {
    const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
    return (x! + 0.05) / (y! + 0.05);
  };
  const oklab = (hex: string) => {
    const [r, g, b] = rgb(hex).map(linear) as [number, number, number];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ];
  };
  for (const [name, part] of [
    ["light", light],
    ["dark", dark],
  ] as const) {
    it(`in ${name} keep project colours 3:1 on the sheet and their labels 4.5:1`, () => {
      for (let i = 1; i <= 12; i++) {
        expect(contrast(token(part, `p${i}`), token(part, "sheet")), `p${i}`).toBeGreaterThanOrEqual(3);
        expect(contrast(token(part, `p${i}`), token(part, `on-p${i}`)), `on-p${i}`).toBeGreaterThanOrEqual(4.5);
      }
    });
    it(`in ${name} keep any two project colours apart`, () => {
      for (let i = 1; i <= 12; i++) {
        for (let j = i + 1; j <= 12; j++) {
          const a = oklab(token(part, `p${i}`));
          const b = oklab(token(part, `p${j}`));
          const distance = 100 * Math.hypot(...a.map((v, k) => v - b[k]!));
          expect(distance, `${i} and ${j}`).toBeGreaterThanOrEqual(8.5);
        }
      }
    });
    it(`in ${name} keep text readable on every ground`, () => {
      for (const ink of ["ink", "ink-2", "ink-3"]) {
        for (const ground of ["sheet", "sunk", "rail-bg"]) {
          expect(contrast(token(part, ink), token(part, ground)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
        }
      }
      expect(contrast(token(part, "warn"), token(part, "warn-bg"))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(token(part, "bad"), token(part, "bad-bg"))).toBeGreaterThanOrEqual(4.5);
    });
  }
});
