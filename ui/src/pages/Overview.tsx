// Overview: what the GPUs do, whose they are, and what waits with the change that would start it.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { meQuery, nodesQuery, projectsQuery, useColours, workloadsQuery } from "../api/queries";
import type { Node, Project, Workload } from "../api/types";
import { pointAt } from "../marks/dim";
import { GpuGrid, GpuTable, heldOf } from "../marks/GpuGrid";
import { type BarShare, extent, ProjectBar } from "../marks/ProjectBar";
import { useWidth } from "../marks/useWidth";
import { needsChange, nominations } from "../model/phase";
import { gpus, number } from "../model/quantity";
import { took } from "../model/time";
import { Button, Commands, Failed, ProjectTag, Waiting } from "../parts/bits";
import { Page } from "../shell/Page";
import { Activity } from "./Activity";
import { LegendMark } from "./Legend";
import { projectShares, WaitingGroups } from "./waiting";

export function Overview() {
  const nodes = useQuery(nodesQuery);
  const projects = useQuery(projectsQuery);
  const workloads = useQuery(workloadsQuery);
  const ready = nodes.data && projects.data && workloads.data;
  return (
    <Page title="Overview" crumbs={[{ label: "Overview" }]} className="overview">
      <h1 className="sr">Overview</h1>
      {ready ? (
        workloads.data.length === 0 ? (
          <FirstStart nodes={nodes.data} projects={projects.data} />
        ) : (
          <Full nodes={nodes.data} projects={projects.data} workloads={workloads.data} />
        )
      ) : (
        <div className="section">
          {nodes.error ? <Failed what="The nodes" error={nodes.error} retry={() => void nodes.refetch()} /> : null}
          {projects.error ? (
            <Failed what="The projects" error={projects.error} retry={() => void projects.refetch()} />
          ) : null}
          {workloads.error ? (
            <Failed what="The workloads" error={workloads.error} retry={() => void workloads.refetch()} />
          ) : null}
          {!nodes.error && !projects.error && !workloads.error && (
            <Waiting of="nodes, projects and workloads" lines={6} />
          )}
        </div>
      )}
    </Page>
  );
}

interface Everything {
  nodes: Node[];
  projects: Project[];
  workloads: Workload[];
}

function Full({ nodes, projects, workloads }: Everything) {
  const nominated = useMemo(() => nominations(nodes), [nodes]);
  const waiting = useMemo(() => workloads.filter((w) => w.phase === "Pending"), [workloads]);
  const nominatedIds = useMemo(() => new Set(nominated.keys()), [nominated]);
  const needing = waiting.filter((w) => needsChange(w, nominatedIds));
  return (
    <>
      <Figures nodes={nodes} workloads={workloads} waiting={waiting.length} needing={needing.length} />
      <div className="two-columns">
        <div className="main-column">
          <GpuSection nodes={nodes} />
          <ProjectSection projects={projects} workloads={workloads} />
        </div>
        <aside className="side side-404" aria-label="What waits and what happened">
          <WaitingGroups waiting={waiting} projects={projects} nominated={nominated} nodes={nodes} />
          <Activity />
        </aside>
      </div>
    </>
  );
}

const isUsable = (node: Node) => node.ready && !node.unschedulable;

