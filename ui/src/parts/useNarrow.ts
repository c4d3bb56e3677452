// Whether the window is a phone's: tables become two-line lists then.
import { useSyncExternalStore } from "react";

const query = () => window.matchMedia("(max-width: 720px)");

export const useNarrow = () =>
  useSyncExternalStore(
    (listener) => {
      const list = query();
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => query().matches,
  );
