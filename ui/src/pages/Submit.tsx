// The submit form, with what it would mean beside it: the plan is asked for while one types, and the same request stands
// below as a command that can be pasted back.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { Refusal, read } from "../api/client";
import { act, clusterQuery, detailQuery, meQuery, nodesQuery, projectsQuery, workloadsQuery } from "../api/queries";
import type { Project } from "../api/types";
import type { Search } from "../model/filter";
import { number } from "../model/quantity";
import {
  check,
  type Draft,
  defaultRestarts,
  draftOf,
  type Errors,
  emptyDraft,
  submissionOf,
} from "../model/submission";
import { Button, Failed, Waiting } from "../parts/bits";
import { useKeys } from "../parts/keys";
import { Page, useBlocked } from "../shell/Page";
import { usePageDeeds } from "../shell/palette-state";
import { Field, Fold, ProjectSelect, Variables } from "./form";
import { PlanSide, usePlan } from "./PlanSide";
import { SamePanel } from "./SamePanel";
import { SizePicker } from "./SizePicker";
import "./submit.css";

const kept = "muster.project";

export function Submit() {
  const search = useSearch({ strict: false }) as Search;
  const projects = useQuery(projectsQuery);
  const workloads = useQuery(workloadsQuery);
  const [fromProject, fromName] = (search.from ?? "").split("/");
  const source = search.from
    ? workloads.data?.find((w) => w.projectName === fromProject && w.name === fromName)
    : undefined;
  const detail = useQuery(detailQuery(source?.id));
  const waitsForSource =
    search.from !== undefined && (workloads.isPending || (source !== undefined && detail.isPending));
  const crumbs = [{ label: "Workloads", to: "/workloads" }, { label: "New workload" }];
  return (
    <Page title="New workload" crumbs={crumbs} action={false} className="submit">
      <h1 className="sr">New workload</h1>
      {projects.data && !waitsForSource ? (
        projects.data.length === 0 ? (
          <NoProject />
        ) : (
          <Form
            key={JSON.stringify(search)}
            projects={projects.data}
            start={startDraft(
              search,
              projects.data,
              detail.data?.spec ? draftOf(fromProject!, "", detail.data.spec) : null,
            )}
            replaces={search.replace === "1" && source ? source.id : null}
            replacesName={source?.name ?? ""}
          />
        )
      ) : (
        <div className="section">
          {projects.error ? (
            <Failed what="The projects" error={projects.error} retry={() => void projects.refetch()} />
          ) : (
            <Waiting of="the projects" />
          )}
        </div>
      )}
    </Page>
  );
}

function startDraft(search: Search, projects: Project[], copied: Draft | null): Draft {
  let last = "";
  try {
    last = localStorage.getItem(kept) ?? "";
  } catch {
    // Storage may be off: the first project then.
  }
  const known = (name: string | undefined) => (name && projects.some((p) => p.name === name) ? name : undefined);
  const base = copied ?? {
    ...emptyDraft,
    project: known(last) ?? known("default") ?? projects[0]!.name,
  };
  return {
    ...base,
    project: known(search.project) ?? base.project,
    gpus: search.gpus ?? base.gpus,
    command: search.command ?? base.command,
    name: search.name ?? base.name,
    preemptibility: search.preemptibility ?? base.preemptibility,
  };
}

function NoProject() {
  const { data: me } = useQuery(meQuery);
  return (
    <div className="first-start">
      <h2>No project yet</h2>
      <p>
        A workload belongs to a project, and nobody has given {me?.name ?? "you"} one. Whoever administers this machine
        can.
      </p>
    </div>
  );
}

interface FormProps {
  projects: Project[];
  start: Draft;
  replaces: string | null;
  replacesName: string;
}

// Where the server's pointer leads in the form.
const fieldOf: [RegExp, keyof Errors][] = [
  [/^\/name/, "name"],
  [/^\/spec\/(command|args)/, "command"],
  [/^\/spec\/compute\/gpu/, "gpus"],
  [/^\/spec\/compute\/cpuCore/, "cpu"],
  [/^\/spec\/compute\/cpuMemory/, "memory"],
  [/^\/spec\/workingDir/, "folder"],
  [/^\/spec\/environmentVariables/, "variables"],
  [/^\/spec\/backoffLimit/, "restarts"],
  [/^\/spec\/annotations/, "timeLimit"],
];

