// The small parts every page is made of: button, key, copyable command, project tag, empty state.
import { type ButtonHTMLAttributes, type ReactNode, useEffect, useState } from "react";
import { colourOf } from "../marks/Hatch";
import { Icon, type IconName } from "./icons";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "plain" | "primary" | "bare" | "bad";
  icon?: IconName;
  keys?: string;
  /** Why it cannot be pressed; also disables it. */
  blocked?: string | false | null;
}

export function Button({ look = "plain", icon, keys, blocked, children, className = "", ...rest }: ButtonProps) {
  const off = rest.disabled || !!blocked;
  return (
    <button
      type="button"
      {...rest}
      className={`button ${look} ${className}`}
      disabled={off}
      title={blocked ? blocked : rest.title}
      aria-keyshortcuts={keys && keys.length === 1 ? keys : undefined}
    >
      {icon && <Icon name={icon} />}
      {children}
      {keys && <Keys>{keys}</Keys>}
    </button>
  );
}

export const Keys = ({ children }: { children: ReactNode }) => (
  <kbd className="keys" aria-hidden="true">
    {children}
  </kbd>
);

export function useCopy(): [(text: string) => void, boolean] {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1600);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = (text: string) => {
    const fallback = () => {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    };
    // Outside https and localhost there is no clipboard object.
    if (navigator.clipboard) navigator.clipboard.writeText(text).catch(fallback);
    else fallback();
    setDone(true);
  };
  return [copy, done];
}

export function CopyButton({ text, label = "Copy", icon = "copy" }: { text: string; label?: string; icon?: IconName }) {
  const [copy, done] = useCopy();
  return (
    <Button look="bare" icon={icon} onClick={() => copy(text)}>
      <span aria-live="polite">{done ? "Copied" : label}</span>
    </Button>
  );
}

export interface CommandRow {
  what: string;
  command: string;
}

export function Commands({ rows }: { rows: CommandRow[] }) {
  return (
    <ul className="commands">
      {rows.map((row) => (
        <li key={row.command}>
          <span className="what">{row.what}</span>
          <code>{row.command}</code>
          <CopyButton text={row.command} />
        </li>
      ))}
    </ul>
  );
}

export function ProjectTag({ name, slot }: { name: string; slot: number | undefined }) {
  return (
    <span className="project-tag">
      <i className="square" style={{ background: colourOf(slot ?? 12) }} />
      <span className="cut" title={name}>
        {name}
      </span>
    </span>
  );
}

/** A name that keeps its end when it must be shortened, because names of a series differ there. */
export function MiddleCut({ text }: { text: string }) {
  const tail = /-[^-]{1,6}$/.exec(text)?.[0] ?? text.slice(-3);
  if (text.length < 12) return <span className="cut">{text}</span>;
  return (
    <span className="middle-cut" title={text}>
      <span className="cut">{text.slice(0, -tail.length)}</span>
      <span>{tail}</span>
    </span>
  );
}

export function Failed({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  return (
    <div className="failed" role="alert">
      <b>{what} could not be read.</b> {error instanceof Error ? error.message : String(error)}
      {retry && <Button onClick={retry}>Retry</Button>}
    </div>
  );
}

/** Grey bars where text will stand, after a moment without it. */
export function Waiting({ lines = 4, of }: { lines?: number; of: string }) {
  const [shown, setShown] = useState<"" | "bars" | "words">("");
  useEffect(() => {
    const first = setTimeout(() => setShown("bars"), 150);
    const second = setTimeout(() => setShown("words"), 3000);
    return () => {
      clearTimeout(first);
      clearTimeout(second);
    };
  }, []);
  if (!shown) return null;
  return (
    <div className="bars" aria-busy="true">
      {Array.from({ length: lines }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <i key={i} style={{ width: `${70 - ((i * 17) % 45)}%` }} />
      ))}
      {shown === "words" && <p>Waiting for {of} from the server.</p>}
    </div>
  );
}
