// The facts of a workload beside its page, and where it runs drawn to scale among its neighbours.
import { Link } from "@tanstack/react-router";
import { useColours } from "../api/queries";
import type { Node, Workload, WorkloadDetail } from "../api/types";
import { Glyph } from "../marks/Glyph";
import { GpuRow } from "../marks/GpuRow";
import { gpus, number } from "../model/quantity";
import { at, fullTime, span, when } from "../model/time";
import { foldNames } from "../model/verdict";
import { useNow } from "../parts/clock";
import { askText } from "./waiting";

interface Props {
  workload: Workload;
  detail: WorkloadDetail | undefined;
  nodes: Node[];
  all: Workload[];
}

/** "0–3" of 0,1,2,3; "1, 4–5" of 1,4,5. */
export function ranges(numbers: number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const out: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (j + 1 < sorted.length && sorted[j + 1] === sorted[j]! + 1) j++;
    out.push(j > i ? `${sorted[i]}–${sorted[j]}` : String(sorted[i]));
    i = j + 1;
  }
  return out.join(", ");
}

function heldOn(node: Node, id: string): number[] {
  return node.devices
    .filter((device) => device.holders.some((holder) => holder.workloadId === id))
    .map((device) => device.index);
}

const enforcement: Record<string, string> = {
  none: "none: a share is a promise between users",
  muster: "by Muster",
  driver: "by the driver",
  mig: "by MIG",
};

export function WorkloadSide({ workload, detail, nodes, all }: Props) {
  const now = useNow();
  const spec = detail?.spec;
  const compute = spec?.compute;
  const on = nodes.filter((node) => heldOn(node, workload.id).length > 0);
  const created = at(workload.createdAt);
  const asks = askText(workload);
  const pods = workload.requestedPods?.number ?? 1;
  const limits = detail?.limits;
  const shared = /[.x]|[KMGT]i?$/.test(asks) && !/^\d+$/.test(asks);
  const rows: [string, React.ReactNode][] = [];
  const add = (name: string, value: React.ReactNode) => {
    if (value !== null && value !== undefined && value !== "") rows.push([name, value]);
  };
  if (on.length > 0) {
    add("GPUs", `${asks} on ${on.map((node) => `${node.name}, ${ranges(heldOn(node, workload.id))}`).join("; ")}`);
    add(
      "Enforcement",
      shared
        ? (enforcement[detail?.gpuEnforcement ?? "none"] ?? detail?.gpuEnforcement)
        : `whole devices, ${detail?.devices ?? "advisory"}`,
    );
  } else
    add(
      "Asks",
      (pods > 1 ? `${pods} pods of ` : "") +
        (asks ? `${asks} ${/[a-z]/i.test(asks) ? "of GPUs" : Number(asks) > 1 ? "GPUs" : "GPU"}` : "no GPU"),
    );
  const asksCpu = (compute?.cpuCoreRequest ?? 0) > 0;
  const asksMemory = !!compute?.cpuMemoryRequest && compute.cpuMemoryRequest !== "0";
  const ran = detail?.pods?.some((pod) => pod.startedAt);
  if (asksCpu || asksMemory) {
    const parts = [
      asksCpu ? `${number(compute?.cpuCoreRequest)} cores` : "",
      asksMemory ? compute?.cpuMemoryRequest : "",
    ].filter(Boolean);
    const open = limits?.cpu === "not enforced" || limits?.memory === "not enforced";
    add(
      "CPU, memory",
      <>
        {parts.join(", ")} {limits && ran && <span className="quiet">{open ? "not enforced" : "enforced"}</span>}
      </>,
    );
  }
  const priority = workload.priorityClassName ?? "";
  add(
    "Priority",
    `${priority}${workload.preemptible === null || workload.preemptible === undefined ? "" : `${priority ? ", " : ""}${workload.preemptible ? "preemptible" : "not preemptible"}`}`,
  );
  add(
    "Restarts",
    spec?.backoffLimit == null ? String(workload.restarts ?? 0) : `${workload.restarts ?? 0} of ${spec.backoffLimit}`,
  );
  if (created) {
    add(
      "Submitted",
      <span title={fullTime(created)}>
        {when(created, now)}
        {workload.submittedBy ? ` by ${workload.submittedBy}` : ""}
      </span>,
    );
  }
  add("Exit code", workload.exitCode == null ? null : workload.exitCode);
  add("Folder", spec?.workingDir);
  add("Command", <code>{[workload.command, workload.arguments].filter(Boolean).join(" ")}</code>);
  const siblings = all.filter(
    (w) =>
      w.id !== workload.id &&
      w.projectName === workload.projectName &&
      workload.phase === "Pending" &&
      w.phase === "Pending" &&
      w.waiting?.reason === workload.waiting?.reason,
  );
  return (
    <>
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {on.map((node) => (
        <Where key={node.name} node={node} workload={workload} />
      ))}
      {siblings.length > 0 && (
        <section>
          <h2>Same project</h2>
          <p className="quiet side-note">
            <Link to="/workloads" search={{ project: workload.projectName, phase: "pending" }} className="plain-link">
              {foldNames(siblings.map((w) => w.name))}
            </Link>{" "}
            {siblings.length === 1 ? "waits" : "wait"} for the same reason.
          </p>
        </section>
      )}
      {(detail?.pods?.length ?? 0) > 1 && <Pods detail={detail!} now={now} />}
    </>
  );
}

function Where({ node, workload }: { node: Node; workload: Workload }) {
  const colours = useColours();
  const width = 272;
  const held = heldOn(node, workload.id);
  const columns = Math.min(8, Math.max(node.devices.length, 2));
  const rows: Node["devices"][] = [];
  for (let i = 0; i < node.devices.length; i += columns) rows.push(node.devices.slice(i, i + columns));
  return (
    <section>
      <h2>On {node.name}</h2>
      <div className="where">
        {rows.map((devices) => (
          <GpuRow
            key={devices[0]!.uuid}
            node={node}
            devices={devices}
            size="M"
            width={width}
            columns={columns}
            gap={3}
            height={22}
            colours={colours}
            only={workload.id}
            labels={false}
          />
        ))}
      </div>
      <p className="quiet side-note">
        {held.length === 1 ? "GPU" : "GPUs"} {ranges(held)}
        {node.simulated ? ", simulated" : ""}.
      </p>
    </section>
  );
}

function Pods({ detail, now }: { detail: WorkloadDetail; now: number }) {
  return (
    <section>
      <h2>Pods</h2>
      <ul className="side-pods">
        {detail.pods!.slice(0, 12).map((pod) => {
          const started = at(pod.startedAt);
          return (
            <li key={pod.name}>
              <Glyph
                name={pod.phase === "Running" ? "running" : pod.phase === "Failed" ? "failed" : "creating"}
                tone={pod.phase === "Failed" ? "bad" : "ink"}
                word={pod.phase}
              />
              <span className="cut">{pod.name}</span>
              <span className="quiet">{started ? span((at(pod.completedAt) ?? now) - started) : pod.phase}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export { gpus };
