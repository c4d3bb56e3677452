// Use of one project in GPUs, on a scale that all bars of a list share: solid in quota, hatched above, dashed for what
// waits, with marks for quota, fair share and limit. The numbers stand in columns beside it, never on it.
import { memo } from "react";
import type { Share } from "../api/types";
import { number } from "../model/quantity";
import { colourOf, hatchOf } from "./Hatch";

export interface BarShare extends Share {
  /** GPUs over quota, as whole workloads that would be taken back. */
  over?: number;
  /** GPUs asked for by what waits. */
  waiting?: number;
}

interface Props {
  project: string;
  slot: number;
  share: BarShare;
  /** Pixels for one GPU. */
  unit: number;
  width: number;
  height?: number;
  /** The quota before it was edited. */
  before?: number | null;
  notches?: boolean;
  quiet?: boolean;
}

/** GPUs that the longest bar needs. */
export function extent(share: BarShare): number {
  return Math.max(share.allocated + (share.waiting ?? 0), share.quota ?? 0, share.limit ?? 0, share.fairShare ?? 0);
}

export function barSentence(project: string, share: BarShare): string {
  const parts = [`${project}: ${number(share.allocated)} in use`];
  parts.push(share.quota === null ? "quota unlimited" : `quota ${number(share.quota)}`);
  if (share.fairShare !== null) parts.push(`fair share ${number(share.fairShare)}`);
  if (share.limit !== null) parts.push(`limit ${number(share.limit)}`);
  if (share.waiting) parts.push(`${number(share.waiting)} waiting`);
  return parts.join(", ");
}

export const ProjectBar = memo(function ProjectBar(props: Props) {
  const { project, slot, share, unit, width, height = 14, before } = props;
  const top = 4;
  const x = (gpus: number) => Math.min(width - 1, Math.round(gpus * unit * 10) / 10);
  const over = Math.min(
    share.allocated,
    share.over ?? Math.max(0, share.allocated - (share.quota ?? Number.POSITIVE_INFINITY)),
  );
  const solid = x(share.allocated - over);
  const used = x(share.allocated);
  const waiting = share.waiting ?? 0;
  const ticks: number[] = [];
  if (props.notches !== false && unit >= 6) for (let g = 1; g < share.allocated; g++) ticks.push(x(g));
  const total = height + top + 7;
  return (
    <svg
      className="project-bar"
      width={width}
      height={total}
      role={props.quiet ? undefined : "img"}
      aria-hidden={props.quiet ? true : undefined}
      aria-label={props.quiet ? undefined : barSentence(project, share)}
      data-p={project}
    >
      {share.quota !== null && x(share.quota) > used && (
        <rect
          className="bar-ground"
          x={used > 0 ? used - 1 : 0.5}
          y={top + 0.5}
          width={x(share.quota) - used + (used > 0 ? 1 : 0)}
          height={height - 1}
        />
      )}
      {solid > 0 && <rect x={0} y={top} width={solid} height={height} rx={1.5} style={{ fill: colourOf(slot) }} />}
      {over > 0 && used - solid > 0 && (
        <rect
          x={solid + 0.5}
          y={top + 0.5}
          width={Math.max(0, used - solid - 1)}
          height={height - 1}
          style={{ fill: hatchOf(slot), stroke: colourOf(slot) }}
        />
      )}
      {ticks.map((t) => (
        <path key={t} className="bar-notch" d={`M${t},${top}v3M${t},${top + height}v-3`} />
      ))}
      {waiting > 0 && (
        <rect
          className="bar-waiting"
          x={used + 1.5}
          y={top + 1}
          width={Math.max(3, x(share.allocated + waiting) - used - 2.5)}
          height={height - 2}
          rx={2}
          style={{ stroke: colourOf(slot) }}
        />
      )}
      {before !== undefined && before !== null && before !== share.quota && (
        <path className="bar-before" d={`M${Math.max(1, x(before))},${top - 3}V${top + height + 3}`} />
      )}
      {share.quota !== null && (
        <path className="bar-quota" d={`M${Math.max(1, x(share.quota))},${top - 4}V${top + height + 4}`} />
      )}
      {share.limit !== null && (
        <path className="bar-limit" d={`M${Math.max(4, x(share.limit)) - 4},${top - 3}h4V${top + height + 3}h-4`} />
      )}
      {share.fairShare !== null && (
        <path className="bar-share" d={`M${Math.max(4, x(share.fairShare))},${top + height + 1.5}l4,5.5h-8Z`} />
      )}
    </svg>
  );
});
