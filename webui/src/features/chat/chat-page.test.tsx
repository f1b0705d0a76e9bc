import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import type { PathMessageView } from "@/api/types.gen";
import { LINE, message, openChat, Refusal, session } from "@/test-app";
import { usePendingStore } from "./pending";

async function write(text: string): Promise<void> {
  const field = await screen.findByLabelText("Write a message");
  fireEvent.change(field, { target: { value: text } });
  fireEvent.keyDown(field, { key: "Enter" });
}

test("the first message begins a chat, is answered word by word, and ends as it is stored", async () => {
  let stored: PathMessageView[] = [];
  const page = openChat(() => stored, "/");
  await write("Tell me of foxes");
  await waitFor(() => expect(page.lineTo(LINE)?.said).toHaveLength(2));
  const line = page.lineTo(LINE);
  const [hello, sent] = line?.said ?? [];
  expect(hello).toEqual({ type: "hello", last: {} });
  expect(sent).toMatchObject({ type: "chat_message", content: "Tell me of foxes" });
  const clientId = (sent as { client_message_id: string }).client_message_id;

  const question = message("m1", { content: "Tell me of foxes", client_message_id: clientId });
  const answer = message("m2", { role: "assistant", status: "running", generation_id: "g1", parent_id: "m1" });
  stored = [question, answer];
  const g = { generation_id: "g1", message_id: "m2" };
  act(() => {
    line?.says({ type: "accepted", answers: "chat_message", client_message_id: clientId, ...g });
    line?.says({ type: "ai_start", ...g, seq: 1, prefix: "", model: "tiny", num_dropped_messages: 0 });
    line?.says({ type: "ai_chunk", ...g, seq: 2, text: "A **fox** " });
  });
  expect((await screen.findByText("fox")).tagName).toBe("STRONG");
  expect(screen.getByLabelText("Stop")).toBeDefined();
  expect(localStorage.getItem("bdchat.pending")).toBe("[]");

  stored = [question, { ...answer, status: "complete", content: "A **fox** runs.", generation_id: null }];
  act(() => {
    line?.says({ type: "ai_chunk", ...g, seq: 3, text: "runs." });
    line?.says({ type: "ai_complete", ...g, seq: 4, state: "complete", finish_reason: "stop", usage: {} });
  });
  expect(await screen.findByLabelText("Regenerate")).toBeDefined();
  expect(screen.getAllByRole("article")[1]?.textContent).toContain("A fox runs.");
  expect(screen.getAllByText("Tell me of foxes")).toHaveLength(1);
});

test("a chat is called by its first words before they are sent, without half a letter", async () => {
  const begun: unknown[] = [];
  const page = openChat(() => [], "/");
  page.table["POST /api/sessions"] = (body) => {
    begun.push(body);
    return new Refusal(507, { code: "storage_full", message: "full" });
  };
  await write(`${"x".repeat(999)}🦊 and more`);
  await waitFor(() => expect(begun).toEqual([{ opening: "x".repeat(999) }]));
});

test("a message that the server refuses stays, to be sent again or discarded", async () => {
  const page = openChat(() => []);
  await write("hello");
  const sent = await waitFor(() => {
    const frame = page.lineTo(LINE)?.said[1];
    if (frame?.type !== "chat_message") throw new Error("not sent yet");
    return frame;
  });
  const error = { message: "The queue is full.", code: "queue_full", type: "server_error", param: null };
  act(() => page.lineTo(LINE)?.says({ type: "error", error, client_message_id: sent.client_message_id }));
  expect((await screen.findByText(/Too many requests are waiting for the model/)).getAttribute("role")).toBe("alert");
  fireEvent.click(screen.getByText("Try again"));
  await waitFor(() => expect(page.lineTo(LINE)?.said.at(-1)).toEqual(sent));
  act(() => page.lineTo(LINE)?.says({ type: "error", error, client_message_id: sent.client_message_id }));
  fireEvent.click(await screen.findByText("Discard"));
  expect(screen.queryByText("hello")).toBeNull();
});

