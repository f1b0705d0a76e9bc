import { expect, test } from "vitest";
import { hueOf, initialsOf } from "./initials";

test("initials are whole letters of the first and the last word", () => {
  expect(["ann", "Ann Kim", " 엄마 ", "김 철수 씨", "👨‍👩‍👧 Kim", ""].map(initialsOf)).toEqual([
    "A",
    "AK",
    "엄",
    "김씨",
    "👨‍👩‍👧K",
    "",
  ]);
});

test("a name has one colour", () => {
  expect(hueOf("엄마")).toBe(hueOf("엄마"));
  expect(new Set(["ann", "bob", "엄마", "아빠"].map(hueOf)).size).toBe(4);
});
