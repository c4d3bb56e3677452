// What the edited quotas would mean: fair share gained and lost, what starts, what may be taken back sooner. Saving does
// nothing that is not named here.
import { Link } from "@tanstack/react-router";
import type { Node, Project, Workload } from "../api/types";
import { Glyph } from "../marks/Glyph";
import { colourOf } from "../marks/Hatch";
import { gpus, number } from "../model/quantity";
import type { Consequence, Edits } from "../model/quota";
import { foldNames } from "../model/verdict";
import { Button, ProjectTag } from "../parts/bits";
import { askOf } from "./waiting";

interface Props {
  all: Project[];
  edits: Edits;
  result: Consequence;
  nodes: Node[];
  error: Error | null;
  /** The answer is still that of an earlier edit. */
  stale: boolean;
  pending: boolean;
  blocked: string | null;
  onSave: () => void;
  onDiscard: () => void;
}

const amount = (value: number | null) => (value === null ? "none" : number(value));

function title(all: Project[], edits: Edits): string {
  if (edits.size > 1) return `${edits.size} projects changed`;
  const [name, edit] = [...edits][0]!;
  const gpu = all.find((p) => p.name === name)!.gpu;
  const parts: string[] = [];
  if (edit.quota !== undefined) parts.push(`quota ${amount(gpu.quota)} → ${amount(edit.quota)}`);
  if (edit.limit !== undefined) parts.push(`limit ${amount(gpu.limit)} → ${amount(edit.limit)}`);
  return `${name}: ${parts.join(", ")}`;
}

export function QuotaSide({ all, edits, result, error, stale, pending, blocked, onSave, onDiscard }: Props) {
  const { starts, displaced, moved, stillWait, sooner, givesWay } = result;
  const gives = [...givesWay].map(([name, amount]) => `${name} gives way by ${gpus(amount)}`).join(", ");
  const first =
    starts.length === 0
      ? "Nothing starts"
      : starts.length === 1
        ? "1 workload starts"
        : `${starts.length} workloads start`;
  const most = Math.max(1, ...result.shares.map((s) => Math.abs(s.after - s.before)));
  return (
    <div className="quota-side" aria-busy={stale} data-stale={stale || undefined}>
      <h2>{title(all, edits)}</h2>
      <p className="plan-detail">
        {error ? "It cannot be so." : `${first}. ${gives ? `${gives}.` : "Nothing is stopped."}`}
      </p>
      <section>
        <div className="side-head">
          <h3>Fair share</h3>
          <span>GPUs</span>
        </div>
        {result.shares.map(({ project, before, after }) => (
          <div className="gain-row" key={project.name}>
            <ProjectTag name={project.name} slot={project.color} />
            <Gain delta={after - before} most={most} />
            <span className={`num${Math.abs(after - before) > 1e-6 ? "" : " quiet"}`}>{signed(after - before)}</span>
          </div>
        ))}
      </section>
      <Named title="Starts now" list={starts} all={all} glyph="running" />
      <Named title="Gives way and waits again" list={displaced} all={all} glyph="taken" />
      <Named title="Starts anew elsewhere" list={moved} all={all} glyph="taken" />
      <Named title="Can be taken back sooner" list={sooner} all={all} glyph="taken" />
      <p className="quiet side-note">
        {sooner.length > 0 && "Only if someone within quota asks. "}
        {stillWait.length > 0 &&
          `${foldNames(stillWait.map((w) => w.name))} still ${stillWait.length === 1 ? "waits" : "wait"}. `}
        The scheduler's own answer for this moment.
      </p>
      {error && (
        <p className="field-error" role="alert">
          {error.message}
        </p>
      )}
      <div className="dialog-buttons">
        <Button look="primary" keys="Ctrl S" blocked={blocked} disabled={pending} onClick={onSave}>
          {pending ? "Saving" : "Save"}
        </Button>
        <Button onClick={onDiscard}>Discard</Button>
      </div>
    </div>
  );
}

const signed = (value: number) =>
  Math.abs(value) < 1e-6 ? "0" : value > 0 ? `+${number(value)}` : `−${number(-value)}`;

/** Gain solid to the right, loss hollow to the left, so that they differ without colour. */
function Gain({ delta, most }: { delta: number; most: number }) {
  const half = 44;
  const w = Math.max(3, (Math.abs(delta) / most) * half);
  return (
    <svg width={half * 2 + 2} height={14} aria-hidden="true">
      <path className="gain-axis" d={`M${half + 0.5},0V14`} />
      {delta > 1e-6 && <rect className="gain" x={half + 1} y={2} width={w} height={10} />}
      {delta < -1e-6 && <rect className="loss" x={half - w + 0.75} y={2.75} width={w - 1.5} height={8.5} rx={1.5} />}
    </svg>
  );
}

/** The first few workloads under a heading; nothing without one. */
function Named({
  title,
  list,
  all,
  glyph,
}: {
  title: string;
  list: Workload[];
  all: Project[];
  glyph: "running" | "taken";
}) {
  if (list.length === 0) return null;
  return (
    <section>
      <div className="side-head">
        <h3>{title}</h3>
      </div>
      {list.slice(0, 6).map((w) => (
        <Item key={w.id} workload={w} all={all} glyph={glyph} />
      ))}
      {list.length > 6 && <p className="quiet side-note">and {list.length - 6} more</p>}
    </section>
  );
}

function Item({ workload, all, glyph }: { workload: Workload; all: Project[]; glyph: "running" | "taken" }) {
  const slot = all.find((p) => p.name === workload.projectName)?.color ?? 12;
  return (
    <div className="quota-item">
      {glyph === "running" ? (
        <Glyph name="running" tone="ink" />
      ) : (
        <span className="glyph tone-ink-2">
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
      )}
      <i className="square" style={{ background: colourOf(slot) }} />
      <Link
        to="/p/$project/w/$workload"
        params={{ project: workload.projectName, workload: workload.name }}
        className="cut"
      >
        {workload.name}
      </Link>
      <span className="quiet">{gpus(askOf(workload))}</span>
    </div>
  );
}
