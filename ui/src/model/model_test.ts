// The console's own reckoning: texts, requests, command lines, filters, shares. Names are sentences that hold.
import { describe, expect, it } from "vitest";
import type { Project, Workload } from "../api/types";
import { fieldValue, matching, order, readQuery, typed, writeQuery } from "./filter";
import { needsChange, rank } from "./phase";
import { bytes, gpuRequestText, gpus, number, parseGpuRequest } from "./quantity";
import { consequences, planOf, readAmount } from "./quota";
import { joinWords, splitWords } from "./shell";
import { check, commandOf, type Draft, draftOf, emptyDraft, readCommand, specOf } from "./submission";
import { span, took } from "./time";
import { foldNames, offer, rowReason, say } from "./verdict";

const workload = (part: Partial<Workload>): Workload =>
  ({
    id: part.name ?? "w",
    name: "w",
    type: "Training",
    projectId: "p",
    projectName: "vision",
    phase: "Running",
    createdAt: "2026-01-01T10:00:00.000Z",
    ...part,
  }) as Workload;

const project = (name: string, gpu: Partial<Project["gpu"]>): Project => ({
  id: name,
  name,
  department: "default",
  color: 1,
  gpu: { quota: 0, limit: null, weight: 2, fairShare: null, allocated: 0, requested: 0, ...gpu },
});

describe("GPU requests", () => {
  it("read as the command line reads them", () => {
    for (const text of ["0", "1", "8", "0.5", "0.125", "2x0.5", "10Gi", "2x10Gi"]) {
      const parsed = parseGpuRequest(text);
      expect(parsed.ok, text).toBe(true);
      if (parsed.ok) expect(gpuRequestText(parsed.request)).toBe(text);
    }
  });
  it("that cannot be are refused with what would pass", () => {
    const wrong = parseGpuRequest("1.5");
    expect(wrong.ok).toBe(false);
    if (!wrong.ok) expect(wrong.error).toContain("2x0.75");
    for (const text of ["", "a", "-1", "0.1234", "2x", "x0.5"]) expect(parseGpuRequest(text).ok, text).toBe(false);
  });
  it("count one GPU in the singular and shares too", () => {
    expect([gpus(1), gpus(0.5), gpus(0), gpus(2)]).toEqual(["1 GPU", "0.5 GPU", "0 GPUs", "2 GPUs"]);
  });
});

it("numbers have at most two decimals and no trailing zeros", () => {
  expect([number(12), number(6.5), number(4.25), number(0.333), number(null)]).toEqual([
    "12",
    "6.5",
    "4.25",
    "0.33",
    "–",
  ]);
});

it("sizes are read in both kinds of units", () => {
  expect([bytes("64Gi"), bytes("1M"), bytes("512"), bytes("x")]).toEqual([64 * 2 ** 30, 1e6, 512, null]);
});

it("ages are said in at most two units", () => {
  expect([span(48_000), span(231 * 60_000), span(60 * 60_000), span(291 * 3_600_000)]).toEqual([
    "48 s",
    "3 h 51 min",
    "1 h",
    "12 d 3 h",
  ]);
  expect([took(19_000), took(125_000), took(300)]).toEqual(["19 s", "2 min 5 s", "less than 1 s"]);
});

describe("command lines", () => {
  it("split and join without losing a word", () => {
    for (const words of [
      ["sh", "-c", "echo 'a b'; echo \"$X\""],
      ["", "a\\b", "x=y z"],
      ["python3", "train.py", "--lr", "1e-4"],
    ]) {
      const split = splitWords(joinWords(words));
      expect(split).toEqual({ ok: true, words });
    }
  });
  it("that do not close a quote are refused", () => {
    expect(splitWords("echo 'x").ok).toBe(false);
    expect(splitWords('echo "x').ok).toBe(false);
  });
});

