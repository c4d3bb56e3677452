// The event stream: parsing, and what it does to lists.
import { expect, it } from "vitest";
import { merge } from "./live";
import { EventParser, type StreamEvent } from "./sse";

function parse(chunks: string[]): StreamEvent[] {
  const out: StreamEvent[] = [];
  const parser = new EventParser((event) => out.push(event));
  for (const chunk of chunks) parser.feed(chunk);
  return out;
}

it("an event is the same however the stream is cut", () => {
  const text = ': hello\r\nid: 7\r\nevent: workload\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 8\ndata: x\n\n';
  const whole = parse([text]);
  expect(whole).toEqual([
    { id: "7", type: "workload", data: '{"a":\n1}' },
    { id: "8", type: "message", data: "x" },
  ]);
  for (let i = 1; i < text.length; i++) expect(parse([text.slice(0, i), text.slice(i)])).toEqual(whole);
  expect(parse([...text])).toEqual(whole);
});

it("comments and events without data say nothing", () => {
  expect(parse([": ping\n\n", "event: x\n\n"])).toEqual([]);
});

it("a change replaces its row and leaves the others untouched", () => {
  const a = { id: "a", name: "a" };
  const b = { id: "b", name: "b" };
  const next = { id: "b", name: "b2" };
  const merged = merge([a, b], new Map([["b", next]]), (x) => x.id!);
  expect(merged).toEqual([a, next]);
  expect(merged[0]).toBe(a);
});

it("what is new stands in front, what is gone is gone", () => {
  const a = { id: "a", name: "a" };
  const merged = merge(
    [a],
    new Map<string, { id: string; name: string } | null>([
      ["a", null],
      ["c", { id: "c", name: "c" }],
    ]),
    (x) => x.id!,
  );
  expect(merged.map((x) => x.id)).toEqual(["c"]);
});
