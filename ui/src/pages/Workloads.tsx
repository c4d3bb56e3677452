// All workloads: a dense table whose filters are the query string, with a row cursor and a selection that is acted on.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useRef, useState } from "react";
import { actOnAll, cache, type Deed, meQuery, nodesQuery, workloadsQuery } from "../api/queries";
import type { Workload } from "../api/types";
import { matching, order, type Query, readQuery, type Search, type SortKey, writeQuery } from "../model/filter";
import { nominations, placements } from "../model/phase";
import { Button, Commands, CopyButton, Failed, Waiting } from "../parts/bits";
import { useKeys } from "../parts/keys";
import { useNarrow } from "../parts/useNarrow";
import { Page, useBlocked } from "../shell/Page";
import { usePageDeeds } from "../shell/palette-state";
import { ColumnsMenu, columnsOf, saveCsv } from "./columns";
import { FilterBar, type View } from "./FilterBar";
import { SelectionBar } from "./SelectionBar";
import { useHeldOrder } from "./useHeldOrder";
import { WorkloadList, WorkloadTable } from "./WorkloadTable";

const ConfirmDelete = lazy(() => import("./ConfirmDelete").then((module) => ({ default: module.ConfirmDelete })));

export const waitingView: Query["filters"] = { phase: ["pending"] };
export const runningView: Query["filters"] = { phase: ["running", "degraded"] };

export function Workloads() {
  const all = useQuery(workloadsQuery);
  return (
    <Page title="Workloads" crumbs={[{ label: "Workloads" }]} className="workloads">
      <h1 className="sr">Workloads</h1>
      {all.data ? (
        <Listed all={all.data} />
      ) : (
        <div className="section">
          {all.error ? (
            <Failed what="The workloads" error={all.error} retry={() => void all.refetch()} />
          ) : (
            <Waiting of="the workloads" lines={10} />
          )}
        </div>
      )}
    </Page>
  );
}

