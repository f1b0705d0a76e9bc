/** What is asked of the usage: for how long, what is told apart, of whom. It stands in the page's address. Pure. */
import { urlOf } from "@/api/client";
import type { AllUsageRow, Endpoints, UsageSums } from "@/api/types.gen";
import { dayAfter, dayOf, readersZone } from "@/lib/days";

export const SPANS = ["7", "30", "90", "365"] as const;
export const SPLITS = ["model", "user"] as const;
export type Span = (typeof SPANS)[number];
export type Split = (typeof SPLITS)[number];

export interface UsageChoice {
  span: Span;
  split: Split;
  userId: string | null;
}

type Query = NonNullable<Endpoints["GET /api/admin/usage"]["query"]>;

/** What is not known there is as if it were absent. */
export function choiceOf(params: URLSearchParams): UsageChoice {
  return {
    span: SPANS.find((each) => each === params.get("days")) ?? "30",
    split: SPLITS.find((each) => each === params.get("by")) ?? "model",
    userId: params.get("user"),
  };
}

/** Days are the zone's, today included; the reader's if it is absent. */
export function usageQuery({ span, split, userId }: UsageChoice, nowMs: number, timeZone?: string): Query {
  const today = dayOf(nowMs, timeZone);
  return {
    from: dayAfter(today, 1 - Number(span)),
    to: today,
    time_zone: timeZone ?? readersZone(),
    by: `day,${split}`,
    ...(userId === null ? {} : { user_id: userId }),
  };
}

/** The same for a spreadsheet, everything told apart. */
export function csvHref(query: Query): string {
  return urlOf("/api/admin/usage.csv", undefined, { ...query, by: "day,user,model" });
}

export interface UsageTotal extends Required<UsageSums> {
  name: string;
}

/** All days together, by name; who wrote most comes first. */
export function totalsBy(rows: readonly AllUsageRow[], nameOf: (row: AllUsageRow) => string): UsageTotal[] {
  const totals = new Map<string, UsageTotal>();
  for (const row of rows) {
    const name = nameOf(row);
    const known = totals.get(name);
    totals.set(name, {
      name,
      num_requests: (known?.num_requests ?? 0) + row.num_requests,
      num_messages: (known?.num_messages ?? 0) + row.num_messages,
      prompt_tokens: (known?.prompt_tokens ?? 0) + row.prompt_tokens,
      cached_tokens: (known?.cached_tokens ?? 0) + row.cached_tokens,
      completion_tokens: (known?.completion_tokens ?? 0) + row.completion_tokens,
      engine_ms: (known?.engine_ms ?? 0) + row.engine_ms,
    });
  }
  return [...totals.values()].sort((one, other) => other.completion_tokens - one.completion_tokens);
}
