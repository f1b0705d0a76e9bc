import { expect, test } from "vitest";
import { isNarrowed, NO_FILTER, questionOf } from "./search-filter";

test("days are the reader's own and both included", () => {
  const asked = questionOf("x", { writer: "user", from: "2026-03-01", to: "2026-03-01", folder: "" });
  const first = new Date(2026, 2, 1).getTime();
  expect(asked).toEqual({ q: "x", role: "user", from: first, to: new Date(2026, 2, 2).getTime() - 1, folder: "" });
  expect(new Date(asked.to ?? 0).getDate()).toBe(1);
});

test("what is not chosen is not asked for", () => {
  expect(questionOf("x", NO_FILTER)).toEqual({ q: "x" });
  expect(questionOf("x", { ...NO_FILTER, from: "0001-01-01", to: "2026-" })).toEqual({ q: "x" });
  expect([isNarrowed(NO_FILTER), isNarrowed({ ...NO_FILTER, folder: "" })]).toEqual([false, true]);
});
