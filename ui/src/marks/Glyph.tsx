// The sign of a phase, 14 px. Shapes differ without colour; the word stands beside it or is said to readers.
import type { Glyph as Name, Tone } from "../model/phase";

function shape(name: Name) {
  const line = { fill: "none", stroke: "currentColor", strokeWidth: 1.5 } as const;
  switch (name) {
    case "creating":
      return <circle cx="7" cy="7" r="5.5" {...line} strokeDasharray="2 2.3" />;
    case "clock":
      return (
        <>
          <circle cx="7" cy="7" r="5.75" {...line} />
          <path d="M7 3.8V7l2.1 1.4" {...line} strokeLinecap="round" strokeLinejoin="round" />
        </>
      );
    case "change":
      return (
        <>
          <path d="M7 .9 13.1 7 7 13.1.9 7Z" {...line} strokeWidth={1.3} strokeLinejoin="round" />
          <path d="M7 4.2v3.4" {...line} strokeWidth={1.4} strokeLinecap="round" />
          <circle cx="7" cy="9.7" r=".85" fill="currentColor" />
        </>
      );
    case "starting":
      return (
        <>
          <circle cx="7" cy="7" r="5.5" {...line} strokeOpacity={0.25} />
          <path
            className="turning"
            d="M12.5 7A5.5 5.5 0 0 1 7 12.5"
            {...line}
            strokeWidth={1.8}
            strokeLinecap="round"
          />
        </>
      );
    case "running":
      return <circle cx="7" cy="7" r="4.5" fill="currentColor" />;
    case "degraded":
      return (
        <>
          <circle cx="7" cy="7" r="5.25" {...line} />
          <path d="M7 1.75a5.25 5.25 0 0 0 0 10.5Z" fill="currentColor" />
        </>
      );
    case "updating":
      return (
        <path
          d="M11.9 5.2A5.2 5.2 0 0 0 2.6 4.4M2.1 8.8a5.2 5.2 0 0 0 9.3.8M2.6 1.9v2.6h2.6M11.4 12.1V9.5H8.8"
          {...line}
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      );
    case "paused":
      return (
        <>
          <circle cx="7" cy="7" r="5.75" {...line} strokeWidth={1.3} />
          <path d="M5.6 5v4M8.4 5v4" {...line} strokeWidth={1.4} strokeLinecap="round" />
        </>
      );
    case "done":
      return <path d="M2.5 7.4 5.6 10.4 11.5 3.9" {...line} strokeLinecap="round" strokeLinejoin="round" />;
    case "failed":
      return (
        <>
          <circle cx="7" cy="7" r="6.25" fill="currentColor" />
          <path d="m5 5 4 4m0-4-4 4" fill="none" stroke="var(--sheet)" strokeWidth={1.5} strokeLinecap="round" />
        </>
      );
    case "leaving":
      return (
        <>
          <circle cx="7" cy="7" r="5.75" {...line} strokeWidth={1.3} />
          <path d="M4.6 7h4.8" {...line} strokeWidth={1.4} strokeLinecap="round" />
        </>
      );
    case "unknown":
      return (
        <>
          <circle cx="7" cy="7" r="5.75" {...line} strokeDasharray="2 1.8" />
          <path d="M5.5 5.6A1.5 1.5 0 1 1 7.3 7c-.2.1-.3.3-.3.6" {...line} strokeWidth={1.2} strokeLinecap="round" />
          <circle cx="7" cy="9.6" r=".75" fill="currentColor" />
        </>
      );
  }
}

export function Glyph({ name, tone, word }: { name: Name; tone: Tone; word?: string }) {
  return (
    <span className={`glyph tone-${tone}`}>
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        {shape(name)}
      </svg>
      {word ? <span className="sr">{word}</span> : null}
    </span>
  );
}
