import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { PathMessageView } from "@/api/types.gen";
import { LINE, message, openChat } from "@/test-app";

const QUESTION = message("m1", { content: "q" });
const RUNNING = message("m2", { role: "assistant", status: "running", generation_id: "g1", parent_id: "m1" });
const DONE = { ...RUNNING, status: "complete", content: "an answer", generation_id: null } as PathMessageView;

/** The chat s1, whose path is what it was last told. */
function openWith(...messages: PathMessageView[]) {
  let path = messages;
  const page = openChat(() => path);
  const change = (...next: PathMessageView[]) => {
    path = next;
    act(() => page.lineTo(LINE)?.says({ type: "message", event: "changed", message: {} }));
  };
  const hello = async () => {
    await waitFor(() => expect(page.lineTo(LINE)).toBeDefined());
    act(() => page.lineTo(LINE)?.says({ type: "hello", server_id: "x", user_id: "u1" }));
  };
  const sent = () => (page.lineTo(LINE)?.said ?? []).filter((frame) => frame.type === "chat_message");
  return { ...page, change, hello, sent };
}

async function write(text: string): Promise<void> {
  const field = await screen.findByLabelText("Write a message");
  fireEvent.change(field, { target: { value: text } });
  fireEvent.keyDown(field, { key: "Enter" });
  fireEvent.keyUp(field, { key: "Enter" });
}

const queued = () => within(screen.getByRole("list", { name: "Messages to be sent" })).getAllByRole("listitem");

test("what is written during an answer waits, can be changed and taken back, and is sent in its order", async () => {
  const page = openWith(QUESTION, RUNNING);
  await page.hello();
  for (const text of ["second", "never", "third"]) await write(text);
  expect(await screen.findByText("3 messages will be sent after this answer")).toBeDefined();
  expect(page.sent()).toEqual([]);
  fireEvent.click(within(queued()[1] as HTMLElement).getByLabelText("Don't send"));
  fireEvent.click(within(queued()[1] as HTMLElement).getByLabelText("Edit message"));
  fireEvent.change(await screen.findByDisplayValue("third"), { target: { value: "the third" } });
  fireEvent.click(screen.getByText("Save"));
  await waitFor(() => expect(queued().map((each) => each.textContent)).toEqual(["second", "the third"]));

  page.change(QUESTION, DONE);
  await waitFor(() => expect(page.sent()).toHaveLength(1));
  expect(page.sent()[0]).toMatchObject({ content: "second", parent_id: "m2" });
  const id = (page.sent()[0] as { client_message_id: string }).client_message_id;
  const second = message("m3", { content: "second", client_message_id: id, parent_id: "m2" });
  const running = { ...RUNNING, message_id: "m4", generation_id: "g2", parent_id: "m3" };
  const page2 = [QUESTION, DONE, second];
  page.change(QUESTION, DONE); // what is read before it was accepted knows nothing of it
  expect(page.sent()).toHaveLength(1);
  page.change(...page2, running);
  act(() => page.lineTo(LINE)?.says({ type: "accepted", answers: "chat_message", client_message_id: id }));
  await waitFor(() => expect(queued().map((each) => each.textContent)).toEqual(["the third"]));
  expect(page.sent()).toHaveLength(1);
  page.change(...page2, { ...DONE, message_id: "m4", parent_id: "m3" });
  await waitFor(() => expect(page.sent()).toHaveLength(2));
  expect(page.sent()[1]).toMatchObject({ content: "the third", parent_id: "m4" });
  expect(screen.queryByRole("list", { name: "Messages to be sent" })).toBeNull();
});

test("what waits is there after a reload, and is not sent before the chat has been read", async () => {
  const page = openWith(QUESTION, RUNNING);
  await page.hello();
  await write("later");
  await screen.findByText("1 message will be sent after this answer");
  const kept = localStorage.getItem("bdchat.pending") ?? "";
  page.unmount();
  const again = openWith(QUESTION, DONE); // it ended meanwhile
  act(() => {
    localStorage.setItem("bdchat.pending", kept); // as after a reload: the page of the tests begins with nothing
    window.dispatchEvent(new StorageEvent("storage", { key: "bdchat.pending" }));
  });
  await screen.findByText("an answer");
  expect(again.sent()).toEqual([]);
  await again.hello();
  await waitFor(() => expect(again.sent()).toHaveLength(1));
  expect(again.sent()[0]).toMatchObject({ content: "later", parent_id: "m2" });
});

test("after an answer that failed nothing is sent by itself", async () => {
  const page = openWith(QUESTION, RUNNING);
  await page.hello();
  await write("and then?");
  page.change(QUESTION, { ...DONE, status: "failed" });
  fireEvent.click(await screen.findByLabelText("Send now"));
  await waitFor(() => expect(page.sent()).toHaveLength(1));
});

test("two messages while the server is away are a question and the next one, not two branches", async () => {
  const page = openWith(QUESTION, DONE);
  await page.hello();
  await write("one");
  await write("two");
  await waitFor(() => expect(page.sent()).toHaveLength(1));
  expect(page.sent()[0]).toMatchObject({ content: "one", parent_id: "m2" });
  expect(queued().map((each) => each.textContent)).toEqual(["two"]);
});
