// What waits and why: workloads with one common cause stand together, with the smallest change that starts one of them
// as a button. What starts by itself stands apart, without one.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { meQuery, useChangeProject, useColours, whyQuery } from "../api/queries";
import type { Node, Project, Remedy, Workload } from "../api/types";
import { pointAt } from "../marks/dim";
import { Glyph } from "../marks/Glyph";
import type { BarShare } from "../marks/ProjectBar";
import { needsChange } from "../model/phase";
import { gpus, number } from "../model/quantity";
import { foldNames, offer, say } from "../model/verdict";
import { Button, ProjectTag } from "../parts/bits";
import { useBlocked } from "../shell/Page";

/** GPUs that a workload asks for, all its pods together. */
export function askOf(workload: Workload): number {
  return workload.workloadRequestedResources?.gpu?.request ?? workload.podsRequestedResources?.gpu?.request ?? 0;
}

export function askText(workload: Workload): string {
  if (workload.gpuRequestText && workload.gpuRequestText !== "0") return workload.gpuRequestText;
  const ask = askOf(workload);
  return ask > 0 ? number(ask) : "";
}

/** Each project with its share and what stands outside it: over quota by whole workloads, and waiting. */
export function projectShares(projects: Project[], workloads: Workload[]): { project: Project; share: BarShare }[] {
  const over = new Map<string, number>();
  const waiting = new Map<string, number>();
  for (const w of workloads) {
    if (w.phase === "Pending") waiting.set(w.projectName, (waiting.get(w.projectName) ?? 0) + askOf(w));
    else if (w.overQuota) over.set(w.projectName, (over.get(w.projectName) ?? 0) + (w.allocatedResources?.gpu ?? 0));
  }
  return projects.map((project) => ({
    project,
    share: {
      ...project.gpu,
      over: Math.max(
        over.get(project.name) ?? 0,
        project.gpu.allocated - (project.gpu.quota ?? Number.POSITIVE_INFINITY),
        0,
      ),
      waiting: waiting.get(project.name) ?? 0,
    },
  }));
}

export interface Group {
  key: string;
  project: string;
  projects: string[];
  members: Workload[];
  head: string;
  detail: string;
  gpus: number;
}

const nobodys = new Set(["InsufficientResources", "NoMatchingNode", "TopologyUnsatisfied"]);

/** Same project, same cause, same size: one entry. Oldest first inside, largest first among groups. */
export function groupWaiting(waiting: Workload[]): Group[] {
  const by = new Map<string, Workload[]>();
  for (const w of waiting) {
    // What no node has is nobody's quota: it holds for every project alike.
    const whose = nobodys.has(w.waiting?.reason ?? "") ? "" : w.projectName;
    const key = `${whose}|${w.waiting?.reason ?? ""}|${w.gpuRequestText ?? askOf(w)}`;
    const list = by.get(key);
    if (list) list.push(w);
    else by.set(key, [w]);
  }
  return [...by]
    .map(([key, members]) => {
      members.sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
      const first = members[0]!;
      const said = first.waiting ? say(first.waiting, first.projectName) : null;
      const each = askOf(first);
      const names = foldNames(members.map((m) => m.name));
      const used = first.waiting?.numbers?.allocated;
      const asks =
        members.length > 1 ? `${names} ask ${number(each)} each` : `${names} asks ${askText(first) || "no GPU"}`;
      return {
        key,
        project: first.projectName,
        projects: [...new Set(members.map((m) => m.projectName))],
        members,
        head: said?.head ?? "Waits for the first decision",
        detail: used === undefined || used === null ? asks : `${asks}; ${number(used)} in use`,
        gpus: each * members.length,
      };
    })
    .sort((a, b) => b.gpus - a.gpus || a.key.localeCompare(b.key));
}

interface Props {
  waiting: Workload[];
  projects: Project[];
  nodes: Node[];
  nominated: Map<string, string>;
}

const mostGroups = 6;

export function WaitingGroups({ waiting, projects, nominated }: Props) {
  const ids = useMemo(() => new Set(nominated.keys()), [nominated]);
  const needing = waiting.filter((w) => needsChange(w, ids));
  const starting = waiting.filter((w) => !needsChange(w, ids));
  const groups = useMemo(() => groupWaiting(needing), [needing]);
  const sum = (list: Workload[]) =>
    `${list.length} ${list.length === 1 ? "workload" : "workloads"}, ${gpus(list.reduce((s, w) => s + askOf(w), 0))}`;
  return (
    <>
      {needing.length > 0 && (
        <section aria-labelledby="needs-title">
          <div className="side-head">
            <h2 id="needs-title">Needs a change</h2>
            <span>{sum(needing)}</span>
          </div>
          {groups.slice(0, mostGroups).map((group) => (
            <GroupItem key={group.key} group={group} projects={projects} />
          ))}
          {groups.length > mostGroups && (
            <Link to="/workloads" search={{ phase: "pending" }} className="more-link">
              {groups.length - mostGroups} more causes
            </Link>
          )}
        </section>
      )}
      {starting.length > 0 && (
        <section aria-labelledby="starts-title">
          <div className="side-head">
            <h2 id="starts-title">Starts by itself</h2>
            <span>{sum(starting)}</span>
          </div>
          {starting.slice(0, mostGroups).map((w) => (
            <StartItem key={w.id} workload={w} node={nominated.get(w.id)} />
          ))}
          {starting.length > mostGroups && (
            <Link to="/workloads" search={{ phase: "pending" }} className="more-link">
              {starting.length - mostGroups} more
            </Link>
          )}
        </section>
      )}
      {waiting.length === 0 && (
        <section aria-labelledby="waits-title">
          <div className="side-head">
            <h2 id="waits-title">Waiting</h2>
            <span>nothing</span>
          </div>
          <p className="quiet side-note">
            Every workload that was asked for has its GPUs. What waits stands here, with what would start it.
          </p>
        </section>
      )}
    </>
  );
}

