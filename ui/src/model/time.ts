// Times as people say them: "48 s", "3 h 51 min", "14:32". Input is RFC 3339 text or ms of the clock.

export function at(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** A length of time in at most two units, the larger first. */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 === 0 ? `${h} h` : `${h} h ${String(min % 60).padStart(2, "0")} min`;
  const d = Math.floor(h / 24);
  return h % 24 === 0 ? `${d} d` : `${d} d ${h % 24} h`;
}

/** Like span, with seconds kept while it is short: for what took 19 s or 2 min 5 s. */
export function took(ms: number): string {
  if (ms < 1000) return "less than 1 s";
  const s = Math.round(ms / 1000);
  if (s >= 60 && s < 600 && s % 60 !== 0) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return span(s * 1000);
}

const clockFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const clockSecondsFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const dateFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const fullFormat = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});

export const clockTime = (ms: number) => clockFormat.format(ms);
export const clockSeconds = (ms: number) => clockSecondsFormat.format(ms);
export const fullTime = (ms: number) => fullFormat.format(ms);

/** "14:32" today, "Tue 11:48" this week, "3 Nov 11:48" before. */
export function when(ms: number, now: number): string {
  const day = 86_400_000;
  if (new Date(ms).toDateString() === new Date(now).toDateString()) return clockTime(ms);
  if (now - ms < 6 * day) return `${dayFormat.format(ms)} ${clockTime(ms)}`;
  return `${dateFormat.format(ms)} ${clockTime(ms)}`;
}
