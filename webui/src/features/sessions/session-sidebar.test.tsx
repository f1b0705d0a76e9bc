import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ChatHitsView, HitView } from "@/api/types.gen";
import { listOf, renderApp, session } from "@/test-app";

test("a deleted chat can be brought back", async () => {
  const calls: string[] = [];
  let items = [session("s1", "About foxes")];
  renderApp("/", {
    "GET /api/sessions": listOf(() => items),
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

function found(id: string, title: string, numMatches: number): ChatHitsView {
  const place = { session_id: id, folder: "", is_archived: false, is_shared: false };
  const hit = (messageId: string): HitView => ({
    ...place,
    kind: "message",
    session_title: title,
    message_id: messageId,
    role: "user",
    at_ms: 0,
    snippet: `환불 ${messageId}`,
    highlights: [[0, 2]],
  });
  return {
    ...place,
    title,
    title_highlights: [],
    is_title_found: false,
    updated_at_ms: 0,
    num_matches: numMatches,
    has_more: false,
    hits: [hit(`${id}-a`)],
  };
}

test("a search shows every chat with its matches, and more of both", async () => {
  const asked: string[] = [];
  renderApp("/", {
    "GET /api/search/chats": (_body, url) => {
      asked.push(url.search);
      const isFirst = !url.searchParams.get("cursor");
      const data = [isFirst ? found("s1", "규정", 148) : found("s2", "다른 채팅", 1)];
      return { data, words: ["환불"], next_cursor: isFirst ? "next" : null };
    },
    "GET /api/search": (_body, url) => {
      asked.push(url.search);
      return { data: found("s1", "규정", 1).hits.concat(found("s3", "", 1).hits), words: ["환불"], next_cursor: null };
    },
  });
  fireEvent.change(await screen.findByLabelText("Search all chats"), { target: { value: "환불은" } });
  expect((await screen.findByText("환불")).tagName).toBe("MARK");
  expect(screen.getByText("148 matches")).toBeDefined();
  expect(screen.getByText("1+ chats")).toBeDefined();
  fireEvent.click(screen.getByText("More in this chat"));
  expect(await screen.findByText("s3-a", { exact: false })).toBeDefined();
  expect(screen.queryByText("More in this chat")).toBeNull();
  fireEvent.click(screen.getByText("More chats"));
  expect(await screen.findByText("다른 채팅")).toBeDefined();
  expect(screen.getByText("2 chats")).toBeDefined();
  const hit = screen.getAllByRole("link").find((link) => link.getAttribute("href")?.includes("s2-a"));
  expect(hit?.getAttribute("href")).toBe("/chat/s2?message=s2-a");
  const q = encodeURIComponent("환불은");
  expect(asked).toEqual([`?q=${q}&limit=10`, `?q=${q}&session_id=s1&limit=20`, `?q=${q}&limit=10&cursor=next`]);
});

test("a search is narrowed by who wrote it, when and where", async () => {
  const asked: URLSearchParams[] = [];
  renderApp("/", {
    "GET /api/folders": () => ({ data: [{ name: "일", num_sessions: 1 }] }),
    "GET /api/search/chats": (_body, url) => {
      asked.push(url.searchParams);
      return { data: [], words: [], next_cursor: null };
    },
  });
  fireEvent.change(await screen.findByLabelText("Search all chats"), { target: { value: "fox" } });
  fireEvent.click(await screen.findByText("Filters"));
  fireEvent.change(screen.getByLabelText("Written by"), { target: { value: "assistant" } });
  await screen.findByRole("option", { name: "일" });
  fireEvent.change(screen.getByLabelText("Folder"), { target: { value: "=일" } });
  fireEvent.change(screen.getByLabelText("From"), { target: { value: "2026-01-02" } });
  expect(await screen.findByText("No results for “fox” with these filters")).toBeDefined();
  await waitFor(() => expect(asked.at(-1)?.get("from")).toBe(`${new Date(2026, 0, 2).getTime()}`));
  expect([asked.at(-1)?.get("role"), asked.at(-1)?.get("folder")]).toEqual(["assistant", "일"]);
  fireEvent.click(screen.getByText("Clear filters"));
  expect(await screen.findByText("No results for “fox”")).toBeDefined();
});

test("every pinned chat is in the list, however many there are", async () => {
  const pinned = [session("p1", "First pinned"), session("p2", "Last pinned")];
  renderApp("/", {
    "GET /api/sessions": (_body, url) => {
      if (url.searchParams.get("pinned") !== "true") return { data: [], next_cursor: null };
      const isFirst = !url.searchParams.get("cursor");
      return { data: [isFirst ? pinned[0] : pinned[1]], next_cursor: isFirst ? "next" : null };
    },
  });
  expect(await screen.findByText("Last pinned")).toBeDefined();
  expect(screen.getByText("First pinned")).toBeDefined();
});

test("several chats are chosen and deleted at once; one undo brings them back", async () => {
  const bulk: unknown[] = [];
  const items = ["s1", "s2", "s3"].map((id) => session(id, `Chat ${id}`));
  renderApp("/", {
    "GET /api/sessions": listOf(() => items),
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
    "GET /api/sessions": (body, url) => {
      asked.push(url.searchParams.get("folder"));
      return listOf(() => [{ ...session("s1", "About foxes"), folder }])(body, url);
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
  fireEvent.click(await screen.findByRole("button", { name: "Animals 1" }));
  expect(await screen.findByRole("heading", { name: "Animals" })).toBeDefined();
  expect(asked.at(-1)).toBe("Animals");
  fireEvent.click(screen.getByLabelText("Show all chats"));
  fireEvent.click(await screen.findByLabelText("Shown: My chats"));
  expect(await screen.findByText("Animals (1)")).toBeDefined();
});

test("a chat that somebody shares is in the list, with whose it is", async () => {
  const theirs = { ...session("s9", "Ours"), role: "reader" as const, owner_name: "Dana" };
  renderApp("/", {
    "GET /api/sessions": listOf(
      () => [session("s1", "About foxes")],
      () => [theirs],
    ),
  });
  expect(await screen.findByRole("heading", { name: "Shared with me" })).toBeDefined();
  expect(screen.getByRole("link", { name: "Ours Dana" }).getAttribute("href")).toBe("/chat/s9");
  expect(screen.queryByLabelText("Menu for Ours")).toBeNull();
});

test("a chat that is archived can be taken back at once; what is renamed is written anew", async () => {
  const bulk: unknown[] = [];
  const changed: unknown[] = [];
  renderApp("/", {
    "GET /api/sessions": listOf(() => [session("s1", "About foxes")]),
    "POST /api/sessions/bulk": (body) => {
      bulk.push(body);
      return { session_ids: ["s1"] };
    },
    "PATCH /api/sessions/s1": (body) => {
      changed.push(body);
      return session("s1", "Foxes");
    },
  });
  const menu = async () => fireEvent.click(await screen.findByLabelText("Menu for About foxes"));
  await menu();
  const items = (await screen.findAllByRole("menuitem")).map((item) => item.textContent);
  expect(items.at(-1)).toBe("Delete");
  expect(screen.getByRole("separator").nextElementSibling?.textContent).toBe("Delete");
  fireEvent.click(screen.getByText("Archive"));
  fireEvent.click(await screen.findByText("Undo"));
  await waitFor(() => expect(bulk).toHaveLength(2));
  expect(bulk).toEqual([
    { session_ids: ["s1"], is_archived: true },
    { session_ids: ["s1"], is_archived: false },
  ]);
  await menu();
  fireEvent.click(await screen.findByText("Rename"));
  const field = await screen.findByLabelText<HTMLInputElement>("Chat name");
  expect(field.value.slice(field.selectionStart ?? -1, field.selectionEnd ?? -1)).toBe("About foxes");
  fireEvent.change(field, { target: { value: "Foxes" } });
  fireEvent.keyDown(field, { key: "Enter" });
  await waitFor(() => expect(changed).toEqual([{ title: "Foxes" }]));
});

test("the list is one stop for Tab, and the arrows go through it", async () => {
  const items = ["s1", "s2", "s3"].map((id) => session(id, `Chat ${id}`));
  renderApp("/", { "GET /api/sessions": listOf(() => items) });
  const links = await Promise.all(items.map(({ title }) => screen.findByRole("link", { name: title })));
  const stops = () => links.filter((link) => link.tabIndex === 0).map((link) => link.textContent);
  expect(stops()).toEqual(["Chat s1"]);
  const press = (key: string) => fireEvent.keyDown(document.activeElement ?? document.body, { key });
  act(() => links[0]?.focus());
  press("ArrowDown");
  expect(document.activeElement).toBe(links[1]);
  expect(stops()).toEqual(["Chat s2"]);
  press("End");
  expect(document.activeElement).toBe(links[2]);
  press("ArrowDown");
  expect(document.activeElement).toBe(links[2]);
  press("Home");
  expect(document.activeElement).toBe(links[0]);
  expect(screen.getByLabelText("Menu for Chat s3").tabIndex).toBe(-1);
});
