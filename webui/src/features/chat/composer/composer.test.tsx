import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ME, MODEL, message, Refusal, renderApp, session } from "@/test-app";

const PRESETS = [
  { name: "sum", text: "Sum this up: ", systemPrompt: "" },
  { name: "translate", text: "Translate: ", systemPrompt: "You translate." },
];
const WITH_PRESETS = () => ({ ...ME, user: ME.user && { ...ME.user, preferences: { presets: PRESETS } } });

const SCROLL = Object.getOwnPropertyDescriptor(Element.prototype, "scrollIntoView");

beforeEach(() => {
  // As newer browsers have it: what it returns is no effect's clean-up.
  Object.defineProperty(Element.prototype, "scrollIntoView", { value: async () => {}, configurable: true });
});
afterEach(() => {
  if (SCROLL) Object.defineProperty(Element.prototype, "scrollIntoView", SCROLL);
});

test("a slash brings a preset in by keyboard; a new chat has its system prompt", async () => {
  let begun: unknown;
  renderApp("/", {
    "GET /api/auth/me": WITH_PRESETS,
    "POST /api/sessions": (body) => {
      begun = body;
      return session("s1", "");
    },
  });
  const field = await screen.findByLabelText("Write a message");
  fireEvent.change(field, { target: { value: "/" } });
  expect(await screen.findAllByRole("option")).toHaveLength(2);
  fireEvent.keyDown(field, { key: "ArrowDown" });
  expect(screen.getByRole("option", { selected: true }).textContent).toContain("/translate");
  fireEvent.keyDown(field, { key: "Enter" });
  expect(await screen.findByDisplayValue("Translate:")).toBeDefined();
  expect(await screen.findByText("Using the system prompt of /translate")).toBeDefined();
  expect(screen.queryByRole("listbox")).toBeNull();
  fireEvent.keyDown(field, { key: "Enter" });
  await waitFor(() => expect(begun).toMatchObject({ config: { system_prompt: "You translate." } }));
});

test("Escape leaves the list, and what was typed stays", async () => {
  renderApp("/", { "GET /api/auth/me": WITH_PRESETS });
  const field = await screen.findByLabelText("Write a message");
  fireEvent.change(field, { target: { value: "/su" } });
  expect(await screen.findAllByRole("option")).toHaveLength(1);
  fireEvent.keyDown(field, { key: "Escape" });
  expect(screen.queryByRole("listbox")).toBeNull();
  expect(screen.getByDisplayValue("/su")).toBeDefined();
});

// --- what belongs to the draft ---

const CHAT = {
  "GET /api/sessions": () => ({ data: [session("s1", "About foxes")], next_cursor: null }),
  "GET /api/sessions/s1": () => session("s1", "About foxes"),
  "GET /api/sessions/s1/messages": () => ({ data: [message("m1", { content: "here" })], next_cursor: null }),
};
const LONG = "a long text,".repeat(1000);

const fieldOf = () => screen.findByLabelText("Write a message");
const press = (field: HTMLElement) => {
  fireEvent.keyDown(field, { key: "Enter" });
  fireEvent.keyUp(field, { key: "Enter" });
};

test("a pasted text is still there after a look elsewhere, can be opened and changed, and is sent", async () => {
  const page = renderApp("/chat/s1", CHAT);
  fireEvent.paste(await fieldOf(), { clipboardData: { getData: () => LONG, files: [] } });
  expect(await screen.findByText("Pasted text, 12 kB")).toBeDefined();
  fireEvent.click(screen.getByText("New chat"));
  await screen.findByText("Ask anything");
  expect(screen.queryByText(/^Pasted text/)).toBeNull();
  fireEvent.click(within(screen.getByRole("navigation")).getAllByText("About foxes")[0] as HTMLElement);
  fireEvent.click(await screen.findByLabelText("Open Pasted text, 12 kB"));
  fireEvent.change(await screen.findByDisplayValue(LONG), { target: { value: "a short one" } });
  fireEvent.click(screen.getByText("Save"));
  await screen.findByText("Pasted text, 11 bytes");
  press(await fieldOf());
  await waitFor(() =>
    expect(page.lineTo("/ws/chat/s1")?.said.at(-1)).toMatchObject({ content: "```\na short one\n```" }),
  );
  expect(screen.queryByText(/^Pasted text/)).toBeNull();
  expect(Object.keys(localStorage).filter((key) => key.startsWith("bdchat.draft"))).toEqual([]);
});

