import { expect, test } from "vitest";
import { filtersOf, jsonlHref } from "./audit-filter";

test("days are whole ones of the reader's", () => {
  const filters = filtersOf(new URLSearchParams("from=2026-11-24&to=2026-11-25"));
  expect(filters.since_ms).toBe(new Date(2026, 10, 24).getTime());
  expect(filters.until_ms).toBe(new Date(2026, 10, 26).getTime() - 1);
});

test("what is empty or no day filters nothing", () => {
  expect(filtersOf(new URLSearchParams("action=&actor=%20&from=yesterday&to=1900-01-01"))).toEqual({});
});

test("the file has the same filters as the page, names escaped and composed", () => {
  const filters = filtersOf(new URLSearchParams({ action: "key", actor: "지영".normalize("NFD") }));
  expect(filters).toEqual({ action: "key", actor: "지영" });
  expect(jsonlHref(filters)).toBe(`/api/admin/audit.jsonl?action=key&actor=${encodeURIComponent("지영")}`);
  expect(jsonlHref({})).toBe("/api/admin/audit.jsonl");
});