function Figures({
  nodes,
  workloads,
  waiting,
  needing,
}: {
  nodes: Node[];
  workloads: Workload[];
  waiting: number;
  needing: number;
}) {
  const held = nodes.reduce((sum, node) => sum + heldOf(node), 0);
  const usable = nodes.reduce(
    (sum, node) =>
      sum + node.devices.filter((d) => d.healthy !== false && (isUsable(node) || d.holders.length > 0)).length,
    0,
  );
  const block = Math.max(
    0,
    ...nodes
      .filter(isUsable)
      .map((node) => node.devices.filter((d) => d.holders.length === 0 && d.healthy !== false && !d.next).length),
  );
  const part = Math.max(
    0,
    ...nodes
      .filter(isUsable)
      .flatMap((node) =>
        node.devices
          .filter((d) => d.healthy !== false)
          .map((d) => 1 - d.holders.reduce((s, h) => s + h.milli, 0) / 1000),
      ),
  );
  const largest = block > 0 ? block : Math.round(part * 100) / 100;
  const measured = nodes.flatMap((node) => node.devices.filter((d) => d.holders.length > 0 && d.utilization != null));
  const busy = measured.length > 0 ? measured.reduce((s, d) => s + (d.utilization ?? 0), 0) / measured.length : null;
  const waits = waitsToday(workloads);
  return (
    <div className="figures">
      <Figure
        value={number(held)}
        unit={`of ${gpus(usable)}`}
        note={`in use, ${number(Math.max(0, usable - held))} idle`}
      />
      <Figure value={number(largest)} unit={largest > 0 && largest <= 1 ? "GPU" : "GPUs"} note="largest free block" />
      <Figure
        value={String(waiting)}
        unit="waiting"
        note={
          waiting === 0 ? (
            "nothing is held up"
          ) : (
            <>
              {needing > 0 && <b className="warn">{needing === 1 ? "1 needs a change" : `${needing} need a change`}</b>}
              {needing > 0 && waiting > needing && ", "}
              {waiting > needing && `${waiting - needing} will start`}
            </>
          )
        }
      />
      {waits ? (
        <Figure value={waits.median.value} unit={waits.median.unit} note={`median wait, p95 ${waits.p95}`} />
      ) : (
        <Figure value="–" unit="" note="median wait: nothing started yet" />
      )}
      {busy !== null && <Figure value={String(Math.round(busy))} unit="%" note="busy, of GPUs in use" />}
    </div>
  );
}

function Figure({ value, unit, note }: { value: string; unit: string; note: React.ReactNode }) {
  return (
    <div className="figure">
      <div>
        <b>{value}</b> <span>{unit}</span>
      </div>
      <p>{note}</p>
    </div>
  );
}

/** How long those that started had waited. */
function waitsToday(workloads: Workload[]) {
  const started = workloads
    .filter(
      (w) =>
        w.totalPendingTimeSeconds != null &&
        ((w.totalRunningTimeSeconds ?? 0) > 0 || w.phase === "Running" || w.phase === "Completed"),
    )
    .map((w) => w.totalPendingTimeSeconds!)
    .sort((a, b) => a - b);
  if (started.length === 0) return null;
  const pick = (q: number) => started[Math.min(started.length - 1, Math.floor(q * started.length))]! * 1000;
  const [value, ...unit] = took(Math.max(1000, pick(0.5))).split(" ");
  return { median: { value: value!, unit: unit.join(" ") }, p95: took(Math.max(1000, pick(0.95))) };
}

function GpuSection({ nodes }: { nodes: Node[] }) {
  const colours = useColours();
  const [table, setTable] = useState(false);
  const devices = nodes.reduce((s, n) => s + n.devices.length, 0);
  const draining = nodes
    .filter((n) => !isUsable(n))
    .reduce((s, n) => s + n.devices.filter((d) => d.holders.length === 0).length, 0);
  const failed = nodes.reduce((s, n) => s + n.devices.filter((d) => d.healthy === false).length, 0);
  const notes = [draining ? `${draining} draining` : "", failed ? `${failed} failed` : ""].filter(Boolean).join(", ");
  const withGpus = nodes.filter((n) => n.devices.length > 0).length;
  return (
    <section className="section" aria-labelledby="gpus-title">
      <div className="section-head">
        <h2 id="gpus-title">GPUs</h2>
        <span className="quiet">
          {withGpus} {withGpus === 1 ? "node" : "nodes"}, {devices} {devices === 1 ? "device" : "devices"}
          {notes ? `: ${notes}` : ""}
        </span>
        <div className="legend-row">
          <LegendMark kind="held" /> in quota
          <LegendMark kind="over" /> over quota
          <LegendMark kind="idle" /> idle
          {nodes.some((n) => n.devices.some((d) => d.utilization != null)) && (
            <>
              <LegendMark kind="busy" /> busy
            </>
          )}
        </div>
        <button type="button" className="text-button" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? "Show as cells" : "Show as table"}
        </button>
      </div>
      {devices === 0 ? (
        <p className="quiet">No node has a GPU. Workloads without GPUs run.</p>
      ) : table ? (
        <GpuTable nodes={nodes} />
      ) : (
        <GpuGrid nodes={nodes} colours={colours} />
      )}
    </section>
  );
}

