// The quieter tabs of a workload: its pods, everything that happened to it, and what was asked for.
import { useMemo, useState } from "react";
import type { PastRun, Workload, WorkloadDetail, WorkloadPod } from "../api/types";
import { exitMeaning, phaseWord } from "../model/phase";
import { commandOf, draftOf } from "../model/submission";
import { at, clockSeconds, fullTime, took, when } from "../model/time";
import { CopyButton, Waiting } from "../parts/bits";
import { useNow } from "../parts/clock";
import { EventGlyph } from "./Activity";

export function PodsTab({ detail }: { detail: WorkloadDetail | undefined }) {
  if (!detail) return <Waiting of="the pods" />;
  const pods = detail.pods ?? [];
  const runs = detail.runs ?? [];
  if (pods.length === 0 && runs.length === 0)
    return <p className="empty-line">It has no pod yet. Pods are made when it is admitted.</p>;
  return (
    <>
      {pods.length > 0 && <PodTable pods={pods} />}
      {runs.length > 0 && <RunTable runs={runs} />}
    </>
  );
}

/** Runs whose pods are gone, newest first. */
function RunTable({ runs }: { runs: PastRun[] }) {
  const now = useNow();
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Earlier runs">
      <table className="table">
        <caption className="table-title">Earlier runs</caption>
        <thead>
          <tr>
            <th>Pod</th>
            <th>End</th>
            <th>GPUs</th>
            <th>Started</th>
            <th className="num">Ran</th>
            <th className="num">Exit code</th>
            <th>What happened</th>
          </tr>
        </thead>
        <tbody>
          {[...runs].reverse().map((run) => {
            const started = at(run.startedAt);
            const ended = at(run.completedAt);
            return (
              <tr key={run.uid}>
                <td className="name">{run.pod}</td>
                <td>{run.reason ?? <span className="none">–</span>}</td>
                <td>{run.gpus || <span className="none">–</span>}</td>
                <td title={started ? fullTime(started) : undefined}>{started ? when(started, now) : "–"}</td>
                <td className="num">{started && ended ? took(ended - started) : <span className="none">–</span>}</td>
                <td className="num" title={run.exitCode == null ? undefined : exitMeaning(run.exitCode)}>
                  {run.exitCode ?? <span className="none">–</span>}
                </td>
                <td className="quiet">{run.message}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function PodTable({ pods }: { pods: WorkloadPod[] }) {
  const now = useNow();
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Pods">
      <table className="table">
        <caption className="sr">Pods</caption>
        <thead>
          <tr>
            <th>Pod</th>
            <th>Phase</th>
            <th>Node</th>
            <th>GPUs</th>
            <th>Started</th>
            <th className="num">Ran</th>
            <th className="num">Restarts</th>
            <th className="num">Exit code</th>
            <th>Limits</th>
          </tr>
        </thead>
        <tbody>
          {pods.map((pod) => {
            const started = at(pod.startedAt);
            const ended = at(pod.completedAt);
            return (
              <tr key={pod.name}>
                <td className="name">{pod.name}</td>
                <td title={pod.message ?? undefined}>
                  {pod.phase}
                  {pod.reason ? <span className="quiet"> {pod.reason}</span> : null}
                </td>
                <td>{pod.node ?? <span className="none">–</span>}</td>
                <td>{pod.gpus || <span className="none">–</span>}</td>
                <td title={started ? fullTime(started) : undefined}>
                  {started ? when(started, now) : <span className="none">–</span>}
                </td>
                <td className="num">{started ? took((ended ?? now) - started) : <span className="none">–</span>}</td>
                <td className="num">{pod.restarts ?? 0}</td>
                <td className="num" title={pod.exitCode == null ? undefined : exitMeaning(pod.exitCode)}>
                  {pod.exitCode ?? <span className="none">–</span>}
                </td>
                <td className="quiet">{pod.limits ? `CPU ${pod.limits.cpu}, memory ${pod.limits.memory}` : ""}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

interface Happening {
  key: string;
  ms: number;
  type: string;
  reason: string;
  message: string;
  object: string;
}

/** Events and changes of phase as one list, newest first. */
export function happenings(detail: WorkloadDetail): Happening[] {
  const events = (detail.events ?? []).map((event) => ({
    key: event.id,
    ms: at(event.at) ?? 0,
    type: event.type,
    reason: event.reason,
    message: event.count && event.count > 1 ? `${event.message} (${event.count} times)` : event.message,
    object: event.object ? `${event.object.kind} ${event.object.name}` : "",
  }));
  const phases = (detail.timeline ?? []).map((entry, i) => ({
    key: `phase-${i}`,
    ms: at(entry.at) ?? 0,
    type: "Phase",
    reason: phaseWord(entry.phase),
    message: entry.message ?? "",
    object: "",
  }));
  return [...events, ...phases].sort((a, b) => b.ms - a.ms);
}

export function EventsTab({ detail }: { detail: WorkloadDetail | undefined }) {
  const now = useNow();
  const [text, setText] = useState("");
  const list = useMemo(() => (detail ? happenings(detail) : []), [detail]);
  if (!detail) return <Waiting of="the events" />;
  const needle = text.toLowerCase();
  const shown = list.filter((h) => !needle || `${h.reason} ${h.message} ${h.object}`.toLowerCase().includes(needle));
  return (
    <>
      <div className="tab-tools">
        <input
          className="input"
          aria-label="Filter events"
          placeholder="Filter"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="quiet">
          {shown.length} of {list.length}
        </span>
      </div>
      {shown.length === 0 ? (
        <p className="empty-line">{list.length === 0 ? "Nothing has happened yet." : `No event matches ${text}.`}</p>
      ) : (
        <table className="table events-table">
          <caption className="sr">Events and phases</caption>
          <thead>
            <tr>
              <th>Time</th>
              <th>What</th>
              <th>Message</th>
              <th>Object</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((h) => (
              <tr key={h.key}>
                <td className="quiet num-left" title={fullTime(h.ms)}>
                  {now - h.ms < 43_200_000 ? clockSeconds(h.ms) : when(h.ms, now)}
                </td>
                <td>
                  <EventGlyph event={{ id: h.key, at: "", type: h.type, reason: h.reason, message: "" }} /> {h.reason}
                </td>
                <td className="wrap">{h.message || <span className="none">–</span>}</td>
                <td className="quiet">{h.object}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

export function SpecTab({ workload, detail }: { workload: Workload; detail: WorkloadDetail | undefined }) {
  if (!detail?.spec) return <Waiting of="the specification" />;
  const command = commandOf(draftOf(workload.projectName, workload.name, detail.spec));
  const json = JSON.stringify(detail.spec, null, 2);
  return (
    <div className="spec">
      <section>
        <div className="section-head">
          <h2>As a command</h2>
          <span className="quiet">submits the same again, once this name is free</span>
          <CopyButton text={command.replace(/ \\\n\s+/g, " ")} />
        </div>
        <pre className="code-box">{command}</pre>
      </section>
      <section>
        <div className="section-head">
          <h2>As it was asked for</h2>
          <span className="quiet">the field spec of POST /api/v1/workloads/trainings</span>
          <CopyButton text={json} />
        </div>
        <pre className="code-box">{json}</pre>
      </section>
    </div>
  );
}