function Listed({ all }: { all: Workload[] }) {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const narrow = useNarrow();
  const blocked = useBlocked();
  const { data: me } = useQuery(meQuery);
  const { data: nodes } = useQuery(nodesQuery);
  const query = useMemo(() => readQuery(search), [search]);
  const nominated = useMemo(() => nominations(nodes ?? []), [nodes]);
  const places = useMemo(() => placements(nodes ?? []), [nodes]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [cursor, setCursor] = useState<string | null>(null);
  const [inside, setInside] = useState(false);
  const [deleting, setDeleting] = useState<Workload[] | null>(null);
  const [failures, setFailures] = useState<string[]>([]);
  const filter = useRef<HTMLButtonElement>(null);
  const columns = columnsOf(search.cols, all, nodes ?? []);

  const sorted = useMemo(() => {
    const ids = new Set(nominated.keys());
    return order(matching(all, query), query, ids, (id) => places.get(id)?.[0] ?? "");
  }, [all, query, nominated, places]);
  const held = useHeldOrder(sorted, inside || selected.size > 0, JSON.stringify(query));
  const rows = held.rows;
  const chosen = useMemo(() => rows.filter((w) => selected.has(w.id)), [rows, selected]);

  const setQuery = (next: Query) => {
    const cols: Search = search.cols ? { cols: search.cols } : {};
    void navigate({ to: "/workloads", search: { ...writeQuery(next), ...cols }, replace: true });
  };
  const sortBy = (key: SortKey) =>
    setQuery({ ...query, sort: key, descending: query.sort === key && !query.descending });
  const views: View[] = [
    { label: "All", filters: {}, count: all.length },
    {
      label: "Waiting",
      filters: waitingView,
      count: matching(all, { ...query, filters: waitingView, text: "" }).length,
    },
    {
      label: "Running",
      filters: runningView,
      count: matching(all, { ...query, filters: runningView, text: "" }).length,
    },
    ...(me
      ? [{ label: "Mine", filters: { user: [me.name] }, count: all.filter((w) => w.submittedBy === me.name).length }]
      : []),
  ];

  const open = (workload: Workload, tab?: string, fresh = false) => {
    const path = `/p/${workload.projectName}/w/${workload.name}${tab ? `/${tab}` : ""}`;
    if (fresh) window.open(path, "_blank");
    else void navigate({ to: path });
  };
  const run = async (list: Workload[], deed: Deed) => {
    setFailures([]);
    try {
      setFailures(await actOnAll(list, deed));
    } catch (error) {
      setFailures([error instanceof Error ? error.message : String(error)]);
    }
    void cache.invalidateQueries({ queryKey: ["workloads"] });
  };
  const targets = () => (chosen.length > 0 ? chosen : rows.filter((w) => w.id === cursor));
  const toggle = (id: string, to = !selected.has(id)) => {
    const next = new Set(selected);
    if (to) next.add(id);
    else next.delete(id);
    setSelected(next);
  };
  const move = (by: number, extend = false) => {
    const at = rows.findIndex((w) => w.id === cursor);
    const to = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    if (!to) return;
    if (extend) {
      const next = new Set(selected);
      if (cursor) next.add(cursor);
      next.add(to.id);
      setSelected(next);
    }
    setCursor(to.id);
  };
  const withCursor = (act: (workload: Workload) => void) => () => {
    const workload = rows.find((w) => w.id === cursor);
    if (workload) act(workload);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    "Shift+ArrowDown": () => move(1, true),
    "Shift+ArrowUp": () => move(-1, true),
    Enter: withCursor((w) => open(w)),
    o: withCursor((w) => open(w)),
    "Ctrl+Enter": withCursor((w) => open(w, undefined, true)),
    w: withCursor((w) => open(w)),
    l: withCursor((w) => open(w, "logs")),
    x: withCursor((w) => toggle(w.id)),
    "Ctrl+a": () => setSelected(new Set(rows.map((w) => w.id))),
    s: () => !blocked && void run(targets(), "suspend"),
    r: () => !blocked && void run(targets(), "resume"),
    Delete: () => !blocked && targets().length > 0 && setDeleting(targets()),
    f: () => filter.current?.click(),
    "/": () => filter.current?.click(),
    Escape: () => (selected.size > 0 ? setSelected(new Set()) : setCursor(null)),
  });
  usePageDeeds([
    {
      label: "Copy link to this list",
      icon: "link",
      run: () => void navigator.clipboard?.writeText(window.location.href),
    },
    {
      label: "Download this list as CSV",
      icon: "download",
      effect: `${rows.length} rows`,
      run: () => saveCsv(rows, places),
    },
    ...(selected.size > 0
      ? [{ label: "Clear the selection", icon: "close" as const, run: () => setSelected(new Set()) }]
      : []),
  ]);

  if (all.length === 0) return <NothingYet />;
  return (
    <>
      <FilterBar
        query={query}
        views={views}
        all={all}
        onChange={setQuery}
        addRef={filter}
        right={
          <>
            <CopyButton text={window.location.href} label="Copy link" icon="link" />
            <ColumnsMenu shown={columns} search={search} all={all} nodes={nodes ?? []} />
            <Button look="bare" icon="download" onClick={() => saveCsv(rows, places)}>
              CSV
            </Button>
          </>
        }
      />
      {failures.length > 0 && (
        <div className="failed" role="alert">
          <span>{failures.join(" · ")}</span>
          <Button onClick={() => setFailures([])}>Close</Button>
        </div>
      )}
      {held.fresh > 0 && (
        <button type="button" className="fresh-rows" onClick={held.release}>
          {held.fresh} new
        </button>
      )}
      {rows.length === 0 ? (
        <NoMatch
          query={query}
          clear={() => setQuery({ filters: {}, text: "", sort: query.sort, descending: query.descending })}
        />
      ) : narrow ? (
        <WorkloadList rows={rows} nominated={nominated} places={places} />
      ) : (
        <WorkloadTable
          rows={rows}
          columns={columns}
          query={query}
          onSort={sortBy}
          nominated={nominated}
          places={places}
          nodes={nodes ?? []}
          selected={selected}
          cursor={cursor}
          onSelect={(id, to, range) => {
            if (range && cursor) {
              const a = rows.findIndex((w) => w.id === cursor);
              const b = rows.findIndex((w) => w.id === id);
              const next = new Set(selected);
              for (const w of rows.slice(Math.min(a, b), Math.max(a, b) + 1)) next.add(w.id);
              setSelected(next);
            } else toggle(id, to);
            setCursor(id);
          }}
          onSelectAll={(to) => setSelected(to ? new Set(rows.map((w) => w.id)) : new Set())}
          onCursor={setCursor}
          onOpen={open}
          onInside={setInside}
        />
      )}
      {chosen.length > 0 && (
        <SelectionBar
          chosen={chosen}
          blocked={blocked}
          onDo={(deed) => void run(chosen, deed)}
          onDelete={() => setDeleting(chosen)}
          onClear={() => setSelected(new Set())}
        />
      )}
      {deleting && (
        <Suspense fallback={null}>
          <ConfirmDelete
            workloads={deleting}
            onClose={() => setDeleting(null)}
            onDelete={(list) => {
              setDeleting(null);
              setSelected(new Set());
              void run(list, "delete");
            }}
          />
        </Suspense>
      )}
    </>
  );
}

function NothingYet() {
  const navigate = useNavigate();
  return (
    <div className="first-start">
      <h2>No workload yet</h2>
      <p>Each command that Muster runs for you stands here, with what it holds or what it waits for.</p>
      <Commands rows={[{ what: "Run one", command: "muster submit -g 0.5 -- sh -c 'echo hello; sleep 60'" }]} />
      <div className="row-of-buttons">
        <Button look="primary" icon="plus" onClick={() => void navigate({ to: "/new" })}>
          New workload
        </Button>
      </div>
    </div>
  );
}

function NoMatch({ query, clear }: { query: Query; clear: () => void }) {
  const parts = Object.entries(query.filters).map(([field, values]) => `${field} ${values.join(" or ")}`);
  if (query.text) parts.push(`name containing ${query.text}`);
  return (
    <div className="no-match" role="status">
      <p>No workload matches {parts.join(", ")}.</p>
      <Button onClick={clear}>Clear filters</Button>
    </div>
  );
}
