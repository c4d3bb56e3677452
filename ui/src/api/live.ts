// The one event stream of a tab. Events are gathered and written into the query cache once per animation frame; a tab
// that is hidden gathers on and catches up when it is shown. Also the truth about how fresh the page is.
import type { QueryClient } from "@tanstack/react-query";
import { request } from "./client";
import { EventParser, type StreamEvent } from "./sse";
import type { ActivityEvent, Node, Project, Workload } from "./types";

export interface Freshness {
  state: "connecting" | "live" | "lost";
  /** Since when nothing comes, in ms of the clock. */
  lostAt: number;
  /** When the next attempt starts. */
  nextTry: number;
  /** A page that was never connected has nothing to show as old. */
  everLive: boolean;
}

const silence = 35_000; // the server sends a comment every 15 s
const waits = [500, 1000, 2000, 4000, 8000, 10_000];

type Kind = "workload" | "project" | "node";
interface Named {
  id?: string;
  name: string;
}
const keyOf: Record<Kind, (entity: Named) => string> = {
  workload: (entity) => entity.id ?? "",
  project: (entity) => entity.name,
  node: (entity) => entity.name,
};
const cacheKey: Record<Kind, string> = { workload: "workloads", project: "projects", node: "nodes" };

export class Live {
  private freshness: Freshness = { state: "connecting", lostAt: Date.now(), nextTry: 0, everLive: false };
  private listeners = new Set<() => void>();
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private lastId = "";
  private stopped = true;
  private pending: Record<Kind, Map<string, Named | null>> = {
    workload: new Map(),
    project: new Map(),
    node: new Map(),
  };
  private activity: ActivityEvent[] = [];
  private scheduled = false;
  // What came while a list was being read is newer than that list: it is laid over the answer.
  private sequence = 0;
  private recent: Record<Kind, Map<string, { at: number; entity: Named | null }>> = {
    workload: new Map(),
    project: new Map(),
    node: new Map(),
  };
  /** Ids of workloads whose row changed, with the time, for the short fade. */
  readonly changed = new Map<string, number>();

  constructor(private readonly cache: QueryClient) {}

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  read = () => this.freshness;

  start() {
    if (!this.stopped) return;
    this.stopped = false;
    document.addEventListener("visibilitychange", this.catchUp);
    window.addEventListener("online", this.tryNow);
    void this.connect();
  }

