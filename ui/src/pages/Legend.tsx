// The little pictures that explain the marks, beside the section they belong to.
export type LegendKind = "held" | "over" | "idle" | "busy" | "quota" | "share" | "limit" | "waiting";

export function LegendMark({ kind }: { kind: LegendKind }) {
  return (
    <svg
      className={`legend-mark ${kind}`}
      width={kind === "quota" ? 4 : kind === "share" || kind === "limit" ? 9 : 15}
      height="12"
      aria-hidden="true"
    >
      {kind === "held" && <rect x="0.5" y="1.5" width="13" height="9" rx="2" style={{ fill: "var(--ink-3)" }} />}
      {kind === "over" && (
        <rect x="0.5" y="1.5" width="13" height="9" rx="2" style={{ fill: "url(#hatch-0)", stroke: "var(--ink-2)" }} />
      )}
      {kind === "idle" && (
        <rect
          x="0.5"
          y="1.5"
          width="13"
          height="9"
          rx="2"
          style={{ fill: "var(--cell)", stroke: "var(--cell-line)" }}
        />
      )}
      {kind === "busy" && (
        <>
          <rect x="0" y="7" width="14" height="2" style={{ fill: "var(--util-bg)" }} />
          <rect x="0" y="7" width="8" height="2" style={{ fill: "var(--util)" }} />
        </>
      )}
      {kind === "quota" && <path d="M1.5 1v10" style={{ stroke: "var(--ink)", strokeWidth: 2 }} />}
      {kind === "share" && <path d="m4.5 3 4 5.5h-8Z" style={{ fill: "var(--ink)" }} />}
      {kind === "limit" && <path d="M2 1.5h4v9H2" style={{ stroke: "var(--ink)", strokeWidth: 1.5, fill: "none" }} />}
      {kind === "waiting" && (
        <rect
          x="1"
          y="2"
          width="12"
          height="8"
          rx="2"
          style={{ fill: "none", stroke: "var(--ink-3)", strokeWidth: 1.5, strokeDasharray: "3 2" }}
        />
      )}
    </svg>
  );
}
