// Says what ends and what is lost before anything is deleted. More than one needs the number typed.
import { type FormEvent, useEffect, useState } from "react";
import type { Workload } from "../api/types";
import { isFinal } from "../model/phase";
import { foldNames } from "../model/verdict";
import { Button } from "../parts/bits";
import { Dialog } from "../parts/Floating";

interface Props {
  workloads: Workload[] | null;
  onClose: () => void;
  onDelete: (workloads: Workload[]) => void;
}

export function ConfirmDelete({ workloads, onClose, onDelete }: Props) {
  const [typed, setTyped] = useState("");
  useEffect(() => {
    if (workloads) setTyped("");
  }, [workloads]);
  const list = workloads ?? [];
  const many = list.length > 1;
  const living = list.filter((w) => !isFinal(w.phase) && w.phase !== "Stopped");
  const ready = !many || typed.trim() === String(list.length);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) onDelete(list);
  };
  return (
    <Dialog
      opened={workloads !== null}
      onClose={onClose}
      title={many ? `Delete ${list.length} workloads` : `Delete ${list[0]?.name ?? ""}`}
    >
      <form onSubmit={submit}>
        <p>
          {many && (
            <>
              {foldNames(
                list.map((w) => w.name),
                6,
              )}
              .{" "}
            </>
          )}
          {living.length > 0 ? (
            <>
              {many ? `${living.length} of them` : "It"} {many && living.length > 1 ? "have" : "has"} not ended:{" "}
              {many && living.length > 1 ? "their processes are" : "its processes are"} stopped.{" "}
            </>
          ) : null}
          Logs and history are lost. Files that {many ? "they" : "it"} wrote stay.
        </p>
        {many && (
          <label className="stacked">
            Type {list.length} to delete them all
            <input
              className="input"
              inputMode="numeric"
              data-autofocus
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </label>
        )}
        <div className="dialog-buttons">
          <Button type="submit" look="bad" disabled={!ready} data-autofocus={many ? undefined : true}>
            Delete
          </Button>
          <Button onClick={onClose}>Keep</Button>
        </div>
      </form>
    </Dialog>
  );
}
