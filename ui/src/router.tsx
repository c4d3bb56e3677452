// Routes of the console. Pages beyond the first load come on demand; the query string is plain text, never JSON.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import type { Search } from "./model/filter";
import { Overview } from "./pages/Overview";
import { SignIn } from "./pages/SignIn";
import { Workloads } from "./pages/Workloads";
import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";

const anySearch = (search: Record<string, unknown>): Search => {
  const out: Search = {};
  for (const [key, value] of Object.entries(search))
    if (value !== undefined && value !== null) out[key] = String(value);
  return out;
};

const root = createRootRoute({ component: Outlet, validateSearch: anySearch, notFoundComponent: NotFound });
const signIn = createRoute({ getParentRoute: () => root, path: "/signin", component: SignIn });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });
const overview = createRoute({ getParentRoute: () => shell, path: "/", component: Overview });
const workloads = createRoute({ getParentRoute: () => shell, path: "/workloads", component: Workloads });
const workloadPage = lazyRouteComponent(() => import("./pages/WorkloadPage"), "WorkloadPage");
const workload = createRoute({ getParentRoute: () => shell, path: "/p/$project/w/$workload", component: workloadPage });
const workloadTab = createRoute({
  getParentRoute: () => shell,
  path: "/p/$project/w/$workload/$tab",
  component: workloadPage,
});
const submit = createRoute({
  getParentRoute: () => shell,
  path: "/new",
  component: lazyRouteComponent(() => import("./pages/Submit"), "Submit"),
});
const projectsPage = lazyRouteComponent(() => import("./pages/Projects"), "Projects");
const projects = createRoute({ getParentRoute: () => shell, path: "/projects", component: projectsPage });
const project = createRoute({
  getParentRoute: () => shell,
  path: "/projects/$project",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/workloads", search: { project: params.project } });
  },
});
const nodes = createRoute({
  getParentRoute: () => shell,
  path: "/nodes",
  component: lazyRouteComponent(() => import("./pages/Nodes"), "Nodes"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    shell.addChildren([overview, workloads, workload, workloadTab, submit, projects, project, nodes]),
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const pairs = Object.entries(search as Search).filter(([, value]) => value !== undefined && value !== "");
    // Commas, colons and the like stay readable: they have no meaning in a query string.
    const text = pairs
      .map(
        ([key, value]) =>
          `${encodeURIComponent(key)}=${encodeURIComponent(value).replace(/%(2C|3A|21|2F)/g, (m) => decodeURIComponent(m))}`,
      )
      .join("&");
    return text ? `?${text}` : "";
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
