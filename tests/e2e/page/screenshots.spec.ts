/**
 * Pictures of the main views. Every run makes them, so that making them is known to work; docs/screenshots is written
 * with BDCHAT_SCREENSHOTS=1 alone, so that a run of the tests changes nothing in the tree.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answered, field, hasWritten, say } from "./harness/chat";
import { importDemo } from "./harness/demo";
import { settled } from "./harness/places";
import { ROOT } from "./harness/server";
import { stage, type Visit } from "./harness/stage";

const isKept = process.env.BDCHAT_SCREENSHOTS === "1";
const FOLDER = isKept ? join(ROOT, "docs/screenshots") : mkdtempSync(join(tmpdir(), "bdchat-screenshots-"));
const DESK: Visit = { width: 1280, height: 800 };
const PHONE: Visit = { width: 390, height: 780, isPhone: true };
const scene = stage({
  model: "default",
  settings: { "generations.makes_titles": "false", "engine.max_draft_tokens": "16" },
});
const QUESTION = "What is a tide? Explain it in three short sentences.";
let chats = new Map<string, string>();
/** A chat with the default model: what its picture shows, that model wrote. */
let own = "";

beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  const mina = await scene.visitor("mina");
  await mina.api.call("PATCH /api/profile", { body: { display_name: "Mina Park" } });
  chats = await importDemo(mina, scene.server.url);
  own = await mina.api.chat("What is a tide?", []);
  await mina.api.tune(own, { max_tokens: 160 });
  const metadata = { session_id: own };
  await mina.api.call("POST /v1/chat/completions", {
    body: { messages: [{ role: "user", content: QUESTION }], store: true, metadata },
  });
  await mina.context.close();
});
afterAll(() => {
  if (!isKept) rmSync(FOLDER, { recursive: true, force: true });
});

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await settled(page);
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path, animations: "disabled", caret: "hide" });
  expect(statSync(path).size).toBeGreaterThan(8_000); // an empty page has less
}

async function openChat(sessionId: string, visit: Visit): Promise<Page> {
  const { page } = await scene.visitor("mina", visit);
  await page.goto(`/chat/${sessionId}`);
  await page.locator(".md").first().waitFor();
  return page;
}

const refund = () => chats.get("환불 요청 메일") ?? "";

for (const theme of ["light", "dark"] as const) {
  test(`chat, ${theme}`, async () => {
    const page = await openChat(own, { ...DESK, theme });
    await field(page).fill("And on Mars, with its two small moons?");
    await page.getByRole("img", { name: /tokens to read/ }).waitFor(); // what sending it would cost
    await take(page, `chat-${theme}`);
  });
}

/** With the word that the model knows no Korean, and the offer of one that does. */
async function openRefund(visit: Visit): Promise<Page> {
  const page = await openChat(refund(), { ...visit, language: "ko" });
  await page.getByRole("button", { name: /다운로드/ }).waitFor();
  return page;
}

test("Korean", async () => {
  await take(await openRefund(DESK), "chat-korean");
});

test("phone", async () => {
  await take(await openRefund(PHONE), "phone");
});

test("search", async () => {
  const page = await openChat(refund(), { ...DESK, language: "ko" });
  await page.locator("input[type=search]").fill("환불");
  await page.locator("nav mark").first().waitFor();
  await take(page, "search");
});

test("login", async () => {
  const { page } = await scene.stranger(DESK);
  await page.goto("/login");
  await page.locator("form").waitFor();
  await take(page, "login");
});

test("administration, while an answer is written", async () => {
  const mina = await scene.visitor("mina", DESK);
  const joon = await scene.visitor("joon", DESK);
  for (const question of ["What is a tide?", "Name three rivers."]) {
    const sessionId = await joon.api.chat(question, []);
    await joon.api.tune(sessionId, { max_tokens: 24 });
    await joon.page.goto(`/chat/${sessionId}`);
    await say(joon.page, question);
    await answered(joon.page);
  }
  const writeLong = async () => {
    const sessionId = await joon.api.chat("A long one", []);
    await joon.api.tune(sessionId, { max_tokens: 3000 });
    await joon.page.goto(`/chat/${sessionId}`);
    await say(joon.page, "Write a long story about a lighthouse and the sea.");
    await hasWritten(joon.page, 60);
  };
  await mina.page.goto("/admin");
  await mina.page.locator("main h1").waitFor();
  await writeLong();
  await mina.page.waitForTimeout(isKept ? 8000 : 0); // for a line in its chart
  await take(mina.page, "admin-overview");
  if (isKept) await writeLong(); // the first may have ended meanwhile
  await mina.page.goto("/admin/engine");
  await mina.page.locator("main h1").waitFor();
  await mina.page.getByRole("row", { name: /^Free/ }).waitFor();
  await mina.page.getByRole("row", { name: /^joon/ }).first().waitFor();
  await take(mina.page, "admin-engine");
});