test("stop, continue, another answer, edit are said on the line", async () => {
  let stored = [
    message("m1", { content: "q" }),
    message("m2", { role: "assistant", status: "running", generation_id: "g1" }),
  ];
  const page = openChat(() => stored);
  fireEvent.click(await screen.findByLabelText("Stop"));
  expect(await screen.findByText("Stopping…")).toBeDefined();
  fireEvent.click(screen.getByLabelText("Stop")); // it has been said
  stored = [message("m1", { content: "q" }), message("m2", { role: "assistant", status: "stopped", content: "half" })];
  act(() => page.lineTo(LINE)?.says({ type: "message", event: "changed", message: {} }));
  fireEvent.click(await screen.findByText("Continue"));
  expect(screen.queryByText("Stopping…")).toBeNull();
  fireEvent.click(screen.getByLabelText("Regenerate"));
  fireEvent.click(screen.getByLabelText("Edit"));
  fireEvent.change(await screen.findByRole("textbox", { name: "Edit" }), { target: { value: "q more" } });
  fireEvent.click(screen.getByText("Save and get an answer"));
  expect(page.lineTo(LINE)?.said.slice(1)).toEqual([
    { type: "stop", generation_id: "g1" },
    { type: "continue", message_id: "m2" },
    { type: "regenerate", message_id: "m2" },
    { type: "edit", message_id: "m1", content: "q more", client_message_id: expect.any(String) },
  ]);
});

test("a message can be said otherwise without asking for an answer", async () => {
  let edited: unknown;
  const page = openChat(() => [message("m1", { content: "q" })]);
  page.table["POST /api/messages/m1/edit"] = (body) => {
    edited = body;
    return { generation_id: null, session_id: "s1", message_id: null, user_message_id: "m2", is_new: true };
  };
  fireEvent.click(await screen.findByLabelText("Edit"));
  fireEvent.change(await screen.findByRole("textbox", { name: "Edit" }), { target: { value: "better q" } });
  fireEvent.click(screen.getByText("Save"));
  await waitFor(() => expect(edited).toMatchObject({ content: "better q", answers: false }));
  expect(await screen.findByText("q")).toBeDefined();
});

test("an answer is said otherwise by a person, which is a branch that says so", async () => {
  let stored = [
    message("m1", { content: "q" }),
    message("m2", { role: "assistant", content: "The capitol is Seoul." }),
  ];
  let edited: unknown;
  const page = openChat(() => stored);
  page.table["POST /api/messages/m2/edit"] = (body) => {
    edited = body;
    stored = [
      message("m1", { content: "q" }),
      message("m3", { role: "assistant", content: "The capital is Seoul.", finish_reason: "edited" }),
    ];
    return { generation_id: null, session_id: "s1", message_id: null, user_message_id: "m3", is_new: true };
  };
  fireEvent.click(await screen.findByRole("button", { name: "Edit this answer" }));
  await screen.findByRole("textbox", { name: "Edit" });
  expect(screen.queryByText("Save and get an answer")).toBeNull();
  fireEvent.change(await screen.findByRole("textbox", { name: "Edit" }), {
    target: { value: "The capital is Seoul." },
  });
  fireEvent.click(screen.getByText("Save"));
  await waitFor(() => expect(edited).toMatchObject({ content: "The capital is Seoul.", answers: false }));
  act(() => page.lineTo(LINE)?.says({ type: "message", event: "created", message: {} }));
  expect(await screen.findByText("The capital is Seoul.")).toBeDefined();
  expect(screen.getByText("Edited by a person")).toBeDefined();
  expect(screen.queryByText("Continue")).toBeNull();
  expect(screen.getByLabelText("Regenerate")).toBeDefined();
});

test("another branch is shown when it is asked for", async () => {
  let stored = [message("m2", { content: "second", sibling_ids: ["m1", "m2"], sibling_index: 1, num_elsewhere: 3 })];
  const page = openChat(() => stored);
  page.table["POST /api/sessions/s1/head"] = (body) => {
    expect(body).toEqual({ message_id: "m1" });
    stored = [message("m1", { content: "first", sibling_ids: ["m1", "m2"], sibling_index: 0 })];
    return session("s1", "About foxes");
  };
  const branches = await screen.findByLabelText("Versions");
  expect(branches.textContent).toBe("2/23 messages in another version");
  fireEvent.click(screen.getByLabelText("Previous version"));
  expect(await screen.findByText("first")).toBeDefined();
});

test("an answer that failed says why, in the reader's words", async () => {
  const error = { code: "queue_full", message: "The queue is full." };
  openChat(() => [message("m2", { role: "assistant", status: "failed", error })]);
  expect(await screen.findByText(/The answer failed · Too many requests are waiting/)).toBeDefined();
});

test("where an answer waits, and how far it has read", async () => {
  const page = openChat(() => [message("m2", { role: "assistant", status: "running", generation_id: "g1" })]);
  await screen.findByText("Waiting…");
  act(() => page.lineTo(LINE)?.says({ type: "queue", generation_id: "g1", position: 3, is_paused: false, eta_s: 4.2 }));
  expect(await screen.findByText("Number 3 in the queue · about 4.2 sec")).toBeDefined();
  act(() =>
    page.lineTo(LINE)?.says({ type: "prefill", generation_id: "g1", done: 512, total: 4870, cached: 300, eta_s: null }),
  );
  expect(await screen.findByText("Reading 512 of 4,870 tokens (300 from cache)")).toBeDefined();
});

