import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { PathMessageView, SessionView } from "@/api/types.gen";
import { ME, message, renderApp, session } from "@/test-app";

const MINE = message("m1", { content: "What do foxes eat?" });
const ANSWER = message("m2", {
  role: "assistant",
  content: "Mice",
  status: "stopped",
  sibling_ids: ["m0", "m2"],
  sibling_index: 1,
});
const BOBS = message("m3", { content: "And bears?", author_id: "u2", author_name: "Bob Kim" });
const GONE = message("m4", { content: "And owls?", author_id: "u3", author_name: null });

function open(messages: PathMessageView[], role: SessionView["role"] = "owner") {
  return renderApp("/chat/s1", {
    "GET /api/sessions/s1": () => ({ ...session("s1", "About foxes"), role, owner_name: "Dana" }),
    "GET /api/sessions/s1/messages": () => ({ data: messages, next_cursor: null }),
  });
}

async function articleOf(text: string) {
  const article = (await screen.findByText(text)).closest("article");
  if (!article) throw new Error("it is in no message");
  return within(article);
}

test("where several people write, each message says whose it is and when", async () => {
  open([MINE, ANSWER, BOBS, GONE]);
  const bobs = await articleOf("And bears?");
  expect((await bobs.findByText("Bob Kim")).nextElementSibling?.tagName).toBe("TIME");
  expect(bobs.getByText("BK")).toBeDefined();
  expect(await (await articleOf("What do foxes eat?")).findByText("You")).toBeDefined();
  expect(await (await articleOf("And owls?")).findByText("Former member")).toBeDefined();
});

test("a chat of one's own says no names", async () => {
  open([MINE, ANSWER]);
  expect((await articleOf("What do foxes eat?")).queryByText("You")).toBeNull();
});

test("who is here is seen as a face, who writes is named as they name themselves", async () => {
  const page = open([MINE]);
  await screen.findByText("What do foxes eat?");
  const users = [
    { user_id: ME.user?.user_id, username: "ann", name: "Ann" },
    { user_id: "u2", username: "bob", name: "Bob Kim" },
  ];
  const line = await waitFor(() => page.lineTo("/ws/chat/s1") ?? Promise.reject());
  act(() => {
    line.says({ type: "hello", server_id: "s", user_id: ME.user?.user_id, session_id: "s1", role: "owner" });
    line.says({ type: "presence", users });
    line.says({ type: "typing", user_id: "u2", username: "bob", is_typing: true });
  });
  expect((await screen.findByRole("img", { name: "Viewing now: Bob Kim" })).textContent).toBe("BK");
  expect(screen.getByText("Bob Kim is typing…")).toBeDefined();
});

test("a reader is offered nothing that would be refused, and is told why", async () => {
  open([MINE, ANSWER], "reader");
  expect(await screen.findByText(/Dana shared this chat with you. You can read it/)).toBeDefined();
  const names = ["Edit", "Regenerate", "Continue", "Versions", "Write a message"];
  expect(names.flatMap((name) => [...screen.queryAllByLabelText(name), ...screen.queryAllByText(name)])).toEqual([]);
  expect(screen.getAllByLabelText("Copy message")).toHaveLength(2);
  expect(screen.getByRole("button", { name: "Branch in new chat" })).toBeDefined();
});