describe("the submit form", () => {
  const draft: Draft = {
    ...emptyDraft,
    name: "policy-eval",
    project: "robotics",
    command: "python3 eval.py --suite 'very hard'",
    gpus: "2x0.5",
    cpu: "32",
    memory: "256Gi",
    priority: "high",
    folder: "/data/robotics",
    variables: [{ name: "SUITE", value: "very hard" }],
    restarts: "2",
    timeLimit: "2h",
  };
  it("says the same as its command, which reads back into it", () => {
    const read = readCommand(commandOf(draft), emptyDraft);
    expect(read).toEqual({ ok: true, draft });
  });
  it("says the same as its REST body, which reads back into it", () => {
    expect(draftOf(draft.project, draft.name, specOf(draft))).toEqual(draft);
  });
  it("sends a share of several devices as devices and portion", () => {
    expect(specOf(draft).compute).toMatchObject({
      gpuDevicesRequest: 2,
      gpuRequestType: "portion",
      gpuPortionRequest: 0.5,
    });
    expect(specOf({ ...draft, gpus: "10Gi" }).compute).toMatchObject({
      gpuDevicesRequest: 1,
      gpuRequestType: "memory",
      gpuMemoryRequest: "10Gi",
    });
  });
  it("names what would pass in every error", () => {
    const errors = check({
      ...emptyDraft,
      name: "A",
      command: "",
      gpus: "1.5",
      cpu: "x",
      memory: "y",
      restarts: "-1",
      folder: "x",
      timeLimit: "soon",
    });
    expect(Object.keys(errors).sort()).toEqual([
      "command",
      "cpu",
      "folder",
      "gpus",
      "memory",
      "name",
      "restarts",
      "timeLimit",
    ]);
    for (const error of Object.values(errors)) expect(error).toMatch(/like|2x|none/);
  });
  it("leaves out of the command what the command line passes on by itself", () => {
    expect(commandOf({ ...draft, variables: [{ name: "PATH", value: "/bin" }] })).not.toContain("PATH");
  });
});

describe("filters", () => {
  const all = [
    workload({ name: "det-1", phase: "Pending", waiting: { reason: "OverLimit", message: "" } }),
    workload({ name: "det-2", projectName: "speech" }),
    workload({ name: "asr", projectName: "speech", phase: "Completed" }),
  ];
  it("are the query string", () => {
    const search = { phase: "pending,running", project: "vision", q: "det", sort: "-age" };
    expect(writeQuery(readQuery(search))).toEqual(search);
    expect(writeQuery(readQuery({}))).toEqual({});
  });
  it("are typed as words", () => {
    const query = typed("project:speech phase:running det", readQuery({}));
    expect(query.filters).toEqual({ project: ["speech"], phase: ["running"] });
    expect(query.text).toBe("det");
    expect(matching(all, query).map((w) => w.name)).toEqual(["det-2"]);
  });
  it("exclude with a leading !", () => {
    expect(matching(all, readQuery({ phase: "!completed" })).map((w) => w.name)).toEqual(["det-1", "det-2"]);
  });
  it("spell a phase as it is shown", () => {
    expect(fieldValue(workload({ phase: "Stopped" }), "phase")).toBe("suspended");
  });
  it("leave the order: what needs somebody first, ended last, newest first inside", () => {
    const sorted = order(
      [workload({ name: "old" }), workload({ name: "new", createdAt: "2026-01-02T00:00:00Z" }), all[2]!, all[0]!],
      readQuery({}),
      new Set(),
      () => "",
    );
    expect(sorted.map((w) => w.name)).toEqual(["det-1", "new", "old", "asr"]);
  });
});

