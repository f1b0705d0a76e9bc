import { expect, test } from "vitest";
import { limitOf } from "./limits";

test.each([
  ["", null],
  [" 4 ", 4],
  ["0", 0],
  ["10,000", 10_000],
  ["10,001", "wrong"],
  ["1.5", "wrong"],
  ["-1", "wrong"],
  ["1,5", "wrong"],
  ["many", "wrong"],
  ["99999999999", "wrong"],
])("%j → %j", (typed, expected) => {
  expect(limitOf(typed, 10_000)).toBe(expected);
});
