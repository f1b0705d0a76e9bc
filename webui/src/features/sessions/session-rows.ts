/** Chats → the rows of their list: the pinned ones first, the rest under their days. Pure. */
import type { SessionView } from "@/api/types.gen";
import { type Age, ageOf } from "@/lib/format";

export type Row = { kind: "heading"; name: "pinned" | Age } | { kind: "session"; session: SessionView };

/** `recent`: the last used first, as the server has them. */
export function sessionRows(pinned: readonly SessionView[], recent: readonly SessionView[], now: number): Row[] {
  const rows: Row[] = [];
  if (pinned.length > 0) rows.push({ kind: "heading", name: "pinned" });
  rows.push(...pinned.map((session): Row => ({ kind: "session", session })));
  let age: Age | null = null;
  for (const session of recent) {
    const next = ageOf(session.updated_at_ms, now);
    if (next !== age) rows.push({ kind: "heading", name: next });
    age = next;
    rows.push({ kind: "session", session });
  }
  return rows;
}
