// Why a workload waits: the fact with its numbers, the bar that shows the excess, the changes that would start it (the
// smallest first) as buttons, and last the code and the command for those who search.
import { useQuery } from "@tanstack/react-query";
import { meQuery, whyQuery } from "../api/queries";
import type { Project, Remedy, Verdict, Workload } from "../api/types";
import { colourOf, hatchOf } from "../marks/Hatch";
import { useWidth } from "../marks/useWidth";
import { gpus, number } from "../model/quantity";
import { numbersText, offer, say } from "../model/verdict";
import { Button, CopyButton, Failed } from "../parts/bits";
import { useBlocked } from "../shell/Page";
import { askOf, currentOf, useApply } from "./waiting";

interface Props {
  workload: Workload;
  project: Project | undefined;
  projects: Project[];
  needs: boolean;
  next: string | undefined;
}

const barred = new Set(["OverLimit", "NonPreemptibleOverQuota", "ReclaimNotAllowed"]);

export function WhyPanel({ workload, project, projects, needs, next }: Props) {
  const why = useQuery(whyQuery(workload.id));
  const verdict: Verdict | null = why.data?.reason ? why.data : (workload.waiting ?? null);
  const said = verdict?.reason ? say(verdict, workload.projectName) : null;
  const remedies = why.data?.remedy ?? [];
  const command = `muster why${workload.projectName === "default" ? "" : ` -p ${workload.projectName}`} ${workload.name}`;
  return (
    <section className={`why${needs ? " needs" : ""}`} aria-labelledby="why-title">
      <h2 id="why-title">{next ? `Starts on ${next} by itself` : (said?.head ?? "Waits for the first decision")}</h2>
      <p className="why-detail">
        {next
          ? "Its GPUs are set aside; it starts when the workloads that hold them have stopped."
          : said
            ? `${needs ? "No start in sight. " : ""}${said.detail}`
            : "The scheduler looks at it within a second."}
      </p>
      {why.error ? <Failed what="The reason" error={why.error} retry={() => void why.refetch()} /> : null}
      {verdict && project && barred.has(verdict.reason ?? "") && (
        <ExcessBar project={project} verdict={verdict} ask={askOf(workload)} />
      )}
      {remedies.length > 0 && (
        <ul className="remedies">
          {remedies.map((remedy, i) => (
            <RemedyRow
              key={`${remedy.set}${remedy.field}${remedy.to}`}
              remedy={remedy}
              workload={workload}
              projects={projects}
              first={i === 0}
            />
          ))}
        </ul>
      )}
      {verdict && <Causes verdict={verdict} />}
      <p className="why-code">
        {verdict?.reason && (
          <>
            <code>{verdict.reason}</code> {numbersText(verdict)} <span aria-hidden="true">·</span>{" "}
          </>
        )}
        <code>{command}</code>
        <CopyButton text={command} />
      </p>
    </section>
  );
}

function RemedyRow({
  remedy,
  workload,
  projects,
  first,
}: {
  remedy: Remedy;
  workload: Workload;
  projects: Project[];
  first: boolean;
}) {
  const { data: me } = useQuery(meQuery);
  const blocked = useBlocked();
  const { apply, error, pending } = useApply();
  const what = offer(remedy, currentOf(remedy, projects));
  const may = what.deed.kind === "copy" || (what.deed.kind === "project" && me?.admin === true);
  const effect =
    what.deed.kind === "copy"
      ? "It starts then. A changed copy takes its place; the form shows the plan first."
      : may
        ? "It starts then. You may change this."
        : "It starts then. Somebody who administers this machine may change it.";
  return (
    <li>
      <div>
        <b>{what.title}</b>
        <p>
          {effect}
          {first ? " Smallest change." : ""}
        </p>
        {error && (
          <p className="field-error" role="alert">
            {error.message}
          </p>
        )}
      </div>
      {may ? (
        <Button
          look={first ? "primary" : "plain"}
          blocked={blocked}
          disabled={pending}
          onClick={() => apply(remedy, workload)}
          aria-label={`${what.title}: apply`}
        >
          {what.deed.kind === "copy" ? "Change…" : "Apply"}
        </Button>
      ) : what.deed.kind === "project" ? (
        <CopyButton text={what.deed.command} label="Ask: copy command" />
      ) : null}
    </li>
  );
}

