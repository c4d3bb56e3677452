// The frame of every page: rail (icons under 1100 px, a bar at the bottom under 720), the stream, global keys and the
// palette. Pages bring their own top bar through Page.
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { Refusal } from "../api/client";
import { live, meQuery, workloadsQuery } from "../api/queries";
import { isWaiting } from "../model/phase";
import { Failed, Waiting } from "../parts/bits";
import { Icon, type IconName, Mark } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { MenuButton } from "../parts/MenuButton";
import { toggleMode } from "../parts/mode";
import { closePalette, openPalette, usePaletteOpen } from "./palette-state";

const KeySheet = lazy(() => import("./KeySheet").then((module) => ({ default: module.KeySheet })));
const loadMenus = () => import("./Menus");
const MachineMenu = lazy(() => loadMenus().then((module) => ({ default: module.MachineMenu })));
const AccountMenu = lazy(() => loadMenus().then((module) => ({ default: module.AccountMenu })));
const Palette = lazy(() => import("./Palette").then((module) => ({ default: module.Palette })));

interface Entry {
  to: "/" | "/workloads" | "/nodes" | "/projects";
  label: string;
  icon: IconName;
}
const groups: { title: string; entries: Entry[] }[] = [
  {
    title: "",
    entries: [
      { to: "/", label: "Overview", icon: "overview" },
      { to: "/workloads", label: "Workloads", icon: "workloads" },
    ],
  },
  { title: "Capacity", entries: [{ to: "/nodes", label: "Nodes", icon: "nodes" }] },
  { title: "Organisation", entries: [{ to: "/projects", label: "Projects", icon: "projects" }] },
];

function useHere(): string {
  return useRouterState({ select: (state) => state.location.pathname });
}

const isHere = (here: string, to: string) =>
  to === "/"
    ? here === "/"
    : here.startsWith(to) || (to === "/workloads" && (here.startsWith("/p/") || here === "/new"));

export function Shell() {
  const me = useQuery(meQuery);
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const palette = usePaletteOpen();
  const known = me.data !== undefined;

  useEffect(() => {
    if (!known) return;
    live.start();
    return () => live.stop();
  }, [known]);

  useKeys({
    "Ctrl+k": () => openPalette(),
    c: () => void navigate({ to: "/new" }),
    "g o": () => void navigate({ to: "/" }),
    "g w": () => void navigate({ to: "/workloads" }),
    "g n": () => void navigate({ to: "/nodes" }),
    "g p": () => void navigate({ to: "/projects" }),
    "g t": () => toggleMode(),
    "?": () => setHelp(true),
  });

  if (!known) {
    if (me.error instanceof Refusal && me.error.status === 401) return null;
    return (
      <div className="alone">
        {me.error ? (
          <Failed what="This session" error={me.error} retry={() => void me.refetch()} />
        ) : (
          <Waiting of="an answer" />
        )}
      </div>
    );
  }
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <Rail />
      <Outlet />
      <BottomBar />
      <Suspense fallback={null}>
        {help && <KeySheet open onClose={() => setHelp(false)} />}
        {palette && <Palette onClose={closePalette} />}
      </Suspense>
    </div>
  );
}

function useWaitingCount(): number {
  const { data } = useQuery({ ...workloadsQuery, select: (list) => list.filter((w) => isWaiting(w.phase)).length });
  return data ?? 0;
}

function Rail() {
  const here = useHere();
  const waiting = useWaitingCount();
  return (
    <nav className="rail" aria-label="Main">
      <Link to="/" className="brand-link" aria-label="Muster, overview">
        <Mark size={16} />
        <span>muster</span>
      </Link>
      <Machine />
      {groups.map((group) => (
        <div className="rail-group" key={group.title || "top"}>
          {group.title && <div className="rail-title">{group.title}</div>}
          {group.entries.map((entry) => (
            <Link
              key={entry.to}
              to={entry.to}
              className="rail-link"
              aria-current={isHere(here, entry.to) ? "page" : undefined}
              title={entry.label}
            >
              <Icon name={entry.icon} />
              <span className="rail-label">{entry.label}</span>
              {entry.to === "/workloads" && waiting > 0 && (
                <span className="rail-count" title={`${waiting} waiting`}>
                  <span className="sr">waiting: </span>
                  {waiting}
                </span>
              )}
            </Link>
          ))}
        </div>
      ))}
      <div className="rail-foot">
        <Account />
      </div>
    </nav>
  );
}

function BottomBar() {
  const here = useHere();
  const flat = groups.flatMap((group) => group.entries);
  return (
    <nav className="bottom-bar" aria-label="Main">
      {flat.map((entry) => (
        <Link key={entry.to} to={entry.to} aria-current={isHere(here, entry.to) ? "page" : undefined}>
          <Icon name={entry.icon} />
          <span>{entry.label}</span>
        </Link>
      ))}
      <Account bottom />
    </nav>
  );
}

function Machine() {
  const { data: me } = useQuery(meQuery);
  const host = me?.machine.host ?? "";
  return (
    <MenuButton
      load={loadMenus}
      menu={MachineMenu}
      popup="dialog"
      extra={{}}
      button={(more) => (
        <button type="button" className="machine" aria-label={`This machine: ${host}`} title={host} {...more}>
          <span className="cut">{host}</span>
          <Icon name="down" />
        </button>
      )}
    />
  );
}

function Account({ bottom = false }: { bottom?: boolean }) {
  const { data: me } = useQuery(meQuery);
  const name = me?.name ?? "";
  return (
    <MenuButton
      load={loadMenus}
      menu={AccountMenu}
      extra={{ bottom }}
      button={(more) =>
        bottom ? (
          <button type="button" {...more}>
            <Icon name="more" />
            <span>More</span>
          </button>
        ) : (
          <button type="button" className="rail-link account" title={name} {...more}>
            <i className="initials" aria-hidden="true">
              {name.slice(0, 2).toUpperCase()}
            </i>
            <span className="rail-label cut">{name}</span>
          </button>
        )
      }
    />
  );
}