test("an answer that gives way to others says so below its words, until it goes on", async () => {
  const page = openChat(() => [message("m2", { role: "assistant", status: "running", generation_id: "g1" })]);
  await screen.findByText("Waiting…");
  const g = { generation_id: "g1", message_id: "m2" };
  act(() => {
    page.lineTo(LINE)?.says({ type: "ai_start", ...g, seq: 1, prefix: "", model: "tiny", num_dropped_messages: 0 });
    page.lineTo(LINE)?.says({ type: "ai_chunk", ...g, seq: 2, text: "Once" });
    page.lineTo(LINE)?.says({ type: "queue", generation_id: "g1", position: 1, is_paused: true, eta_s: 5 });
  });
  expect(await screen.findByText(/^Paused for others · goes on in about \d/)).toBeDefined();
  expect(screen.getByText("Once")).toBeDefined();
  act(() => page.lineTo(LINE)?.says({ type: "ai_chunk", ...g, seq: 3, text: " more" }));
  await screen.findByText("Once more");
  expect(screen.queryByText(/goes on in about/)).toBeNull();
});

test("a stop that is refused can be said again", async () => {
  const page = openChat(() => [message("m2", { role: "assistant", status: "running", generation_id: "g1" })]);
  fireEvent.click(await screen.findByLabelText("Stop"));
  await screen.findByText("Stopping…");
  const error = { message: "no", code: "not_allowed", type: "invalid_request_error", param: null };
  act(() => page.lineTo(LINE)?.says({ type: "error", error, answers: "stop", client_message_id: null }));
  await waitFor(() => expect(screen.queryByText("Stopping…")).toBeNull());
  fireEvent.click(screen.getByLabelText("Stop"));
  expect(page.lineTo(LINE)?.said.filter(({ type }) => type === "stop")).toHaveLength(2);
});

test("what is written is kept while one is elsewhere", async () => {
  openChat(() => []);
  localStorage.setItem("bdchat.draft.u1.s1", "half a thou");
  expect(await screen.findByDisplayValue("half a thou")).toBeDefined();
});

test("what another account wrote in this browser is neither shown nor sent", async () => {
  const page = openChat(() => [message("m1", { content: "here" })]);
  localStorage.setItem("bdchat.draft.u2.s1", "for my eyes");
  const { add, forget } = usePendingStore.getState();
  add({ userId: "u2", sessionId: "s1", content: "unsent of another" });
  await screen.findByText("here");
  await waitFor(() => expect(page.lineTo(LINE)?.said).toContainEqual({ type: "hello", last: {} }));
  expect(screen.queryByDisplayValue("for my eyes")).toBeNull();
  expect(screen.queryByText("unsent of another")).toBeNull();
  expect(page.lineTo(LINE)?.said).toHaveLength(1);
  forget("u2");
  expect(localStorage.getItem("bdchat.pending")).toBe("[]");
});

test("a chat that is not there says so", async () => {
  const page = openChat(() => []);
  await screen.findByLabelText("Write a message");
  act(() => page.lineTo(LINE)?.onclose?.({ code: 4404 }));
  expect(await screen.findByRole("heading", { name: "Chat not found" })).toBeDefined();
});

test("a finished answer of another chat is told, and leads there", async () => {
  const page = openChat(() => [message("m1", { content: "here" })]);
  page.table["GET /api/sessions/s2"] = () => session("s2", "Crows");
  page.table["GET /api/sessions/s2/messages"] = () => ({
    data: [message("n1", { content: "there" })],
    next_cursor: null,
  });
  await screen.findByText("here");
  const news = { type: "notification", kind: "answer.finished" };
  act(() => page.lineTo("/ws/events")?.says({ ...news, data: { session_id: "s1", title: "About foxes" } }));
  expect(screen.queryByText(/Answer complete/)).toBeNull();
  act(() => page.lineTo("/ws/events")?.says({ ...news, data: { session_id: "s2", title: "Crows" } }));
  expect(await screen.findByText("Answer complete: Crows")).toBeDefined();
  fireEvent.click(screen.getByLabelText("1 new notification"));
  expect(await screen.findByRole("menuitem", { name: /Answer complete: Crows/ })).toBeDefined();
  expect(screen.queryByLabelText("1 new notification")).toBeNull();
  fireEvent.click(screen.getByText("Open"));
  expect(await screen.findByText("there")).toBeDefined();
});

