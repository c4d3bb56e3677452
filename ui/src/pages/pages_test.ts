// Parts of the pages that reckon: logs, grouping of what waits, held order, CSV, what happened.
import { describe, expect, it } from "vitest";
import type { Workload } from "../api/types";
import { csv } from "./columns";
import { findAll, LineReader, plain } from "./log-text";
import { codeIn } from "./SignIn";
import { holdOrder } from "./useHeldOrder";
import { ranges } from "./WorkloadSide";
import { groupWaiting } from "./waiting";

const workload = (part: Partial<Workload>): Workload =>
  ({
    id: part.name ?? "w",
    name: "w",
    type: "Training",
    projectId: "p",
    projectName: "vision",
    phase: "Pending",
    createdAt: "2026-01-01T10:00:00.000Z",
    gpuRequestText: "1",
    workloadRequestedResources: { gpu: { request: 1 } },
    ...part,
  }) as Workload;

describe("log lines", () => {
  it("are the same however the output is cut", () => {
    const text = "a\nb\r\n10%\r20%\rdone\n\u001b[31mred\u001b[0m\nlast";
    for (let i = 0; i <= text.length; i++) {
      const reader = new LineReader();
      reader.feed(text.slice(0, i));
      reader.feed(text.slice(i));
      expect(reader.lines).toEqual(["a", "b", "done", "red"]);
      expect(reader.open).toBe("last");
    }
  });
  it("keep only the newest when there are too many", () => {
    const reader = new LineReader(3);
    reader.feed("1\n2\n3\n4\n5\n");
    expect(reader.lines).toEqual(["3", "4", "5"]);
    expect(reader.dropped).toBe(2);
  });
  it("carry no control characters", () => {
    expect(plain("a\u0007b\u001b]0;title\u0007c\td")).toBe("abc    d");
  });
  it("are found without regard to case", () => {
    expect(findAll(["Loss 1 loss", "none"], "loss")).toEqual([
      { line: 0, from: 0 },
      { line: 0, from: 7 },
    ]);
  });
});

it("workloads that wait for one cause stand together, the oldest first", () => {
  const limit = { reason: "OverLimit", queue: "vision", numbers: { limit: 7, allocated: 6.5, need: 1 }, message: "" };
  const groups = groupWaiting([
    workload({ name: "det-2", waiting: limit, createdAt: "2026-01-01T11:00:00.000Z" }),
    workload({ name: "det-1", waiting: limit }),
    workload({ name: "other", projectName: "speech", waiting: limit }),
  ]);
  expect(groups.map((g) => [g.project, g.members.map((m) => m.name), g.gpus])).toEqual([
    ["vision", ["det-1", "det-2"], 2],
    ["speech", ["other"], 1],
  ]);
  expect(groups[0]!.detail).toBe("det-1, -2 ask 1 each; 6.5 in use");
});

it("rows keep their places while the list is in use, and new ones are counted", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => workload({ name }));
  expect(holdOrder(["b", "a", "gone"], [c!, a!, b!])).toEqual({ rows: [b, a], fresh: 1 });
});

it("a CSV cell is never a formula", () => {
  const text = csv([workload({ name: "=cmd()", phaseMessage: 'a "b", c' })], new Map());
  expect(text.split("\n")[1]).toMatch(/^'=cmd\(\),vision,/);
});

it("a code is found in a link, in its hash and alone it is none", () => {
  expect(codeIn("http://x/signin#code=a-b_c")).toBe("a-b_c");
  expect(codeIn("#code=abc")).toBe("abc");
  expect(codeIn("abc")).toBeNull();
});

it("device numbers are said in ranges", () => {
  expect([ranges([3, 0, 1, 2]), ranges([1, 4, 5]), ranges([])]).toEqual(["0–3", "1, 4–5", ""]);
});