test("a preset's system prompt goes with its text, and stays with it", async () => {
  renderApp("/", { ...CHAT, "GET /api/auth/me": WITH_PRESETS });
  const field = await fieldOf();
  fireEvent.change(field, { target: { value: "/tr" } });
  await screen.findByRole("option");
  fireEvent.keyDown(field, { key: "Enter" });
  const sign = "Using the system prompt of /translate";
  await screen.findByText(sign);
  fireEvent.click(within(screen.getByRole("navigation")).getAllByText("About foxes")[0] as HTMLElement);
  await screen.findByText("here");
  fireEvent.click(screen.getByText("New chat"));
  expect(await screen.findByText(sign)).toBeDefined();
  fireEvent.change(await fieldOf(), { target: { value: "" } });
  expect(screen.queryByText(sign)).toBeNull();
});

test("a new chat has its settings and its folder before its first message", async () => {
  let begun: unknown;
  renderApp("/", {
    ...CHAT,
    "GET /api/folders": () => ({ data: [{ name: "Work", num_sessions: 1 }] }),
    "POST /api/sessions": (body) => {
      begun = body;
      return session("s1", "");
    },
  });
  fireEvent.click(await screen.findByText("Chat settings"));
  fireEvent.change(await screen.findByLabelText("System prompt"), { target: { value: "Be brief." } });
  fireEvent.change(screen.getByLabelText("Folder"), { target: { value: "Work" } });
  fireEvent.change(screen.getByLabelText("Temperature"), { target: { value: "9" } });
  fireEvent.click(screen.getByText("Save"));
  expect(await screen.findByText("Enter a number from 0 to 2.")).toBeDefined();
  fireEvent.change(screen.getByLabelText("Temperature"), { target: { value: "0.3" } });
  fireEvent.click(screen.getByText("Save"));
  expect(await screen.findByText("Folder “Work” · System prompt · Temperature 0.3")).toBeDefined();
  const field = await fieldOf();
  fireEvent.change(field, { target: { value: "hello" } });
  press(field);
  await waitFor(() =>
    expect(begun).toMatchObject({ folder: "Work", config: { system_prompt: "Be brief.", temperature: 0.3 } }),
  );
});

test("what begins a chat while the server is away is kept, and sent when it is back", async () => {
  let answer: unknown = new Refusal(502, { code: "bad_gateway", message: "no server" });
  const page = renderApp("/", { ...CHAT, "POST /api/sessions": () => answer });
  const field = await fieldOf();
  fireEvent.change(field, { target: { value: "hello" } });
  press(field);
  expect(await screen.findByText("This will be sent as soon as the server is back.")).toBeDefined();
  expect((field as HTMLTextAreaElement).value).toBe("hello");
  answer = session("s1", "");
  act(() => page.lineTo("/ws/events")?.onclose?.({ code: 1006 }));
  const sent = () => expect(page.lineTo("/ws/chat/s1")?.said.at(-1)).toMatchObject({ content: "hello" });
  await waitFor(sent);
});

