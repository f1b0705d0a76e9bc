/** What narrows a search, as its fields hold it and as the server is asked. Pure. */

export const WRITERS = ["", "user", "assistant", "title"] as const;
export type Writer = (typeof WRITERS)[number];

export interface SearchFilter {
  writer: Writer;
  /** Days, "2026-11-30"; "": any. */
  from: string;
  to: string;
  /** undefined: any; "": chats without one. */
  folder?: string | undefined;
}

export const NO_FILTER: SearchFilter = { writer: "", from: "", to: "" };

export const isNarrowed = ({ writer, from, to, folder }: SearchFilter): boolean =>
  Boolean(writer || from || to) || folder !== undefined;

/** The reader's own days: from the first moment of `from` to the last of `to`. */
export function questionOf(words: string, { writer, from, to, folder }: SearchFilter) {
  const first = startOf(from, 0);
  const end = startOf(to, 1);
  return {
    q: words,
    ...(writer ? { role: writer } : {}),
    ...(first === undefined ? {} : { from: first }),
    ...(end === undefined ? {} : { to: end - 1 }),
    ...(folder === undefined ? {} : { folder }),
  };
}

function startOf(day: string, daysLater: number): number | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return undefined;
  const at = new Date(year, month - 1, date + daysLater).getTime();
  return at >= 0 ? at : undefined; // nothing was written before 1970
}
