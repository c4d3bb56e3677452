// Rows do not move under the pointer: while the list is in use, its order is held and new rows wait behind a count.
import { useRef, useState } from "react";
import type { Workload } from "../api/types";

export interface Held {
  rows: Workload[];
  fresh: number;
  release: () => void;
}

/** Pure part: the rows in the order they had, without those that went, and how many are new. */
export function holdOrder(before: string[], sorted: Workload[]): { rows: Workload[]; fresh: number } {
  const byId = new Map(sorted.map((w) => [w.id, w]));
  const rows = before.map((id) => byId.get(id)).filter((w): w is Workload => w !== undefined);
  return { rows, fresh: sorted.length - rows.length };
}

export function useHeldOrder(sorted: Workload[], hold: boolean, subject: string): Held {
  const before = useRef<string[]>([]);
  const about = useRef(subject);
  const [, again] = useState(0);
  const release = () => {
    before.current = [];
    again((n) => n + 1);
  };
  if (!hold || before.current.length === 0 || about.current !== subject) {
    before.current = sorted.map((w) => w.id);
    about.current = subject;
    return { rows: sorted, fresh: 0, release };
  }
  return { ...holdOrder(before.current, sorted), release };
}
