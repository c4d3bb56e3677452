// What floats over the list while rows are selected: how many, what they hold, and what all of them allow.
import type { Deed } from "../api/queries";
import type { Workload } from "../api/types";
import { canDelete, canResume, canSuspend } from "../model/phase";
import { gpus } from "../model/quantity";
import { Button, useCopy } from "../parts/bits";
import { askOf } from "./waiting";

interface Props {
  chosen: Workload[];
  blocked: string | null;
  onDo: (deed: Deed) => void;
  onDelete: () => void;
  onClear: () => void;
}

function unless(chosen: Workload[], allowed: (phase: Workload["phase"]) => boolean, verb: string): string | null {
  const not = chosen.filter((w) => !allowed(w.phase));
  if (not.length === 0) return null;
  return `${not.length === chosen.length ? "None" : `${not.length} of ${chosen.length}`} can be ${verb}: ${not[0]!.name} is ${not[0]!.phase.toLowerCase()}`;
}

export function SelectionBar({ chosen, blocked, onDo, onDelete, onClear }: Props) {
  const [copy, copied] = useCopy();
  const asked = chosen.reduce((sum, w) => sum + askOf(w), 0);
  const stopped = chosen.every((w) => canResume(w.phase));
  return (
    <div className="float selection-bar" role="region" aria-label="Selection">
      <span>
        <b>{chosen.length} selected</b> <span className="quiet">{gpus(asked)} asked</span>
      </span>
      <i className="divider" />
      {stopped ? (
        <Button look="bare" icon="play" keys="R" blocked={blocked} onClick={() => onDo("resume")}>
          Resume
        </Button>
      ) : (
        <Button
          look="bare"
          icon="pause"
          keys="S"
          blocked={blocked ?? unless(chosen, canSuspend, "suspended")}
          onClick={() => onDo("suspend")}
        >
          Suspend
        </Button>
      )}
      <Button look="bare" icon="copy" onClick={() => copy(chosen.map((w) => w.name).join(" "))}>
        {copied ? "Copied" : "Copy names"}
      </Button>
      <Button
        look="bare"
        icon="trash"
        keys="Del"
        blocked={blocked ?? unless(chosen, canDelete, "deleted")}
        onClick={onDelete}
      >
        Delete…
      </Button>
      <i className="divider" />
      <Button look="bare" keys="Esc" onClick={onClear}>
        Clear
      </Button>
    </div>
  );
}
