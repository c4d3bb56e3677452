// Parts of a form: a field with its label, hint and error; a section that folds; a project to choose; variables.
import { type ReactNode, useState } from "react";
import type { Project } from "../api/types";
import { colourOf } from "../marks/Hatch";
import { Button } from "../parts/bits";
import { Icon } from "../parts/icons";

export interface FieldAria {
  id: string;
  "aria-invalid"?: true;
  "aria-describedby"?: string;
}

interface FieldProps {
  label: string;
  id: string;
  optional?: boolean;
  hint: string;
  error?: string;
  children: (aria: FieldAria) => ReactNode;
}

export function Field({ label, id, optional, hint, error, children }: FieldProps) {
  const note = error || hint ? `${id}-note` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {optional && <span className="quiet"> optional</span>}
      </label>
      <div>
        {children({ id, "aria-invalid": error ? true : undefined, "aria-describedby": note })}
        {error ? (
          <p className="field-error" id={note} role="alert">
            {error}
          </p>
        ) : hint ? (
          <p className="field-hint" id={note}>
            {hint}
          </p>
        ) : null}
      </div>
    </div>
  );
}

export function Fold({
  title,
  summary,
  open,
  children,
}: {
  title: string;
  summary: string;
  open: boolean;
  children: ReactNode;
}) {
  const [unfolded, setUnfolded] = useState(open);
  const shown = unfolded || open;
  return (
    <section className="fold">
      <button type="button" aria-expanded={shown} onClick={() => setUnfolded(!shown)}>
        <b>{title}</b>
        <span className="quiet">{shown ? "" : summary}</span>
        <Icon name={shown ? "up" : "down"} />
      </button>
      {shown && <div className="fold-body">{children}</div>}
    </section>
  );
}

interface SelectProps extends FieldAria {
  projects: Project[];
  value: string;
  onChange: (value: string) => void;
}

export function ProjectSelect({ projects, value, onChange, ...aria }: SelectProps) {
  const slot = projects.find((p) => p.name === value)?.color ?? 12;
  return (
    <span className="project-select">
      <i className="square" style={{ background: colourOf(slot) }} />
      <select className="select" {...aria} value={value} onChange={(event) => onChange(event.target.value)}>
        {projects.map((p) => (
          <option key={p.name}>{p.name}</option>
        ))}
      </select>
    </span>
  );
}

interface VariablesProps extends FieldAria {
  value: { name: string; value: string }[];
  onChange: (value: { name: string; value: string }[]) => void;
}

export function Variables({ value, onChange, id, ...aria }: VariablesProps) {
  const change = (i: number, part: Partial<{ name: string; value: string }>) =>
    onChange(value.map((v, j) => (i === j ? { ...v, ...part } : v)));
  return (
    <div className="variables">
      {value.map((v, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity while one types
        <div key={i}>
          <input
            className="input mono"
            {...aria}
            aria-label={`Name of variable ${i + 1}`}
            placeholder="NAME"
            spellCheck={false}
            value={v.name}
            onChange={(event) => change(i, { name: event.target.value.trim() })}
          />
          <input
            className="input mono"
            aria-label={`Value of ${v.name || `variable ${i + 1}`}`}
            placeholder="value"
            spellCheck={false}
            value={v.value}
            onChange={(event) => change(i, { value: event.target.value })}
          />
          <button
            type="button"
            className="icon-button"
            aria-label={`Remove ${v.name || `variable ${i + 1}`}`}
            onClick={() => onChange(value.filter((_, j) => i !== j))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <Button id={id} onClick={() => onChange([...value, { name: "", value: "" }])}>
        Add variable
      </Button>
    </div>
  );
}