describe("waiting", () => {
  const over = workload({
    phase: "Pending",
    waiting: { reason: "OverLimit", queue: "vision", numbers: { limit: 7, allocated: 6.5, need: 1 }, message: "" },
  });
  it("needs somebody unless its cause passes by itself or devices are set aside", () => {
    expect(needsChange(over)).toBe(true);
    expect(needsChange(over, new Set([over.id]))).toBe(false);
    expect(needsChange({ ...over, waiting: { reason: "WaitingForTermination", message: "" } })).toBe(false);
    expect(needsChange({ ...over, waiting: null })).toBe(false);
    expect(rank(over)).toBeLessThan(rank(workload({})));
  });
  it("is said with its numbers", () => {
    expect(say(over.waiting!, "vision").head).toBe("vision is at its limit of 7 GPUs");
    expect(rowReason(over, true)).toBe("Project at its limit: 6.5 of 7 used, asks 1");
  });
  it("offers each remedy as a deed", () => {
    expect(offer({ set: "queue/vision", field: "gpu.limit", to: 8 }, 7)).toMatchObject({
      verb: "Raise limit to 8",
      title: "Raise vision's limit from 7 to 8",
      deed: {
        kind: "project",
        project: "vision",
        body: { gpu: { limit: 8 } },
        command: "muster project set vision --limit 8",
      },
    });
    expect(offer({ set: "workload", field: "gpu", to: 0.5 })).toMatchObject({
      verb: "Ask for 0.5 GPU",
      deed: { kind: "copy", change: { gpus: "0.5" } },
    });
    expect(offer({ set: "workload", field: "surprise", to: 1 }).deed.kind).toBe("told");
  });
  it("folds the names of a series", () => {
    expect(foldNames(["det-sweep-6", "det-sweep-7", "other"])).toBe("det-sweep-6, -7, other");
    expect(foldNames(["a-1", "a-2", "a-3", "a-4", "a-5"], 2)).toBe("a-1, -2 and 3 more");
  });
});

describe("a quota that is edited", () => {
  const late = workload({ id: "1", name: "late", projectName: "b", phase: "Pending" });
  const later = workload({ id: "2", name: "later", projectName: "b", phase: "Pending" });
  const old = workload({ id: "3", name: "old", projectName: "a", phase: "Running", overQuota: true });
  const spare = workload({ id: "4", name: "spare", projectName: "a", phase: "Running", overQuota: true });
  const projects = [
    project("a", { quota: 2, fairShare: 4, allocated: 4, requested: 4 }),
    project("b", { quota: 0, fairShare: 0, allocated: 0, requested: 2 }),
  ];
  const edits = new Map([["b", { quota: 1 }]]);
  it("is asked about as it was typed, and not at all without an edit", () => {
    expect(planOf(edits)).toEqual({ projects: [{ name: "b", gpu: { quota: 1 } }] });
    expect(planOf(new Map())).toBeNull();
  });
  it("says what the scheduler answers: who starts, who gives way, who may be next", () => {
    const result = consequences(projects, edits, [late, later, old, spare], {
      queues: [
        { name: "a", before: { fairShare: 4 }, after: { fairShare: 3 } },
        { name: "b", before: { fairShare: 0 }, after: { fairShare: 1 } },
      ],
      starts: [{ workload: "late", project: "b", gpus: 1 }],
      displaced: [{ workload: "old", project: "a", gpus: 1 }],
      moved: [],
    });
    expect(result.starts.map((w) => w.name)).toEqual(["late"]);
    expect(result.displaced.map((w) => w.name)).toEqual(["old"]);
    expect(result.sooner.map((w) => w.name)).toEqual(["spare"]);
    expect(result.stillWait.map((w) => w.name)).toEqual(["later"]);
    expect(Object.fromEntries(result.givesWay)).toEqual({ a: 1 });
    expect(result.shares.map((s) => s.after - s.before)).toEqual([-1, 1]);
    expect(result.sumAfter - result.sumBefore).toBe(1);
  });
  it("moves nothing while there is no answer yet", () => {
    const result = consequences(projects, edits, [late], undefined);
    expect(result.starts).toEqual([]);
    expect(result.shares.every((s) => s.after === s.before)).toBe(true);
  });
  it("reads numbers, and none for a limit", () => {
    expect([
      readAmount("8", false),
      readAmount("none", true),
      readAmount("", true),
      readAmount("-1", false),
      readAmount("x", true),
    ]).toEqual([8, null, null, undefined, undefined]);
  });
});
