// One workload: its life on a bar, why it waits or what it holds, its output, pods, events, and the same as a command.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";
import { detailQuery, nodesQuery, projectsQuery, useAct, workloadsQuery } from "../api/queries";
import type { Workload, WorkloadDetail } from "../api/types";
import { Glyph } from "../marks/Glyph";
import { colourOf } from "../marks/Hatch";
import { PhaseBar } from "../marks/PhaseBar";
import { order, readQuery } from "../model/filter";
import {
  canDelete,
  canResume,
  canSuspend,
  isFinal,
  look,
  needsChange,
  nominations,
  phaseWord,
  placements,
} from "../model/phase";
import { Button, Commands, Failed, Waiting } from "../parts/bits";
import { useNow } from "../parts/clock";
import { useKeys } from "../parts/keys";
import { type Crumb, Page, useBlocked } from "../shell/Page";
import { usePageDeeds } from "../shell/palette-state";
import { Logs } from "./Logs";
import { Outcome } from "./Outcome";
import { WhyPanel } from "./WhyPanel";
import { WorkloadSide } from "./WorkloadSide";
import { EventsTab, PodsTab, SpecTab } from "./WorkloadTabs";
import "./workload.css";

const ConfirmDelete = lazy(() => import("./ConfirmDelete").then((module) => ({ default: module.ConfirmDelete })));

type Tab = "now" | "logs" | "pods" | "events" | "spec";
const tabs: Tab[] = ["now", "logs", "pods", "events", "spec"];

export function WorkloadPage() {
  const params = useParams({ strict: false }) as { project: string; workload: string; tab?: string };
  const all = useQuery(workloadsQuery);
  const { data: projects } = useQuery(projectsQuery);
  const workload = all.data?.find((w) => w.projectName === params.project && w.name === params.workload);
  const slot = projects?.find((p) => p.name === params.project)?.color ?? 12;
  const crumbs: Crumb[] = [
    { label: "Workloads", to: "/workloads" },
    {
      label: (
        <>
          <i className="square crumb-square" style={{ background: colourOf(slot) }} />
          <span className="crumb-project">{params.project}</span>
        </>
      ),
      to: "/workloads",
      search: { project: params.project },
    },
    { label: params.workload },
  ];
  return (
    <Page title={params.workload} crumbs={crumbs} className="workload">
      {workload ? (
        <Shown
          key={workload.id}
          workload={workload}
          tab={(tabs as string[]).includes(params.tab ?? "") ? (params.tab as Tab) : "now"}
        />
      ) : all.data ? (
        <Gone project={params.project} name={params.workload} />
      ) : (
        <div className="section">
          {all.error ? (
            <Failed what="The workload" error={all.error} retry={() => void all.refetch()} />
          ) : (
            <Waiting of="the workload" />
          )}
        </div>
      )}
    </Page>
  );
}

function Gone({ project, name }: { project: string; name: string }) {
  return (
    <div className="first-start">
      <h2>
        No workload {name} in project {project}
      </h2>
      <p>It was deleted, or it was never there.</p>
      <Commands rows={[{ what: "All of the project", command: `muster list -p ${project}` }]} />
      <p className="row-of-buttons">
        <Link to="/workloads" search={{ project }} className="button plain">
          Workloads of {project}
        </Link>
      </p>
    </div>
  );
}

