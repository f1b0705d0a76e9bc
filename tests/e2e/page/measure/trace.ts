/** Chromium's trace of one page's main thread: how long each frame's script ran, in the thread's own time. */
import type { Browser, Page } from "playwright-core";

interface TraceEvent {
  name: string;
  ph: string;
  ts: number;
  dur?: number;
  tdur?: number;
  tid: number;
  pid: number;
}

export interface Frames {
  /** Milliseconds of script per frame in which script ran. */
  script: number[];
  /** Milliseconds of style and layout of each time they were done. */
  layout: number[];
}

export async function traced(browser: Browser, page: Page, act: () => Promise<void>): Promise<Frames> {
  const categories = ["-*", "devtools.timeline", "blink.user_timing"];
  await browser.startTracing(page, { categories, screenshots: false });
  await act();
  const file: { traceEvents: TraceEvent[] } = JSON.parse((await browser.stopTracing()).toString("utf8"));
  const ms = ({ tdur, dur }: TraceEvent) => (tdur ?? dur ?? 0) / 1000;
  const threads = new Map<number, number>();
  for (const { name, tid } of file.traceEvents) {
    if (name === "FireAnimationFrame") threads.set(tid, (threads.get(tid) ?? 0) + 1);
  }
  const main = [...threads].sort(([, a], [, b]) => b - a)[0]?.[0]; // the thread where the page draws
  const events = file.traceEvents.filter(({ tid }) => tid === main);
  const script = events.filter(({ name }) => name === "FireAnimationFrame").map(ms);
  const layout = events.filter(({ name }) => name === "Layout" || name === "UpdateLayoutTree").map(ms);
  return { script, layout };
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
