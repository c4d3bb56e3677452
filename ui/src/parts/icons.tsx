// Icons of the chrome, 16 px, one stroke. Only where an icon is faster than a word: rail, search, close, copy.
const paths = {
  overview: "M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z",
  workloads: "M2.5 4h11M2.5 8h11M2.5 12h7",
  nodes: "M2.5 2.8h11v4.2h-11zM2.5 9h11v4.2h-11zM5.2 4.9h.01M5.2 11.1h.01",
  projects: "M2 4.5h12M8.5 2.5v4M2 8h8M2 11.5h12M5.5 9.5v4",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4l3.1 3.1",
  plus: "M8 3v10M3 8h10",
  close: "m4 4 8 8m0-8-8 8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  link: "M6.8 9.2a2.5 2.5 0 0 0 3.6 0l2.4-2.4a2.5 2.5 0 0 0-3.6-3.6l-.9.9M9.2 6.8a2.5 2.5 0 0 0-3.6 0L3.2 9.2a2.5 2.5 0 0 0 3.6 3.6l.9-.9",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  download: "M8 2.5v8M4.8 7.5 8 10.7l3.2-3.2M3 13.5h10",
  down: "m4 6 4 4 4-4",
  up: "m4 10 4-4 4 4",
  right: "m6 4 4 4-4 4",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6l7.5-4.8Z",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  back: "M3.5 6h6.2a3 3 0 0 1 0 6H7M6 3.2 3.2 6 6 8.8",
  table: "M2.5 3h11v10h-11zM2.5 6.5h11M2.5 10h11M6.5 3v10",
  more: "M2.5 4h11M2.5 8h11M2.5 12h11",
  out: "M6 2.5H3v11h3M7 8h6.5M10.8 5 13.8 8l-3 3",
  keys: "M1.5 4h13v8h-13zM4 6.5h.01M6.5 6.5h.01M9 6.5h.01M11.5 6.5h.01M5 9.5h6",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg
      className="brand"
      width={(size * 24) / 20}
      height={size}
      viewBox="0 0 24 20"
      aria-hidden="true"
      focusable="false"
    >
      <rect x="0" y="0" width="4" height="20" rx="1" />
      <rect x="5" y="2.5" width="4" height="7.5" rx="1" />
      <rect x="10" y="7" width="4" height="7.5" rx="1" />
      <rect x="15" y="2.5" width="4" height="7.5" rx="1" />
      <rect x="20" y="0" width="4" height="20" rx="1" />
    </svg>
  );
}