  stop() {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.catchUp);
    window.removeEventListener("online", this.tryNow);
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.abort?.abort();
    this.lastId = "";
    this.failures = 0;
    this.set({ state: "connecting", lostAt: Date.now(), nextTry: 0, everLive: false });
  }

  tryNow = () => {
    if (this.stopped || this.freshness.state === "live") return;
    this.abort?.abort();
    clearTimeout(this.timer);
    void this.connect();
  };

  /** Reads a list and lays over it what the stream said meanwhile. */
  async list<T extends Named>(kind: Kind, reading: Promise<T[]>): Promise<T[]> {
    const from = this.sequence;
    const items = await reading;
    const newer = [...this.recent[kind]].filter(([, entry]) => entry.at > from);
    return newer.length === 0
      ? items
      : merge(items, new Map(newer.map(([key, entry]) => [key, entry.entity])), keyOf[kind]);
  }

  private set(next: Partial<Freshness>) {
    this.freshness = { ...this.freshness, ...next };
    for (const listener of this.listeners) listener();
  }

  private async connect() {
    const abort = new AbortController();
    this.abort = abort;
    try {
      const from = this.lastId ? `?lastEventId=${encodeURIComponent(this.lastId)}` : "";
      const patience = setTimeout(() => abort.abort(), 10_000);
      const response = await request(`/api/muster/v1/events${from}`, {
        signal: abort.signal,
        headers: { Accept: "text/event-stream" },
      }).finally(() => clearTimeout(patience));
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser((event) => this.take(event));
      for (;;) {
        this.feedWatchdog(abort);
        const { done, value } = await reader.read();
        if (done) break;
        if (this.freshness.state !== "live") this.cameBack();
        parser.feed(value);
      }
    } catch {
      // Whatever ended it, the answer is the same: say so and try again.
    }
    clearTimeout(this.watchdog);
    if (this.stopped || this.abort !== abort) return;
    this.lose();
  }

  private feedWatchdog(abort: AbortController) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => abort.abort(), silence);
  }

  private cameBack() {
    const again = this.freshness.everLive;
    this.failures = 0;
    this.set({ state: "live", everLive: true });
    // After a gap the stream resumes, but what has no event of its own (describe, why, plan) is read anew.
    if (again) void this.cache.invalidateQueries();
  }

  private lose() {
    const wait = waits[Math.min(this.failures, waits.length - 1)]!;
    this.failures += 1;
    const now = Date.now();
    this.set({
      state: "lost",
      lostAt: this.freshness.state === "live" ? now : this.freshness.lostAt,
      nextTry: now + wait,
    });
    this.timer = setTimeout(() => void this.connect(), wait);
  }

  private take(event: StreamEvent) {
    if (event.id) this.lastId = event.id;
    if (event.type === "hello") return;
    if (event.type === "reset") {
      this.lastId = event.id;
      void this.cache.invalidateQueries();
      return;
    }
    let body: unknown;
    try {
      body = JSON.parse(event.data);
    } catch {
      return;
    }
    if (event.type === "activity") {
      this.activity.push(body as ActivityEvent);
      this.schedule();
      return;
    }
    const gone = event.type.endsWith("-gone");
    const kind = (gone ? event.type.slice(0, -5) : event.type) as Kind;
    if (!(kind in this.pending)) return;
    const entity = body as Named;
    const key = gone ? (kind === "workload" ? entity.id : (entity.name ?? entity.id)) : keyOf[kind](entity);
    if (!key) return;
    this.sequence += 1;
    const value = gone ? null : entity;
    this.pending[kind].set(key, value);
    const recent = this.recent[kind];
    recent.delete(key);
    recent.set(key, { at: this.sequence, entity: value });
    if (recent.size > 2000) recent.delete(recent.keys().next().value!);
    this.schedule();
  }

  private schedule() {
    if (this.scheduled || document.hidden) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private catchUp = () => {
    if (!document.hidden) this.flush();
  };

  private flush() {
    for (const kind of Object.keys(this.pending) as Kind[]) {
      const changes = this.pending[kind];
      if (changes.size === 0) continue;
      this.pending[kind] = new Map();
      if (kind === "workload") this.noteChanged(changes);
      this.cache.setQueryData<Named[]>([cacheKey[kind]], (old) => old && merge(old, changes, keyOf[kind]));
    }
    if (this.activity.length > 0) {
      const fresh = this.activity.reverse();
      this.activity = [];
      const ids = new Set(fresh.map((event) => event.id));
      this.cache.setQueryData<ActivityEvent[]>(
        ["activity"],
        (old) => old && [...fresh, ...old.filter((event) => !ids.has(event.id))].slice(0, 100),
      );
    }
  }

  private noteChanged(changes: Map<string, Named | null>) {
    const now = Date.now();
    const old = new Map((this.cache.getQueryData<Workload[]>(["workloads"]) ?? []).map((item) => [item.id, item]));
    for (const [id, entity] of changes) {
      if (entity && old.get(id)?.phase !== (entity as Workload).phase) this.changed.set(id, now);
      // A page that shows this workload reads its details anew.
      void this.cache.invalidateQueries({ queryKey: ["workload", id] });
    }
    for (const [id, at] of this.changed) if (now - at > 3000) this.changed.delete(id);
  }
}

/** The list with changes applied: unchanged items keep their identity, new ones stand in front. */
export function merge<T extends Named>(
  items: T[],
  changes: Map<string, Named | null>,
  key: (item: Named) => string,
): T[] {
  const left = new Map(changes);
  const out: T[] = [];
  for (const item of items) {
    const id = key(item);
    if (!left.has(id)) {
      out.push(item);
      continue;
    }
    const change = left.get(id);
    left.delete(id);
    if (change) out.push(change as T);
  }
  const fresh = [...left.values()].filter((entity) => entity !== null) as T[];
  return [...fresh, ...out];
}

export type LiveEntity = Workload | Project | Node;
