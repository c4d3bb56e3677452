// How many GPUs: sizes drawn as cells to scale, and a field for everything else with the grammar of the command line.
import { useState } from "react";
import { gpuRequestText, parseGpuRequest } from "../model/quantity";

interface Props {
  value: string;
  largest: number; // devices of the largest node
  error?: string;
  hint: string;
  onChange: (value: string) => void;
}

export const sizesFor = (largest: number) =>
  ["0.25", "0.5", "1", "2", "4", "8"].filter((size) => Number(size) <= Math.max(1, largest));

function normal(value: string): string {
  const parsed = parseGpuRequest(value);
  return parsed.ok ? gpuRequestText(parsed.request) : value;
}

export function SizePicker({ value, largest, error, hint, onChange }: Props) {
  const sizes = sizesFor(largest);
  const known = sizes.includes(normal(value));
  const [other, setOther] = useState(!known);
  const open = other || !known;
  return (
    <div className="field">
      <span className="field-label" id="gpus-label">
        GPUs
      </span>
      <div>
        <div className="sizes" role="radiogroup" aria-labelledby="gpus-label">
          {sizes.map((size) => {
            const on = !open && normal(value) === size;
            return (
              <button
                key={size}
                type="button"
                role="radio"
                aria-checked={on}
                tabIndex={on || (open && size === sizes[0]) ? 0 : -1}
                onClick={() => {
                  setOther(false);
                  onChange(size);
                }}
                onKeyDown={(event) => {
                  const by =
                    event.key === "ArrowRight" || event.key === "ArrowDown"
                      ? 1
                      : event.key === "ArrowLeft" || event.key === "ArrowUp"
                        ? -1
                        : 0;
                  if (by === 0) return;
                  event.preventDefault();
                  event.stopPropagation();
                  const to = sizes[(sizes.indexOf(size) + by + sizes.length) % sizes.length]!;
                  setOther(false);
                  onChange(to);
                  event.currentTarget.parentElement?.querySelector<HTMLElement>(`[data-size="${to}"]`)?.focus();
                }}
                data-size={size}
              >
                <Cells size={Number(size)} />
                {size}
              </button>
            );
          })}
          <button
            type="button"
            role="radio"
            aria-checked={open}
            tabIndex={open ? 0 : -1}
            onClick={() => {
              setOther(true);
              setTimeout(() => document.getElementById("gpus-other")?.focus(), 0);
            }}
          >
            Other
          </button>
        </div>
        {open && (
          <input
            id="gpus-other"
            className="input w-160 sizes-other"
            aria-label="GPUs, as 0.25, 2x0.5 or 10Gi"
            aria-invalid={error ? true : undefined}
            aria-describedby="gpus-note"
            value={value}
            onChange={(event) => onChange(event.target.value.trim())}
          />
        )}
        {error ? (
          <p className="field-error" id="gpus-note" role="alert">
            {error}
          </p>
        ) : (
          <p className="field-hint" id="gpus-note">
            {open ? "0 for none, 0.25 of one, 2x0.5 for halves of two, 10Gi for memory of one." : hint}
          </p>
        )}
      </div>
    </div>
  );
}

/** Cells to scale: whole ones filled, a share filled to its width. */
function Cells({ size }: { size: number }) {
  const count = Math.max(1, Math.ceil(size));
  const perRow = Math.min(4, count);
  const rows = Math.ceil(count / perRow);
  const w = size < 1 ? 14 : 8;
  const h = rows > 1 ? 8 : 15;
  const gap = 2;
  return (
    <svg width={perRow * (w + gap) - gap} height={rows * (h + gap) - gap} aria-hidden="true">
      {Array.from({ length: count }, (_, i) => {
        const x = (i % perRow) * (w + gap);
        const y = Math.floor(i / perRow) * (h + gap);
        const share = Math.min(1, size - i);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
          <g key={i}>
            <rect className="size-frame" x={x + 0.5} y={y + 0.5} width={w - 1} height={h - 1} rx={1.5} />
            <rect className="size-fill" x={x} y={y} width={w * share} height={h} rx={1.5} />
          </g>
        );
      })}
    </svg>
  );
}
