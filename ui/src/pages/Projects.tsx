// Projects and their quotas. A quota is dragged or typed; who gains, who loses and what starts stands beside it before
// anything is saved.
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import {
  cache,
  departmentsQuery,
  meQuery,
  nodesQuery,
  projectsQuery,
  quotaPlanQuery,
  useChangeProject,
  workloadsQuery,
} from "../api/queries";
import type { Project } from "../api/types";
import { pointAt } from "../marks/dim";
import { type BarShare, extent, ProjectBar } from "../marks/ProjectBar";
import { useWidth } from "../marks/useWidth";
import type { Search } from "../model/filter";
import { number } from "../model/quantity";
import { consequences, type Edits, planOf, type QuotaEdit, readAmount, withEdits } from "../model/quota";
import { Button, Commands, Failed, ProjectTag, Waiting } from "../parts/bits";
import { useKeys } from "../parts/keys";
import { useSettled } from "../parts/useSettled";
import { Page, useBlocked } from "../shell/Page";
import { usePageDeeds } from "../shell/palette-state";
import { LegendMark } from "./Legend";
import { QuotaSide } from "./QuotaSide";
import { QuotaSum } from "./QuotaSum";
import { projectShares } from "./waiting";
import "./projects.css";

const NewProject = lazy(() => import("./NewProject").then((module) => ({ default: module.NewProject })));

export function Projects() {
  const [projects, workloads, nodes] = useQueries({ queries: [projectsQuery, workloadsQuery, nodesQuery] });
  const departments = useQuery({ ...departmentsQuery, retry: false });
  return (
    <Page title="Projects" crumbs={[{ label: "Projects" }]} className="projects">
      <h1 className="sr">Projects</h1>
      {projects.data && workloads.data && nodes.data ? (
        <Editor all={projects.data} />
      ) : (
        <div className="section">
          {projects.error ? (
            <Failed what="The projects" error={projects.error} retry={() => void projects.refetch()} />
          ) : (
            <Waiting of="the projects" />
          )}
        </div>
      )}
      <span hidden>{departments.status}</span>
    </Page>
  );
}

