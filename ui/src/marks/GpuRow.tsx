// GPU cells of one node (sizes L and M): the drawing is one picture, and over each device lies a real button, so that
// pointer, keyboard and readers reach the same thing.
import { type KeyboardEvent, memo, type PointerEvent as Pointer } from "react";
import type { Device, Holder, Node } from "../api/types";
import { gibibytes, modelText, number } from "../model/quantity";
import { colourOf, hatchOf, onColourOf, tintOf } from "./Hatch";
import { type Block, cutCell, type Frame, layoutRow, roundedEnds, shorten } from "./layout";
import { label11, label12 } from "./measure";

export interface CellPointed {
  node: Node;
  device: Device;
  holder: Holder | null;
  element: HTMLElement;
}

interface Props {
  node: Node;
  devices: Device[];
  size: "L" | "M";
  width: number;
  columns: number;
  gap: number;
  height: number;
  colours: ReadonlyMap<string, number>;
  onPoint?: (cell: CellPointed | null) => void;
  onOpen?: (cell: CellPointed) => void;
  /** Everything but this workload is faded. */
  only?: string;
  labels?: boolean;
}

// A device that is held whole has no frame: the block stands for it, also while it is faded.
const isSeen = (frame: Frame) => frame.idle > 0.0005 || frame.state === "failed";

const slotOf = (colours: ReadonlyMap<string, number>, project: string) => colours.get(project) ?? 12;

export function deviceSentence(node: Node, device: Device): string {
  const head = `${node.name} GPU ${device.index}`;
  if (device.healthy === false) return `${head}: failed`;
  if (device.holders.length === 0) return `${head}: idle${device.simulated ? ", simulated" : ""}`;
  const held = device.holders.map(
    (h) => `${h.workload} of ${h.project} ${number(h.milli / 1000)}${h.overQuota ? ", over quota" : ""}`,
  );
  return `${head}: ${held.join("; ")}${device.next ? `; next ${device.next.workload}` : ""}`;
}

export function nodeSentence(node: Node): string {
  const held = node.devices.reduce((sum, d) => sum + d.holders.reduce((s, h) => s + h.milli, 0), 0) / 1000;
  const who = [...new Set(node.devices.flatMap((d) => d.holders.map((h) => h.workload)))];
  const state = !node.ready ? ", not ready" : node.unschedulable ? ", draining" : "";
  return `${node.name}${state}: ${number(held)} of ${node.devices.length} GPUs held${who.length > 0 ? `; ${who.join(", ")}` : ""}`;
}

