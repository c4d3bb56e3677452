// Many GPUs at once, on a canvas: size S draws devices to their shares, XS one square for each node, and beyond that one
// bar for each pool. Pointing names the node, clicking opens it; the wheel only scrolls.
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Node } from "../api/types";
import { number } from "../model/quantity";
import type { GridSize } from "./layout";

interface Place {
  node: Node;
  x: number;
  y: number;
  w: number;
  h: number;
}

const held = (node: Node) => node.devices.reduce((s, d) => s + d.holders.reduce((t, h) => t + h.milli, 0), 0) / 1000;

function largestHolder(node: Node): string {
  const by = new Map<string, number>();
  for (const d of node.devices) for (const h of d.holders) by.set(h.project, (by.get(h.project) ?? 0) + h.milli);
  let best = "";
  for (const [project, milli] of by) if (milli > (by.get(best) ?? 0)) best = project;
  return best;
}

export function placeNodes(nodes: Node[], size: GridSize, width: number): { places: Place[]; height: number } {
  const places: Place[] = [];
  if (size === "S") {
    let x = 0;
    let y = 0;
    for (const node of nodes) {
      const w = node.devices.length * 9 - 1;
      if (x > 0 && x + w > width) {
        x = 0;
        y += 21;
      }
      places.push({ node, x, y, w, h: 13 });
      x += w + 12;
    }
    return { places, height: y + 14 };
  }
  // Columns of seven, fullest first, then by project, so that holes gather at the right.
  const sorted = [...nodes].sort((a, b) => {
    const full = held(b) / b.devices.length - held(a) / a.devices.length;
    return full || largestHolder(a).localeCompare(largestHolder(b)) || a.name.localeCompare(b.name);
  });
  const perRow = Math.max(1, Math.floor((width + 2) / 11));
  const rows = Math.max(7, Math.ceil(sorted.length / perRow));
  for (const [i, node] of sorted.entries()) {
    places.push({ node, x: Math.floor(i / rows) * 11, y: (i % rows) * 11, w: 9, h: 9 });
  }
  return { places, height: rows * 11 };
}

interface Props {
  nodes: Node[];
  size: GridSize;
  width: number;
  colours: ReadonlyMap<string, number>;
}

export function Mosaic({ nodes, size, width, colours }: Props) {
  const pools = useMemo(() => {
    const by = new Map<string, Node[]>();
    for (const node of nodes) {
      const pool = node.pool ?? "default";
      const list = by.get(pool);
      if (list) list.push(node);
      else by.set(pool, [node]);
    }
    return [...by].sort((a, b) => a[0].localeCompare(b[0]));
  }, [nodes]);
  return (
    <div className="mosaic">
      {pools.map(([pool, members]) => (
        <div className="mosaic-pool" key={pool}>
          <div className="gpu-node-name">
            <span className="name">{pool}</span>
            <span className="legend">
              {members.length} nodes, {members.filter((node) => held(node) === 0).length} empty
            </span>
          </div>
          {size === "pool" ? (
            <PoolBar nodes={members} colours={colours} />
          ) : (
            <PoolCanvas nodes={members} size={size} width={Math.max(100, width - 112)} colours={colours} />
          )}
        </div>
      ))}
    </div>
  );
}

