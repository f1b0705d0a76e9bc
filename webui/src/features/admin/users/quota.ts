/** A quota as it is typed. Pure. */

const MOST_MB = 2 ** 50 / 1_000_000;

/** Null: none of its own. Commas stand between thousands. */
export function megabytesOf(typed: string): number | null | "wrong" {
  const text = typed.trim().replace(/,(?=\d{3}(?:\D|$))/g, "");
  if (text === "") return null;
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return value >= 0 && value <= MOST_MB ? value : "wrong";
}