export const GpuRow = memo(function GpuRow(props: Props) {
  const { node, devices, size, width, columns, gap, height, colours, only, labels = true } = props;
  const cell = (width - gap * (columns - 1)) / columns;
  const layout = layoutRow(devices, { cell, gap, draining: node.unschedulable === true || !node.ready });
  const foot = size === "L" ? 5 : 3;
  const r = 3;
  const total = height + foot + 2;

  const point = (device: Device, element: HTMLElement, x?: number): CellPointed => {
    let holder = device.holders[0] ?? null;
    if (x !== undefined) {
      let from = 0;
      holder = null;
      for (const h of device.holders) {
        from += (h.milli / 1000) * cell;
        if (x <= from) {
          holder = h;
          break;
        }
      }
    }
    return { node, device, holder, element };
  };

  return (
    <div className="gpu-row" style={{ height: total, width }} role="group" aria-label={nodeSentence(node)}>
      <svg width={width} height={total} aria-hidden="true" focusable="false">
        {layout.frames.filter(isSeen).map((frame) => (
          <g key={frame.index}>
            {frame.state === "failed" ? (
              <rect className="cell-failed" x={frame.x + 0.5} y={0.5} width={cell - 1} height={height - 1} rx={r} />
            ) : frame.simulated ? (
              <path
                className={frame.state === "draining" ? "cell-draining" : "cell-idle"}
                d={cutCell(frame.x + 0.5, 0.5, cell - 1, height - 1, r)}
              />
            ) : (
              <rect
                className={frame.state === "draining" ? "cell-draining" : "cell-idle"}
                x={frame.x + 0.5}
                y={0.5}
                width={cell - 1}
                height={height - 1}
                rx={r}
              />
            )}
            {frame.state === "failed" && (
              <path className="cell-cross" d={`m${frame.x + cell / 2 - 4},${height / 2 - 4} 8,8 m0,-8 -8,8`} />
            )}
          </g>
        ))}
        {layout.blocks.map((block) => (
          <HolderMark
            key={block.key}
            block={block}
            height={height}
            slot={slotOf(colours, block.holder.project)}
            corner={cutsCorner(block, layout.frames, cell)}
            faded={only !== undefined && only !== block.holder.workloadId}
          />
        ))}
        {layout.notches.map((x) => (
          <path
            key={x}
            className="cell-notch"
            d={`M${x},0v${Math.round(height * 0.24)}M${x},${height}v-${Math.round(height * 0.24)}`}
          />
        ))}
        {layout.outlines.map((outline) => (
          <rect
            key={outline.key}
            className="cell-next"
            x={outline.x + 1}
            y={1}
            width={outline.w - 2}
            height={height - 2}
            rx={r - 1}
            style={{ stroke: colourOf(slotOf(colours, outline.project)) }}
          />
        ))}
        {labels &&
          layout.blocks.map((block) => (
            <HolderLabel
              key={block.key}
              block={block}
              size={size}
              height={height}
              slot={slotOf(colours, block.holder.project)}
              device={devices.find((d) => block.key.startsWith(`${d.uuid}/`))}
              next={
                layout.outlines.find((o) => block.holder.leaving && o.x < block.x + block.w && o.x + o.w > block.x)
                  ?.workload
              }
              room={block.w - 10}
              faded={only !== undefined && only !== block.holder.workloadId}
            />
          ))}
        {size === "L" &&
          devices.map((device, i) => (
            <IdleLabel key={device.uuid} device={device} x={i * (cell + gap)} cell={cell} height={height} />
          ))}
        {layout.frames.map((frame, i) => {
          const device = devices[i]!;
          if (frame.state === "failed") return null;
          const busy = device.utilization;
          const held = device.holders.length > 0;
          return (
            <g key={frame.index}>
              <rect className="cell-util-bg" x={frame.x} y={height + foot - 1} width={cell} height={2} rx={1} />
              {held && busy != null && busy > 0 && (
                <rect
                  className="cell-util"
                  x={frame.x}
                  y={height + foot - 1}
                  width={(cell * Math.min(100, busy)) / 100}
                  height={2}
                  rx={1}
                />
              )}
            </g>
          );
        })}
      </svg>
      {props.onPoint &&
        devices.map((device, i) => (
          <button
            key={device.uuid}
            type="button"
            className="cell-hit"
            data-cell
            tabIndex={-1}
            aria-label={deviceSentence(node, device)}
            style={{ left: i * (cell + gap), width: cell, height }}
            onPointerMove={(event: Pointer<HTMLButtonElement>) => {
              if (event.pointerType !== "mouse") return;
              const box = event.currentTarget.getBoundingClientRect();
              props.onPoint?.(point(device, event.currentTarget, event.clientX - box.left));
            }}
            onPointerLeave={(event) => event.pointerType === "mouse" && props.onPoint?.(null)}
            onFocus={(event) => props.onPoint?.(point(device, event.currentTarget))}
            onBlur={() => props.onPoint?.(null)}
            onClick={(event) => {
              if (event.detail === 0) return; // from the keyboard: handled below
              const box = event.currentTarget.getBoundingClientRect();
              props.onOpen?.(point(device, event.currentTarget, event.clientX - box.left));
            }}
            onKeyDown={(event: KeyboardEvent<HTMLButtonElement>) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              props.onOpen?.(point(device, event.currentTarget));
            }}
          />
        ))}
    </div>
  );
});

function cutsCorner(block: Block, frames: { x: number; simulated: boolean }[], cell: number): boolean {
  if (!block.right) return false;
  const end = block.x + block.w;
  return frames.some((frame) => frame.simulated && Math.abs(frame.x + cell - end) < 1);
}

function HolderMark({
  block,
  height,
  slot,
  corner,
  faded,
}: {
  block: Block;
  height: number;
  slot: number;
  corner: boolean;
  faded: boolean;
}) {
  const { holder } = block;
  const d =
    corner && block.left
      ? cutCell(block.x, 0, block.w, height, 3)
      : roundedEnds(block.x, 0, block.w, height, 3, block.left, block.right);
  const over = holder.overQuota === true;
  return (
    <g
      className="mark"
      data-p={holder.project}
      data-w={holder.workloadId}
      style={{ opacity: faded ? 0.28 : holder.leaving ? 0.42 : undefined }}
    >
      <path d={d} style={{ fill: over ? hatchOf(slot) : colourOf(slot) }} />
      {over && (
        <path
          d={
            corner && block.left
              ? cutCell(block.x + 0.5, 0.5, block.w - 1, height - 1, 2.5)
              : roundedEnds(block.x + 0.5, 0.5, block.w - 1, height - 1, 2.5, block.left, block.right)
          }
          style={{ fill: "none", stroke: colourOf(slot) }}
        />
      )}
    </g>
  );
}