function Form({ projects, start, replaces, replacesName }: FormProps) {
  const [draft, setDraft] = useState(start);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [refused, setRefused] = useState<{ field: keyof Errors | null; message: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const navigate = useNavigate();
  const blocked = useBlocked();
  const { data: clusters } = useQuery(clusterQuery);
  const { data: nodes } = useQuery(nodesQuery);
  const { data: workloads } = useQuery(workloadsQuery);
  const form = useRef<HTMLFormElement>(null);
  const project = projects.find((p) => p.name === draft.project) ?? projects[0]!;
  const clusterId = clusters?.[0]?.uuid ?? "";
  const errors = useMemo(() => check(draft), [draft]);
  const plan = usePlan(draft, project.id, clusterId);

  const set = <K extends keyof Draft>(key: K, value: Draft[K]) => {
    setDraft((old) => ({ ...old, [key]: value }));
    if (refused?.field === key) setRefused(null);
  };
  const leave = (key: string) => setTouched((old) => new Set(old).add(key));
  const errorOf = (key: keyof Errors) =>
    refused?.field === key
      ? refused.message
      : tried || (touched.has(key) && draft[key as keyof Draft])
        ? errors[key]
        : undefined;

  const submit = async () => {
    setTried(true);
    setRefused(null);
    if (blocked || busy) return;
    if (Object.keys(errors).length > 0) {
      form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
      setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(), 0);
      return;
    }
    setBusy(true);
    try {
      const made = await read<{ workloadId?: string; name?: string; requestedName?: string }>(
        "/api/v1/workloads/trainings",
        {
          method: "POST",
          body: submissionOf(draft, project.id, clusterId),
        },
      );
      try {
        localStorage.setItem(kept, project.name);
      } catch {
        // Only a convenience for the next time.
      }
      if (replaces) await act({ id: replaces }, "delete");
      const name = made.name ?? made.requestedName ?? draft.name;
      await navigate(
        name
          ? { to: "/p/$project/w/$workload", params: { project: project.name, workload: name } }
          : { to: "/workloads" },
      );
    } catch (error) {
      const pointer = error instanceof Refusal ? error.pointer : "";
      const field = fieldOf.find(([pattern]) => pattern.test(pointer))?.[1] ?? null;
      const message = error instanceof Error ? error.message : String(error);
      setRefused({
        field,
        message: error instanceof Refusal && error.details ? `${message}: ${error.details}` : message,
      });
    } finally {
      setBusy(false);
    }
  };
  useKeys({ "Ctrl+Enter": () => void submit(), Escape: () => void navigate({ to: "/workloads" }) });
  usePageDeeds([{ label: "Submit this workload", icon: "play", effect: plan.sentence, run: () => void submit() }]);

  const largest = Math.max(1, ...(nodes ?? []).map((node) => node.devices.length));
  const gpuName = new Set((nodes ?? []).flatMap((node) => node.devices.map((d) => d.model)));
  const taken =
    draft.name !== "" && (workloads ?? []).some((w) => w.projectName === draft.project && w.name === draft.name);

  return (
    <>
      <div className="submit-columns">
        <form
          ref={form}
          className="submit-form"
          aria-label="New workload"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          {replaces && (
            <p className="form-note">
              A changed copy of <b>{replacesName}</b>, which is deleted once this one is accepted.
            </p>
          )}
          <Field
            label="Name"
            id="name"
            optional
            error={
              errorOf("name") ?? (taken ? `${draft.name} exists in ${draft.project}. Choose another name.` : undefined)
            }
            hint={draft.name ? "" : "Left empty, a name is made: train-1, train-2, …"}
          >
            {(aria) => (
              <input
                className="input w-320"
                {...aria}
                value={draft.name}
                autoComplete="off"
                spellCheck={false}
                onBlur={() => leave("name")}
                onChange={(event) => set("name", event.target.value.trim())}
              />
            )}
          </Field>
          <Field label="Project" id="project" hint="">
            {(aria) => (
              <div className="beside">
                <ProjectSelect
                  {...aria}
                  projects={projects}
                  value={project.name}
                  onChange={(value) => set("project", value)}
                />
                <span className="quiet">
                  {number(project.gpu.allocated)} of{" "}
                  {project.gpu.quota === null ? "unlimited" : number(project.gpu.quota)} in use
                </span>
              </div>
            )}
          </Field>
          <Field
            label="Command"
            id="command"
            error={errorOf("command")}
            hint="Runs as it stands, without a shell. For pipes and variables: sh -c '…'"
          >
            {(aria) => (
              <textarea
                className="input mono"
                {...aria}
                rows={2}
                spellCheck={false}
                autoComplete="off"
                placeholder="python3 train.py"
                value={draft.command}
                onBlur={() => leave("command")}
                onChange={(event) => set("command", event.target.value)}
              />
            )}
          </Field>
          <SizePicker
            value={draft.gpus}
            largest={largest}
            error={errorOf("gpus") ?? (touched.has("gpus") ? errors.gpus : undefined)}
            hint={
              gpuName.size === 1 ? `On one node. ${[...gpuName][0]!.replaceAll("-", " ")}.` : "On one node. Any model."
            }
            onChange={(value) => {
              set("gpus", value);
              leave("gpus");
            }}
          />
          <Field label="CPU, memory" id="cpu" optional error={errorOf("cpu") ?? errorOf("memory")} hint="">
            {(aria) => (
              <div className="beside">
                <input
                  className="input w-80 num"
                  {...aria}
                  aria-label="CPU cores"
                  inputMode="decimal"
                  value={draft.cpu}
                  onBlur={() => leave("cpu")}
                  onChange={(event) => set("cpu", event.target.value.trim())}
                />
                <span className="quiet">cores</span>
                <input
                  className="input w-80 num"
                  id="memory"
                  aria-label="Memory"
                  aria-invalid={errorOf("memory") ? true : undefined}
                  placeholder="64Gi"
                  value={draft.memory}
                  onBlur={() => leave("memory")}
                  onChange={(event) => set("memory", event.target.value.trim())}
                />
              </div>
            )}
          </Field>
          <Field
            label="Priority"
            id="priority"
            hint={
              draft.preemptibility === "non-preemptible"
                ? "Non-preemptible needs room inside the quota, and is never taken back."
                : "Orders the workloads of one project, never projects."
            }
          >
            {(aria) => (
              <div className="beside">
                <select
                  className="select w-160"
                  {...aria}
                  value={draft.priority}
                  onChange={(event) => set("priority", event.target.value)}
                >
                  <option value="">low (default)</option>
                  {["very-high", "high", "medium-high", "medium", "medium-low", "low", "very-low"].map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
                <select
                  className="select w-160"
                  aria-label="Preemptibility"
                  value={draft.preemptibility}
                  onChange={(event) => set("preemptibility", event.target.value)}
                >
                  <option value="">by priority</option>
                  <option value="preemptible">preemptible</option>
                  <option value="non-preemptible">non-preemptible</option>
                </select>
              </div>
            )}
          </Field>
          <Fold
            title="Environment"
            summary={environmentSummary(draft)}
            open={!!errorOf("folder") || !!errorOf("variables")}
          >
            <Field label="Folder" id="folder" optional error={errorOf("folder")} hint="">
              {(aria) => (
                <input
                  className="input mono"
                  {...aria}
                  placeholder="/home/…"
                  spellCheck={false}
                  value={draft.folder}
                  onBlur={() => leave("folder")}
                  onChange={(event) => set("folder", event.target.value.trim())}
                />
              )}
            </Field>
            <Field label="Variables" id="variables" optional error={errorOf("variables")} hint="">
              {(aria) => <Variables {...aria} value={draft.variables} onChange={(value) => set("variables", value)} />}
            </Field>
          </Fold>
          <Fold
            title="Restarts and limits"
            summary={`up to ${draft.restarts === "" ? defaultRestarts : draft.restarts} restarts, ${draft.timeLimit ? `at most ${draft.timeLimit}` : "no time limit"}`}
            open={!!errorOf("restarts") || !!errorOf("timeLimit")}
          >
            <Field
              label="Restarts"
              id="restarts"
              error={errorOf("restarts")}
              hint="After a failure, with a longer pause each time: 1 s, 2 s, 4 s, at most 5 min."
            >
              {(aria) => (
                <input
                  className="input w-80 num"
                  {...aria}
                  inputMode="numeric"
                  placeholder={String(defaultRestarts)}
                  value={draft.restarts}
                  onBlur={() => leave("restarts")}
                  onChange={(event) => set("restarts", event.target.value.trim())}
                />
              )}
            </Field>
            <Field
              label="Time limit"
              id="time-limit"
              optional
              error={errorOf("timeLimit")}
              hint="From its start. Others that wait see when your GPUs come free."
            >
              {(aria) => (
                <input
                  className="input w-80"
                  {...aria}
                  placeholder="2h"
                  value={draft.timeLimit}
                  onBlur={() => leave("timeLimit")}
                  onChange={(event) => set("timeLimit", event.target.value.trim())}
                />
              )}
            </Field>
          </Fold>
        </form>
        <PlanSide
          draft={draft}
          project={project}
          plan={plan}
          nodes={nodes ?? []}
          clusterId={clusterId}
          onSize={(value) => set("gpus", value)}
        />
      </div>
      <SamePanel
        draft={draft}
        projectId={project.id}
        clusterId={clusterId}
        onDraft={setDraft}
        sentence={plan.sentence}
        action={
          <div className="submit-action">
            {refused && refused.field === null && (
              <p className="field-error" role="alert">
                {refused.message}
              </p>
            )}
            <Button look="primary" keys="Ctrl ↵" blocked={blocked} disabled={busy} onClick={() => void submit()}>
              {busy ? "Submitting" : "Submit"}
            </Button>
          </div>
        }
      />
    </>
  );
}

function environmentSummary(draft: Draft): string {
  const count = draft.variables.filter((v) => v.name).length;
  const variables = count === 0 ? "no variables" : count === 1 ? "1 variable" : `${count} variables`;
  return `${draft.folder || "home folder"}, ${variables}`;
}
