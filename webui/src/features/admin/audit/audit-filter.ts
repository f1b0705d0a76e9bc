/** What of the log is wanted; it stands in the page's address. Pure. */
import { urlOf } from "@/api/client";
import type { Endpoints } from "@/api/types.gen";

export type Filters = NonNullable<Endpoints["GET /api/admin/audit.jsonl"]["query"]>;

export const NAMES = ["action", "actor", "from", "to"] as const;
export type FilterName = (typeof NAMES)[number];

/** Days are the reader's own, both included. */
export function filtersOf(params: URLSearchParams): Filters {
  const [action, actor, from, to] = NAMES.map((name) => params.get(name)?.normalize("NFC").trim() || null);
  const since = startOf(from);
  const until = startOf(to, 1);
  return {
    ...(action ? { action } : {}),
    ...(actor ? { actor } : {}),
    ...(since === null ? {} : { since_ms: since }),
    ...(until === null ? {} : { until_ms: until - 1 }),
  };
}

/** The whole log, or what the filters leave of it, a line for each entry. */
export function jsonlHref(filters: Filters): string {
  return urlOf("/api/admin/audit.jsonl", undefined, filters);
}

/** The midnight that begins "2026-11-25", or one `daysLater`, here; null: not a day. */
function startOf(day: string | null | undefined, daysLater = 0): number | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? "");
  if (!parts) return null;
  const at = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + daysLater).getTime();
  return Number.isNaN(at) || at < 0 ? null : at;
}
