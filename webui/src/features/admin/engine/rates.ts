/** Tokens per second, out of totals that were read at two moments. Pure. */
import type { EngineView } from "@/api/types.gen";

/** All engines' totals at one moment. */
export interface Sample {
  atMs: number;
  totals: Record<string, Totals>;
}

interface Totals {
  numRead: number;
  numWritten: number;
}

/** Null: nothing is known of that while. */
export interface Rate {
  atMs: number;
  readPerS: number | null;
  writtenPerS: number | null;
}

/** Three minutes, as they are asked for. */
export const NUM_KEPT = 90;
/** Over less a rate is noise; over more it says nothing of now: the page was hidden, or the server away. */
const SHORTEST_MS = 500;
const LONGEST_MS = 15_000;

export function withSample(history: readonly Sample[], engines: readonly EngineView[], nowMs: number): Sample[] {
  const last = history.at(-1);
  if (last && nowMs - last.atMs < SHORTEST_MS) return [...history];
  const totals = engines.map((engine): [string, Totals] => [
    engine.model,
    { numRead: engine.prompt_tokens_computed, numWritten: engine.tokens_generated },
  ]);
  return [...history, { atMs: nowMs, totals: Object.fromEntries(totals) }].slice(-NUM_KEPT);
}

/** One for each two neighbours: of one `model`, or of all together. */
export function ratesOf(history: readonly Sample[], model?: string): Rate[] {
  return history.slice(1).map((after, index) => rateBetween(history[index] ?? after, after, model));
}

export function latestRate(history: readonly Sample[], model?: string): Rate | null {
  return ratesOf(history.slice(-2), model).at(-1) ?? null;
}

function rateBetween(before: Sample, after: Sample, model: string | undefined): Rate {
  const passedMs = after.atMs - before.atMs;
  const names = model === undefined ? Object.keys(after.totals) : [model];
  const steps = names.flatMap((name) => step(before.totals[name], after.totals[name]));
  const isKnown = passedMs <= LONGEST_MS && (steps.length > 0 || names.length === 0);
  if (!isKnown) return { atMs: after.atMs, readPerS: null, writtenPerS: null };
  const perS = (num: number) => (num * 1000) / passedMs;
  return {
    atMs: after.atMs,
    readPerS: perS(steps.reduce((sum, each) => sum + each.numRead, 0)),
    writtenPerS: perS(steps.reduce((sum, each) => sum + each.numWritten, 0)),
  };
}

/** Nothing for an engine that came or began again in between: its totals tell of another time. */
function step(before: Totals | undefined, after: Totals | undefined): Totals[] {
  if (!before || !after || after.numRead < before.numRead || after.numWritten < before.numWritten) return [];
  return [{ numRead: after.numRead - before.numRead, numWritten: after.numWritten - before.numWritten }];
}
