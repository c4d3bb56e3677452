// What floats beside a GPU cell that is pointed at: device, who holds it and how much of it. Readers get the same from
// the label of the cell, so the card itself is hidden from them.
import { useLayoutEffect, useRef, useState } from "react";
import { gibibytes, modelText, number } from "../model/quantity";
import type { CellPointed } from "./GpuRow";
import { colourOf } from "./Hatch";

export function CellCard({ cell, colours }: { cell: CellPointed | null; colours: ReadonlyMap<string, number> }) {
  const ref = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);
  useLayoutEffect(() => {
    if (!cell || !ref.current) return setPlace(null);
    const at = cell.element.getBoundingClientRect();
    const own = ref.current.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, window.innerWidth - own.width - 8));
    const below = at.bottom + 10;
    setPlace({ left, top: below + own.height > window.innerHeight - 8 ? at.top - own.height - 8 : below });
  }, [cell]);
  if (!cell) return null;
  const { device, node } = cell;
  const held = device.holders.reduce((sum, h) => sum + h.milli, 0) / 1000;
  const measured = [
    device.utilization == null ? "" : `busy ${Math.round(device.utilization)} %`,
    device.memoryUsedMib == null ? "" : `${gibibytes(device.memoryUsedMib)} of ${gibibytes(device.memoryMib)} GiB used`,
    device.temperature == null ? "" : `${Math.round(device.temperature)} °C`,
    device.power == null ? "" : `${Math.round(device.power)} W`,
  ].filter(Boolean);
  return (
    <div
      ref={ref}
      className="float cell-card"
      aria-hidden="true"
      style={place ?? { left: 0, top: 0, visibility: "hidden" }}
    >
      <div className="cell-card-head">
        <b>
          {node.name} GPU {device.index}
        </b>
        <span>
          {modelText(device.model)}
          {device.simulated ? ", simulated" : ""}
        </span>
      </div>
      <div className="mono quiet">{device.uuid}</div>
      {device.healthy === false && <div className="bad">Failed: takes nothing until it is replaced.</div>}
      {device.holders.map((holder) => (
        <div className={`cell-card-holder${cell.holder === holder ? " here" : ""}`} key={holder.pod}>
          <i className="square" style={{ background: colourOf(colours.get(holder.project) ?? 12) }} />
          <span>
            <b>{holder.workload}</b> <span className="quiet">{holder.project}</span>
            <span className="quiet block">
              {number(holder.milli / 1000)}
              {holder.memoryMib ? `, ${gibibytes(holder.memoryMib)} of ${gibibytes(device.memoryMib)} GiB` : ""}
              {holder.overQuota ? ", over quota" : ""}
              {holder.leaving ? ", giving way" : ""}
            </span>
          </span>
        </div>
      ))}
      {device.healthy !== false && held < 0.9995 && <div className="quiet">{number(1 - held)} idle</div>}
      {device.next && (
        <div className="quiet">
          Next: {device.next.workload} of {device.next.project}
        </div>
      )}
      {measured.length > 0 && <div className="quiet">{measured.join(", ")}</div>}
    </div>
  );
}
