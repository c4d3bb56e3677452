// What the pages read, each under one key of the query cache. Lists are kept current by the event stream; what has no
// event of its own (why, plan, describe) is read anew when its subject changes.
import { QueryClient, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useSyncExternalStore } from "react";
import type { planOf, QuotaPlan } from "../model/quota";
import { Refusal, read, readAll } from "./client";
import { Live } from "./live";
import type {
  ActivityEvent,
  Department,
  Me,
  Node,
  Plan,
  Project,
  Submission,
  Verdict,
  Workload,
  WorkloadDetail,
} from "./types";

export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 5 * 60_000,
      retry: (failures, error) =>
        failures < 2 && error instanceof Refusal && (error.unreachable || error.status === 503),
      refetchOnWindowFocus: false,
      networkMode: "always",
    },
    mutations: { networkMode: "always", retry: false },
  },
});

export const live = new Live(cache);
export const useFreshness = () => useSyncExternalStore(live.subscribe, live.read);

export const ours = "/api/muster/v1";

export const meQuery = queryOptions({ queryKey: ["me"], queryFn: ({ signal }) => read<Me>(`${ours}/me`, { signal }) });

export const workloadsQuery = queryOptions({
  queryKey: ["workloads"],
  queryFn: ({ signal }) => live.list("workload", readAll<Workload>("/api/v1/workloads", "workloads", signal)),
});

export const projectsQuery = queryOptions({
  queryKey: ["projects"],
  queryFn: ({ signal }) =>
    live.list(
      "project",
      read<{ projects: Project[] }>(`${ours}/projects`, { signal }).then((body) => body.projects ?? []),
    ),
});

export const nodesQuery = queryOptions({
  queryKey: ["nodes"],
  queryFn: ({ signal }) =>
    live.list(
      "node",
      read<{ nodes: Node[] }>(`${ours}/nodes`, { signal }).then((body) => body.nodes ?? []),
    ),
});

export const activityQuery = queryOptions({
  queryKey: ["activity"],
  queryFn: ({ signal }) =>
    read<{ events: ActivityEvent[] }>(`${ours}/activity?limit=50`, { signal }).then((body) => body.events ?? []),
});

export const clusterQuery = queryOptions({
  queryKey: ["clusters"],
  queryFn: async ({ signal }) => {
    const body = await read<{ uuid: string; name: string }[] | { clusters: { uuid: string; name: string }[] }>(
      "/api/v1/clusters",
      { signal },
    );
    return Array.isArray(body) ? body : (body.clusters ?? []);
  },
});

export const departmentsQuery = queryOptions({
  queryKey: ["departments"],
  queryFn: ({ signal }) => readAll<Department>("/api/v1/org-unit/departments", "departments", signal),
});

export const detailQuery = (id: string | undefined) =>
  queryOptions({
    queryKey: ["workload", id, "detail"],
    queryFn: ({ signal }) => read<WorkloadDetail>(`${ours}/workloads/${id}`, { signal }),
    enabled: id !== undefined,
  });

export const whyQuery = (id: string | undefined, enabled = true) =>
  queryOptions({
    queryKey: ["workload", id, "why"],
    queryFn: ({ signal }) => read<Verdict & { workloadId: string }>(`${ours}/workloads/${id}/why`, { signal }),
    enabled: id !== undefined && enabled,
    retry: false,
  });

export const planQuery = (body: Submission | null) =>
  queryOptions({
    queryKey: ["plan", body],
    queryFn: ({ signal }) => read<Plan>(`${ours}/plan`, { method: "POST", body, signal }),
    enabled: body !== null,
    staleTime: 5_000,
    retry: false,
  });

export const quotaPlanQuery = (body: ReturnType<typeof planOf>) =>
  queryOptions({
    queryKey: ["plan", "quotas", body],
    queryFn: ({ signal }) => read<QuotaPlan>(`${ours}/plan/quotas`, { method: "POST", body, signal }),
    enabled: body !== null,
    staleTime: 5_000,
    retry: false,
  });

/** Slot of each project's colour. */
export function useColours(): ReadonlyMap<string, number> {
  const { data } = useQuery(projectsQuery);
  return useMemo(() => new Map((data ?? []).map((project) => [project.name, project.color])), [data]);
}

export type Deed = "suspend" | "resume" | "delete";

export async function act(workload: Pick<Workload, "id">, deed: Deed): Promise<void> {
  const path = `/api/v1/workloads/trainings/${workload.id}`;
  if (deed === "delete") await read(path, { method: "DELETE" });
  else await read(`${path}/${deed}`, { method: "POST" });
}

/** One deed on many: answers what failed, in the server's words. */
export async function actOnAll(workloads: Workload[], deed: Deed): Promise<string[]> {
  const failed: string[] = [];
  for (let i = 0; i < workloads.length; i += 100) {
    const part = workloads.slice(i, i + 100);
    const answer = await read<{ failed?: { id: string; message: string }[] }>("/api/v1/workloads/batch", {
      method: "POST",
      body: { ids: part.map((w) => w.id), action: deed },
    });
    for (const failure of answer?.failed ?? []) {
      const name = part.find((w) => w.id === failure.id)?.name ?? failure.id;
      failed.push(`${name}: ${failure.message}`);
    }
  }
  return failed;
}

export function useAct() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ workload, deed }: { workload: Workload; deed: Deed }) => act(workload, deed),
    onSettled: (_data, _error, { workload }) => void client.invalidateQueries({ queryKey: ["workload", workload.id] }),
  });
}

export interface ProjectChange {
  gpu?: { quota?: number; limit?: number | null; weight?: number };
}

export function useChangeProject() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, change }: { name: string; change: ProjectChange }) =>
      read<Project>(`${ours}/projects/${encodeURIComponent(name)}`, { method: "PATCH", body: change }),
    onSuccess: (project) => {
      if (!project?.name) return;
      client.setQueryData<Project[]>(["projects"], (old) => old?.map((p) => (p.name === project.name ? project : p)));
    },
  });
}
