// Top bar and body of a page: where one is, whether it is live, search, mode, the one primary action. Below it the
// banners that concern every page: connection lost, simulated devices.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Fragment, type ReactNode, useEffect } from "react";
import { live, meQuery, nodesQuery, useFreshness } from "../api/queries";
import { clockSeconds, span } from "../model/time";
import { Button, Keys } from "../parts/bits";
import { useNow } from "../parts/clock";
import { Icon, Mark } from "../parts/icons";
import { toggleMode, useMode } from "../parts/mode";
import { openPalette } from "./palette-state";

export interface Crumb {
  label: ReactNode;
  to?: string;
  search?: Record<string, string>;
}

const stalesAfter = 3_000;
const bannerAfter = 10_000;

/** Age of what is shown in ms, 0 while live or only just lost. */
export function useAge(): number {
  const fresh = useFreshness();
  const now = useNow();
  if (fresh.state !== "lost" || !fresh.everLive) return 0;
  const age = Math.max(now, Date.now()) - fresh.lostAt;
  return age >= stalesAfter ? age : 0;
}

/** Why nothing can be done now, or null. */
export function useBlocked(): string | null {
  return useAge() >= bannerAfter ? "No connection to the server" : null;
}

interface Props {
  title: string;
  crumbs: Crumb[];
  children: ReactNode;
  action?: boolean;
  className?: string;
}

export function Page({ title, crumbs, children, action = true, className = "" }: Props) {
  const age = useAge();
  const stale = age >= bannerAfter;
  useEffect(() => {
    document.title = `${title} · Muster`;
  }, [title]);
  return (
    <div className={`page ${className}`} data-stale={stale || undefined}>
      <header className="top-bar">
        <Link to="/" className="top-mark" aria-label="Overview">
          <Mark size={14} />
        </Link>
        <div className="crumbs">
          {crumbs.map((crumb, i) => {
            const last = i === crumbs.length - 1;
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity
              <Fragment key={i}>
                {crumb.to ? (
                  <Link to={crumb.to} search={crumb.search}>
                    {crumb.label}
                  </Link>
                ) : last ? (
                  <b>{crumb.label}</b>
                ) : (
                  <span>{crumb.label}</span>
                )}
                {!last && <i aria-hidden="true">/</i>}
              </Fragment>
            );
          })}
        </div>
        <StreamState age={age} />
        <div className="top-space" />
        <button type="button" className="top-search" onClick={openPalette}>
          <Icon name="search" />
          <span>Search or run a command</span>
          <Keys>Ctrl K</Keys>
        </button>
        <ModeButton />
        {action && <NewButton blocked={stale ? "No connection to the server" : null} />}
      </header>
      {stale && <LostBanner age={age} />}
      <SimulatedBanner />
      <main className="page-body" id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function StreamState({ age }: { age: number }) {
  const fresh = useFreshness();
  if (age > 0) {
    return (
      <span className="stream old" title="Nothing has come from the server since then">
        <i aria-hidden="true" />
        {span(age)} old
      </span>
    );
  }
  const words = fresh.state === "live" ? "live" : fresh.everLive ? "live" : "connecting";
  return (
    <span
      className={`stream ${fresh.state === "live" || fresh.everLive ? "live" : ""}`}
      title="Changes are shown as they happen"
    >
      <i aria-hidden="true" />
      {words}
    </span>
  );
}

function ModeButton() {
  const mode = useMode();
  return (
    <button
      type="button"
      className="icon-button top-mode"
      onClick={toggleMode}
      aria-label={mode === "dark" ? "Light mode" : "Dark mode"}
      title={mode === "dark" ? "Light mode" : "Dark mode"}
    >
      <Icon name="sun" />
    </button>
  );
}

function NewButton({ blocked }: { blocked: string | null }) {
  const navigate = useNavigate();
  return (
    <Button
      look="primary"
      icon="plus"
      keys="C"
      className="new-button"
      blocked={blocked}
      onClick={() => void navigate({ to: "/new" })}
    >
      <span className="new-word">New workload</span>
    </Button>
  );
}

function LostBanner({ age }: { age: number }) {
  const fresh = useFreshness();
  const wait = Math.max(0, Math.ceil((fresh.nextTry - Date.now()) / 1000));
  return (
    <div className="banner bad" role="alert">
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <circle cx="7" cy="7" r="6.5" fill="currentColor" />
        <path d="m5 5 4 4m0-4-4 4" stroke="var(--bad-bg)" strokeWidth="1.5" strokeLinecap="round" />
      </svg>
      <p>
        <b>No connection to the server for {span(age)}.</b> Below is the state of {clockSeconds(fresh.lostAt)}.
        Workloads keep running. <span aria-hidden="true">{wait > 0 ? `Next try in ${wait} s.` : "Trying now."}</span>
      </p>
      <Button onClick={live.tryNow}>Try now</Button>
    </div>
  );
}

function SimulatedBanner() {
  const { data: me } = useQuery(meQuery);
  const { data: nodes } = useQuery(nodesQuery);
  if (!me?.machine.simulated || !nodes) return null;
  const devices = nodes.flatMap((node) => node.devices);
  const simulated = devices.filter((device) => device.simulated).length;
  if (simulated === 0) return null;
  const which =
    simulated < devices.length
      ? `${simulated} of ${devices.length} GPUs are`
      : devices.length === 1
        ? "The GPU of this machine is"
        : devices.length === 2
          ? "Both GPUs of this machine are"
          : `All ${devices.length} GPUs are`;
  return (
    <div className="banner quiet">
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <path
          d="M2 .75h7.5L13.25 4.5V12A1.25 1.25 0 0 1 12 13.25H2A1.25 1.25 0 0 1 .75 12V2A1.25 1.25 0 0 1 2 .75Z"
          fill="none"
          stroke="currentColor"
        />
      </svg>
      <p>
        {which} <b>simulated</b>. Jobs are real processes; only their devices are not real.
      </p>
    </div>
  );
}
