import { fireEvent, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp, session } from "@/test-app";

test("a deleted chat can be brought back", async () => {
  const calls: string[] = [];
  let items = [session("s1", "About foxes")];
  renderApp("/", {
    "GET /api/sessions": (_body, url) => ({
      items: url.searchParams.get("pinned") === "true" ? [] : items,
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
  fireEvent.click(await screen.findByLabelText("Actions for About foxes"));
  fireEvent.click(await screen.findByText("Delete"));
  expect(await screen.findByText("“About foxes” was deleted")).toBeDefined();
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
      return { items: [{ ...hit, ...rest }], next_cursor: null };
    },
  });
  fireEvent.change(await screen.findByLabelText("Search all chats"), { target: { value: "환불" } });
  expect((await screen.findByText("환불")).tagName).toBe("MARK");
  expect(screen.getByText("1 result")).toBeDefined();
  expect(asked).toEqual(["환불"]);
});
