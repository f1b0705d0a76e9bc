import { expect, test } from "vitest";
import type { EngineView } from "@/api/types.gen";
import { latestRate, NUM_KEPT, ratesOf, type Sample, withSample } from "./rates";

function engine(model: string, read: number, written: number): EngineView {
  return { model, prompt_tokens_computed: read, tokens_generated: written } as EngineView;
}

function history(...asked: [number, EngineView[]][]): Sample[] {
  return asked.reduce<Sample[]>((all, [at, engines]) => withSample(all, engines, at), []);
}

test("a rate is what came between two asks, of one engine or of all", () => {
  const all = history(
    [0, [engine("a", 100, 10), engine("b", 0, 0)]],
    [2000, [engine("a", 500, 50), engine("b", 100, 2)]],
  );
  expect(ratesOf(all)).toEqual([{ atMs: 2000, readPerS: 250, writtenPerS: 21 }]);
  expect(latestRate(all, "b")).toEqual({ atMs: 2000, readPerS: 50, writtenPerS: 1 });
});

test("nothing is known before the second ask, nor of an engine that is not there", () => {
  expect(latestRate(history([0, [engine("a", 5, 5)]]))).toBeNull();
  const all = history([0, [engine("a", 5, 5)]], [2000, [engine("a", 7, 5)]]);
  expect(latestRate(all, "b")).toEqual({ atMs: 2000, readPerS: null, writtenPerS: null });
});

test("an engine that began again has no rate over its end, and never a negative one", () => {
  const all = history([0, [engine("a", 900, 90)]], [2000, [engine("a", 10, 1)]], [4000, [engine("a", 30, 5)]]);
  expect(ratesOf(all).map((rate) => rate.readPerS)).toEqual([null, 10]);
});

test("an engine that was loaded in between does not bring its totals as a burst", () => {
  const all = history([0, [engine("a", 0, 0)]], [2000, [engine("a", 20, 0), engine("b", 9000, 9000)]]);
  expect(latestRate(all)).toEqual({ atMs: 2000, readPerS: 10, writtenPerS: 0 });
});

test("without an engine nothing is read: that is known", () => {
  expect(latestRate(history([0, []], [2000, []]))).toEqual({ atMs: 2000, readPerS: 0, writtenPerS: 0 });
});

test("a while in which nobody asked is a gap, an ask at once is no sample", () => {
  const all = history([0, [engine("a", 0, 0)]], [60_000, [engine("a", 6000, 0)]], [60_100, [engine("a", 6100, 0)]]);
  expect(all.map((sample) => sample.atMs)).toEqual([0, 60_000]);
  expect(latestRate(all)?.readPerS).toBeNull();
});

test("old samples are let go", () => {
  let all: Sample[] = [];
  for (let at = 0; at < 200; at += 1) all = withSample(all, [], at * 2000);
  expect(all.length).toBe(NUM_KEPT);
  expect(all.at(-1)?.atMs).toBe(199 * 2000);
});
