import { expect, test } from "vitest";
import { linePath, shareOf, shownLabels, ticks, timeTicks } from "./scale";

test.each([
  [47, [0, 20, 40, 60]],
  [100, [0, 25, 50, 75, 100]],
  [1, [0, 0.25, 0.5, 0.75, 1]],
  [0.3, [0, 0.1, 0.2, 0.3]],
  [1_234_567, [0, 500_000, 1_000_000, 1_500_000]],
  [0, [0, 1]],
  [Number.NaN, [0, 1]],
])("the axis for %d has round numbers", (most, expected) => {
  expect(ticks(most)).toEqual(expected);
});

test("an axis reaches its largest value, whatever it is, in few steps", () => {
  for (let power = -3; power < 12; power += 1) {
    for (let lead = 1; lead < 10; lead += 0.37) {
      const most = lead * 10 ** power;
      const found = ticks(most);
      expect(found.at(-1)).toBeGreaterThanOrEqual(most * (1 - 1e-8));
      expect(found.length).toBeLessThanOrEqual(6);
      expect(found.length).toBeGreaterThanOrEqual(3);
    }
  }
});

test("an axis of time has the steps of a clock", () => {
  const minutes = (ms: number) => timeTicks(ms).map((tick) => tick / 60_000);
  expect(minutes(7_000_000)).toEqual([0, 30, 60, 90, 120]);
  expect(minutes(90_000)).toEqual([0, 0.5, 1, 1.5]);
  expect(timeTicks(3000)).toEqual([0, 1000, 2000, 3000]);
  expect(timeTicks(9 * 86_400_000).map((tick) => tick / 86_400_000)).toEqual([0, 2.5, 5, 7.5, 10]);
  expect(timeTicks(0).length).toBe(2);
});

test("a share stays between nought and one", () => {
  expect([shareOf(5, 10), shareOf(20, 10), shareOf(-1, 10), shareOf(1, 0)]).toEqual([0.5, 1, 0, 0]);
});

test("a line has a gap where nothing is known", () => {
  expect(linePath([0, 5, null, 10, null], 10)).toBe("M0 100h0L25 50M75 0h0");
  expect(linePath([], 10)).toBe("");
  expect(linePath([10], 10)).toBe("M0 0h0");
});

test("labels are thinned from the end, so that the newest has one", () => {
  expect(shownLabels(30, 5)).toEqual([5, 11, 17, 23, 29]);
  expect(shownLabels(3, 5)).toEqual([0, 1, 2]);
  expect(shownLabels(0, 5)).toEqual([]);
});
