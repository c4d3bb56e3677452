// The life of a workload on one line: width is time, but each phase keeps at least 26 px. Hollow while it waits, solid
// while it runs, amber while it waits without a start in sight.
import type { Phase, TimelineEntry } from "../api/types";
import { phaseWord } from "../model/phase";
import { at, clockTime, span, took, when } from "../model/time";
import { useWidth } from "./useWidth";

export interface Piece {
  phase: Phase;
  from: number;
  to: number;
  message: string;
  open: boolean; // still going on
  preempted: boolean; // began by being taken off
}

const ends: ReadonlySet<Phase> = new Set(["Completed", "Failed"]);
const same = (phase: Phase): Phase => (phase === "Resuming" ? "Initializing" : phase);

export function pieces(timeline: TimelineEntry[], now: number): Piece[] {
  const out: Piece[] = [];
  const known = timeline.map((entry) => ({ ...entry, ms: at(entry.at) })).filter((entry) => entry.ms !== null);
  known.forEach((entry, i) => {
    const next = known[i + 1];
    const last = next === undefined;
    const final = ends.has(entry.phase);
    if (final && last) return;
    const from = entry.ms!;
    const to = next ? next.ms! : Math.max(now, from);
    const before = out.at(-1);
    const phase = same(entry.phase);
    if (before && (before.phase === phase || (before.phase === "Creating" && to - from >= 0 && phase === "Pending"))) {
      before.phase = phase;
      before.to = to;
      before.open = last;
      before.message = entry.message || before.message;
      return;
    }
    const preempted = phase === "Pending" && before !== undefined && ["Running", "Degraded"].includes(before.phase);
    out.push({ phase, from, to, message: entry.message ?? "", open: last, preempted });
  });
  return out;
}

export function widths(list: Piece[], width: number, least = 26, gap = 2): number[] {
  const room = width - gap * Math.max(0, list.length - 1);
  const out = list.map(() => 0);
  let free = room;
  let open = list.map((_, i) => i);
  // Those that would be too thin get the least, the others share what is left.
  for (;;) {
    const time = open.reduce((sum, i) => sum + (list[i]!.to - list[i]!.from), 0);
    const thin = open.filter((i) => ((list[i]!.to - list[i]!.from) / Math.max(1, time)) * free < least);
    if (thin.length === 0 || thin.length === open.length) {
      for (const i of open) {
        out[i] = time > 0 && thin.length === 0 ? ((list[i]!.to - list[i]!.from) / time) * free : free / open.length;
      }
      return out;
    }
    for (const i of thin) out[i] = least;
    free -= thin.length * least;
    open = open.filter((i) => !thin.includes(i));
  }
}

interface Props {
  timeline: TimelineEntry[];
  now: number;
  needs: boolean;
  node: string;
}

export function PhaseBar({ timeline, now, needs, node }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const all = pieces(timeline, now);
  const list = all.slice(-Math.max(3, Math.floor(width / 60)));
  const wide = widths(list, width);
  const open = list.at(-1)?.open ?? false;
  let x = 0;
  const sentence = list.map((p) => `${phaseWord(p.phase)} ${took(p.to - p.from)}`).join(", then ");
  return (
    <div className="phase-bar" ref={ref}>
      <svg width={width} height={20} role="img" aria-label={sentence}>
        {list.map((piece, i) => {
          const w = wide[i]!;
          const left = x;
          x += w + 2;
          const amber = piece.open && needs && piece.phase === "Pending";
          const kind =
            piece.phase === "Pending" || piece.phase === "Creating"
              ? amber
                ? "needs"
                : "pending"
              : piece.phase === "Initializing"
                ? "starting"
                : ["Stopped", "Stopping", "Terminating", "Deleting"].includes(piece.phase)
                  ? "stopped"
                  : "running";
          return (
            <g key={piece.from}>
              <title>{`${phaseWord(piece.phase)} ${clockTime(piece.from)}, ${took(piece.to - piece.from)}`}</title>
              <rect
                className={`phase-${kind}`}
                x={left + 0.75}
                y={4.75}
                width={Math.max(1, w - 1.5)}
                height={10.5}
                rx={2}
              />
              {piece.preempted && <path className="phase-taken" d={`M${left - 1},0V20`} />}
            </g>
          );
        })}
      </svg>
      <div className="phase-words">
        {list.map((piece, i) => {
          const w = wide[i]!;
          const amber = piece.open && needs && piece.phase === "Pending";
          const detail = describe(piece, now, node, list);
          return (
            <div key={piece.from} style={{ width: w + 2 }} className={amber ? "needs" : undefined}>
              {w >= 60 && (
                <>
                  <b>{phaseWord(piece.phase)}</b>
                  <span title={detail}>{detail}</span>
                </>
              )}
            </div>
          );
        })}
        {open && <span className="phase-now">now</span>}
      </div>
    </div>
  );
}

function describe(piece: Piece, now: number, node: string, list: Piece[]): string {
  const length = took(piece.to - piece.from);
  const start = when(piece.from, now);
  if (piece.phase === "Running" && piece.open) {
    const waited = list.filter((p) => p.phase === "Pending").reduce((s, p) => s + p.to - p.from, 0);
    const extra = list.length <= 3 && waited > 0 ? `; waited ${took(waited)}` : "";
    return `${start}${node ? ` on ${node}` : ""}, ${length} so far${extra}`;
  }
  const taker = /by "([^"]+)"/.exec(piece.message)?.[1];
  const taken = piece.preempted ? `, taken back${taker ? ` by ${taker}` : ""}` : "";
  if (piece.open) return `${start}${taken}; ${span(piece.to - piece.from)} so far`;
  return `${start}, ${length}`;
}
