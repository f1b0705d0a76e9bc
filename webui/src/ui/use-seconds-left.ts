/** A time that was told once counts down by itself. */
import { useEffect, useState } from "react";

const TICK_MS = 500;

/** `told`: seconds, with whatever told them: the same object is the same moment. Null: nobody knows, or it is over. */
export function useSecondsLeft(told: { eta_s: number | null } | null): number | null {
  const [state, setState] = useState({ told, at: 0, now: 0 });
  useEffect(() => {
    const at = performance.now();
    setState({ told, at, now: at });
    if (told === null || told.eta_s === null) return;
    const timer = setInterval(() => setState((before) => ({ ...before, now: performance.now() })), TICK_MS);
    return () => clearInterval(timer);
  }, [told]);
  if (told === null || told.eta_s === null) return null;
  const passedS = state.told === told ? (state.now - state.at) / 1000 : 0;
  const left = told.eta_s - passedS;
  return left > 0 ? left : null;
}
