/** Chats → the rows of their list: pinned ones, folders and what others share first, the rest under their days. Pure. */
import type { FolderView, SessionView } from "@/api/types.gen";
import { type Age, ageOf } from "@/lib/format";

export type Row =
  | { kind: "heading"; name: "pinned" | "folders" | "shared" | Age }
  | { kind: "session"; session: SessionView }
  | { kind: "folder"; folder: FolderView }
  | { kind: "more"; of: "folders" | "shared" };

/** Folders, and chats of others, that are shown before one asks for the rest. */
export const MAX_IN_SECTION = 5;

interface Chats {
  pinned: readonly SessionView[];
  folders: readonly FolderView[];
  areFoldersOpen: boolean;
  /** Of others; one more than MAX_IN_SECTION at most. */
  shared: readonly SessionView[];
  /** The last used first, as the server has them. */
  recent: readonly SessionView[];
}

export function sessionRows({ pinned, folders, areFoldersOpen, shared, recent }: Chats, now: number): Row[] {
  const numFolders = areFoldersOpen ? folders.length : MAX_IN_SECTION;
  const rows: Row[] = [
    ...section("pinned", pinned.map(toRow)),
    ...section(
      "folders",
      folders.slice(0, numFolders).map((folder): Row => ({ kind: "folder", folder })),
    ),
    ...(folders.length > numFolders ? [{ kind: "more", of: "folders" } as const] : []),
    ...section("shared", shared.slice(0, MAX_IN_SECTION).map(toRow)),
    ...(shared.length > MAX_IN_SECTION ? [{ kind: "more", of: "shared" } as const] : []),
  ];
  let age: Age | null = null;
  for (const session of recent) {
    const next = ageOf(session.updated_at_ms, now);
    if (next !== age) rows.push({ kind: "heading", name: next });
    age = next;
    rows.push(toRow(session));
  }
  return rows;
}

function section(name: "pinned" | "folders" | "shared", rows: readonly Row[]): readonly Row[] {
  return rows.length > 0 ? [{ kind: "heading", name }, ...rows] : [];
}

function toRow(session: SessionView): Row {
  return { kind: "session", session };
}