function Shown({ workload, tab }: { workload: Workload; tab: Tab }) {
  const detail = useQuery(detailQuery(workload.id));
  const { data: nodes } = useQuery(nodesQuery);
  const { data: projects } = useQuery(projectsQuery);
  const { data: all } = useQuery(workloadsQuery);
  const navigate = useNavigate();
  const blocked = useBlocked();
  const now = useNow();
  const deeds = useAct();
  const [deleting, setDeleting] = useState(false);
  const nominated = useMemo(() => nominations(nodes ?? []), [nodes]);
  const places = useMemo(() => placements(nodes ?? []), [nodes]);
  const next = nominated.get(workload.id);
  const needs = needsChange(workload) && !next;
  const { glyph, tone } = look(workload.phase, needs);
  const word = phaseWord(workload.phase);
  const node = (places.get(workload.id) ?? []).join(", ");
  const base = `/p/${workload.projectName}/w/${workload.name}`;
  const go = (to: Tab) => void navigate({ to: to === "now" ? base : `${base}/${to}`, replace: true });
  const edit = () => void navigate({ to: "/new", search: { from: `${workload.projectName}/${workload.name}` } });
  const neighbour = (by: number) => {
    const list = order(all ?? [], readQuery({}), new Set(nominated.keys()), () => "");
    const at = list.findIndex((w) => w.id === workload.id);
    const to = list[at + by];
    if (to) void navigate({ to: `/p/${to.projectName}/w/${to.name}` });
  };
  const suspend = () => deeds.mutate({ workload, deed: "suspend" });
  const resume = () => deeds.mutate({ workload, deed: "resume" });
  useKeys({
    s: () => !blocked && canSuspend(workload.phase) && suspend(),
    r: () => !blocked && canResume(workload.phase) && resume(),
    Delete: () => !blocked && setDeleting(true),
    w: () => go("now"),
    l: () => go("logs"),
    "[": () => neighbour(-1),
    "]": () => neighbour(1),
    Escape: () => void navigate({ to: "/workloads" }),
  });
  usePageDeeds([
    ...(canSuspend(workload.phase)
      ? [{ label: `Suspend ${workload.name}`, icon: "pause" as const, run: suspend }]
      : []),
    ...(canResume(workload.phase) ? [{ label: `Resume ${workload.name}`, icon: "play" as const, run: resume }] : []),
    { label: `Copy and edit ${workload.name}`, icon: "copy", run: edit },
    { label: `Delete ${workload.name}…`, icon: "trash", run: () => setDeleting(true) },
    ...tabs.slice(1).map((to) => ({ label: `Show ${to}`, icon: "workloads" as const, run: () => go(to) })),
  ]);
  const counts: Partial<Record<Tab, number>> = {
    pods: detail.data?.pods?.length,
    events: detail.data && (detail.data.events?.length ?? 0) + (detail.data.timeline?.length ?? 0),
  };
  return (
    <>
      <header className="object-head">
        <Glyph name={glyph} tone={tone} />
        <h1>{workload.name}</h1>
        <span className="object-phase">{word}</span>
        <div className="object-deeds">
          {canResume(workload.phase) ? (
            <Button blocked={blocked} disabled={deeds.isPending} onClick={resume}>
              Resume
            </Button>
          ) : (
            <Button
              blocked={
                blocked ??
                (canSuspend(workload.phase) ? null : `It is ${workload.phase.toLowerCase()}: nothing to suspend`)
              }
              disabled={deeds.isPending}
              onClick={suspend}
            >
              Suspend
            </Button>
          )}
          <Button onClick={edit}>Copy and edit</Button>
          <Button
            look="bad"
            blocked={blocked ?? (canDelete(workload.phase) ? null : "It is being deleted")}
            onClick={() => setDeleting(true)}
          >
            Delete…
          </Button>
        </div>
        {deeds.error && (
          <p className="field-error" role="alert">
            {deeds.error.message}
          </p>
        )}
      </header>
      <div className="object-bar">
        {detail.data?.timeline ? (
          <PhaseBar timeline={detail.data.timeline} now={now} needs={needs} node={node} />
        ) : (
          <div className="phase-bar-room" />
        )}
      </div>
      <div className="tabs" role="tablist" aria-label="Of this workload">
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={tab === name}
            aria-controls="tab-panel"
            tabIndex={tab === name ? 0 : -1}
            onClick={() => go(name)}
            onKeyDown={(event) => {
              const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
              if (by === 0) return;
              event.preventDefault();
              event.stopPropagation();
              const to = tabs[(tabs.indexOf(name) + by + tabs.length) % tabs.length]!;
              go(to);
              document.getElementById(`tab-${to}`)?.focus();
            }}
          >
            {name[0]!.toUpperCase() + name.slice(1)}
            {counts[name] !== undefined && <span> {counts[name]}</span>}
          </button>
        ))}
      </div>
      <div id="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} className="tab-panel">
        {tab === "logs" ? (
          <TheLogs workload={workload} detail={detail.data} tall />
        ) : (
          <div className="two-columns">
            <div className="main-column object-main">
              {detail.error ? (
                <Failed what="The details" error={detail.error} retry={() => void detail.refetch()} />
              ) : null}
              {tab === "now" && (
                <>
                  {workload.phase === "Pending" ? (
                    <WhyPanel
                      workload={workload}
                      project={projects?.find((p) => p.name === workload.projectName)}
                      projects={projects ?? []}
                      needs={needs}
                      next={next}
                    />
                  ) : (
                    <Outcome workload={workload} detail={detail.data} node={node} />
                  )}
                  <TheLogs workload={workload} detail={detail.data} />
                </>
              )}
              {tab === "pods" && <PodsTab detail={detail.data} />}
              {tab === "events" && <EventsTab detail={detail.data} />}
              {tab === "spec" && <SpecTab workload={workload} detail={detail.data} />}
            </div>
            <aside className="side side-320" aria-label="Facts">
              <WorkloadSide workload={workload} detail={detail.data} nodes={nodes ?? []} all={all ?? []} />
            </aside>
          </div>
        )}
      </div>
      {deleting && (
        <Suspense fallback={null}>
          <ConfirmDelete
            workloads={[workload]}
            onClose={() => setDeleting(false)}
            onDelete={() => {
              setDeleting(false);
              deeds.mutate({ workload, deed: "delete" }, { onSuccess: () => void navigate({ to: "/workloads" }) });
            }}
          />
        </Suspense>
      )}
    </>
  );
}

function TheLogs({
  workload,
  detail,
  tall,
}: {
  workload: Workload;
  detail: WorkloadDetail | undefined;
  tall?: boolean;
}) {
  const pods = detail?.pods ?? [];
  const ran = pods.some((pod) => pod.startedAt) || (detail?.timeline ?? []).some((entry) => entry.phase === "Running");
  const alive = !isFinal(workload.phase) && !["Stopped", "Pending", "Creating"].includes(workload.phase);
  const note =
    workload.phase === "Pending" || workload.phase === "Stopped"
      ? ran
        ? "last run"
        : "it has not run yet"
      : pods.length > 1
        ? `${pods.length} pods`
        : "";
  return (
    <Logs
      project={workload.projectName}
      workload={workload.name}
      run={`${workload.id}/${workload.restarts ?? 0}`}
      alive={alive}
      note={note}
      pods={pods.map((pod) => pod.name)}
      restarts={workload.restarts ?? 0}
      tall={tall}
      quiet={
        !ran && !alive
          ? "It has not run yet."
          : alive
            ? "Nothing printed yet."
            : "It printed nothing, or its log is gone."
      }
    />
  );
}
