// A new project: its name and quota. The same as `muster project create`.
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { read } from "../api/client";
import { readAmount } from "../model/quota";
import { Button } from "../parts/bits";
import { Dialog } from "../parts/Floating";

export function NewProject({ onClose, taken }: { onClose: () => void; taken: string[] }) {
  const [name, setName] = useState("");
  const [quota, setQuota] = useState("1");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const client = useQueryClient();
  const amount = readAmount(quota, false);
  const nameError = !name
    ? ""
    : taken.includes(name)
      ? `${name} exists. Choose another name.`
      : !/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name) || name.includes("--")
        ? "Lower-case letters, digits and single hyphens, a letter first, like vision-2."
        : "";
  const ready = name !== "" && !nameError && amount !== undefined && amount !== null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    setError("");
    try {
      await read("/api/v1/org-unit/projects", {
        method: "POST",
        body: { name, resources: [{ nodePool: { name: "default" }, gpu: { deserved: amount } }] },
      });
      await client.invalidateQueries({ queryKey: ["projects"] });
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog opened onClose={onClose} title="New project">
      <form onSubmit={(event) => void submit(event)} noValidate>
        <label className="stacked">
          Name
          <input
            className="input"
            data-autofocus
            autoComplete="off"
            spellCheck={false}
            value={name}
            aria-invalid={nameError ? true : undefined}
            aria-describedby="project-error"
            onChange={(event) => setName(event.target.value.trim())}
          />
        </label>
        <label className="stacked">
          Quota, in GPUs
          <input
            className="input"
            inputMode="decimal"
            value={quota}
            aria-invalid={amount === undefined ? true : undefined}
            onChange={(event) => setQuota(event.target.value)}
          />
        </label>
        <p className="field-hint">What it can always have. It may use more while nobody else asks.</p>
        <p className="field-error" id="project-error" role="alert">
          {nameError || error}
        </p>
        <p className="field-hint">
          <code>
            muster project create {name || "NAME"} --quota {quota || "N"}
          </code>
        </p>
        <div className="dialog-buttons">
          <Button look="primary" type="submit" disabled={!ready || busy}>
            Create
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
