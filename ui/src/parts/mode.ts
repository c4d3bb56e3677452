// Dark or light: the system's preference until a person chooses, then their choice on this browser.
import { useSyncExternalStore } from "react";

export type Mode = "light" | "dark";
const listeners = new Set<() => void>();

export const mode = (): Mode => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");

export function setMode(next: Mode) {
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("muster.mode", next);
  } catch {
    // Storage may be off; the choice then lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export const toggleMode = () => setMode(mode() === "dark" ? "light" : "dark");

export function useMode(): Mode {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, mode);
}
