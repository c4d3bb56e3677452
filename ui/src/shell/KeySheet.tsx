// The keys, on "?".
import { Dialog } from "../parts/Floating";

const sheet: [string, string][] = [
  ["Ctrl K", "search or run a command"],
  ["C", "new workload"],
  ["G then O W N P", "overview, workloads, nodes, projects"],
  ["G then T", "dark or light"],
  ["/", "find in this list or log"],
  ["F", "add a filter"],
  ["J K or arrows", "move the row"],
  ["Enter or O", "open; with Ctrl in a new tab"],
  ["X, Shift arrows", "select, extend"],
  ["Ctrl A", "select what the filters show"],
  ["S R Del", "suspend, resume, delete"],
  ["W L", "why, logs; then F follows"],
  ["[ ]", "previous, next workload"],
  ["Ctrl Enter", "submit the form"],
  ["Esc", "close, clear, back"],
];

export function KeySheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog opened={open} onClose={onClose} title="Keys">
      <dl className="key-sheet">
        {sheet.map(([keys, deed]) => (
          <div key={keys}>
            <dt>
              <kbd className="keys">{keys}</kbd>
            </dt>
            <dd>{deed}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