function Editor({ all }: { all: Project[] }) {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const { data: me } = useQuery(meQuery);
  const { data: workloads = [] } = useQuery(workloadsQuery);
  const { data: nodes = [] } = useQuery(nodesQuery);
  const { data: departments = [] } = useQuery({ ...departmentsQuery, retry: false });
  const blocked = useBlocked();
  const change = useChangeProject();
  const [edits, setEdits] = useState<Edits>(new Map());
  const [warning, setWarning] = useState("");
  const [making, setMaking] = useState(search.new === "1");
  const [ref, width] = useWidth<HTMLDivElement>();
  const may = me?.admin === true;
  const shown = useMemo(() => withEdits(all, edits), [all, edits]);
  const shares = useMemo(() => projectShares(shown, workloads), [shown, workloads]);
  const question = useSettled(
    useMemo(() => planOf(edits), [edits]),
    150,
  );
  const plan = useQuery({ ...quotaPlanQuery(may ? question : null), placeholderData: keepPreviousData });
  const result = useMemo(() => consequences(all, edits, workloads, plan.data), [all, edits, workloads, plan.data]);
  const narrow = width < 560;
  const room = narrow ? width - 32 : Math.max(160, width - 24 - 112 - 24 - 5 * 62 - 24);
  const longest = Math.max(1, ...shares.map(({ share }) => extent(share)), ...all.map((p) => p.gpu.quota ?? 0)) * 1.04;
  const unit = (room - 8) / longest;
  const edited = edits.size > 0;

  const edit = (project: Project, part: QuotaEdit) => {
    const next = new Map(edits);
    const merged = { ...next.get(project.name), ...part };
    if (merged.quota === project.gpu.quota) delete merged.quota;
    if (merged.limit === project.gpu.limit) delete merged.limit;
    if (merged.quota === undefined && merged.limit === undefined) next.delete(project.name);
    else next.set(project.name, merged);
    setEdits(next);
    setWarning("");
    change.reset();
  };
  const discard = () => {
    setEdits(new Map());
    change.reset();
    if (search.edit) void navigate({ to: "/projects", replace: true });
  };
  const save = async () => {
    if (!edited || blocked) return;
    const said: string[] = [];
    let left: Edits = edits;
    for (const [name, part] of edits) {
      try {
        const project = await change.mutateAsync({ name, change: { gpu: part } });
        if (project?.warning) said.push(project.warning);
      } catch {
        break; // the message stands beside the button; what was saved is no longer an edit
      }
      const next = new Map(left);
      next.delete(name);
      left = next;
      setEdits(left);
    }
    setWarning([...new Set(said)].join(" "));
    void cache.invalidateQueries({ queryKey: ["projects"] });
  };
  useKeys({
    "Ctrl+s": () => void save(),
    Escape: () => edited && discard(),
  });
  usePageDeeds([
    ...(may ? [{ label: "New project…", icon: "plus" as const, run: () => setMaking(true) }] : []),
    ...(edited
      ? [
          { label: "Save the quotas", icon: "projects" as const, run: () => void save() },
          { label: "Discard the changes", icon: "back" as const, run: discard },
        ]
      : []),
  ]);
  // A link may point at the project to edit.
  useEffect(() => {
    if (search.edit) document.getElementById(`quota-${search.edit}`)?.focus();
  }, [search.edit]);

  if (all.length === 0) return <NoProject me={me?.name ?? "you"} />;
  return (
    <div className={edited ? "two-columns" : ""}>
      <div className="main-column" ref={ref}>
        <div className="section-head projects-head">
          <h2>{all.length === 1 ? "Quota of 1 project" : `Quota of ${all.length} projects`}</h2>
          <span className="quiet">
            {may ? "drag a quota mark, or type" : "whoever administers this machine may change them"}
          </span>
          <div className="legend-row">
            <LegendMark kind="quota" /> quota
            <LegendMark kind="share" /> fair share
            <LegendMark kind="limit" /> limit
          </div>
          {may && (
            <Button icon="plus" blocked={blocked} onClick={() => setMaking(true)}>
              New project
            </Button>
          )}
        </div>
        {warning && (
          <p className="projects-warning" role="status">
            {warning}
          </p>
        )}
        <table className="quota-table">
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
                Limit
              </th>
              <th scope="col" className="num">
                Fair share
              </th>
            </tr>
          </thead>
          <tbody>
            {shares.map(({ project, share }, i) => (
              <Row
                key={project.name}
                original={all[i]!}
                share={share}
                after={result.shares[i]!.after}
                before={result.shares[i]!.before}
                editing={edits.get(project.name)}
                may={may}
                unit={unit}
                room={width > 0 ? room : 0}
                onEdit={(part) => edit(all[i]!, part)}
              />
            ))}
          </tbody>
        </table>
        <QuotaSum projects={shown} nodes={nodes} departments={departments} before={result.sumBefore} edited={edited} />
      </div>
      {edited && (
        <aside className="side side-352" aria-label="What the change means">
          <QuotaSide
            all={all}
            edits={edits}
            result={result}
            nodes={nodes}
            error={change.error ?? plan.error}
            stale={plan.isPlaceholderData || (edited && plan.isPending)}
            pending={change.isPending}
            blocked={blocked}
            onSave={() => void save()}
            onDiscard={discard}
          />
        </aside>
      )}
      {making && (
        <Suspense fallback={null}>
          <NewProject onClose={() => setMaking(false)} taken={all.map((p) => p.name)} />
        </Suspense>
      )}
    </div>
  );
}

function NoProject({ me }: { me: string }) {
  return (
    <div className="first-start">
      <h2>No project yet</h2>
      <p>A project holds the quota of a team. Whoever administers this machine makes one and names its members.</p>
      <Commands rows={[{ what: "Make one", command: `muster project create vision --quota 1 --member ${me}` }]} />
    </div>
  );
}

interface RowProps {
  original: Project;
  share: BarShare;
  before: number;
  after: number;
  editing: QuotaEdit | undefined;
  may: boolean;
  unit: number;
  room: number;
  onEdit: (part: QuotaEdit) => void;
}

