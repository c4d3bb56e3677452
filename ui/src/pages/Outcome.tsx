// What there is to say of a workload that does not wait: how it ended, what it is doing, what is not enforced.
import type { Workload, WorkloadDetail } from "../api/types";
import { exitMeaning } from "../model/phase";
import { at, took, when } from "../model/time";
import { useNow } from "../parts/clock";

interface Props {
  workload: Workload;
  detail: WorkloadDetail | undefined;
  node: string;
}

export function Outcome({ workload, detail, node }: Props) {
  const now = useNow();
  const ended = at(workload.completedAt);
  const started = at(detail?.pods?.find((pod) => pod.startedAt)?.startedAt);
  const message = workload.phaseMessage?.trim() ?? "";
  const said = message ? ` ${message[0]!.toUpperCase()}${message.slice(1)}${message.endsWith(".") ? "" : "."}` : "";
  switch (workload.phase) {
    case "Failed": {
      const code = workload.exitCode;
      const meaning = code == null ? "" : exitMeaning(code);
      return (
        <section className="outcome bad-line">
          <h2>{code == null ? "It failed" : `It failed with exit code ${code}${meaning ? `: ${meaning}` : ""}`}</h2>
          <p>
            {ended ? `${when(ended, now)}${started ? `, after ${took(ended - started)}` : ""}.` : ""}
            {said}
          </p>
        </section>
      );
    }
    case "Completed":
      return (
        <section className="outcome">
          <h2>It completed{ended && started ? ` after ${took(ended - started)}` : ""}</h2>
          <p>
            {ended ? `${when(ended, now)}, exit code ${workload.exitCode ?? 0}.` : ""}
            {said}
          </p>
        </section>
      );
    case "Stopped":
    case "Stopping":
      return (
        <section className="outcome">
          <h2>{workload.phase === "Stopped" ? "It is suspended" : "It is being suspended"}</h2>
          <p>It holds no GPU and keeps its place in the list. Resume queues it again.{said}</p>
        </section>
      );
    case "Initializing":
    case "Resuming":
    case "Creating":
      return (
        <section className="outcome">
          <h2>It is starting{node ? ` on ${node}` : ""}</h2>
          <p>{said || "Its devices are held; the process is being started."}</p>
        </section>
      );
    case "Degraded":
    case "Unknown":
      return (
        <section className="outcome warn-line">
          <h2>{workload.phase === "Degraded" ? "Part of it runs" : "Its state is not known"}</h2>
          <p>{said || "See its pods."}</p>
        </section>
      );
    default: {
      const limits = detail?.limits;
      const open = [
        limits?.cpu === "not enforced" ? "CPU" : "",
        limits?.memory === "not enforced" ? "memory" : "",
      ].filter(Boolean);
      if (!workload.overQuota && open.length === 0) return null;
      return (
        <section className="outcome plain">
          {workload.overQuota && (
            <p>
              <b>Over quota.</b> It is among the first to be taken back when a project within its quota asks.
            </p>
          )}
          {open.length > 0 && (
            <p className="quiet">
              Its limits of {open.join(" and ")} are <b>not enforced</b>: this account may not write control groups.
            </p>
          )}
        </section>
      );
    }
  }
}
