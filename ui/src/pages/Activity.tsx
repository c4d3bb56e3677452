// What happened lately: the newest events, said in a line each.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { activityQuery, nodesQuery, useColours, workloadsQuery } from "../api/queries";
import type { ActivityEvent, Workload } from "../api/types";
import { Glyph } from "../marks/Glyph";
import { colourOf } from "../marks/Hatch";
import { type Glyph as GlyphName, placements, type Tone } from "../model/phase";
import { at, clockTime, fullTime, took, when } from "../model/time";
import { Failed } from "../parts/bits";
import { useNow } from "../parts/clock";

export function eventLook(event: ActivityEvent): { glyph: GlyphName | "taken"; tone: Tone } {
  const reason = event.reason.toLowerCase();
  if (/^(pending|unschedulable|pipelined)/.test(reason)) return { glyph: "clock", tone: "ink-3" };
  if (reason === "creating") return { glyph: "creating", tone: "ink-3" };
  if (/evict|preempt|reclaim|taken/.test(reason)) return { glyph: "taken", tone: "ink-2" };
  if (/complet|succeed/.test(reason)) return { glyph: "done", tone: "ink-2" };
  if (/fail|oom|error|lost|crash/.test(reason)) return { glyph: "failed", tone: "bad" };
  if (/suspend|stop|drain|cordon/.test(reason)) return { glyph: "paused", tone: "ink-3" };
  if (/start|running|adopt/.test(reason)) return { glyph: "running", tone: "ink" };
  if (/bind|bound|schedul|init|resum|pull/.test(reason)) return { glyph: "starting", tone: "ink" };
  if (/delet|terminat|gone/.test(reason)) return { glyph: "leaving", tone: "ink-3" };
  return event.type === "Warning" ? { glyph: "change", tone: "warn" } : { glyph: "creating", tone: "ink-3" };
}

export const EventGlyph = ({ event }: { event: ActivityEvent }) => <HappenedGlyph look={eventLook(event)} />;

function HappenedGlyph({ look: { glyph, tone } }: { look: { glyph: GlyphName | "taken"; tone: Tone } }) {
  if (glyph !== "taken") return <Glyph name={glyph} tone={tone} />;
  return (
    <span className={`glyph tone-${tone}`}>
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <path
          d="M2.5 4.5h6a3 3 0 0 1 0 6H5.5M4.8 2 2.3 4.5 4.8 7"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.5"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
    </span>
  );
}

const most = 10;

export interface Happened {
  key: string;
  ms: number;
  look: { glyph: GlyphName | "taken"; tone: Tone };
  workload: Workload | undefined;
  name: string;
  text: string;
}

// What a phase says by itself, or what is said of a pod and its group alike, would only repeat the same fact.
const told = new Set(["unschedulable", "pipelined", "scheduled", "bound", "started", "completed", "created"]);

function phaseFact(workload: Workload, node: string): { text: string; look: Happened["look"] } | null {
  switch (workload.phase) {
    case "Running":
      return {
        text: `started${node ? ` on ${node}` : ""}${workload.overQuota ? ", over quota" : ""}`,
        look: { glyph: "running", tone: "ink" },
      };
    case "Completed": {
      const ran = workload.totalRunningTimeSeconds;
      return {
        text: ran == null ? "completed" : `completed after ${took(ran * 1000)}`,
        look: { glyph: "done", tone: "ink-2" },
      };
    }
    case "Failed":
      return {
        text:
          workload.exitCode == null ? workload.phaseMessage || "failed" : `failed with exit code ${workload.exitCode}`,
        look: { glyph: "failed", tone: "bad" },
      };
    case "Stopped":
      return { text: "was suspended", look: { glyph: "paused", tone: "ink-3" } };
    default:
      return null;
  }
}

/** The newest facts: what workloads became, and the events that are no phase, each said once. */
export function lately(
  events: ActivityEvent[],
  workloads: Workload[],
  places: Map<string, string[]>,
  limit: number,
): Happened[] {
  const byId = new Map(workloads.map((w) => [w.id, w]));
  const out: Happened[] = [];
  for (const w of workloads) {
    const ms = at(w.phaseUpdatedAt);
    const fact = phaseFact(w, places.get(w.id)?.join(", ") ?? "");
    if (ms !== null && fact) out.push({ key: `phase ${w.id}`, ms, workload: w, name: w.name, ...fact });
  }
  const seen = new Set<string>();
  for (const event of events) {
    if (told.has(event.reason.toLowerCase())) continue;
    const ms = at(event.at);
    if (ms === null) continue;
    const workload = event.workloadId ? byId.get(event.workloadId) : undefined;
    const once = `${event.workloadId ?? event.object?.name}|${event.reason}|${Math.floor(ms / 2000)}`;
    if (seen.has(once)) continue;
    seen.add(once);
    const name = workload?.name ?? event.object?.name ?? "";
    const text = stripName(event.message, name).split(", which ")[0]!.replaceAll('"', "");
    out.push({ key: event.id, ms, look: eventLook(event), workload, name, text: text || event.reason });
  }
  return out.sort((a, b) => b.ms - a.ms).slice(0, limit);
}

export function Activity() {
  const events = useQuery(activityQuery);
  const { data: workloads } = useQuery(workloadsQuery);
  const { data: nodes } = useQuery(nodesQuery);
  const now = useNow();
  const colours = useColours();
  const several = colours.size > 1;
  const list = useMemo(
    () => lately(events.data ?? [], workloads ?? [], placements(nodes ?? []), most),
    [events.data, workloads, nodes],
  );
  return (
    <section aria-labelledby="activity-title">
      <div className="side-head">
        <h2 id="activity-title">Lately</h2>
      </div>
      {events.error ? <Failed what="What happened" error={events.error} retry={() => void events.refetch()} /> : null}
      {events.data && list.length === 0 && <p className="quiet side-note">Nothing yet.</p>}
      <ul className="activity">
        {list.map((one) => (
          <li key={one.key}>
            <time dateTime={new Date(one.ms).toISOString()} title={fullTime(one.ms)}>
              {now - one.ms < 20 * 3_600_000 ? clockTime(one.ms) : when(one.ms, now).split(" ")[0]}
            </time>
            <HappenedGlyph look={one.look} />
            <span>
              {several && one.workload && (
                <i
                  className="square"
                  title={one.workload.projectName}
                  style={{ background: colourOf(colours.get(one.workload.projectName) ?? 12) }}
                />
              )}
              {one.workload ? (
                <Link
                  to="/p/$project/w/$workload"
                  params={{ project: one.workload.projectName, workload: one.workload.name }}
                >
                  {one.name}
                </Link>
              ) : (
                <b>{one.name}</b>
              )}{" "}
              {one.text}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The name stands in front of the message already. */
function stripName(message: string, name: string): string {
  const text = message.trim();
  for (const start of [`workload "${name}": `, `workload ${name}: `, `${name}: `, `${name} `]) {
    if (name && text.startsWith(start)) return text.slice(start.length);
  }
  return text;
}
