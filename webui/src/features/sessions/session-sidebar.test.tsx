import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp, session } from "@/test-app";

test("a deleted chat can be brought back", async () => {
  const calls: string[] = [];
  let items = [session("s1", "About foxes")];
  renderApp("/", {
    "GET /api/sessions": (_body, url) => ({
      data: url.searchParams.get("pinned") === "true" ? [] : items,
      next_cursor: null,
    }),
    "DELETE /api/sessions/s1": () => {
      calls.push("delete");
      items = [];
      return undefined;
    },
    "POST /api/sessions/s1/restore": () => {
      calls.push("restore");
      items = [session("s1", "About foxes")];
      return items[0];
    },
  });
  fireEvent.click(await screen.findByLabelText("Menu for About foxes"));
  fireEvent.click(await screen.findByText("Delete"));
  expect(await screen.findByText("Deleted “About foxes”")).toBeDefined();
  fireEvent.click(screen.getByText("Undo"));
  expect(await screen.findByText("About foxes")).toBeDefined();
  expect(calls).toEqual(["delete", "restore"]);
});

test("a search says what it found, with the words marked", async () => {
  const asked: (string | null)[] = [];
  renderApp("/", {
    "GET /api/search": (_body, url) => {
      asked.push(url.searchParams.get("q"));
      const hit = { kind: "message", session_id: "s1", session_title: "규정", message_id: "m", role: "user", at_ms: 0 };
      const rest = { folder: "", is_archived: false, is_shared: false, snippet: "환불 규정", highlights: [[0, 2]] };
      return { data: [{ ...hit, ...rest }], next_cursor: null };
    },
  });
  fireEvent.change(await screen.findByLabelText("Search all chats"), { target: { value: "환불" } });
  expect((await screen.findByText("환불")).tagName).toBe("MARK");
  expect(screen.getByText("1 result")).toBeDefined();
  expect(asked).toEqual(["환불"]);
});

test("several chats are chosen and deleted at once; one undo brings them back", async () => {
  const bulk: unknown[] = [];
  const items = ["s1", "s2", "s3"].map((id) => session(id, `Chat ${id}`));
  renderApp("/", {
    "GET /api/sessions": (_body, url) => ({
      data: url.searchParams.get("pinned") === "true" ? [] : items,
      next_cursor: null,
    }),
    "POST /api/sessions/bulk": (body) => {
      bulk.push(body);
      return { session_ids: [] };
    },
  });
  fireEvent.click(await screen.findByLabelText("Menu for Chat s1"));
  fireEvent.click(await screen.findByText("Select several"));
  const third = await screen.findByLabelText("Chat s3");
  fireEvent.mouseDown(third, { shiftKey: true });
  fireEvent.click(third);
  expect(await screen.findByText("3 selected")).toBeDefined();
  fireEvent.click(screen.getByLabelText("Delete"));
  fireEvent.click(await screen.findByText("Undo"));
  await waitFor(() => expect(bulk).toHaveLength(2));
  const ids = ["s1", "s2", "s3"];
  expect(bulk).toEqual([
    { session_ids: ids, is_deleted: true },
    { session_ids: ids, is_deleted: false },
  ]);
});

test("a chat is filed in a new folder, and the folder is shown by itself", async () => {
  let folder = "";
  const asked: (string | null)[] = [];
  renderApp("/", {
    "GET /api/folders": () => ({ data: folder ? [{ name: folder, num_sessions: 1 }] : [] }),
    "GET /api/sessions": (_body, url) => {
      asked.push(url.searchParams.get("folder"));
      const isPinned = url.searchParams.get("pinned") === "true";
      return { data: isPinned ? [] : [{ ...session("s1", "About foxes"), folder }], next_cursor: null };
    },
    "POST /api/sessions/bulk": (body) => {
      folder = (body as { folder: string }).folder;
      return { session_ids: ["s1"] };
    },
  });
  fireEvent.click(await screen.findByLabelText("Menu for About foxes"));
  fireEvent.click(await screen.findByText("Move to folder"));
  fireEvent.change(await screen.findByLabelText("New folder"), { target: { value: "Animals" } });
  fireEvent.click(screen.getByText("Move"));
  expect(await screen.findByText("1 chat moved to “Animals”")).toBeDefined();
  fireEvent.click(screen.getByLabelText("Shown: My chats"));
  fireEvent.click(await screen.findByText("Animals (1)"));
  expect(await screen.findByRole("heading", { name: "Animals" })).toBeDefined();
  expect(asked.at(-1)).toBe("Animals");
});
