// All GPUs in view, in the size that fits their number: single cells up to 128, canvases above, bars of whole pools
// beyond. The same numbers are at hand as a table.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useMemo, useState } from "react";
import { workloadsQuery } from "../api/queries";
import type { Node } from "../api/types";
import { modelText, number } from "../model/quantity";
import { CellCard } from "./CellCard";
import { pointAt } from "./dim";
import { type CellPointed, GpuRow, nodeSentence } from "./GpuRow";
import { type GridSize, gridSize } from "./layout";
import { Mosaic } from "./Mosaic";
import { useWidth } from "./useWidth";

const byName = (a: Node, b: Node) => a.name.localeCompare(b.name, "en", { numeric: true });

/** Holders of a device stand in the order in which they came; a node that has them so is left as it is. */
function inOrder(node: Node, created: ReadonlyMap<string, number>): Node {
  const when = (id: string) => created.get(id) ?? 0;
  let moved = false;
  const devices = node.devices.map((device) => {
    if (device.holders.length < 2) return device;
    const holders = [...device.holders].sort(
      (a, b) => when(a.workloadId) - when(b.workloadId) || a.pod.localeCompare(b.pod, "en", { numeric: true }),
    );
    if (holders.every((holder, i) => holder === device.holders[i])) return device;
    moved = true;
    return { ...device, holders };
  });
  return moved ? { ...node, devices } : node;
}

export function heldOf(node: Node): number {
  return node.devices.reduce((sum, device) => sum + device.holders.reduce((s, h) => s + h.milli, 0), 0) / 1000;
}

export function nodeNote(node: Node): { text: string; bad: string } {
  const failed = node.devices.filter((device) => device.healthy === false).length;
  const notes: string[] = [];
  if (!node.ready) notes.push("not ready");
  else if (node.unschedulable) notes.push("draining");
  if (node.simulated) notes.push("simulated");
  return { text: notes.join(" · "), bad: failed > 0 ? `${failed} failed` : "" };
}

interface Props {
  nodes: Node[];
  colours: ReadonlyMap<string, number>;
  /** Without the line that names the node, where there is only one. */
  bare?: boolean;
  /** The size that fits all nodes of a page, where this is only one of them. */
  size?: GridSize;
}

export function GpuGrid({ nodes, colours, bare = false, size: given }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [pointed, setPointed] = useState<CellPointed | null>(null);
  const navigate = useNavigate();
  const { data: workloads } = useQuery(workloadsQuery);
  const shown = useMemo(() => {
    const created = new Map((workloads ?? []).map((w) => [w.id, Date.parse(w.createdAt) || 0]));
    return nodes
      .filter((node) => node.devices.length > 0)
      .map((node) => inOrder(node, created))
      .sort(byName);
  }, [nodes, workloads]);
  const count = shown.reduce((sum, node) => sum + node.devices.length, 0);
  const size = given ?? gridSize(count);
  useEffect(() => () => pointAt(null), []);

  const onPoint = (cell: CellPointed | null) => {
    setPointed(cell);
    pointAt(cell?.holder ? { workload: cell.holder.workloadId } : null);
  };
  const onOpen = (cell: CellPointed) => {
    if (!cell.holder) return;
    void navigate({
      to: "/p/$project/w/$workload",
      params: { project: cell.holder.project, workload: cell.holder.workload },
    });
  };

  if (size !== "L" && size !== "M") {
    return (
      <div ref={ref} className="gpu-grid">
        {width > 0 && <Mosaic nodes={shown} size={size} width={width} colours={colours} />}
      </div>
    );
  }
  const narrow = width < 560;
  const largest = Math.max(1, ...shown.map((node) => node.devices.length));
  const columns = size === "M" ? 8 : narrow ? (largest <= 2 ? 1 : 2) : Math.min(4, Math.max(2, largest));
  const gap = size === "L" ? 16 : narrow ? 3 : 4;
  const height = size === "L" ? 56 : narrow ? 26 : 32;
  const nameWidth = narrow || bare || size === "L" ? 0 : 112;
  const countWidth = narrow || bare || size === "L" ? 0 : 64;
  const rowWidth = Math.max(0, width - nameWidth - countWidth);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the buttons inside
    <div
      ref={ref}
      className={`gpu-grid size-${size}${narrow ? " narrow" : ""}${bare ? " bare" : ""}`}
      onKeyDown={walk}
      onFocus={firstCellTakesTab}
    >
      {width > 0 &&
        shown.map((node) => {
          const rows: Node["devices"][] = [];
          for (let i = 0; i < node.devices.length; i += columns) rows.push(node.devices.slice(i, i + columns));
          const note = nodeNote(node);
          const model = modelText(node.devices[0]?.model ?? "");
          return (
            <div className="gpu-node" key={node.name}>
              <div className="gpu-node-name" hidden={bare}>
                <a
                  className="name"
                  href={`/nodes#${node.name}`}
                  onClick={(event) => {
                    event.preventDefault();
                    void navigate({ to: "/nodes", hash: node.name });
                  }}
                >
                  {node.name}
                </a>
                <span className="legend" title={[model, note.text].filter(Boolean).join(" · ")}>
                  {[model, note.text].filter(Boolean).join(" · ")}
                  {note.bad && (
                    <>
                      {" · "}
                      <span className="bad">{note.bad}</span>
                    </>
                  )}
                </span>
              </div>
              <div className="gpu-node-cells">
                {rows.map((devices) => (
                  <GpuRow
                    key={devices[0]!.uuid}
                    node={node}
                    devices={devices}
                    size={size}
                    width={rowWidth}
                    columns={columns}
                    gap={gap}
                    height={height}
                    colours={colours}
                    onPoint={onPoint}
                    onOpen={onOpen}
                  />
                ))}
              </div>
              <div className="gpu-node-count" hidden={bare}>
                <b>{number(heldOf(node))}</b> <span>/ {node.devices.length}</span>
              </div>
            </div>
          );
        })}
      <CellCard cell={pointed} colours={colours} />
    </div>
  );
}

