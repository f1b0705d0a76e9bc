import { expect, test } from "vitest";
import { daysBetween, measured, type UsageEntry, usageBars } from "./usage-bars";

const SPAN = {
  firstDay: "2026-11-01",
  lastDay: "2026-11-04",
  rest: "others",
  date: (at: number) => `${new Date(at).getUTCDate()}.`,
};

const NOTHING = {
  num_requests: 0,
  num_messages: 0,
  prompt_tokens: 0,
  cached_tokens: 0,
  completion_tokens: 0,
  engine_ms: 0,
};

function entry(day: string, name: string, written: number): UsageEntry {
  return { ...NOTHING, day, name, completion_tokens: written };
}

test("every day has a bar, also one on which nothing happened", () => {
  const entries = [entry("2026-11-01", "a", 5), entry("2026-11-03", "b", 7), entry("2026-11-03", "a", 1)];
  const { series, bars } = usageBars(entries, "written", SPAN);
  expect(series).toEqual(["b", "a"]);
  expect(bars.map((bar) => [bar.label, ...bar.values])).toEqual([
    ["1.", 0, 5],
    ["2.", 0, 0],
    ["3.", 7, 1],
    ["4.", 0, 0],
  ]);
});

test("what has no colour of its own is summed up at the end", () => {
  const entries = ["a", "b", "c", "d", "e", "f", "g"].map((name, index) => entry("2026-11-02", name, 10 - index));
  const { series, bars } = usageBars(entries, "written", SPAN);
  expect(series).toEqual(["a", "b", "c", "d", "e", "others"]);
  expect(bars[1]?.values).toEqual([10, 9, 8, 7, 6, 5 + 4]);
});

test("a long time is shown by weeks that end today, and nothing is lost", () => {
  const span = { ...SPAN, firstDay: "2026-01-01", lastDay: "2026-11-04" };
  const days = daysBetween(span.firstDay, span.lastDay);
  const { bars } = usageBars(
    days.map((day) => entry(day, "a", 1)),
    "written",
    span,
  );
  expect(bars.length).toBe(Math.ceil(days.length / 7));
  expect(bars.at(-1)?.values).toEqual([7]);
  expect(bars.at(-1)?.label).toBe("29. – 4.");
  expect(bars.reduce((sum, bar) => sum + (bar.values[0] ?? 0), 0)).toBe(days.length);
});

test("read is what was not cached", () => {
  const sums = {
    prompt_tokens: 100,
    cached_tokens: 80,
    completion_tokens: 9,
    num_requests: 2,
    num_messages: 1,
    engine_ms: 5,
  };
  expect(measured(sums, "read")).toBe(20);
  expect(measured(sums, "cached")).toBe(80);
  expect(measured(NOTHING, "time")).toBe(0);
});