function ProjectSection({ projects, workloads }: { projects: Project[]; workloads: Workload[] }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const shares = useMemo(() => projectShares(projects, workloads), [projects, workloads]);
  const narrow = width < 560;
  const room = narrow ? width : Math.max(120, width - 112 - 4 * 58 - 24);
  const longest = Math.max(1, ...shares.map(({ share }) => extent(share)));
  const unit = (room - 6) / longest;
  return (
    <section className="section" aria-labelledby="projects-title">
      <div className="section-head">
        <h2 id="projects-title">Projects</h2>
        <div className="legend-row">
          <LegendMark kind="quota" /> quota
          <LegendMark kind="share" /> fair share
          <LegendMark kind="limit" /> limit
          <LegendMark kind="waiting" /> waiting
        </div>
      </div>
      <div ref={ref}>
        <table className="project-table">
          <thead>
            <tr>
              <th scope="col">Project</th>
              <th scope="col">
                <span className="sr">Use</span>
              </th>
              <th scope="col" className="num">
                In use
              </th>
              <th scope="col" className="num">
                Quota
              </th>
              <th scope="col" className="num">
                Share
              </th>
              <th scope="col" className="num">
                Waiting
              </th>
            </tr>
          </thead>
          <tbody>
            {shares.map(({ project, share }) => (
              <ProjectRow key={project.name} project={project} share={share} unit={unit} room={room} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function ProjectRow({ project, share, unit, room }: { project: Project; share: BarShare; unit: number; room: number }) {
  return (
    <tr onMouseEnter={() => pointAt({ project: project.name })} onMouseLeave={() => pointAt(null)}>
      <th scope="row">
        <Link
          to="/workloads"
          search={{ project: project.name }}
          onFocus={() => pointAt({ project: project.name })}
          onBlur={() => pointAt(null)}
        >
          <ProjectTag name={project.name} slot={project.color} />
        </Link>
      </th>
      <td>
        {room > 0 && <ProjectBar project={project.name} slot={project.color} share={share} unit={unit} width={room} />}
      </td>
      <td className="num strong">{number(share.allocated)}</td>
      <td className="num">{share.quota === null ? "∞" : number(share.quota)}</td>
      <td className="num">{number(share.fairShare)}</td>
      <td className="num">{share.waiting ? number(share.waiting) : "–"}</td>
      <td className="narrow-sum">
        {number(share.allocated)} of {share.quota === null ? "unlimited" : number(share.quota)}
        {share.waiting ? `, ${number(share.waiting)} waiting` : ""}
      </td>
    </tr>
  );
}

function FirstStart({ nodes, projects }: { nodes: Node[]; projects: Project[] }) {
  const colours = useColours();
  const navigate = useNavigate();
  const { data: me } = useQuery(meQuery);
  const devices = nodes.reduce((s, n) => s + n.devices.length, 0);
  const project = projects.find((p) => p.name === "default") ?? projects[0];
  const quota = project?.gpu.quota ?? null;
  const may =
    !project || devices === 0
      ? ""
      : quota === null || quota >= devices
        ? ` Project ${project.name} may use ${devices === 1 ? "it" : devices === 2 ? "both" : "all of them"}.`
        : ` Project ${project.name} has a quota of ${gpus(quota)}.`;
  if (!project) {
    return (
      <div className="first-start">
        <h2>No project yet</h2>
        <p>Nobody has given {me?.name ?? "you"} a project. Whoever administers this machine can:</p>
        <Commands
          rows={[{ what: "Ask for this", command: `muster project set default --member ${me?.name ?? "YOU"}` }]}
        />
      </div>
    );
  }
  return (
    <div className="first-start">
      <h2>Nothing runs yet</h2>
      <p>
        {devices === 0 ? "This machine has no GPU." : devices === 1 ? "1 GPU is idle." : `${devices} GPUs are idle.`}
        {may}
      </p>
      {devices > 0 && <GpuGrid nodes={nodes} colours={colours} bare={nodes.length === 1} />}
      <h3>Run something</h3>
      <Commands
        rows={[
          { what: "Half a GPU, output here", command: "muster submit -g 0.5 -- sh -c 'echo hello; env | grep MUSTER'" },
          { what: "A second team", command: "muster project create vision --quota 1" },
          { what: "In the background", command: "muster submit -p vision -g 1 --detach -- python3 train.py" },
          { what: "Why does it wait?", command: "muster why train-1" },
        ]}
      />
      <div className="row-of-buttons">
        <Button look="primary" icon="plus" onClick={() => void navigate({ to: "/new" })}>
          New workload
        </Button>
        <Button onClick={() => void navigate({ to: "/projects", search: { new: "1" } })}>New project</Button>
      </div>
    </div>
  );
}
