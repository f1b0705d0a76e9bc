import { expect, test } from "vitest";
import type { AllUsageRow } from "@/api/types.gen";
import { choiceOf, csvHref, totalsBy, usageQuery } from "./usage-query";

const NOW = Date.UTC(2026, 10, 25, 23, 59);

test("thirty days end today, by the reader's clock", () => {
  const query = usageQuery(choiceOf(new URLSearchParams()), NOW, "Asia/Seoul");
  expect(query).toEqual({ from: "2026-10-28", to: "2026-11-26", time_zone: "Asia/Seoul", by: "day,model" });
});

test("the address says what is shown; what it cannot mean is not asked", () => {
  const chosen = choiceOf(new URLSearchParams("days=7&by=user&user=u1"));
  expect(chosen).toEqual({ span: "7", split: "user", userId: "u1" });
  expect(choiceOf(new URLSearchParams("days=12&by=drop")).span).toBe("30");
  expect(choiceOf(new URLSearchParams("user=")).userId).toBe(""); // the guest
});

test("the file has everything told apart, and names are escaped", () => {
  const href = csvHref(usageQuery({ span: "7", split: "user", userId: "a&b" }, NOW, "UTC"));
  expect(href).toBe(
    "/api/admin/usage.csv?from=2026-11-19&to=2026-11-25&time_zone=UTC&by=day%2Cuser%2Cmodel&user_id=a%26b",
  );
});

test("totals add up every count", () => {
  const row = (model: string, written: number): AllUsageRow => ({
    day: "2026-11-25",
    user_id: null,
    username: null,
    model,
    num_requests: 1,
    num_messages: 0,
    engine_ms: 0,
    prompt_tokens: 10,
    cached_tokens: 4,
    completion_tokens: written,
  });
  const totals = totalsBy([row("a", 1), row("b", 5), row("a", 2)], (each) => each.model ?? "");
  expect(totals.map((each) => [each.name, each.num_requests, each.prompt_tokens, each.completion_tokens])).toEqual([
    ["b", 1, 10, 5],
    ["a", 2, 20, 3],
  ]);
  expect(totals[0]?.engine_ms).toBe(0);
});
