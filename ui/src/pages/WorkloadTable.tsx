// The workload table, and its two-line form on a phone. Rows are virtual beyond 100; a row draws again only when its own
// workload changes.

import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef } from "react";
import { live, useColours } from "../api/queries";
import type { Node, Workload } from "../api/types";
import { pointAt } from "../marks/dim";
import { Glyph } from "../marks/Glyph";
import type { Query, SortKey } from "../model/filter";
import { look, needsChange, phaseWord } from "../model/phase";
import { gpus } from "../model/quantity";
import { at, fullTime, span } from "../model/time";
import { rowReason } from "../model/verdict";
import { MiddleCut, ProjectTag } from "../parts/bits";
import { useNow } from "../parts/clock";
import { Icon } from "../parts/icons";
import { type Column, titles } from "./columns";
import { askOf, askText } from "./waiting";

interface Props {
  rows: Workload[];
  columns: Column[];
  query: Query;
  onSort: (key: SortKey) => void;
  nominated: Map<string, string>;
  places: Map<string, string[]>;
  nodes: Node[];
  selected: ReadonlySet<string>;
  cursor: string | null;
  onSelect: (id: string, to: boolean, range: boolean) => void;
  onSelectAll: (to: boolean) => void;
  onCursor: (id: string) => void;
  onOpen: (workload: Workload, tab?: string, fresh?: boolean) => void;
  onInside: (inside: boolean) => void;
}

const sortOf: Partial<Record<Column, SortKey>> = { project: "project", gpus: "gpus", node: "node", age: "age" };
const numeric: ReadonlySet<Column> = new Set(["gpus", "busy", "age", "restarts"]);
export const virtualFrom = 100;
const rowHeight = 32;

export function busyOf(nodes: Node[]): Map<string, number> {
  const sum = new Map<string, [number, number]>();
  for (const node of nodes) {
    for (const device of node.devices) {
      if (device.utilization == null) continue;
      for (const holder of device.holders) {
        const entry = sum.get(holder.workloadId) ?? [0, 0];
        sum.set(holder.workloadId, [entry[0] + device.utilization, entry[1] + 1]);
      }
    }
  }
  return new Map([...sum].map(([id, [total, count]]) => [id, total / count]));
}