interface LabelProps {
  block: Block;
  size: "L" | "M";
  height: number;
  slot: number;
  device: Device | undefined;
  next: string | undefined;
  room: number;
  faded: boolean;
}

function shareText(share: number): string {
  return share < 1 ? number(share).replace(/^0/, "") : number(share);
}

function HolderLabel({ block, size, height, slot, device, next, room, faded }: LabelProps) {
  const { holder } = block;
  const plate = holder.overQuota || next !== undefined;
  const fill = plate ? "var(--ink)" : onColourOf(slot);
  if (size === "L") {
    const text = shorten(next ? `next: ${next}` : holder.workload, room - 6, label12);
    if (block.w < 20) return null;
    if (!text || block.w < 56) {
      const short = shareText(block.share);
      return (
        <text
          className="cell-label"
          x={block.x + block.w / 2}
          y={height / 2 + 4}
          textAnchor="middle"
          style={{ fill }}
          data-p={holder.project}
          data-w={holder.workloadId}
        >
          {short}
        </text>
      );
    }
    const memory = holder.memoryMib;
    const share = number(block.share);
    const long = memory ? `${share} · ${gibibytes(memory)} of ${gibibytes(device?.memoryMib)} GiB` : share;
    const second = label11(long) <= room - 6 ? long : share;
    const plateWidth = Math.min(block.w - 8, Math.max(label12(text), label11(second)) + 12);
    return (
      <g
        data-p={holder.project}
        data-w={holder.workloadId}
        className="mark"
        style={{ opacity: faded ? 0.4 : undefined }}
      >
        {plate && (
          <rect x={block.x + 4} y={7} width={plateWidth} height={height - 14} rx={2} style={{ fill: tintOf(slot) }} />
        )}
        <text className="cell-label-l" x={block.x + 10} y={height / 2 - 3} style={{ fill }}>
          {text}
        </text>
        <text className="cell-label" x={block.x + 10} y={height / 2 + 14} style={{ fill }}>
          {second}
        </text>
      </g>
    );
  }
  if (block.w < 20) return null;
  if (block.share < 1 && block.w < 52) {
    return (
      <g data-p={holder.project} data-w={holder.workloadId} className="mark">
        {plate && (
          <rect
            x={block.x + block.w / 2 - 9}
            y={height / 2 - 8}
            width={18}
            height={16}
            rx={2}
            style={{ fill: tintOf(slot) }}
          />
        )}
        <text className="cell-label" x={block.x + block.w / 2} y={height / 2 + 4} textAnchor="middle" style={{ fill }}>
          {shareText(block.share)}
        </text>
      </g>
    );
  }
  if (block.w < 40) return null;
  const text = shorten(next ? `next: ${next}` : holder.workload, room, label11);
  if (!text) return null;
  return (
    <g data-p={holder.project} data-w={holder.workloadId} className="mark" style={{ opacity: faded ? 0.4 : undefined }}>
      {plate && (
        <rect
          x={block.x + 3}
          y={height / 2 - 8}
          width={Math.min(block.w - 6, label11(text) + 9)}
          height={16}
          rx={2}
          style={{ fill: next ? "var(--sheet)" : tintOf(slot) }}
        />
      )}
      <text className="cell-label" x={block.x + 6} y={height / 2 + 4} style={{ fill }}>
        {text}
      </text>
    </g>
  );
}

/** In size L the idle part of a device says what it is. */
function IdleLabel({ device, x, cell, height }: { device: Device; x: number; cell: number; height: number }) {
  const held = device.holders.reduce((sum, h) => sum + h.milli, 0) / 1000;
  const idle = 1 - held;
  if (device.healthy === false || idle < 0.005) return null;
  if (device.holders.length === 0) {
    const id = `${device.uuid} · ${modelText(device.model)}`;
    const wide = cell > 250 && label11(id) + 90 < cell;
    return (
      <>
        <text className="cell-label-l" x={x + 12} y={height / 2 - 3} style={{ fill: "var(--ink)" }}>
          GPU {device.index}
        </text>
        <text className="cell-label-quiet" x={x + 12} y={height / 2 + 14}>
          {cell > 110 ? "idle, all of it" : "idle"}
        </text>
        {wide && (
          <text className="cell-label-quiet" x={x + cell - 12} y={height / 2 + 14} textAnchor="end">
            {id}
          </text>
        )}
      </>
    );
  }
  const width = idle * cell;
  const text = `${number(idle)} idle`;
  if (label11(text) + 12 > width) return null;
  return (
    <text className="cell-label-quiet" x={x + cell - width + 8} y={height / 2 - 3}>
      {text}
    </text>
  );
}