test("a message that was refused can be taken back into the field, with what went with it", async () => {
  const page = renderApp("/chat/s1", CHAT);
  const field = await fieldOf();
  fireEvent.paste(field, { clipboardData: { getData: () => LONG, files: [] } });
  fireEvent.change(field, { target: { value: "sum it up" } });
  press(field);
  const sent = await waitFor(() => {
    const frame = page.lineTo("/ws/chat/s1")?.said.at(-1);
    if (frame?.type !== "chat_message") throw new Error("not sent yet");
    return frame;
  });
  const error = { message: "Too long.", code: "context_length_exceeded", type: "x", param: null };
  act(() => page.lineTo("/ws/chat/s1")?.says({ type: "error", error, client_message_id: sent.client_message_id }));
  const alert = await screen.findByRole("alert");
  fireEvent.click(within(alert).getByText("Edit"));
  expect(await screen.findByDisplayValue("sum it up")).toBeDefined();
  expect(screen.queryByRole("alert")).toBeNull();
  expect(await screen.findByLabelText(/^Remove Pasted text/)).toBeDefined();
});

// --- what is too long ---

test("what is too long is said before it is sent, and is not sent", async () => {
  const page = renderApp("/chat/s1", {
    ...CHAT,
    "POST /api/sessions/s1/preview": (body) => ({
      model: "small",
      state: "ready",
      context_length: 5600,
      num_prompt_tokens: 25_000,
      num_to_read: 25_000,
      num_dropped_messages: 0,
      segments: [],
      too_long: (body as { content: string }).content.length > 10 ? "message" : null,
    }),
  });
  const field = await fieldOf();
  fireEvent.change(field, { target: { value: "far too long for it" } });
  expect(await screen.findByText("This message is too long. Shorten it, or send it in parts.")).toBeDefined();
  expect(screen.getByText("25,000 of 5,600 tokens")).toBeDefined();
  expect((screen.getByLabelText("Send") as HTMLButtonElement).disabled).toBe(true);
  press(field);
  expect(page.lineTo("/ws/chat/s1")?.said.filter((frame) => frame.type === "chat_message")).toEqual([]);
  fireEvent.change(field, { target: { value: "short" } });
  press(field); // at once: what was told is not of this draft
  await waitFor(() => expect(page.lineTo("/ws/chat/s1")?.said.at(-1)).toMatchObject({ content: "short" }));
});

// --- the model ---

const models = (...data: object[]) => ({ "GET /v1/models": () => ({ object: "list", data }) });

test("without a model nothing is sent and nothing is made", async () => {
  const made: unknown[] = [];
  const page = renderApp("/", { ...CHAT, ...models(), "POST /api/sessions": (body) => made.push(body) });
  expect(await screen.findByText("No model is loaded. Load one on the models page.")).toBeDefined();
  expect(screen.getByText("Open the models page").getAttribute("href")).toBe("/admin/models");
  const field = await fieldOf();
  fireEvent.change(field, { target: { value: "hello" } });
  press(field);
  expect((screen.getByLabelText("Send") as HTMLButtonElement).disabled).toBe(true);
  expect((field as HTMLTextAreaElement).value).toBe("hello");
  fireEvent.click(within(screen.getByRole("navigation")).getAllByText("About foxes")[0] as HTMLElement);
  await screen.findByText("here");
  expect(await screen.findByText("No model is loaded. Load one on the models page.")).toBeDefined();
  expect(made).toEqual([]);
  expect(page.lineTo("/ws/chat/s1")?.said.filter((frame) => frame.type === "chat_message")).toEqual([]);
});

test("who is no admin is told whom to ask; a model that loads takes messages, one that failed none", async () => {
  const user = { "GET /api/auth/me": () => ({ ...ME, user: ME.user && { ...ME.user, role: "user" } }) };
  const first = renderApp("/", { ...CHAT, ...models(), ...user });
  expect(await screen.findByText("No model is loaded. Ask an admin to load one.")).toBeDefined();
  first.unmount();
  const second = renderApp("/", { ...CHAT, ...models({ ...MODEL, state: "failed" }) });
  expect(await screen.findByText("The model failed to load. The models page says why.")).toBeDefined();
  second.unmount();
  renderApp("/", { ...CHAT, ...models({ ...MODEL, state: "loading" }) });
  expect(await screen.findByText(/^The model is loading\. If you send now/)).toBeDefined();
  fireEvent.change(await fieldOf(), { target: { value: "hello" } });
  expect((screen.getByLabelText("Send") as HTMLButtonElement).disabled).toBe(false);
});

