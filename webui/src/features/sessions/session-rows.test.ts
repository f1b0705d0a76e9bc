import { expect, test } from "vitest";
import type { SessionView } from "@/api/types.gen";
import { MAX_IN_SECTION, type Row, sessionRows } from "./session-rows";

const NOW = new Date(2026, 10, 25, 12).getTime();
const NOTHING = { pinned: [], folders: [], areFoldersOpen: false, shared: [], recent: [] };

function session(title: string, hoursAgo: number): SessionView {
  return { session_id: title, title, updated_at_ms: NOW - hoursAgo * 3_600_000 } as SessionView;
}

function shown(row: Row): string {
  if (row.kind === "heading") return `# ${row.name}`;
  if (row.kind === "folder") return `/${row.folder.name}`;
  return row.kind === "more" ? `… ${row.of}` : row.session.title;
}

test("pinned first, then a heading for each day that has chats", () => {
  const recent = [session("a", 0), session("b", 1), session("c", 80)];
  const rows = sessionRows({ ...NOTHING, pinned: [session("p", 900)], recent }, NOW);
  expect(rows.map(shown)).toEqual(["# pinned", "p", "# today", "a", "b", "# week", "c"]);
  expect(sessionRows(NOTHING, NOW)).toEqual([]);
});

test("folders and chats of others have sections of their own, the first few and the way to the rest", () => {
  const six = Array.from({ length: MAX_IN_SECTION + 1 }, (_, index) => `${index}`);
  const folders = six.map((name) => ({ name, num_sessions: 1 }));
  const shared = six.map((name) => session(`s${name}`, 1));
  const rows = sessionRows({ ...NOTHING, folders, shared, recent: [session("a", 0)] }, NOW).map(shown);
  expect(rows).toEqual([
    "# folders",
    ...["/0", "/1", "/2", "/3", "/4", "… folders"],
    "# shared",
    ...["s0", "s1", "s2", "s3", "s4", "… shared"],
    ...["# today", "a"],
  ]);
  const open = sessionRows({ ...NOTHING, folders, areFoldersOpen: true }, NOW).map(shown);
  expect(open).toEqual(["# folders", "/0", "/1", "/2", "/3", "/4", "/5"]);
});
