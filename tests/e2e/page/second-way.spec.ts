/** Where no WebSocket gets through, the page talks over HTTP, says so, and comes back to sockets when it can. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { answered, hasWritten, lastText, messages, say, stopButton, storedText } from "./harness/chat";
import { Middlebox } from "./harness/middlebox";
import { stage } from "./harness/stage";

const scene = stage({ model: { numTokens: 1000, tokensPerS: 60 } });
const WORDS = { en: "Live updates are limited here", ko: "실시간 알림이 제한됩니다" };
let proxy: Middlebox;
let url = "";

beforeAll(async () => {
  proxy = new Middlebox(scene.server.url);
  url = await proxy.open();
});
beforeEach(() => proxy.cutSockets());
afterAll(() => proxy.close());

/** Counts the pieces of answers that come by sockets. */
function socketPieces(page: Page): () => number {
  let num = 0;
  page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      if (String(payload).includes('"ai_chunk"')) num += 1;
    }),
  );
  return () => num;
}

test("an answer that changes from HTTP to a socket, back and forth again is shown as it is stored", async () => {
  const { page, api, watch } = await scene.visitor("ann", { url });
  watch.foresee(/WebSocket|ERR_/);
  const pieces = socketPieces(page);
  const notice = page.getByText(WORDS.en);
  const sessionId = await api.chat("", []);
  await page.goto(`/chat/${sessionId}`);
  await say(page, "Tell me a story.");
  await hasWritten(page, 40);
  await notice.waitFor();
  expect(pieces()).toBe(0);
  proxy.passesSockets = true;
  await expect.poll(pieces).toBeGreaterThan(0);
  expect(await stopButton(page).isVisible()).toBe(true); // in the middle of it
  await notice.waitFor({ state: "hidden" });
  proxy.cutSockets();
  const before = (await lastText(page)).length;
  await hasWritten(page, before + 40);
  proxy.passesSockets = true;
  const shown = await answered(page);
  expect(await storedText(page)).toBe(shown);
  expect(await messages(page).count()).toBe(2);
});

test("every command goes over HTTP: asked, stopped, written on, written anew", async () => {
  const { page, api, watch } = await scene.visitor("ann", { url });
  watch.foresee(/WebSocket|ERR_/);
  const sessionId = await api.chat("", []);
  await page.goto(`/chat/${sessionId}`);
  await say(page, "Tell me a story.");
  await hasWritten(page, 40);
  await stopButton(page).click();
  const stopped = await answered(page);
  await page.getByRole("button", { name: "Continue" }).click();
  await hasWritten(page, stopped.length + 40);
  await stopButton(page).click();
  await answered(page);
  await page.getByRole("button", { name: "Regenerate" }).click();
  await stopButton(page).click();
  const shown = await answered(page);
  await page.getByText("2/2").waitFor();
  expect(await storedText(page)).toBe(shown);
  const sent = await api.call("GET /api/sessions/{session_id}/messages", { path: { session_id: sessionId } });
  expect(sent.data.map(({ role, sibling_ids }) => [role, sibling_ids.length])).toEqual([
    ["user", 1],
    ["assistant", 2],
  ]);
});

test("five pages side by side leave the browser a connection to ask with", async () => {
  const { page, context, api, watch } = await scene.visitor("ann", { url });
  watch.foresee(/WebSocket|ERR_/);
  const sessionId = await api.chat("", []);
  await page.goto(`/chat/${sessionId}`);
  for (let n = 1; n < 5; n += 1) await (await context.newPage()).goto(`/chat/${sessionId}`);
  const pages = context.pages();
  for (const each of pages) await each.getByText(WORDS.en).waitFor();
  await say(page, "Tell me a story.");
  for (const each of pages) await hasWritten(each, 40);
  await stopButton(page).click();
  await answered(page);
});

test("it is said in Korean too, until sockets get through", async () => {
  const { page, api, watch } = await scene.visitor("minji", { url, language: "ko" });
  watch.foresee(/WebSocket|ERR_/);
  await page.goto(`/chat/${await api.chat("", [])}`);
  await page.getByText(WORDS.ko).waitFor();
  proxy.passesSockets = true;
  await page.getByText(WORDS.ko).waitFor({ state: "hidden" });
});
