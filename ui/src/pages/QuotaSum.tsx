// All quotas on one bar against what there is, and what their sum means.
import type { Department, Node, Project } from "../api/types";
import { colourOf, onColourOf } from "../marks/Hatch";
import { label11 } from "../marks/measure";
import { useWidth } from "../marks/useWidth";
import { gpus, number } from "../model/quantity";
import { usableGpus } from "../model/quota";

interface Props {
  projects: Project[];
  nodes: Node[];
  departments: Department[];
  before: number;
  edited: boolean;
}

export function QuotaSum({ projects, nodes, departments, before, edited }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const total = nodes.reduce((s, n) => s + n.devices.length, 0);
  const usable = usableGpus(nodes);
  const withQuota = projects.filter((p) => (p.gpu.quota ?? 0) > 0);
  const sum = withQuota.reduce((s, p) => s + (p.gpu.quota ?? 0), 0);
  const whole = Math.max(total, sum, 1);
  const unit = width / whole;
  const gpuNodes = nodes.filter((n) => n.devices.length > 0).length;
  const too = sum - usable;
  let x = 0;
  const right =
    sum < total ? `${number(total - sum)} unassigned` : sum > total ? `${number(sum - total)} more than there are` : "";
  const left = `${usable} usable today`;
  const both = usable * unit - 6 + label11(right) * 1.1 + 12 < width;
  return (
    <section className="quota-sum" aria-labelledby="sum-title">
      <div className="section-head">
        <h2 id="sum-title">All quotas</h2>
        <span className="quiet">of {gpus(total)}</span>
      </div>
      <div ref={ref}>
        {width > 0 && (
          <svg width={width} height={44} role="img" aria-label={`Quotas sum to ${number(sum)} of ${total} GPUs`}>
            {usable < total && (both || !right) && (
              <text className="excess-label" x={usable * unit - 6} y={11} textAnchor="end">
                {left}
              </text>
            )}
            {right && (
              <text className="excess-label" x={width} y={11} textAnchor="end">
                {right}
              </text>
            )}
            {withQuota.map((p) => {
              const w = (p.gpu.quota ?? 0) * unit;
              const from = x;
              x += w;
              const text = `${p.name} ${number(p.gpu.quota)}`;
              return (
                <g key={p.name} data-p={p.name}>
                  <rect
                    x={from}
                    y={18}
                    width={Math.max(1, w - 2)}
                    height={22}
                    rx={1.5}
                    style={{ fill: colourOf(p.color) }}
                  />
                  {label11(text) + 14 < w && (
                    <text className="cell-label" x={from + 8} y={33} style={{ fill: onColourOf(p.color) }}>
                      {text}
                    </text>
                  )}
                </g>
              );
            })}
            {sum < total && (
              <rect
                className="cell-idle"
                x={x + 0.5}
                y={18.5}
                width={Math.max(1, width - x - 1)}
                height={21}
                rx={1.5}
              />
            )}
            {usable < total && <path className="bar-quota" d={`M${usable * unit},14V44`} />}
            {sum > total && <path className="bar-quota" d={`M${total * unit},14V44`} />}
          </svg>
        )}
      </div>
      <dl className="facts sum-facts">
        <div>
          <dt>Sum of quotas</dt>
          <dd>
            {number(sum)} of {gpus(total)}
            <span className="quiet">
              {edited && Math.abs(before - sum) > 1e-6 ? ` · was ${number(before)}` : ""}
              {usable < total ? ` · ${usable} usable today` : ""}
              {too > 1e-6 ? `, so ${number(too)} too many if everyone asks` : ""}
            </span>
          </dd>
        </div>
        {departments.map((d) => {
          const entry = d.resources?.[0]?.gpu;
          const members = projects.filter((p) => p.department === d.name);
          return (
            <div key={d.id}>
              <dt>Department</dt>
              <dd>
                {d.name}
                <span className="quiet">
                  {entry?.deserved != null ? ` · quota ${number(entry.deserved)}` : ""}
                  {departments.length > 1
                    ? ` · ${members.length} ${members.length === 1 ? "project" : "projects"}`
                    : ""}
                </span>
              </dd>
            </div>
          );
        })}
        <div>
          <dt>Nodes</dt>
          <dd>
            {gpuNodes} with GPUs<span className="quiet"> · {nodes.length} in all</span>
          </dd>
        </div>
      </dl>
    </section>
  );
}