/** Arrow keys walk the cells; only one of them is in the tab order. */
function walk(event: KeyboardEvent<HTMLDivElement>) {
  const cells = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-cell]")];
  const at = cells.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const here = cells[at]!.getBoundingClientRect();
  let to = -1;
  if (event.key === "ArrowRight") to = at + 1;
  else if (event.key === "ArrowLeft") to = at - 1;
  else if (event.key === "Home") to = 0;
  else if (event.key === "End") to = cells.length - 1;
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const down = event.key === "ArrowDown";
    let best = Number.POSITIVE_INFINITY;
    cells.forEach((cell, i) => {
      const box = cell.getBoundingClientRect();
      const rows = down ? box.top - here.top : here.top - box.top;
      if (rows < 5) return;
      const distance = rows * 10 + Math.abs(box.left - here.left);
      if (distance < best) {
        best = distance;
        to = i;
      }
    });
  } else return;
  if (to < 0 || to >= cells.length) return;
  event.preventDefault();
  cells[at]!.tabIndex = -1;
  cells[to]!.tabIndex = 0;
  cells[to]!.focus();
}

function firstCellTakesTab(event: React.FocusEvent<HTMLDivElement>) {
  const target = event.target as HTMLElement;
  if (!target.matches("[data-cell]")) return;
  for (const cell of event.currentTarget.querySelectorAll<HTMLElement>("[data-cell]"))
    cell.tabIndex = cell === target ? 0 : -1;
}

/** The grid as rows, for those who would rather read. */
export function GpuTable({ nodes }: { nodes: Node[] }) {
  return (
    <table className="table plain">
      <caption className="sr">Devices and who holds them</caption>
      <thead>
        <tr>
          <th>Device</th>
          <th>Model</th>
          <th>Held by</th>
          <th className="num">Held</th>
          <th className="num">Busy</th>
        </tr>
      </thead>
      <tbody>
        {[...nodes].sort(byName).flatMap((node) =>
          node.devices.map((device) => (
            <tr key={device.uuid}>
              <td>
                {node.name} GPU {device.index}
              </td>
              <td className="quiet">
                {modelText(device.model)}
                {device.simulated ? ", simulated" : ""}
                {device.healthy === false ? ", failed" : ""}
              </td>
              <td>
                {device.holders.length === 0
                  ? "–"
                  : device.holders
                      .map(
                        (h) =>
                          `${h.workload} (${h.project}${h.overQuota ? ", over quota" : ""}) ${number(h.milli / 1000)}`,
                      )
                      .join("; ")}
              </td>
              <td className="num">{number(device.holders.reduce((s, h) => s + h.milli, 0) / 1000)}</td>
              <td className="num">{device.utilization == null ? "–" : `${Math.round(device.utilization)}%`}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}

export { nodeSentence };
