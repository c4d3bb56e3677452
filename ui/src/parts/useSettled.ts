// A value once it has stood still for a while: what is typed or dragged is not asked about at every step.
import { useEffect, useState } from "react";

export function useSettled<T>(value: T, after: number): T {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is the value
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), after);
    return () => clearTimeout(timer);
  }, [key, after]);
  return settled;
}
