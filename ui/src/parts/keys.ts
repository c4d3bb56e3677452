// Single keys of a page, off while somebody types. Later ones win, so a page may take a key from the shell.
import { useEffect, useRef } from "react";

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

const stack: { current: KeyMap }[] = [];
let sequence = "";
let sequenceAt = 0;

export const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName)) &&
  !(target instanceof HTMLInputElement && ["checkbox", "radio", "button"].includes(target.type));

export function nameOf(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.shiftKey && event.key.length > 1) parts.push("Shift");
  return [...parts, key].join("+");
}

function handle(event: KeyboardEvent) {
  if (event.defaultPrevented) return;
  const name = nameOf(event);
  const modified = event.ctrlKey || event.metaKey;
  if (typing(event.target) && !modified && name !== "Escape") return;
  // A dialog that is open has the keys for itself.
  if (document.querySelector("[role=dialog]") && name !== "Ctrl+k") return;
  const now = Date.now();
  const chord = sequence && now - sequenceAt < 1200 ? `${sequence} ${name}` : "";
  for (const candidate of [chord, name]) {
    if (!candidate) continue;
    for (let i = stack.length - 1; i >= 0; i--) {
      const act = stack[i]!.current[candidate];
      if (!act) continue;
      sequence = "";
      event.preventDefault();
      act(event);
      return;
    }
  }
  sequence = name === "g" ? "g" : "";
  sequenceAt = now;
}

export function useKeys(map: KeyMap) {
  const ref = useRef(map);
  ref.current = map;
  useEffect(() => {
    if (stack.length === 0) document.addEventListener("keydown", handle);
    stack.push(ref);
    return () => {
      stack.splice(stack.indexOf(ref), 1);
      if (stack.length === 0) document.removeEventListener("keydown", handle);
    };
  }, []);
}
