// The hatch of "over quota", one pattern per project colour: 2 px lines every 5 px at 45 degrees on a tint of the same
// colour. Drawn once per page; marks point at it by id.
import { memo } from "react";

export const slots = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as const;
export const colourOf = (slot: number) => `var(--p${slot})`;
export const onColourOf = (slot: number) => `var(--on-p${slot})`;
export const tintOf = (slot: number) => `color-mix(in srgb, var(--p${slot}) var(--tint), var(--sheet))`;
export const hatchOf = (slot: number) => `url(#hatch-${slot})`;

export const HatchPatterns = memo(function HatchPatterns() {
  return (
    <svg className="hidden-defs" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        {[...slots, 0].map((slot) => (
          <pattern
            key={slot}
            id={`hatch-${slot}`}
            width="5"
            height="5"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect width="5" height="5" style={{ fill: slot === 0 ? "var(--sheet)" : tintOf(slot) }} />
            <rect width="2" height="5" style={{ fill: slot === 0 ? "var(--ink-2)" : colourOf(slot) }} />
          </pattern>
        ))}
      </defs>
    </svg>
  );
});
