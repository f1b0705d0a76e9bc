/** One chat: an answer that grows, that is stopped and continued, said otherwise, asked again, and seen beside others. */
import { expect, test } from "vitest";
import {
  answered,
  answers,
  hasWritten,
  lastText,
  messages,
  say,
  sessionIdOf,
  stopButton,
  storedText,
} from "./harness/chat";
import { longChat, readBack } from "./harness/long-chat";
import { stage, type Visitor } from "./harness/stage";

const scene = stage({ model: "default" });
const SHORT = { max_tokens: 24 };
const LONG = { max_tokens: 600 };

/** An empty chat of somebody's, open. */
async function chatting(config: object): Promise<Visitor & { sessionId: string }> {
  const visitor = await scene.visitor("ann");
  const sessionId = await visitor.api.chat("", []);
  await visitor.api.tune(sessionId, config);
  await visitor.page.goto(`/chat/${sessionId}`);
  return { ...visitor, sessionId };
}

test("an answer grows while it is written, and what is shown at its end is what is stored", async () => {
  const { page } = await chatting({ max_tokens: 80 });
  await say(page, "Write three sentences about the sea.");
  const lengths: number[] = [];
  for (const enough of [1, 40, 80]) {
    await hasWritten(page, enough);
    lengths.push((await lastText(page)).length);
  }
  expect(lengths[2]).toBeGreaterThan(lengths[0] ?? 0);
  const shown = await answered(page);
  expect(await storedText(page)).toBe(shown);
});

test("Stop ends it at once and keeps what was written; Continue goes on from there", async () => {
  const { page, api, sessionId } = await chatting(LONG);
  await say(page, "Count from 1 to 500, one number per line.");
  await hasWritten(page, 10);
  await stopButton(page).click();
  await messages(page).last().getByText("Stopped").waitFor();
  const stopped = await lastText(page);
  const path = { session_id: sessionId };
  const [, answer] = (await api.call("GET /api/sessions/{session_id}/messages", { path })).data;
  expect(answer?.status).toBe("stopped");
  expect(answer?.content.length).toBeGreaterThan(5);
  expect(answer?.finish_reason).toBe("cancelled");

  await api.tune(sessionId, SHORT);
  await page.getByRole("button", { name: "Continue" }).click();
  await stopButton(page).waitFor();
  const whole = await answered(page);
  expect(whole.slice(0, stopped.length - 8)).toBe(stopped.slice(0, -8)); // its last block may be read otherwise now
  expect(whole.length).toBeGreaterThan(stopped.length);
  expect(await messages(page).count()).toBe(2);
  expect(await storedText(page)).toBe(whole);
});

test("another answer stands beside the first, and ‹ › goes from one to the other", async () => {
  const { page, api, sessionId } = await chatting(SHORT);
  await say(page, "Name a colour.");
  const first = await answered(page);
  await api.tune(sessionId, { ...SHORT, temperature: 1.5, seed: 7 });
  await page.getByRole("button", { name: "Regenerate" }).click();
  await page.getByText("2/2").waitFor();
  const second = await answered(page);
  await page.getByRole("button", { name: "Previous version" }).click();
  await page.getByText("1/2").waitFor();
  expect(await lastText(page)).toBe(first);
  await page.getByRole("button", { name: "Next version" }).click();
  await page.getByText("2/2").waitFor();
  expect(await lastText(page)).toBe(second);
});

test("a message said otherwise begins another branch; the middle one of three is found again", async () => {
  const { page } = await chatting(SHORT);
  await say(page, "first wording");
  await answered(page);
  for (const [n, wording] of ["second wording", "third wording"].entries()) {
    const question = messages(page).first();
    await question.hover();
    await question.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("textbox", { name: "Edit" }).fill(wording);
    await page.getByRole("button", { name: "Save and get an answer" }).click();
    await question.getByText(`${n + 2}/${n + 2}`).waitFor();
    await answered(page);
  }
  const question = messages(page).first();
  await question.hover();
  await question.getByRole("button", { name: "Previous version" }).click();
  await question.getByText("2/3").waitFor();
  await question.getByText("second wording").waitFor();
  await question.getByText("4 messages in another version").waitFor();
  expect(await answers(page).count()).toBe(1);
  expect(await messages(page).count()).toBe(2);
});

test("what a search finds is gone to: far above, and on a branch that is not shown", async () => {
  const { page, api } = await scene.visitor("ann");
  const turns = Array.from({ length: 80 }, (_, n) => `Turn ${n} of many. `.repeat(20));
  const sessionId = await api.chat("A long one", ["The needle is a heron.", ...turns]);
  const path = { session_id: sessionId };
  const body = { content: "The needle is a heron no more.", parent_id: null };
  await api.call("POST /api/sessions/{session_id}/messages", { path, body });
  await page.goto("/");
  await page.getByRole("searchbox", { name: "Search all chats" }).fill("needle heron");
  await page.getByRole("navigation").getByRole("link", { name: "heron." }).click();
  const found = messages(page).filter({ hasText: "The needle is a heron." });
  await found.waitFor();
  const id = await found.getAttribute("id");
  await expect.poll(() => new URL(page.url()).searchParams.get("message")).toBe(id?.replace("message-", ""));
  await expect.poll(() => found.evaluate((element) => document.activeElement === element)).toBe(true);
  await expect.poll(() => found.evaluate((element) => element.getBoundingClientRect().top > 0)).toBe(true);
  expect(await messages(page).count()).toBe(81);
});

test("reading back through a long chat loads what is earlier, and nothing that is read moves", async () => {
  const { page, api } = await scene.visitor("ann");
  await page.goto(`/chat/${await longChat(api, 160)}`);
  await messages(page).getByText("This is message 160.").waitFor();
  await page.getByText("The model remembers from here on.").waitFor({ state: "attached" }); // above all that is loaded
  const jumps = await readBack(page);
  expect(jumps.filter((jump) => Math.abs(jump) > 2)).toEqual([]);
  expect(await messages(page).count()).toBe(160);
});

test("a temporary chat is answered, is nowhere afterwards, and can be kept after all", async () => {
  const { page, api } = await scene.visitor("zoe");
  await page.goto("/");
  await page.getByRole("link", { name: "Temporary chat" }).click();
  await page.getByText("This chat isn't saved").waitFor();
  await say(page, "Say hello in one short sentence.");
  const keep = page.getByRole("button", { name: "Save this chat" });
  await keep.waitFor({ timeout: 120_000 });
  const text = await lastText(page);
  expect(text).not.toBe("");
  const sessions = () => api.call("GET /api/sessions").then(({ data }) => data.length);
  expect(await sessions()).toBe(0);
  expect((await api.call("GET /api/search", { query: { q: "hello" } })).data).toEqual([]);
  await keep.click();
  await page.waitForURL(/\/chat\//);
  expect(await answered(page)).toBe(text);
  expect(await sessions()).toBe(1);
});

test("a new chat has its place in the URL and in the list, and is named after its first answer", async () => {
  const { page, api } = await scene.visitor("ann");
  await page.goto("/");
  await say(page, "Say hello in one short sentence.");
  await page.waitForURL(/\/chat\//);
  await hasWritten(page, 1);
  const path = { session_id: sessionIdOf(page) };
  const stop = stopButton(page).click({ timeout: 2000 });
  await stop.catch(() => undefined); // it may have ended by itself
  await answered(page);
  await page.waitForFunction(() => !document.title.startsWith("New chat"));
  const { title } = await api.call("GET /api/sessions/{session_id}", { path });
  expect(title).not.toBe("");
  await page.getByRole("navigation").getByRole("link", { name: title }).first().waitFor();
});