function Row({ original, share, before, after, editing, may, unit, room, onEdit }: RowProps) {
  const moved = Math.abs(after - before) > 1e-6;
  return (
    <tr
      className={editing ? "editing" : undefined}
      onMouseEnter={() => pointAt({ project: original.name })}
      onMouseLeave={() => pointAt(null)}
    >
      <th scope="row">
        <Link to="/workloads" search={{ project: original.name }}>
          <ProjectTag name={original.name} slot={original.color} />
        </Link>
      </th>
      <td className="bar-cell">
        {room > 0 && (
          <div className="bar-holder" style={{ width: room }}>
            <ProjectBar
              project={original.name}
              slot={original.color}
              share={{ ...share, fairShare: after }}
              unit={unit}
              width={room}
              before={editing?.quota === undefined ? null : original.gpu.quota}
            />
            {may && share.quota !== null && (
              <QuotaHandle name={original.name} value={share.quota} unit={unit} width={room} onEdit={onEdit} />
            )}
          </div>
        )}
      </td>
      <td className="num strong">{number(share.allocated)}</td>
      <td className="num">
        {may ? (
          <Amount
            id={`quota-${original.name}`}
            label={`Quota of ${original.name}`}
            value={share.quota}
            unlimited={false}
            changed={editing?.quota !== undefined}
            onValue={(value) => value !== null && onEdit({ quota: value })}
          />
        ) : (
          number(share.quota)
        )}
      </td>
      <td className="num">
        {may ? (
          <Amount
            id={`limit-${original.name}`}
            label={`Limit of ${original.name}, none for no limit`}
            value={share.limit}
            unlimited
            changed={editing?.limit !== undefined}
            onValue={(value) => onEdit({ limit: value })}
          />
        ) : share.limit === null ? (
          "none"
        ) : (
          number(share.limit)
        )}
      </td>
      <td className="num">
        {moved && <s>{number(before)}</s>} <span className={moved ? "strong" : undefined}>{number(after)}</span>
      </td>
      <td className="narrow-sum">
        {number(share.allocated)} in use, quota {editing?.quota !== undefined && <s>{number(original.gpu.quota)}</s>}{" "}
        <b>{number(share.quota)}</b>
      </td>
    </tr>
  );
}

/** The quota as a number. It reads as text until it is pointed at or typed into. */
function Amount({
  id,
  label,
  value,
  unlimited,
  changed,
  onValue,
}: {
  id: string;
  label: string;
  value: number | null;
  unlimited: boolean;
  changed: boolean;
  onValue: (value: number | null) => void;
}) {
  const shown = value === null ? "none" : number(value);
  const [typed, setTyped] = useState<string | null>(null);
  const wrong = typed !== null && readAmount(typed, unlimited) === undefined;
  return (
    <input
      id={id}
      className={`input amount${changed ? " changed" : ""}`}
      aria-label={label}
      aria-invalid={wrong || undefined}
      title={wrong ? (unlimited ? "A number like 8, or none" : "A number like 8 or 0.5") : undefined}
      inputMode="decimal"
      value={typed ?? shown}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => {
        setTyped(event.target.value);
        const amount = readAmount(event.target.value, unlimited);
        if (amount !== undefined) onValue(amount);
      }}
      onBlur={() => setTyped(null)}
      onKeyDown={(event) => {
        const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
        if (by === 0) return;
        event.preventDefault();
        setTyped(null);
        onValue(Math.max(0, Math.round(((value ?? 0) + by * (event.shiftKey ? 0.25 : 1)) * 1000) / 1000));
      }}
    />
  );
}

/** The quota mark, to be dragged: whole GPUs, quarters with Shift. */
function QuotaHandle({
  name,
  value,
  unit,
  width,
  onEdit,
}: {
  name: string;
  value: number;
  unit: number;
  width: number;
  onEdit: (part: QuotaEdit) => void;
}) {
  const [dragging, setDragging] = useState(false);
  const x = Math.min(width - 1, value * unit);
  return (
    <div
      className={`quota-handle${dragging ? " dragging" : ""}`}
      role="slider"
      tabIndex={0}
      aria-label={`Quota of ${name}`}
      aria-valuemin={0}
      aria-valuenow={value}
      aria-valuetext={`${number(value)} GPUs`}
      style={{ left: x }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragging(true);
        event.preventDefault();
        event.currentTarget.focus();
      }}
      onPointerMove={(event) => {
        if (!dragging) return;
        const box = event.currentTarget.parentElement!.getBoundingClientRect();
        const step = event.shiftKey ? 0.25 : 1;
        const at = Math.max(0, (event.clientX - box.left) / unit);
        const to = Math.round(at / step) * step;
        if (to !== value) onEdit({ quota: to });
      }}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
      onKeyDown={(event) => {
        const up = event.key === "ArrowRight" || event.key === "ArrowUp";
        const down = event.key === "ArrowLeft" || event.key === "ArrowDown";
        if (!up && !down) return;
        event.preventDefault();
        event.stopPropagation();
        const step = event.shiftKey ? 0.25 : 1;
        onEdit({ quota: Math.max(0, Math.round((value + (up ? step : -step)) * 1000) / 1000) });
      }}
    />
  );
}
