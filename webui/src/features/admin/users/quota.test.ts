import { expect, test } from "vitest";
import { megabytesOf } from "./quota";

test.each([
  ["", null],
  [" 500 ", 500],
  ["1,500", 1500],
  ["0.5", 0.5],
  ["0", 0],
  ["-1", "wrong"],
  ["1,5", "wrong"],
  ["many", "wrong"],
  ["1e30", "wrong"],
  ["99999999999999", "wrong"],
])("%j → %j", (typed, expected) => {
  expect(megabytesOf(typed)).toBe(expected);
});