function PoolCanvas({ nodes, size, width, colours }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const [over, setOver] = useState<Place | null>(null);
  const navigate = useNavigate();
  const { places, height } = useMemo(() => placeNodes(nodes, size, width), [nodes, size, width]);
  useEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context) return;
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(document.documentElement);
    const colour = (project: string) => style.getPropertyValue(`--p${colours.get(project) ?? 12}`).trim();
    const line = style.getPropertyValue("--cell-line").trim();
    const draw = size === "S" ? drawDevices : drawNode;
    for (const place of places) draw(context, place, colour, line);
  });
  const find = (event: React.MouseEvent) => {
    const box = ref.current!.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    return places.find((p) => x >= p.x - 1 && x <= p.x + p.w + 1 && y >= p.y - 1 && y <= p.y + p.h + 1) ?? null;
  };
  return (
    <div className="mosaic-canvas" style={{ width, height }}>
      <canvas
        ref={ref}
        role="img"
        aria-label={`${nodes.length} nodes, ${number(nodes.reduce((s, n) => s + held(n), 0))} GPUs held`}
        style={{ width, height }}
        onMouseMove={(event) => setOver(find(event))}
        onMouseLeave={() => setOver(null)}
        onClick={(event) => {
          const place = find(event);
          if (place) void navigate({ to: "/nodes", hash: place.node.name });
        }}
      />
      {over && (
        <div className="float mosaic-tip" style={{ left: Math.min(over.x, width - 160), top: over.y + over.h + 6 }}>
          <b>{over.node.name}</b> {number(held(over.node))} of {over.node.devices.length} held
        </div>
      )}
    </div>
  );
}

function drawDevices(context: CanvasRenderingContext2D, place: Place, colour: (p: string) => string, line: string) {
  place.node.devices.forEach((device, i) => {
    const x = place.x + i * 9;
    context.strokeStyle = line;
    context.lineWidth = 1;
    if (place.node.unschedulable) context.setLineDash([2, 2]);
    context.strokeRect(x + 0.5, place.y + 0.5, 7, 12);
    context.setLineDash([]);
    let from = x;
    for (const holder of device.holders) {
      const w = Math.max(1, (holder.milli / 1000) * 8);
      context.fillStyle = colour(holder.project);
      if (holder.overQuota) {
        context.save();
        context.beginPath();
        context.rect(from, place.y, w, 13);
        context.clip();
        context.globalAlpha = 0.22;
        context.fillRect(from, place.y, w, 13);
        context.globalAlpha = 1;
        context.strokeStyle = colour(holder.project);
        context.lineWidth = 1.5;
        context.beginPath();
        for (let d = -13; d < 21; d += 4) {
          context.moveTo(from + d, place.y + 13);
          context.lineTo(from + d + 13, place.y);
        }
        context.stroke();
        context.restore();
      } else context.fillRect(from, place.y, w, 13);
      from += w;
    }
  });
}

function drawNode(context: CanvasRenderingContext2D, place: Place, colour: (p: string) => string, line: string) {
  const full = held(place.node) / Math.max(1, place.node.devices.length);
  context.strokeStyle = line;
  context.globalAlpha = full >= 0.995 ? 0 : 0.5;
  context.strokeRect(place.x + 0.5, place.y + 0.5, 8, 8);
  context.globalAlpha = 1;
  const h = Math.round(full * 9);
  if (h === 0) return;
  context.fillStyle = colour(largestHolder(place.node));
  context.fillRect(place.x, place.y + 9 - h, 9, h);
}

function PoolBar({ nodes, colours }: { nodes: Node[]; colours: ReadonlyMap<string, number> }) {
  const total = nodes.reduce((s, n) => s + n.devices.length, 0);
  const by = new Map<string, number>();
  for (const node of nodes)
    for (const d of node.devices)
      for (const h of d.holders) by.set(h.project, (by.get(h.project) ?? 0) + h.milli / 1000);
  const free = new Array<number>(9).fill(0);
  for (const node of nodes) {
    const idle = node.devices.filter((d) => d.holders.length === 0 && d.healthy !== false).length;
    free[Math.min(8, idle)]! += 1;
  }
  return (
    <div className="pool-bar">
      <div className="pool-bar-track">
        {[...by]
          .sort((a, b) => b[1] - a[1])
          .map(([project, gpus]) => (
            <i
              key={project}
              title={`${project} ${number(gpus)}`}
              data-p={project}
              style={{ width: `${(gpus / total) * 100}%`, background: `var(--p${colours.get(project) ?? 12})` }}
            />
          ))}
      </div>
      <span className="legend">
        nodes by free GPUs:{" "}
        {free
          .map((count, i) => (count ? `${count} with ${i}` : ""))
          .filter(Boolean)
          .join(", ")}
      </span>
    </div>
  );
}
