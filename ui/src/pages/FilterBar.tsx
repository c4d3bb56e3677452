// Views and filters above the list. A chip is one field of the query string; typing `project:vision det` makes the same.
import { type ReactNode, type RefObject, useId, useMemo, useRef, useState } from "react";
import type { Workload } from "../api/types";
import { type Field, fields, fieldValue, type Query, typed } from "../model/filter";
import { Keys } from "../parts/bits";
import { Icon } from "../parts/icons";

export interface View {
  label: string;
  filters: Query["filters"];
  count: number;
}

const sameFilters = (a: Query["filters"], b: Query["filters"]) => JSON.stringify(a) === JSON.stringify(b);

interface Props {
  query: Query;
  views: View[];
  all: Workload[];
  onChange: (query: Query) => void;
  addRef: RefObject<HTMLButtonElement | null>;
  right: ReactNode;
}

export function FilterBar({ query, views, all, onChange, addRef, right }: Props) {
  const [adding, setAdding] = useState(false);
  const chips = Object.entries(query.filters) as [Field, string[]][];
  const view = views.find((v) => sameFilters(v.filters, query.filters) && query.text === "");
  const drop = (field: Field) => {
    const filters = { ...query.filters };
    delete filters[field];
    onChange({ ...query, filters });
  };
  return (
    <div className="filter-bar">
      <div className="segments" role="group" aria-label="Views">
        {views.map((v) => (
          <button
            key={v.label}
            type="button"
            aria-pressed={v === view}
            onClick={() => onChange({ ...query, filters: v.filters, text: "" })}
          >
            {v.label} <span>{v.count}</span>
          </button>
        ))}
      </div>
      {(!view || view.label === "All") &&
        chips.map(([field, values]) => (
          <Chip
            key={field}
            label={field}
            value={values.map((v) => (v.startsWith("!") ? `not ${v.slice(1)}` : v)).join(" or ")}
            onDrop={() => drop(field)}
          />
        ))}
      {query.text && <Chip label="name" value={query.text} onDrop={() => onChange({ ...query, text: "" })} />}
      {adding ? (
        <FilterInput
          query={query}
          all={all}
          onDone={(next) => {
            setAdding(false);
            if (next) onChange(next);
            setTimeout(() => addRef.current?.focus(), 0);
          }}
        />
      ) : (
        <button ref={addRef} type="button" className="add-filter" onClick={() => setAdding(true)}>
          + Filter <Keys>F</Keys>
        </button>
      )}
      <div className="filter-right">{right}</div>
    </div>
  );
}

function Chip({ label, value, onDrop }: { label: string; value: string; onDrop: () => void }) {
  return (
    <span className="chip">
      <span className="quiet">{label}</span> {value}
      <button type="button" onClick={onDrop} aria-label={`Remove filter ${label} ${value}`}>
        <Icon name="close" size={12} />
      </button>
    </span>
  );
}

interface Suggestion {
  field: Field;
  value: string;
  count: number;
}

export function suggest(text: string, all: Workload[], most = 8): Suggestion[] {
  const last = text.split(/\s+/).at(-1)?.toLowerCase() ?? "";
  const [only, part] = last.includes(":") ? (last.split(":", 2) as [string, string]) : ["", last];
  const out: Suggestion[] = [];
  for (const field of fields) {
    if (only && field !== only) continue;
    const counts = new Map<string, number>();
    for (const w of all) {
      const value = fieldValue(w, field);
      if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    if (counts.size < 2 && field === "kind") continue;
    for (const [value, count] of counts) {
      if (value.toLowerCase().includes(part) || (!only && part !== "" && field.startsWith(part)))
        out.push({ field, value, count });
    }
  }
  return out.sort((a, b) => fields.indexOf(a.field) - fields.indexOf(b.field) || b.count - a.count).slice(0, most);
}

function FilterInput({ query, all, onDone }: { query: Query; all: Workload[]; onDone: (next: Query | null) => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(-1);
  const id = useId();
  const options = useMemo(() => suggest(text, all), [text, all]);
  const done = useRef(false);
  const finish = (next: Query | null) => {
    if (done.current) return;
    done.current = true;
    onDone(next);
  };
  const pick = (option: Suggestion) => {
    const words = text.split(/\s+/).slice(0, -1).join(" ");
    finish(typed(`${words} ${option.field}:${option.value.replaceAll(" ", "")}`, { ...query, text: "" }));
  };
  return (
    <span className="filter-input">
      <input
        // biome-ignore lint/a11y/noAutofocus: it replaces the button that was just pressed
        autoFocus
        className="input"
        role="combobox"
        aria-label="Filter"
        aria-expanded={options.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        placeholder="name, or project:vision"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(-1);
        }}
        onBlur={() => finish(text.trim() ? typed(text, query) : null)}
        onKeyDown={(event) => {
          if (event.key === "Escape") finish(null);
          else if (event.key === "ArrowDown") setAt(Math.min(options.length - 1, at + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(-1, at - 1));
          else if (event.key === "Enter") {
            const option = options[at];
            if (option) pick(option);
            else finish(text.trim() ? typed(text, query) : null);
          } else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      {options.length > 0 && (
        <div className="float options" role="listbox" id={`${id}-list`} aria-label="Filters">
          {options.map((option, i) => (
            <div
              key={`${option.field}:${option.value}`}
              id={`${id}-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === at}
              onPointerDown={(event) => {
                event.preventDefault();
                pick(option);
              }}
            >
              <span className="quiet">{option.field}</span> {option.value}
              <span className="quiet count">{option.count}</span>
            </div>
          ))}
        </div>
      )}
    </span>
  );
}
