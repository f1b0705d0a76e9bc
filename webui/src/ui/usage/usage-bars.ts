/** What was spent, as bars: one per day, or per week where days would be too thin. Pure. */
import type { UsageSums } from "@/api/types.gen";
import { dayAfter, daysApart, noonOf } from "@/lib/days";
import type { Bar } from "../charts/bar-chart";
import { NUM_COLOURS } from "../charts/colours";

export const MEASURES = ["written", "read", "cached", "requests", "messages", "time"] as const;
export type Measure = (typeof MEASURES)[number];

export interface UsageEntry extends UsageSums {
  /** "2026-11-22", of the zone that was asked for. */
  day: string;
  /** What is told apart: a model, somebody. */
  name: string;
}

export interface UsageBars {
  series: string[];
  bars: Bar[];
}

const MOST_BARS = 92;

/** `time` in milliseconds of the engine. */
export function measured(sums: UsageSums, measure: Measure): number {
  switch (measure) {
    case "written":
      return sums.completion_tokens;
    case "read":
      return sums.prompt_tokens - sums.cached_tokens;
    case "cached":
      return sums.cached_tokens;
    case "requests":
      return sums.num_requests;
    case "messages":
      return sums.num_messages;
    case "time":
      return sums.engine_ms;
  }
}

/** `rest`: the name of all that has no colour of its own. `date`: a day for people. */
export function usageBars(
  entries: readonly UsageEntry[],
  measure: Measure,
  { firstDay, lastDay, rest, date }: { firstDay: string; lastDay: string; rest: string; date: (at: number) => string },
): UsageBars {
  const series = largest(entries, measure, rest);
  const days = daysBetween(firstDay, lastDay);
  const perBar = days.length > MOST_BARS ? 7 : 1;
  const numBars = Math.ceil(days.length / perBar);
  const barOf = new Map(days.map((day, index) => [day, numBars - 1 - Math.floor((days.length - 1 - index) / perBar)]));
  const values = Array.from({ length: numBars }, () => series.map(() => 0));
  for (const entry of entries) {
    const bar = values[barOf.get(entry.day) ?? -1];
    const at = series.includes(entry.name) ? series.indexOf(entry.name) : series.length - 1;
    if (bar) bar[at] = (bar[at] ?? 0) + measured(entry, measure);
  }
  const bars = values.map((each, index) => {
    const inBar = days.filter((day) => barOf.get(day) === index);
    const [first = firstDay, last = lastDay] = [inBar[0], inBar.at(-1)];
    const label = first === last ? date(noonOf(first)) : `${date(noonOf(first))} – ${date(noonOf(last))}`;
    return { key: first, label, shortLabel: date(noonOf(first)), values: each };
  });
  return { series, bars };
}

/** The names with the most first; those without a colour are `rest`. */
function largest(entries: readonly UsageEntry[], measure: Measure, rest: string): string[] {
  const sums = new Map<string, number>();
  for (const entry of entries) sums.set(entry.name, (sums.get(entry.name) ?? 0) + measured(entry, measure));
  const names = [...sums].sort(([, one], [, other]) => other - one).map(([name]) => name);
  return names.length > NUM_COLOURS ? [...names.slice(0, NUM_COLOURS), rest] : names;
}

export function daysBetween(first: string, last: string): string[] {
  return Array.from({ length: Math.max(daysApart(first, last) + 1, 0) }, (_, index) => dayAfter(first, index));
}
