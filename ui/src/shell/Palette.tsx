// The palette: objects first, then deeds on what was found and on this page, then "filter this list". Everything comes
// from the local cache, so it answers while one types.

import { Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { act, meQuery, nodesQuery, projectsQuery, workloadsQuery } from "../api/queries";
import type { Node, Project, Workload } from "../api/types";
import { Glyph } from "../marks/Glyph";
import { canResume, canSuspend, look, needsChange, nominations, phaseWord, placements, rank } from "../model/phase";
import { gpus } from "../model/quantity";
import { at, span } from "../model/time";
import { Keys } from "../parts/bits";
import { Floating } from "../parts/Floating";
import { Icon, type IconName } from "../parts/icons";
import { toggleMode } from "../parts/mode";
import { pageDeeds } from "./palette-state";
import "./palette.css";
import { askOf } from "../pages/waiting";
import { useBlocked } from "./Page";

interface Row {
  key: string;
  group: string;
  mark: ReactNode;
  label: string;
  effect: string;
  run: (fresh: boolean) => void;
}

/** Where the query stands in a name: at the start, at the start of a part, anywhere; -1 = not at all. */
export function score(name: string, query: string): number {
  const at = name.toLowerCase().indexOf(query);
  if (at < 0) return -1;
  if (at === 0) return 3;
  return /[-_/ ]/.test(name[at - 1]!) ? 2 : 1;
}

function best<T>(
  items: T[],
  name: (item: T) => string,
  query: string,
  most: number,
  order?: (a: T, b: T) => number,
): T[] {
  return items
    .map((item) => ({ item, points: score(name(item), query) }))
    .filter((entry) => entry.points > 0)
    .sort(
      (a, b) =>
        b.points - a.points ||
        (order?.(a.item, b.item) ?? 0) ||
        name(a.item).localeCompare(name(b.item), "en", { numeric: true }),
    )
    .slice(0, most)
    .map((entry) => entry.item);
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [cursor, setCursor] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const rows = useRows(text, onClose);
  const here_ = Math.min(cursor, rows.length - 1);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another text, another list
  useEffect(() => setCursor(0), [text]);
  useEffect(() => {
    list.current?.querySelector(`#palette-${here_}`)?.scrollIntoView({ block: "nearest" });
  }, [here_]);

  const run = (row: Row | undefined, fresh: boolean) => {
    if (!row) return;
    if (!fresh) onClose();
    row.run(fresh);
  };
  let group = "";
  return (
    <Floating>
      <Modal
        opened
        onClose={onClose}
        size={600}
        yOffset={108}
        padding={0}
        title="Search or run a command"
        classNames={{ content: "float palette", body: "palette-body", header: "palette-no-head" }}
      >
        <div className="palette-search">
          <Icon name="search" />
          <input
            data-autofocus
            role="combobox"
            aria-label="Search or run a command"
            aria-expanded
            aria-controls="palette-list"
            aria-activedescendant={rows.length > 0 ? `palette-${here_}` : undefined}
            placeholder="A workload, a project, a node, or what to do"
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "ArrowDown") setCursor(Math.min(rows.length - 1, here_ + 1));
              else if (event.key === "ArrowUp") setCursor(Math.max(0, here_ - 1));
              else if (event.key === "Enter") run(rows[here_], event.ctrlKey || event.metaKey);
              else if (event.key === "Tab" && rows.at(-1)?.group === "Filter this list") run(rows.at(-1), false);
              else return;
              event.preventDefault();
            }}
          />
        </div>
        <div className="palette-list" role="listbox" id="palette-list" aria-label="Found" ref={list}>
          {rows.map((row, i) => {
            const head = row.group !== group;
            group = row.group;
            return (
              <div key={row.key} role="presentation">
                {head && (
                  <div className="palette-group" role="presentation">
                    {row.group}
                  </div>
                )}
                {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field above */}
                <div
                  id={`palette-${i}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={i === here_}
                  onPointerMove={() => setCursor(i)}
                  onClick={(event) => run(row, event.ctrlKey || event.metaKey)}
                >
                  {row.mark}
                  <Found text={row.label} needle={text.replace(/^>\s*/, "")} />
                  <span className="quiet cut">{row.effect}</span>
                  {i === here_ && <Keys>{row.group === "Filter this list" ? "Tab" : "↵"}</Keys>}
                </div>
              </div>
            );
          })}
          {rows.length === 0 && <p className="palette-none">Nothing is called {text.replace(/^>\s*/, "")}.</p>}
        </div>
        <div className="palette-foot">
          <span>
            <Keys>↑</Keys> <Keys>↓</Keys> move
          </span>
          <span>
            <Keys>↵</Keys> open
          </span>
          <span>
            <Keys>Ctrl ↵</Keys> new tab
          </span>
          <span className="palette-right">
            <Keys>&gt;</Keys> commands only
          </span>
        </div>
      </Modal>
    </Floating>
  );
}

function Found({ text, needle }: { text: string; needle: string }) {
  const from = needle ? text.toLowerCase().indexOf(needle.toLowerCase()) : -1;
  if (from < 0) return <span className="palette-label">{text}</span>;
  return (
    <span className="palette-label">
      {text.slice(0, from)}
      <b>{text.slice(from, from + needle.length)}</b>
      {text.slice(from + needle.length)}
    </span>
  );
}

function useRows(text: string, onClose: () => void): Row[] {
  const navigate = useNavigate();
  const client = useQueryClient();
  const { data: workloads = [] } = useQuery(workloadsQuery);
  const { data: projects = [] } = useQuery(projectsQuery);
  const { data: nodes = [] } = useQuery(nodesQuery);
  const { data: me } = useQuery(meQuery);
  const here = useRouterState({ select: (state) => state.location.pathname });
  const blocked = useBlocked();
  return useMemo(() => {
    const only = text.startsWith(">");
    const query = text.replace(/^>\s*/, "").trim().toLowerCase();
    const go = (path: string) => (fresh: boolean) => {
      if (fresh) window.open(path, "_blank");
      else void navigate({ href: path });
    };
    const deed = (w: Workload, what: "suspend" | "resume") => () => {
      void act(w, what).finally(() => client.invalidateQueries({ queryKey: ["workload", w.id] }));
    };
    const nominated = new Set(nominations(nodes).keys());
    const places = placements(nodes);
    const rows: Row[] = [];
    const found =
      query && !only
        ? best(
            workloads,
            (w) => w.name,
            query,
            5,
            (a, b) => rank(a, nominated) - rank(b, nominated),
          )
        : [];
    if (!only) {
      for (const w of found) rows.push(workloadRow(w, nominated, places.get(w.id) ?? [], go));
      for (const p of query ? best(projects, (p: Project) => p.name, query, 3) : []) {
        rows.push({
          key: `project ${p.name}`,
          group: "Projects",
          mark: <i className="square" style={{ background: `var(--p${p.color})`, margin: "0 2px" }} />,
          label: p.name,
          effect: `${gpus(p.gpu.allocated)} in use`,
          run: go(`/workloads?project=${p.name}`),
        });
      }
      for (const n of query ? best(nodes, (n: Node) => n.name, query, 3) : []) {
        rows.push({
          key: `node ${n.name}`,
          group: "Nodes",
          mark: <Icon name="nodes" />,
          label: n.name,
          effect: `${n.devices.length} GPUs`,
          run: go(`/nodes#${n.name}`),
        });
      }
    }
    const deeds: Row[] = [];
    const add = (label: string, effect: string, icon: IconName, run: (fresh: boolean) => void) => {
      if (query && score(label, query) < 0) return;
      deeds.push({ key: `do ${label}`, group: "Do", mark: <Icon name={icon} />, label, effect, run });
    };
    for (const w of blocked ? [] : found.slice(0, 2)) {
      if (canSuspend(w.phase))
        add(
          `Suspend ${w.name}`,
          w.phase === "Running" ? `frees ${gpus(askOf(w))}` : "stops waiting",
          "pause",
          deed(w, "suspend"),
        );
      if (canResume(w.phase)) add(`Resume ${w.name}`, "queues it again", "play", deed(w, "resume"));
      add(`Copy and edit ${w.name}`, "", "copy", go(`/new?from=${w.projectName}/${w.name}`));
    }
    for (const one of pageDeeds()) add(one.label, one.effect ?? "", one.icon ?? "right", () => one.run());
    add("New workload", "", "plus", go("/new"));
    add("Overview", "", "overview", go("/"));
    add("Workloads", "", "workloads", go("/workloads"));
    add("Workloads that wait", "", "workloads", go("/workloads?phase=pending"));
    if (me) add("My workloads", "", "workloads", go(`/workloads?user=${encodeURIComponent(me.name)}`));
    add("Nodes", "", "nodes", go("/nodes"));
    add("Projects and quotas", "", "projects", go("/projects"));
    for (const p of query && me?.admin ? projects : [])
      add(`Edit quota of ${p.name}`, "", "projects", go(`/projects?edit=${p.name}`));
    add("Dark or light mode", "", "sun", () => toggleMode());
    rows.push(...deeds.slice(0, query || only ? 8 : 10));
    if (query && !only && here === "/workloads") {
      const count = workloads.filter((w) => w.name.toLowerCase().includes(query)).length;
      rows.push({
        key: "filter",
        group: "Filter this list",
        mark: <Icon name="workloads" />,
        label: `name contains ${query}`,
        effect: count === 1 ? "1 workload" : `${count} workloads`,
        run: go(`/workloads?q=${encodeURIComponent(query)}`),
      });
    }
    void onClose;
    return rows;
  }, [text, workloads, projects, nodes, me, here, blocked, navigate, client, onClose]);
}

function workloadRow(
  w: Workload,
  nominated: ReadonlySet<string>,
  places: string[],
  go: (path: string) => (fresh: boolean) => void,
): Row {
  const needs = needsChange(w, nominated);
  const { glyph, tone } = look(w.phase, needs);
  const since = at(w.phaseUpdatedAt);
  const state =
    w.phase === "Running"
      ? `${gpus(askOf(w))}${places.length > 0 ? ` on ${places.join(", ")}` : ""}${w.overQuota ? ", over quota" : ""}`
      : `${phaseWord(w.phase).toLowerCase()}${since ? ` for ${span(Date.now() - since)}` : ""}`;
  return {
    key: w.id,
    group: "Workloads",
    mark: <Glyph name={glyph} tone={tone} word={phaseWord(w.phase)} />,
    label: w.name,
    effect: `${w.projectName}, ${state}`,
    run: go(`/p/${w.projectName}/w/${w.name}`),
  };
}