function Causes({ verdict }: { verdict: Verdict }) {
  const causes = Object.entries(verdict.causes ?? {}).sort((a, b) => b[1] - a[1]);
  if (causes.length === 0) return null;
  return (
    <table className="table plain causes">
      <caption>What each node said</caption>
      <tbody>
        {causes.map(([cause, nodes]) => (
          <tr key={cause}>
            <td>{cause}</td>
            <td className="num">
              {nodes} {nodes === 1 ? "node" : "nodes"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The project's use, what this workload asks on top, and the bound that stands in its way. */
function ExcessBar({ project, verdict, ask }: { project: Project; verdict: Verdict; ask: number }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const numbers = verdict.numbers ?? {};
  const nonPreemptible = verdict.reason === "NonPreemptibleOverQuota";
  const used =
    numbers.allocated ?? (nonPreemptible ? project.gpu.allocatedNonPreemptible : undefined) ?? project.gpu.allocated;
  const need = numbers.need ?? ask;
  const quota = numbers.quota ?? project.gpu.quota;
  const limit = verdict.reason === "OverLimit" ? (numbers.limit ?? project.gpu.limit) : null;
  const share = verdict.reason === "ReclaimNotAllowed" ? (numbers.fairShare ?? project.gpu.fairShare) : null;
  const bound = limit ?? share ?? quota ?? 0;
  const most = Math.max(used + need, bound, quota ?? 0);
  if (most <= 0) return null;
  const room = Math.min(width, 540);
  const unit = (room - 12) / most;
  const x = (gpusAt: number) => gpusAt * unit;
  const inQuota = Math.min(used, quota ?? used);
  const too = Math.max(0, used + need - bound);
  const marks: [string, number][] = [];
  if (quota !== null && quota !== undefined) marks.push([`quota ${number(quota)}`, quota]);
  if (limit !== null) marks.push([`limit ${number(limit)}`, limit]);
  if (share !== null) marks.push([`fair share ${number(share)}`, share]);
  const close = marks.length === 2 && Math.abs(x(marks[0]![1]) - x(marks[1]![1])) < 66;
  const text = `${number(used)} in use, ${marks.map(([label]) => label).join(", ")}; asks ${number(need)}, ${number(too)} too many`;
  return (
    <div className="excess" ref={ref}>
      {width > 0 && (
        <svg width={room} height={64} role="img" aria-label={text}>
          <text className="excess-label" x={0} y={12}>
            {number(used)} in use
          </text>
          {marks.map(([label, value], i) => (
            <text
              key={label}
              className={`excess-label${i === marks.length - 1 ? " strong" : ""}`}
              x={Math.max(close && i === 1 ? x(value) - 8 : x(value), label.length * 6 + 76)}
              y={12}
              textAnchor={close && i === 1 ? "start" : "end"}
            >
              {label}
            </text>
          ))}
          <rect x={0} y={20} width={x(inQuota)} height={18} rx={1.5} style={{ fill: colourOf(project.color) }} />
          {used > inQuota && (
            <rect
              x={x(inQuota) + 0.5}
              y={20.5}
              width={x(used - inQuota) - 1}
              height={17}
              style={{ fill: hatchOf(project.color), stroke: colourOf(project.color) }}
            />
          )}
          {Array.from({ length: Math.max(0, Math.ceil(used) - 1) }, (_, i) => i + 1)
            .filter(() => unit >= 8)
            .map((g) => (
              <path key={g} className="bar-notch" d={`M${x(g)},20v4M${x(g)},38v-4`} />
            ))}
          <rect className="excess-ask" x={x(used) + 1.5} y={21} width={Math.max(3, x(need) - 2.5)} height={16} rx={2} />
          {quota !== null && quota !== undefined && (
            <path className="bar-quota" d={`M${Math.max(1, x(quota))},16V42`} />
          )}
          {limit !== null && <path className="bar-limit" d={`M${x(limit) - 4},16h4v26h-4`} />}
          {share !== null && <path className="bar-share" d={`M${x(share)},39l5,7h-10Z`} />}
          <text className="excess-ask-label" x={Math.min(room - 2, x(used + need))} y={58} textAnchor="end">
            asks {gpus(need)}
            {too > 0 ? `, ${number(too)} too many` : ""}
          </text>
        </svg>
      )}
    </div>
  );
}