test("a found message is gone to, on whatever page or branch it is", async () => {
  const shown = vi.spyOn(Element.prototype, "scrollIntoView");
  Element.prototype.animate ??= (() => undefined) as never;
  let head = "m3";
  const page = openChat(() => [], "/chat/s1?message=m1");
  const older = [message("m1", { content: "the found one" }), message("m2", { content: "and then" })];
  page.table["GET /api/sessions/s1/messages"] = (_body, url) => {
    if (head === "m3") return { data: [message("m3", { content: "elsewhere" })], next_cursor: null };
    if (url.searchParams.get("before")) return { data: older, next_cursor: null };
    return { data: [message("m9", { content: "the end", parent_id: "m2" })], next_cursor: "m9" };
  };
  page.table["POST /api/sessions/s1/head"] = (body) => {
    expect(body).toEqual({ message_id: "m1" });
    head = "m9";
    return session("s1", "About foxes");
  };
  const found = (await screen.findByText("the found one")).closest("article");
  await waitFor(() => expect(document.activeElement).toBe(found));
  expect(shown.mock.contexts[0]).toBe(found);
  const link = vi.fn<(text: string) => Promise<void>>(async () => undefined);
  Object.defineProperty(navigator, "clipboard", { value: { writeText: link }, configurable: true });
  fireEvent.click(within(found as HTMLElement).getByLabelText("Copy link to message"));
  await waitFor(() => expect(link).toHaveBeenCalledWith(`${location.origin}/chat/s1?message=m1`));
});

test("a chat's settings are saved whole, and what the server refuses is said at its field", async () => {
  const page = openChat(() => []);
  const config = {
    model: null,
    temperature: 0.7,
    top_p: null,
    max_tokens: null,
    system_prompt: "",
    context_overflow: "drop_oldest",
  };
  page.table["GET /api/sessions/s1/config"] = () => config;
  page.table["PUT /api/sessions/s1/config"] = () =>
    new Refusal(400, { code: "invalid_value", message: "max_tokens is too large.", param: "max_tokens" });
  fireEvent.click(await screen.findByLabelText("Chat menu"));
  fireEvent.click(await screen.findByText("Chat settings"));
  fireEvent.change(await screen.findByLabelText("Maximum answer length (tokens)"), { target: { value: "999999" } });
  fireEvent.click(screen.getByText("Save"));
  expect(await screen.findByText("Enter a whole number from 1 to 1,000,000.")).toBeDefined();
  page.table["PUT /api/sessions/s1/config"] = () => new Refusal(404, { code: "not_found", message: "no such session" });
  fireEvent.click(screen.getByText("Save"));
  expect((await screen.findByRole("alert")).textContent).toContain("Not found");
  let saved: unknown;
  page.table["PUT /api/sessions/s1/config"] = (body) => {
    saved = body;
    return { ...config, max_tokens: 256 };
  };
  fireEvent.change(screen.getByLabelText("Maximum answer length (tokens)"), { target: { value: "256" } });
  fireEvent.click(screen.getByText("Save"));
  await waitFor(() => expect(saved).toMatchObject({ temperature: 0.7, max_tokens: 256, seed: null }));
});

test("the chat's own menu has what the list's has", async () => {
  const page = openChat(() => []);
  const changed: unknown[] = [];
  page.table["PATCH /api/sessions/s1"] = (body) => {
    changed.push(body);
    return session("s1", "Foxes");
  };
  const button = await screen.findByLabelText("Chat menu");
  act(() => button.focus()); // as a click does: what it opened gives the focus back to it
  fireEvent.click(button);
  const labels = (await screen.findAllByRole("menuitem")).map((item) => item.textContent);
  expect(labels).toEqual([
    ...["Chat settings", "Share chat", "Rename", "Pin", "Move to folder", "Archive"],
    ...["Branch in new chat", "Download as Markdown", "Download as JSON", "Delete"],
  ]);
  fireEvent.click(screen.getByRole("menuitem", { name: "Rename" }));
  const field = await screen.findByLabelText("Chat name");
  await waitFor(() => expect(document.activeElement).toBe(field));
  fireEvent.change(field, { target: { value: "Foxes" } });
  fireEvent.keyDown(field, { key: "Enter" });
  await waitFor(() => expect(changed).toEqual([{ title: "Foxes" }]));
  fireEvent.click(screen.getByLabelText("Chat menu"));
  fireEvent.click(await screen.findByRole("menuitem", { name: "Move to folder" }));
  expect(await screen.findByLabelText("New folder")).toBeDefined();
});
