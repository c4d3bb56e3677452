// What submitting would mean: when and where it starts, who gives way, how the project stands afterwards, and what other
// sizes would mean. The old answer stays readable until the new one is there.
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { planQuery, useColours } from "../api/queries";
import type { Node, Plan, Project, Submission } from "../api/types";
import { Glyph } from "../marks/Glyph";
import { GpuRow } from "../marks/GpuRow";
import { colourOf } from "../marks/Hatch";
import { extent, ProjectBar } from "../marks/ProjectBar";
import { gpus, gpusOf, number, parseGpuRequest } from "../model/quantity";
import { check, type Draft, specOf, submissionOf } from "../model/submission";
import { say } from "../model/verdict";
import { useNarrow } from "../parts/useNarrow";
import { useSettled } from "../parts/useSettled";
import { sizesFor } from "./SizePicker";
import { ranges } from "./WorkloadSide";

/** What decides about the plan: not the name, nor the command itself. */
function bodyFor(draft: Draft, gpusAsked: string, projectId: string, clusterId: string): Submission | null {
  const planned: Draft = {
    ...draft,
    name: "",
    gpus: gpusAsked,
    command: "true",
    variables: [],
    folder: "",
    timeLimit: "",
  };
  if (!clusterId || Object.keys(check(planned)).length > 0) return null;
  return { ...submissionOf(planned, projectId, clusterId), spec: specOf(planned) };
}

export interface Planned {
  plan: Plan | undefined;
  error: Error | null;
  sentence: string;
  detail: string;
  stale: boolean;
}

export function displacedProjects(plan: Plan | undefined): { project: string; gpus: number; workloads: string[] }[] {
  const by = new Map<string, { project: string; gpus: number; workloads: string[] }>();
  for (const one of plan?.displaced ?? []) {
    const entry = by.get(one.project) ?? { project: one.project, gpus: 0, workloads: [] };
    entry.gpus += one.gpus;
    if (!entry.workloads.includes(one.workload)) entry.workloads.push(one.workload);
    by.set(one.project, entry);
  }
  return [...by.values()];
}

export function planSentence(plan: Plan | undefined, project: string): { sentence: string; detail: string } {
  if (!plan) return { sentence: "", detail: "" };
  const displaced = displacedProjects(plan);
  const where = plan.node ? ` on ${plan.node}` : "";
  if (displaced.length > 0) {
    const who = displaced.map((one) => `${gpus(one.gpus)} from ${one.project}`).join(" and ");
    return { sentence: `Starts in a moment${where}`, detail: `Takes back ${who}.` };
  }
  if (plan.startsNow) return { sentence: `Starts now${where}`, detail: "Nobody gives way." };
  if (plan.node) return { sentence: `Starts in a moment${where}`, detail: "Its GPUs are being freed." };
  if (plan.verdict?.reason) {
    const said = say(plan.verdict, project);
    return { sentence: `Waits: ${said.head.replace(/^[A-Z](?=[a-z ])/, (c) => c.toLowerCase())}`, detail: said.detail };
  }
  return { sentence: "Waits", detail: plan.verdict?.message ?? "" };
}

export function usePlan(draft: Draft, projectId: string, clusterId: string): Planned {
  const body = useMemo(() => bodyFor(draft, draft.gpus, projectId, clusterId), [draft, projectId, clusterId]);
  const settled = useSettled(body, 150);
  const query = useQuery({ ...planQuery(settled), placeholderData: keepPreviousData });
  const { sentence, detail } = planSentence(query.data, draft.project);
  return {
    plan: query.data,
    error: query.error,
    sentence,
    detail,
    stale: query.isPlaceholderData || JSON.stringify(settled) !== JSON.stringify(body),
  };
}

interface Props {
  draft: Draft;
  project: Project;
  plan: Planned;
  nodes: Node[];
  clusterId: string;
  onSize: (size: string) => void;
}

export function PlanSide({ draft, project, plan, nodes, clusterId, onSize }: Props) {
  const displaced = displacedProjects(plan.plan);
  const colours = useColours();
  const narrow = useNarrow();
  const width = narrow ? Math.min(408, window.innerWidth - 32) : 408;
  const parsed = parseGpuRequest(draft.gpus);
  const asked = parsed.ok ? gpusOf(parsed.request) : Number.NaN;
  return (
    <aside className="plan" aria-label="Plan" aria-busy={plan.stale} data-stale={plan.stale || undefined}>
      <div aria-live="polite">
        <h2>{plan.error ? "No plan" : plan.sentence || "The plan appears here"}</h2>
        <p className="plan-detail">
          {plan.error
            ? plan.error.message
            : plan.detail || "It says when and where this would start, and who would give way."}
        </p>
      </div>
      {plan.plan && (
        <>
          <PlannedNode plan={plan.plan} project={project.name} nodes={nodes} width={width} colours={colours} />
          {displaced.length > 0 && (
            <section>
              <h3>Who gives way</h3>
              {displaced.map((one) => (
                <div className="gives-way" key={one.project}>
                  <i className="square" style={{ background: colourOf(colours.get(one.project) ?? 12) }} />
                  <span>
                    {one.project} <span className="quiet">/ {one.workloads.join(", ")}</span>
                  </span>
                  <b className="num">−{gpus(one.gpus)}</b>
                </div>
              ))}
              <p className="quiet side-note">What gives way is queued again and starts anew when there is room.</p>
            </section>
          )}
        </>
      )}
      {!Number.isNaN(asked) && <Afterwards project={project} asked={asked} width={width} />}
      <Prices draft={draft} project={project} nodes={nodes} clusterId={clusterId} onSize={onSize} />
      <p className="quiet side-note">A plan, not a promise: it holds for this moment.</p>
    </aside>
  );
}

