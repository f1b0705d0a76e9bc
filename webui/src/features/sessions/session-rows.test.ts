import { expect, test } from "vitest";
import type { SessionView } from "@/api/types.gen";
import { sessionRows } from "./session-rows";

const NOW = new Date(2026, 10, 25, 12).getTime();

function session(title: string, hoursAgo: number): SessionView {
  return { session_id: title, title, updated_at_ms: NOW - hoursAgo * 3_600_000 } as SessionView;
}

test("pinned first, then a heading for each day that has chats", () => {
  const rows = sessionRows([session("p", 900)], [session("a", 0), session("b", 1), session("c", 80)], NOW);
  const shown = rows.map((row) => (row.kind === "heading" ? `# ${row.name}` : row.session.title));
  expect(shown).toEqual(["# pinned", "p", "# today", "a", "b", "# week", "c"]);
  expect(sessionRows([], [], NOW)).toEqual([]);
});