export function WorkloadTable(props: Props) {
  const { rows, columns, query, nominated, places, selected, cursor } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const colours = useColours();
  const busy = useMemo(() => busyOf(props.nodes), [props.nodes]);
  const now = useNow();
  const virtual = rows.length > virtualFrom;
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 20,
    enabled: virtual,
  });
  const shown = virtual ? virtualizer.getVirtualItems().map((item) => item.index) : rows.map((_, i) => i);
  const above = virtual ? (virtualizer.getVirtualItems()[0]?.start ?? 0) : 0;
  const below = virtual ? virtualizer.getTotalSize() - (virtualizer.getVirtualItems().at(-1)?.end ?? 0) : 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the cursor moves
  useEffect(() => {
    if (!cursor) return;
    const index = rows.findIndex((w) => w.id === cursor);
    if (index < 0) return;
    if (virtual) virtualizer.scrollToIndex(index);
    else document.getElementById(`row-${cursor}`)?.scrollIntoView({ block: "nearest" });
  }, [cursor]);

  // One handler for all rows, so that a row stays the same while its workload does.
  const latest = useRef(props);
  latest.current = props;
  const handlers = useMemo(
    () => ({
      select: (id: string, to: boolean, range: boolean) => latest.current.onSelect(id, to, range),
      cursor: (id: string) => latest.current.onCursor(id),
    }),
    [],
  );
  const everything = rows.length > 0 && rows.every((w) => selected.has(w.id));
  const changed = live.changed;

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only notes whether the pointer is inside
    <div
      className="table-scroll"
      ref={scroller}
      onMouseEnter={() => props.onInside(true)}
      onMouseLeave={() => props.onInside(false)}
    >
      <table className="table workload-table" aria-rowcount={rows.length + 1}>
        <caption className="sr">Workloads</caption>
        <thead>
          <tr>
            <th className="col-check">
              <input
                type="checkbox"
                aria-label="Select all rows"
                checked={everything}
                onChange={(event) => props.onSelectAll(event.target.checked)}
              />
            </th>
            <SortHead label="Phase" sort="phase" query={query} onSort={props.onSort} className="col-phase" />
            <SortHead label="Name" sort="name" query={query} onSort={props.onSort} className="col-name" />
            {columns.map((column) => {
              const sort = sortOf[column];
              const className = `col-${column}${numeric.has(column) ? " num" : ""}`;
              return sort ? (
                <SortHead
                  key={column}
                  label={titles[column]}
                  sort={sort}
                  query={query}
                  onSort={props.onSort}
                  className={className}
                />
              ) : (
                <th key={column} className={className} scope="col">
                  {titles[column]}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {above > 0 && (
            <tr className="spacer" aria-hidden="true">
              <td style={{ height: above }} />
            </tr>
          )}
          {shown.map((index) => {
            const w = rows[index]!;
            const needs = needsChange(w, undefined) && !nominated.has(w.id);
            return (
              <Row
                key={w.id}
                workload={w}
                index={index}
                columns={columns}
                needs={needs}
                node={places.get(w.id)?.join(" ") ?? ""}
                next={nominated.get(w.id)}
                busy={columns.includes("busy") ? busy.get(w.id) : undefined}
                slot={colours.get(w.projectName)}
                selected={selected.has(w.id)}
                cursor={cursor === w.id}
                changed={now - (changed.get(w.id) ?? 0) < 1500}
                age={span(now - (at(w.createdAt) ?? now))}
                handlers={handlers}
              />
            );
          })}
          {below > 0 && (
            <tr className="spacer" aria-hidden="true">
              <td style={{ height: below }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps {
  label: string;
  sort: SortKey;
  query: Query;
  onSort: (key: SortKey) => void;
  className: string;
}

function SortHead({ label, sort, query, onSort, className }: HeadProps) {
  const on = query.sort === sort;
  return (
    <th className={className} scope="col" aria-sort={on ? (query.descending ? "descending" : "ascending") : undefined}>
      <button type="button" className="sort" onClick={() => onSort(sort)}>
        {label}
        {on && <span aria-hidden="true">{query.descending ? " ↑" : " ↓"}</span>}
      </button>
    </th>
  );
}

interface RowProps {
  workload: Workload;
  index: number;
  columns: Column[];
  needs: boolean;
  node: string;
  next: string | undefined;
  busy: number | undefined;
  slot: number | undefined;
  selected: boolean;
  cursor: boolean;
  changed: boolean;
  age: string;
  handlers: { select: (id: string, to: boolean, range: boolean) => void; cursor: (id: string) => void };
}

const Row = memo(function Row(props: RowProps) {
  const { workload: w, columns, needs } = props;
  const { glyph, tone } = look(w.phase, needs);
  const reason = rowReason(w, needs, props.next);
  return (
    <tr
      id={`row-${w.id}`}
      aria-rowindex={props.index + 2}
      aria-selected={props.selected}
      className={`${props.selected ? "selected" : ""}${props.cursor ? " cursor" : ""}${props.changed ? " changed" : ""}`}
      onMouseEnter={() => pointAt({ workload: w.id })}
      onMouseLeave={() => pointAt(null)}
      onClick={(event) => {
        if ((event.target as HTMLElement).closest("a,button,input,label")) return;
        if (event.shiftKey) props.handlers.select(w.id, true, true);
        else props.handlers.cursor(w.id);
      }}
    >
      <td className="col-check">
        <input
          type="checkbox"
          aria-label={`Select ${w.name}`}
          checked={props.selected}
          onClick={(event) => {
            if (!event.shiftKey) return;
            event.preventDefault();
            props.handlers.select(w.id, true, true);
          }}
          onChange={(event) => props.handlers.select(w.id, event.target.checked, false)}
        />
      </td>
      <td className="col-phase">
        <Glyph name={glyph} tone={tone} /> {phaseWord(w.phase)}
        {needs && <span className="sr">, needs a change</span>}
      </td>
      <td className="col-name">
        <Link to="/p/$project/w/$workload" params={{ project: w.projectName, workload: w.name }} className="name">
          <MiddleCut text={w.name} />
        </Link>
      </td>
      {columns.map((column) => (
        <Cell key={column} column={column} row={props} reason={reason} />
      ))}
    </tr>
  );
});

function Cell({ column, row, reason }: { column: Column; row: RowProps; reason: string }) {
  const w = row.workload;
  switch (column) {
    case "project":
      return (
        <td className="col-project">
          <ProjectTag name={w.projectName} slot={row.slot} />
        </td>
      );
    case "by":
      return <td className="col-by quiet">{w.submittedBy ?? "–"}</td>;
    case "priority":
      return <td className="col-priority quiet">{w.priorityClassName ?? "–"}</td>;
    case "gpus":
      return (
        <td className="col-gpus num" title={askOf(w) > 0 ? gpus(askOf(w)) : "no GPU"}>
          <Decimal text={askText(w)} />
        </td>
      );
    case "busy":
      return (
        <td className="col-busy num">
          {row.busy === undefined ? (
            <span className="none">–</span>
          ) : (
            <>
              <i className="meter" aria-hidden="true">
                <i style={{ width: `${Math.min(100, row.busy)}%` }} />
              </i>
              {Math.round(row.busy)}%
            </>
          )}
        </td>
      );
    case "node": {
      const [first, ...more] = row.node ? row.node.split(" ") : [];
      return (
        <td className="col-node quiet" title={row.node || undefined}>
          {first ? `${first}${more.length > 0 ? ` +${more.length}` : ""}` : <span className="none">–</span>}
        </td>
      );
    }
    case "restarts":
      return <td className="col-restarts num quiet">{w.restarts ?? 0}</td>;
    case "age": {
      const created = at(w.createdAt);
      return (
        <td className="col-age num quiet" title={created ? fullTime(created) : undefined}>
          {row.age}
        </td>
      );
    }
    case "reason":
      return (
        <td className={`col-reason${row.needs ? "" : " quiet"}`} title={reason || undefined}>
          <span className="cut">{reason}</span>
        </td>
      );
  }
}

/** Numbers that stand under each other at the decimal point. */
function Decimal({ text }: { text: string }) {
  if (!text) return <span className="none">–</span>;
  const match = /^(\d+)(\.\d+)?$/.exec(text);
  if (!match) return <span className="decimal odd">{text}</span>;
  return (
    <span className="decimal">
      {match[1]}
      <span className="fraction">{match[2] ?? ""}</span>
    </span>
  );
}

export function WorkloadList({ rows, nominated, places }: Pick<Props, "rows" | "nominated" | "places">) {
  const scroller = useRef<HTMLDivElement>(null);
  const colours = useColours();
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 53,
    overscan: 12,
  });
  return (
    <div className="table-scroll" ref={scroller}>
      <ul className="workload-list" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const w = rows[item.index]!;
          const needs = needsChange(w) && !nominated.has(w.id);
          const { glyph, tone } = look(w.phase, needs);
          const ask = askText(w);
          return (
            <li key={w.id} style={{ transform: `translateY(${item.start}px)` }}>
              <Link to="/p/$project/w/$workload" params={{ project: w.projectName, workload: w.name }}>
                <span className="line-1">
                  <Glyph name={glyph} tone={tone} word={phaseWord(w.phase)} />
                  <b>
                    <MiddleCut text={w.name} />
                  </b>
                  <span className="asks">{ask ? `${ask} ${askOf(w) > 1 ? "GPUs" : "GPU"}` : "CPU"}</span>
                </span>
                <span className="line-2">
                  <i className="square" style={{ background: `var(--p${colours.get(w.projectName) ?? 12})` }} />
                  {w.projectName}
                  <span className="cut">
                    {rowReason(w, needs, nominated.get(w.id)) || places.get(w.id)?.join(", ") || ""}
                  </span>
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

export { Icon };
