import { expect, test } from "vitest";
import { cutAt, marksOf } from "./spans";

test("a span counts letters, not the halves that a browser makes of some", () => {
  expect(cutAt("😀한국어 𝒜bc", { start: 1, end: 4 })).toEqual(["😀", "한국어", " 𝒜bc"]);
  expect(cutAt("😀한국어 𝒜bc", { start: 5, end: 6 })).toEqual(["😀한국어 ", "𝒜", "bc"]);
  expect(cutAt("abc", { start: 2, end: 99 })).toEqual(["ab", "c", ""]);
  expect(cutAt("abc", { start: 2, end: 1 })).toEqual(["ab", "", "c"]);
});

test("a line that is in a span partly is marked partly", () => {
  const boxes = [
    [0, 10, 100, 50, 300, 70],
    [11, 21, 100, 80, 200, 100],
    [22, 30, 100, 110, 200, 130],
  ] as [number, number, number, number, number, number][];
  const marks = marksOf(boxes, { start: 5, end: 21 }, { width: 400, height: 200 });
  expect(marks).toEqual([
    { left: 0.5, top: 0.25, width: 0.25, height: 0.1 },
    { left: 0.25, top: 0.4, width: 0.25, height: 0.1 },
  ]);
  expect(marksOf(boxes, { start: 5, end: 21 }, { width: 0, height: 0 })).toEqual([]);
});
