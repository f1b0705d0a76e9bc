/** Limits of an account, as they are named and typed. Pure. */
import type { LimitsChange } from "@/api/types.gen";

export type LimitName = keyof LimitsChange;

export const LIMITS = {
  max_running: { label: "admin.limits.running", most: 10_000 },
  max_queued: { label: "admin.limits.queued", most: 10_000 },
  tokens_per_minute: { label: "admin.limits.tokens", most: 1_000_000_000 },
} as const satisfies Record<LimitName, { label: string; most: number }>;

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

export function isLimit(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

/** Null: none of its own; 0: no limit. Commas stand between thousands. */
export function limitOf(typed: string, most: number): number | null | "wrong" {
  const text = typed.trim().replace(/,(?=\d{3}(?:\D|$))/g, "");
  if (text === "") return null;
  return /^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : "wrong";
}
