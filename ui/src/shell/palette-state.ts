// Whether the palette is open, and what the page that is shown lets one do from it.
import { useEffect, useSyncExternalStore } from "react";
import type { IconName } from "../parts/icons";

export interface PageDeed {
  label: string;
  effect?: string;
  icon?: IconName;
  run: () => void;
}

let open = false;
let deeds: PageDeed[] = [];
const listeners = new Set<() => void>();
const tell = () => {
  for (const listener of listeners) listener();
};
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

export const openPalette = () => {
  open = true;
  tell();
};
export const closePalette = () => {
  open = false;
  tell();
};
export const usePaletteOpen = () => useSyncExternalStore(subscribe, () => open);
export const pageDeeds = () => deeds;

/** What this page lets one do, offered in the palette as long as the page is shown. */
export function usePageDeeds(list: PageDeed[]) {
  useEffect(() => {
    deeds = list;
    return () => {
      deeds = [];
    };
  });
}