function GroupItem({ group, projects }: { group: Group; projects: Project[] }) {
  const first = group.members[0]!;
  const colours = useColours();
  const why = useQuery(whyQuery(first.id));
  const remedies = why.data?.remedy ?? [];
  // A group offers the smallest change to what its members have in common: the project, before a single workload.
  const best =
    group.members.length > 1 ? (remedies.find((r) => r.set.startsWith("queue/")) ?? remedies[0]) : remedies[0];
  return (
    <article
      className="waiting-item"
      onMouseEnter={() => group.projects.length === 1 && pointAt({ project: group.project })}
      onMouseLeave={() => pointAt(null)}
    >
      <Glyph name="change" tone="warn" word="Needs a change" />
      <div>
        <div className="waiting-head">
          <h3>
            <Link to="/p/$project/w/$workload" params={{ project: first.projectName, workload: first.name }}>
              {group.head}
            </Link>
          </h3>
          <span>{gpus(group.gpus)}</span>
        </div>
        <p className="waiting-who">
          <span className="squares">
            {group.projects.slice(0, 6).map((name) => (
              <i
                key={name}
                className="square"
                title={name}
                style={{ background: `var(--p${colours.get(name) ?? 12})` }}
              />
            ))}
          </span>
          <span>{group.detail}</span>
        </p>
        {best && <RemedyLine remedy={best} workload={first} projects={projects} count={group.members.length} />}
      </div>
    </article>
  );
}

export function currentOf(remedy: Remedy, projects: Project[]): number | null | undefined {
  const name = /^queue\/(.+?)(--.*)?$/.exec(remedy.set)?.[1];
  const project = projects.find((p) => p.name === name);
  if (!project) return undefined;
  return remedy.field === "gpu.limit"
    ? project.gpu.limit
    : remedy.field === "gpu.quota"
      ? project.gpu.quota
      : undefined;
}

/** Presses a remedy: a quota at once, a change to a workload through the form that shows its plan. */
export function useApply() {
  const change = useChangeProject();
  const navigate = useNavigate();
  return {
    apply: (remedy: Remedy, workload: Workload) => {
      const { deed } = offer(remedy);
      if (deed.kind === "project") change.mutate({ name: deed.project, change: deed.body });
      if (deed.kind === "copy") {
        const search: Record<string, string> = { from: `${workload.projectName}/${workload.name}`, replace: "1" };
        if (deed.change.gpus) search.gpus = deed.change.gpus;
        if (deed.change.preemptibility) search.preemptibility = deed.change.preemptibility;
        void navigate({ to: "/new", search });
      }
    },
    error: change.error,
    pending: change.isPending,
  };
}

function RemedyLine({
  remedy,
  workload,
  projects,
  count,
}: {
  remedy: Remedy;
  workload: Workload;
  projects: Project[];
  count: number;
}) {
  const { data: me } = useQuery(meQuery);
  const blocked = useBlocked();
  const { apply, error, pending } = useApply();
  const what = offer(remedy, currentOf(remedy, projects));
  const effect = count > 1 ? `1 of ${count} starts` : "starts it";
  if (what.deed.kind === "told" || (what.deed.kind === "project" && !me?.admin)) {
    return (
      <p className="remedy-line quiet">
        {what.deed.kind === "project" ? `Ask an administrator: ${what.title}` : what.title}; {effect}
      </p>
    );
  }
  return (
    <>
      <div className="remedy-line">
        <Button onClick={() => apply(remedy, workload)} blocked={blocked} disabled={pending}>
          {what.verb}
          {what.deed.kind === "copy" ? "…" : ""}
        </Button>
        <span>{effect}</span>
      </div>
      {error && (
        <p className="field-error" role="alert">
          {error.message}
        </p>
      )}
    </>
  );
}

function StartItem({ workload, node }: { workload: Workload; node: string | undefined }) {
  const colours = useColours();
  const said = workload.waiting?.reason ? say(workload.waiting, workload.projectName) : null;
  const head = node ? `Next on ${node}` : (said?.head ?? "Waits for the first decision");
  return (
    <article
      className="waiting-item"
      onMouseEnter={() => pointAt({ workload: workload.id })}
      onMouseLeave={() => pointAt(null)}
    >
      <Glyph name="clock" tone="ink-2" word="Starts by itself" />
      <div>
        <div className="waiting-head">
          <h3>
            <Link to="/p/$project/w/$workload" params={{ project: workload.projectName, workload: workload.name }}>
              {head}
            </Link>
          </h3>
          <span>{gpus(askOf(workload))}</span>
        </div>
        <p className="waiting-who">
          <i className="square" style={{ background: `var(--p${colours.get(workload.projectName) ?? 12})` }} />
          <span>
            {workload.name} {node ? "starts when what holds its GPUs has stopped" : "is about to be placed"}
          </span>
        </p>
      </div>
    </article>
  );
}

export { ProjectTag };