const LARGE = { id: "large", context_length: 32_768, num_parameters: 1_543_000_000, languages: ["zh", "ko", "en"] };
const TWO = models(MODEL, { ...MODEL, ...LARGE });

test("a chat is answered by its own model, and who chooses another changes the chat", async () => {
  localStorage.setItem("bdchat.model", "small");
  let changed: unknown;
  renderApp("/chat/s1", {
    ...CHAT,
    ...TWO,
    "GET /api/sessions/s1/config": () => ({ model: "large" }),
    "PATCH /api/sessions/s1/config": (body) => {
      changed = body;
      return { model: "small" };
    },
  });
  fireEvent.click(await screen.findByLabelText("Model: large"));
  const menu = await screen.findByRole("menu");
  expect(within(menu).getByText("1.5B · English, Chinese, Korean · 32,768 tokens of context")).toBeDefined();
  fireEvent.click(within(menu).getByText("small"));
  await screen.findByLabelText("Model: small");
  expect(changed).toEqual({ model: "small" });
});

test("a model that writes no text is offered for no chat", async () => {
  renderApp("/", { ...CHAT, ...models({ ...MODEL, id: "vectors", capabilities: ["embedding"] }) });
  expect(await screen.findByText("No model is loaded. Load one on the models page.")).toBeDefined();
});

test("a chat without a choice stays with the model of its last answer", async () => {
  const answer = message("m2", { role: "assistant", metadata: { model: "large" } as never });
  renderApp("/chat/s1", {
    ...CHAT,
    ...TWO,
    "GET /api/sessions/s1/config": () => ({ model: null }),
    "GET /api/sessions/s1/messages": () => ({ data: [answer], next_cursor: null }),
  });
  expect(await screen.findByLabelText("Model: large")).toBeDefined();
});

test("a chat whose model is gone says so and offers another; to a member it says who can choose", async () => {
  let changed: unknown;
  const gone = { ...CHAT, ...models(MODEL), "GET /api/sessions/s1/config": () => ({ model: "gone" }) };
  const page = renderApp("/chat/s1", {
    ...gone,
    "PATCH /api/sessions/s1/config": (body) => {
      changed = body;
      return { model: "small" };
    },
  });
  expect(await screen.findByText("This chat's model, gone, is no longer available. Choose another one.")).toBeDefined();
  fireEvent.change(await fieldOf(), { target: { value: "hello" } });
  expect((screen.getByLabelText("Send") as HTMLButtonElement).disabled).toBe(true);
  fireEvent.click(screen.getByText("Use small"));
  await waitFor(() => expect((screen.getByLabelText("Send") as HTMLButtonElement).disabled).toBe(false));
  expect(changed).toEqual({ model: "small" });
  page.unmount();
  renderApp("/chat/s1", { ...gone, "GET /api/sessions/s1": () => ({ ...session("s1", ""), role: "writer" }) });
  expect(await screen.findByText(/Ask the chat's owner to choose another one/)).toBeDefined();
  expect(screen.queryByText("Use small")).toBeNull();
});

test("a new chat takes the browser's choice with it", async () => {
  let begun: unknown;
  renderApp("/", {
    ...CHAT,
    ...TWO,
    "POST /api/sessions": (body) => {
      begun = body;
      return session("s1", "");
    },
  });
  fireEvent.click(await screen.findByLabelText("Model: small"));
  fireEvent.click(within(await screen.findByRole("menu")).getByText("large"));
  const field = await fieldOf();
  fireEvent.change(field, { target: { value: "hello" } });
  press(field);
  await waitFor(() => expect(begun).toMatchObject({ config: { model: "large" } }));
});
