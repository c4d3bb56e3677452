// What happened lately: the newest events, said in a line each.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { activityQuery, workloadsQuery } from "../api/queries";
import type { ActivityEvent, Workload } from "../api/types";
import { Glyph } from "../marks/Glyph";
import type { Glyph as GlyphName, Tone } from "../model/phase";
import { at, clockTime, fullTime, when } from "../model/time";
import { Failed } from "../parts/bits";
import { useNow } from "../parts/clock";

export function eventLook(event: ActivityEvent): { glyph: GlyphName | "taken"; tone: Tone } {
  const reason = event.reason.toLowerCase();
  if (/evict|preempt|reclaim|taken/.test(reason)) return { glyph: "taken", tone: "ink-2" };
  if (/complet|succeed/.test(reason)) return { glyph: "done", tone: "ink-2" };
  if (/fail|oom|error|lost|crash/.test(reason)) return { glyph: "failed", tone: "bad" };
  if (/suspend|stop|drain|cordon/.test(reason)) return { glyph: "paused", tone: "ink-3" };
  if (/start|running|adopt/.test(reason)) return { glyph: "running", tone: "ink" };
  if (/bind|bound|schedul|init|resum|pull/.test(reason)) return { glyph: "starting", tone: "ink" };
  if (/delet|terminat|gone/.test(reason)) return { glyph: "leaving", tone: "ink-3" };
  return event.type === "Warning" ? { glyph: "change", tone: "warn" } : { glyph: "creating", tone: "ink-3" };
}

export function EventGlyph({ event }: { event: ActivityEvent }) {
  const { glyph, tone } = eventLook(event);
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

export function Activity() {
  const events = useQuery(activityQuery);
  const { data: workloads } = useQuery(workloadsQuery);
  const now = useNow();
  const byId = useMemo(() => new Map((workloads ?? []).map((w) => [w.id, w])), [workloads]);
  const list = (events.data ?? []).slice(0, most);
  return (
    <section aria-labelledby="activity-title">
      <div className="side-head">
        <h2 id="activity-title">Lately</h2>
      </div>
      {events.error ? <Failed what="What happened" error={events.error} retry={() => void events.refetch()} /> : null}
      {events.data && list.length === 0 && <p className="quiet side-note">Nothing yet.</p>}
      <ul className="activity">
        {list.map((event) => (
          <ActivityRow
            key={event.id}
            event={event}
            workload={event.workloadId ? byId.get(event.workloadId) : undefined}
            now={now}
          />
        ))}
      </ul>
    </section>
  );
}

function ActivityRow({ event, workload, now }: { event: ActivityEvent; workload: Workload | undefined; now: number }) {
  const ms = at(event.at) ?? now;
  const name = workload?.name ?? event.object?.name ?? "";
  const message = stripName(event.message, name) || event.reason;
  return (
    <li>
      <time dateTime={event.at} title={fullTime(ms)}>
        {now - ms < 20 * 3_600_000 ? clockTime(ms) : when(ms, now).split(" ")[0]}
      </time>
      <EventGlyph event={event} />
      <span title={`${event.reason}: ${event.message}`}>
        {name &&
          (workload ? (
            <Link to="/p/$project/w/$workload" params={{ project: workload.projectName, workload: workload.name }}>
              {name}
            </Link>
          ) : (
            <b>{name}</b>
          ))}{" "}
        {message}
        {event.count && event.count > 1 ? <span className="quiet"> × {event.count}</span> : null}
      </span>
    </li>
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