function PlannedNode({
  plan,
  project,
  nodes,
  width,
  colours,
}: {
  plan: Plan;
  project: string;
  nodes: Node[];
  width: number;
  colours: ReadonlyMap<string, number>;
}) {
  const name = plan.node;
  const node = nodes.find((n) => n.name === name);
  const planned = (plan.devices ?? []).filter((d) => !d.node || d.node === name).map((d) => d.index);
  if (!node || planned.length === 0) return null;
  const leaving = new Set((plan.displaced ?? []).map((one) => one.workload));
  const devices = node.devices.map((device) => ({
    ...device,
    holders: device.holders.map((holder) => ({
      ...holder,
      leaving: holder.leaving || (planned.includes(device.index) && leaving.has(holder.workload)),
    })),
    next: planned.includes(device.index) ? { workload: "this", workloadId: "planned", project } : device.next,
  }));
  const columns = Math.min(8, Math.max(2, devices.length));
  const rows: (typeof devices)[] = [];
  for (let i = 0; i < devices.length; i += columns) rows.push(devices.slice(i, i + columns));
  return (
    <section>
      <h3>
        {node.name} <span className="quiet">GPU {ranges(planned)}</span>
      </h3>
      <div className="where">
        {rows.map((row) => (
          <GpuRow
            key={row[0]!.uuid}
            node={node}
            devices={row}
            size="M"
            width={width}
            columns={columns}
            gap={3}
            height={30}
            colours={colours}
          />
        ))}
      </div>
    </section>
  );
}

function Afterwards({ project, asked, width }: { project: Project; asked: number; width: number }) {
  const share = { ...project.gpu, waiting: asked };
  const after = project.gpu.allocated + asked;
  const quota = project.gpu.quota;
  const text =
    project.gpu.limit !== null && after > project.gpu.limit
      ? `${number(after)} is more than the limit of ${number(project.gpu.limit)}.`
      : quota === null || after <= quota
        ? `${number(after)} of ${quota === null ? "an unlimited quota" : `quota ${number(quota)}`}: no other project can take it back.`
        : `${number(after)} of quota ${number(quota)}: ${number(after - quota)} over quota, which others may take back.`;
  return (
    <section>
      <h3>{project.name} afterwards</h3>
      <ProjectBar
        project={project.name}
        slot={project.color}
        share={share}
        unit={(width - 8) / Math.max(1, extent(share))}
        width={width}
      />
      <p className="quiet side-note">{text}</p>
    </section>
  );
}

/** For each size: when it would start and from whom. Pressing a row takes the size. */
function Prices({ draft, project, nodes, clusterId, onSize }: Omit<Props, "plan">) {
  const largest = Math.max(1, ...nodes.map((node) => node.devices.length));
  const sizes = useMemo(() => sizesFor(largest), [largest]);
  const bodies = useMemo(
    () => sizes.map((size) => bodyFor({ ...draft, command: "true" }, size, project.id, clusterId)),
    [sizes, draft, project.id, clusterId],
  );
  const settled = useSettled(bodies, 400);
  const plans = useQueries({
    queries: settled.map((body) => ({ ...planQuery(body), placeholderData: keepPreviousData })),
  });
  return (
    <section>
      <h3>What other sizes would mean</h3>
      <table className="prices">
        <thead>
          <tr>
            <th className="num">GPUs</th>
            <th>Start</th>
            <th className="num">Taken from</th>
          </tr>
        </thead>
        <tbody>
          {sizes.map((size, i) => {
            const plan = plans[i]?.data;
            const displaced = displacedProjects(plan);
            const now = plan?.startsNow === true && displaced.length === 0;
            const soon = displaced.length > 0 || (!!plan?.node && !now);
            return (
              <tr key={size} className={draft.gpus === size ? "chosen" : undefined}>
                <td className="num">{size}</td>
                <td>
                  <button type="button" onClick={() => onSize(size)}>
                    <span className="sr">Ask for {size}: </span>
                    {!plan ? (
                      <span className="none">–</span>
                    ) : now ? (
                      `Now${plan.node ? ` on ${plan.node}` : ""}`
                    ) : soon ? (
                      <>
                        <Glyph name="clock" tone="ink-2" /> In a moment{plan.node ? ` on ${plan.node}` : ""}
                      </>
                    ) : (
                      <>
                        <Glyph name="change" tone="warn" />{" "}
                        {plan.verdict?.reason ? shortReason(plan.verdict.reason) : "Waits"}
                      </>
                    )}
                  </button>
                </td>
                <td className="num quiet">
                  {!plan
                    ? ""
                    : displaced.length === 0
                      ? "nobody"
                      : displaced.map((one) => `${one.project} −${number(one.gpus)}`).join(", ")}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function shortReason(reason: string): string {
  switch (reason) {
    case "OverLimit":
      return "Over the limit";
    case "NonPreemptibleOverQuota":
      return "No firm quota left";
    case "InsufficientResources":
      return "No node has room";
    case "NoMatchingNode":
      return "No node matches";
    case "ReclaimNotAllowed":
      return "Over the fair share";
    case "VictimsInsufficient":
      return "Nothing gives way";
    default:
      return "Waits";
  }
}
