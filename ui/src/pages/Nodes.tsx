// Nodes: every machine that runs work, with its devices, who holds them, and what of CPU and memory is given away.
import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import { nodesQuery, useColours } from "../api/queries";
import type { Node } from "../api/types";
import { Glyph } from "../marks/Glyph";
import { GpuGrid, heldOf, nodeNote } from "../marks/GpuGrid";
import type { GridSize } from "../marks/layout";
import { modelText, number, sizeText } from "../model/quantity";
import { at, fullTime, when } from "../model/time";
import { Commands, Failed, Waiting } from "../parts/bits";
import { useNow } from "../parts/clock";
import { Page } from "../shell/Page";
import "./nodes.css";

export function Nodes() {
  const nodes = useQuery(nodesQuery);
  return (
    <Page title="Nodes" crumbs={[{ label: "Nodes" }]} className="nodes">
      <h1 className="sr">Nodes</h1>
      {nodes.data ? (
        nodes.data.length === 0 ? (
          <div className="first-start">
            <h2>No node yet</h2>
            <p>
              A node is a machine whose processes and GPUs Muster hands out. This one joins by itself when the server
              starts.
            </p>
            <Commands rows={[{ what: "See them here too", command: "muster node list" }]} />
          </div>
        ) : (
          <Listed nodes={nodes.data} />
        )
      ) : (
        <div className="section">
          {nodes.error ? (
            <Failed what="The nodes" error={nodes.error} retry={() => void nodes.refetch()} />
          ) : (
            <Waiting of="the nodes" />
          )}
        </div>
      )}
    </Page>
  );
}

const virtualFrom = 60;

function Listed({ nodes }: { nodes: Node[] }) {
  const sorted = useMemo(
    () => [...nodes].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })),
    [nodes],
  );
  const hash = useRouterState({ select: (state) => state.location.hash });
  const list = useRef<HTMLUListElement>(null);
  const virtual = sorted.length > virtualFrom;
  const virtualizer = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => list.current?.closest(".page-body") ?? null,
    estimateSize: () => 110,
    overscan: 6,
    enabled: virtual,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each address, not for each change of a node
  useEffect(() => {
    if (!hash) return;
    const index = sorted.findIndex((node) => node.name === hash);
    if (virtual && index >= 0) virtualizer.scrollToIndex(index, { align: "center" });
    else document.getElementById(`node-${hash}`)?.scrollIntoView({ block: "center" });
  }, [hash]);
  // A node is drawn by cells however many there are: the list is as long as it is.
  const size = sorted.reduce((sum, node) => sum + node.devices.length, 0) <= 16 ? "L" : "M";
  if (!virtual) {
    return (
      <ul className="node-list" ref={list}>
        {sorted.map((node) => (
          <li key={node.name} id={`node-${node.name}`} className={hash === node.name ? "here" : undefined}>
            <NodeItem node={node} size={size} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <ul className="node-list" ref={list} style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
      {virtualizer.getVirtualItems().map((item) => {
        const node = sorted[item.index]!;
        return (
          <li
            key={node.name}
            id={`node-${node.name}`}
            ref={virtualizer.measureElement}
            data-index={item.index}
            aria-setsize={sorted.length}
            aria-posinset={item.index + 1}
            className={`placed${hash === node.name ? " here" : ""}`}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <NodeItem node={node} size={size} />
          </li>
        );
      })}
    </ul>
  );
}

const share = (part: { capacity: number; allocated: number } | undefined) =>
  part && part.capacity > 0 ? Math.min(100, (part.allocated / part.capacity) * 100) : 0;

function NodeItem({ node, size }: { node: Node; size: GridSize }) {
  const colours = useColours();
  const now = useNow();
  const note = nodeNote(node);
  const models = [...new Set(node.devices.map((device) => modelText(device.model)))].join(", ");
  const since = at(node.createdAt);
  return (
    <>
      <div className="node-head">
        <Glyph
          name={!node.ready ? "unknown" : node.unschedulable ? "paused" : "running"}
          tone={!node.ready ? "warn" : node.unschedulable ? "ink-3" : "ink"}
        />
        <h2>{node.name}</h2>
        <span className="quiet">
          {!node.ready ? "Not ready" : node.unschedulable ? "Takes no new work" : "Ready"}
          {models ? ` · ${models}` : ""}
          {node.simulated ? " · simulated" : ""}
          {node.pool && node.pool !== "default" ? ` · pool ${node.pool}` : ""}
          {note.bad && (
            <>
              {" · "}
              <span className="bad">{note.bad}</span>
            </>
          )}
        </span>
        {since && (
          <span className="quiet node-since" title={fullTime(since)}>
            since {when(since, now)}
          </span>
        )}
      </div>
      <div className="node-body">
        <dl className="node-figures">
          <div>
            <dt>GPUs</dt>
            <dd>
              <b>{number(heldOf(node))}</b> of {node.devices.length} held
            </dd>
          </div>
          {node.cpu && (
            <div>
              <dt>CPU</dt>
              <dd>
                <i className="meter" aria-hidden="true">
                  <i style={{ width: `${share(node.cpu)}%` }} />
                </i>
                {number(node.cpu.allocated)} of {number(node.cpu.capacity)} cores
              </dd>
            </div>
          )}
          {node.memory && (
            <div>
              <dt>Memory</dt>
              <dd>
                <i className="meter" aria-hidden="true">
                  <i style={{ width: `${share(node.memory)}%` }} />
                </i>
                {node.memory.allocated > 0 ? sizeText(node.memory.allocated) : "0"} of {sizeText(node.memory.capacity)}
              </dd>
            </div>
          )}
        </dl>
        {node.devices.length > 0 ? (
          <GpuGrid nodes={[node]} colours={colours} bare size={size} />
        ) : (
          <p className="quiet">No GPU. It runs workloads that ask for none.</p>
        )}
      </div>
    </>
  );
}
