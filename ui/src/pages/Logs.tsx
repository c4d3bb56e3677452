// The output of a workload as it comes: follows its end until one scrolls up, finds text, downloads the whole.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { Refusal, request } from "../api/client";
import { useFreshness } from "../api/queries";
import { Button, Keys } from "../parts/bits";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { save } from "./columns";
import { findAll, LineReader } from "./log-text";
import "./logs.css";

interface Props {
  project: string;
  workload: string;
  /** Another run of the same workload is another log. */
  run: string;
  alive: boolean;
  note: string;
  pods?: string[];
  restarts?: number;
  /** What stands in place of lines when there are none. */
  quiet: string;
  tall?: boolean;
}

const rowHeight = 20;
const first = 5000; // lines read at once; what came before is in the download

const address = (project: string, workload: string, query: Record<string, string>) =>
  `/gate/v1/projects/${encodeURIComponent(project)}/workloads/${encodeURIComponent(workload)}/logs?${new URLSearchParams(query)}`;

interface Output {
  lines: string[];
  open: string;
  state: "reading" | "ended" | "failed";
  error: string;
}

function useOutput({ project, workload, run, alive }: Props, pod: string, previous: boolean): Output {
  const fresh = useFreshness();
  const lost = fresh.state === "lost";
  const [output, setOutput] = useState<Output>({ lines: [], open: "", state: "reading", error: "" });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run is another log
  useEffect(() => {
    if (lost) return; // what has been read stays; it is read anew when the server is back
    const abort = new AbortController();
    const reader = new LineReader();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (state: Output["state"], error = "") => {
      clearTimeout(timer);
      timer = undefined;
      setOutput({ lines: [...reader.lines], open: reader.open, state, error });
    };
    const soon = () => {
      timer ??= setTimeout(() => show("reading"), 60);
    };
    const read = async () => {
      const query: Record<string, string> = { tail: String(first) };
      if (alive && !previous) query.follow = "true";
      if (previous) query.previous = "true";
      if (pod) query.pod = pod;
      const response = await request(address(project, workload, query), {
        signal: abort.signal,
        headers: { Accept: "text/plain" },
      });
      const stream = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await stream.read();
        if (done) break;
        reader.feed(value);
        soon();
      }
    };
    read().then(
      () => show("ended"),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        // No log yet is not a failure: a workload that has not run has none.
        const none = error instanceof Refusal && error.status === 404;
        show(none ? "ended" : "failed", none ? "" : error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [project, workload, run, alive, pod, previous, lost]);
  return output;
}

export function Logs(props: Props) {
  const { project, workload, note, quiet, pods = [], restarts = 0, alive } = props;
  const [pod, setPod] = useState("");
  const [previous, setPrevious] = useState(false);
  const output = useOutput(props, pod, previous);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [following, setFollowing] = useState(true);
  const scroller = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const shown = useMemo(() => (output.open ? [...output.lines, output.open] : output.lines), [output]);
  const matches = useMemo(() => findAll(shown, text), [shown, text]);
  const current = matches.length > 0 ? matches[Math.min(at, matches.length - 1)] : undefined;
  const virtualizer = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 30,
    paddingStart: 8,
    paddingEnd: 12,
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: at each new line
  useEffect(() => {
    const box = scroller.current;
    if (following && box) box.scrollTop = box.scrollHeight;
  }, [shown.length, following, output.open]);

  const step = (by: number) => {
    if (matches.length === 0) return;
    const next = (Math.min(at, matches.length - 1) + by + matches.length) % matches.length;
    setAt(next);
    setFollowing(false);
    virtualizer.scrollToIndex(matches[next]!.line, { align: "center" });
  };
  const download = async () => {
    const response = await request(
      address(project, workload, { ...(pod ? { pod } : {}), ...(previous ? { previous: "true" } : {}) }),
      {
        headers: { Accept: "text/plain" },
      },
    );
    save(`${workload}${pod ? `_${pod}` : ""}.log`, await response.text(), "text/plain");
  };
  useKeys({
    "/": () => search.current?.focus(),
    f: () => setFollowing((on) => !on),
  });

  return (
    <section className={`logs${props.tall ? " tall" : ""}`} aria-labelledby="logs-title">
      <div className="logs-head">
        <h2 id="logs-title">Logs</h2>
        <span className="quiet">{note}</span>
        {pods.length > 1 && (
          <select className="select" aria-label="Pod" value={pod} onChange={(event) => setPod(event.target.value)}>
            <option value="">all pods</option>
            {pods.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
        {restarts > 0 && (
          <Button look="bare" aria-pressed={previous} onClick={() => setPrevious(!previous)}>
            {previous ? "Show this run" : "Show the run before"}
          </Button>
        )}
        <div className="log-search">
          <Icon name="search" />
          <input
            ref={search}
            aria-label="Find in logs"
            placeholder="Find in logs"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setAt(Number.MAX_SAFE_INTEGER);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
              else if (event.key === "Escape") {
                if (text) setText("");
                else event.currentTarget.blur();
              } else return;
              event.preventDefault();
              event.stopPropagation();
            }}
          />
          {text ? (
            <span className="quiet num" aria-live="polite">
              {matches.length === 0 ? "none" : `${Math.min(at, matches.length - 1) + 1} of ${matches.length}`}
            </span>
          ) : (
            <Keys>/</Keys>
          )}
        </div>
        {alive && !previous && (
          <Button aria-pressed={following} onClick={() => setFollowing(!following)}>
            <i className={`follow-dot${following ? " on" : ""}`} aria-hidden="true" />
            {following ? "Following" : "Follow"}
          </Button>
        )}
        <button
          type="button"
          className="icon-button"
          aria-label="Download the log"
          title="Download the log"
          onClick={() => void download()}
        >
          <Icon name="download" />
        </button>
      </div>
      {output.error && <p className="logs-error">{output.error}</p>}
      <div
        className="log-lines"
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={`Output of ${workload}`}
        onScroll={(event) => {
          const box = event.currentTarget;
          const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
          if (!atEnd && following && event.nativeEvent.isTrusted && box.dataset.wheel) setFollowing(false);
          if (atEnd && !following) setFollowing(true);
        }}
        onWheel={(event) => {
          if (event.deltaY < 0) setFollowing(false);
        }}
      >
        {shown.length === 0 ? (
          <p className="log-none">{output.error ? "" : quiet}</p>
        ) : (
          <div style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
            {virtualizer.getVirtualItems().map((item) => (
              <div key={item.key} className="log-line" style={{ transform: `translateY(${item.start}px)` }}>
                <Line text={shown[item.index]!} needle={text} here={current?.line === item.index ? current.from : -1} />
              </div>
            ))}
          </div>
        )}
      </div>
    </section>
  );
}

function Line({ text, needle, here }: { text: string; needle: string; here: number }) {
  if (!needle) return <>{text || " "}</>;
  const parts: React.ReactNode[] = [];
  const hay = text.toLowerCase();
  const find = needle.toLowerCase();
  let from = 0;
  for (let at = hay.indexOf(find); at >= 0; at = hay.indexOf(find, from)) {
    parts.push(text.slice(from, at));
    parts.push(
      <mark key={at} className={at === here ? "here" : undefined}>
        {text.slice(at, at + find.length)}
      </mark>,
    );
    from = at + find.length;
  }
  parts.push(text.slice(from));
  return <>{parts}</>;
}
