// Columns of the workload table beyond phase and name: which are shown (the query string says), and the same as CSV.
import { useNavigate } from "@tanstack/react-router";
import { lazy } from "react";
import type { Node, Workload } from "../api/types";
import type { Search } from "../model/filter";
import { rowReason } from "../model/verdict";
import { Button } from "../parts/bits";
import { MenuButton } from "../parts/MenuButton";
import { askText } from "./waiting";

export const optional = ["project", "by", "priority", "gpus", "busy", "node", "restarts", "age", "reason"] as const;
export type Column = (typeof optional)[number];

export const titles: Record<Column, string> = {
  project: "Project",
  by: "By",
  priority: "Priority",
  gpus: "GPUs",
  busy: "Busy",
  node: "Node",
  restarts: "Restarts",
  age: "Age",
  reason: "Reason",
};

/** Without a choice: what has something to say. One person's machine needs no "By". */
function byDefault(all: Workload[], nodes: Node[]): Column[] {
  const people = new Set(all.map((w) => w.submittedBy)).size;
  const measured = nodes.some((node) => node.devices.some((device) => device.utilization != null));
  return optional.filter(
    (column) =>
      column !== "priority" &&
      column !== "restarts" &&
      (column !== "by" || people > 1) &&
      (column !== "busy" || measured),
  );
}

export function columnsOf(text: string | undefined, all: Workload[], nodes: Node[]): Column[] {
  if (!text) return byDefault(all, nodes);
  const wanted = new Set(text.split(","));
  return optional.filter((column) => wanted.has(column));
}

const loadMenus = () => import("../shell/Menus");
const ChoiceMenu = lazy(() => loadMenus().then((module) => ({ default: module.ChoiceMenu })));

interface Props {
  shown: Column[];
  search: Search;
  all: Workload[];
  nodes: Node[];
}

export function ColumnsMenu({ shown, search, all, nodes }: Props) {
  const navigate = useNavigate();
  const set = (next: Column[]) => {
    const { cols: _, ...rest } = search;
    const same = next.join() === byDefault(all, nodes).join();
    void navigate({
      to: "/workloads",
      search: same ? rest : { ...rest, cols: next.join(",") || "none" },
      replace: true,
    });
  };
  return (
    <MenuButton
      load={loadMenus}
      menu={ChoiceMenu}
      extra={{
        choices: optional.map((column) => ({ value: column, label: titles[column], on: shown.includes(column) })),
        onToggle: (column: string) =>
          set(optional.filter((c) => (c === column ? !shown.includes(c) : shown.includes(c)))),
      }}
      button={(more) => (
        <Button look="bare" icon="columns" {...more}>
          Columns
        </Button>
      )}
    />
  );
}

const cell = (value: unknown) => {
  const text = value === null || value === undefined ? "" : String(value);
  // A leading = + - @ would be a formula in a spreadsheet.
  const tame = /^[=+\-@]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
};

export function csv(rows: Workload[], places: Map<string, string[]>): string {
  const head = [
    "name",
    "project",
    "phase",
    "gpus",
    "node",
    "submittedBy",
    "createdAt",
    "completedAt",
    "exitCode",
    "restarts",
    "reason",
  ];
  const lines = rows.map((w) =>
    [
      w.name,
      w.projectName,
      w.phase,
      askText(w),
      (places.get(w.id) ?? []).join(" "),
      w.submittedBy,
      w.createdAt,
      w.completedAt,
      w.exitCode,
      w.restarts,
      rowReason(w, false),
    ]
      .map(cell)
      .join(","),
  );
  return `${[head.join(","), ...lines].join("\n")}\n`;
}

export function saveCsv(rows: Workload[], places: Map<string, string[]>) {
  save("workloads.csv", csv(rows, places), "text/csv");
}

export function save(name: string, text: string, type: string) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
