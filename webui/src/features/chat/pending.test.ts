import { beforeEach, expect, test, vi } from "vitest";
import type { PendingMessage } from "./pending";

const KEPT = "bdchat.pending";

/** The store of one tab of the browser. */
async function openTab() {
  vi.resetModules();
  const { usePendingStore } = await import("./pending");
  return usePendingStore.getState;
}

const message = (content: string, after?: string | null) => ({
  userId: "u1",
  sessionId: "s1",
  content,
  ...(after === undefined ? {} : { after }),
});
const kept = () => (JSON.parse(localStorage.getItem(KEPT) ?? "[]") as PendingMessage[]).map((each) => each.content);

beforeEach(() => localStorage.clear());

test("two tabs keep what both have written, and see each other's", async () => {
  const one = await openTab();
  const other = await openTab();
  one().add(message("of one"));
  other().add(message("of the other"));
  expect(kept()).toEqual(["of one", "of the other"]);
  window.dispatchEvent(new StorageEvent("storage", { key: KEPT }));
  expect(one().messages.map((each) => each.content)).toEqual(["of one", "of the other"]);
});

test("what waited for a message that will never be there waits for what that one waited for", async () => {
  const tab = await openTab();
  const idOf = (n: number) => tab().messages[n]?.clientMessageId ?? "";
  tab().add(message("first", null));
  tab().add(message("second", idOf(0)));
  tab().add(message("third", idOf(1)));
  tab().remove(idOf(1));
  expect(tab().messages.map((each) => [each.content, each.after])).toEqual([
    ["first", null],
    ["third", idOf(0)],
  ]);
  tab().release(idOf(0), "m2");
  expect(tab().messages[0]).toMatchObject({ content: "first", parentId: "m2" });
  tab().refuse(idOf(0), "The queue is full.");
  tab().remove(idOf(0));
  expect(tab().messages[0]).toMatchObject({ content: "third", after: null });
});

test("one that the server has taken is still what the next one waits for", async () => {
  const tab = await openTab();
  tab().add(message("sent"));
  const id = tab().messages[0]?.clientMessageId ?? "";
  tab().add(message("next", id));
  tab().remove(id);
  expect(tab().messages[0]).toMatchObject({ content: "next", after: id });
});
