/** Chats go out as files and come in from files, through the page's own dialogs. */
import { readFileSync } from "node:fs";
import type { Download, Page } from "playwright-core";
import { expect, test } from "vitest";
import { thread } from "./harness/chat";
import { exported } from "./harness/demo";
import { stage } from "./harness/stage";

const scene = stage({ model: "none" });

async function read(download: Download): Promise<string> {
  return readFileSync(await download.path(), "utf8");
}

async function importFile(page: Page, name: string, content: string): Promise<void> {
  await page.goto("/settings");
  await page.getByRole("button", { name: "Import chats" }).click();
  const mimeType = "application/json";
  await page.locator("input[type=file]").setInputFiles({ name, mimeType, buffer: Buffer.from(content) });
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).waitFor();
}

test("all chats out as a file, and in again on another account, with their branches", async () => {
  const ann = await scene.visitor("ann");
  const sessionId = await ann.api.chat("환불 문의", ["첫 질문", "**답**은 이렇습니다.", "둘째 질문", "그럼요."]);
  const body = { content: "다르게 물은 첫 질문", parent_id: null };
  await ann.api.call("POST /api/sessions/{session_id}/messages", { path: { session_id: sessionId }, body });
  await ann.page.goto("/settings");
  const [download] = await Promise.all([
    ann.page.waitForEvent("download"),
    ann.page.getByRole("link", { name: "Download all chats" }).click(),
  ]);
  const file = await read(download);

  const ben = await scene.visitor("ben");
  ben.watch.foresee(/\/preview/); // there is no model
  await importFile(ben.page, "chats.json", file);
  await ben.page.getByRole("region", { name: "Results by chat" }).getByRole("link").click();
  await thread(ben.page).getByText("다르게 물은 첫 질문").waitFor();
  await thread(ben.page).getByText("2/2").waitFor();
  await thread(ben.page).getByRole("button", { name: "Previous version" }).click();
  await thread(ben.page).getByText("그럼요.").waitFor();

  await importFile(ben.page, "chats.json", file); // once more: nothing is doubled
  await ben.page.getByRole("dialog").getByText("Already here").waitFor();
  expect((await ben.api.call("GET /api/sessions")).data.length).toBe(1);
});

test("ChatGPT's export comes in; what is no export is refused with a reason", async () => {
  const { page, api, watch } = await scene.visitor("cora");
  watch.foresee(/status of 4\d\d/);
  await importFile(page, "conversations.json", JSON.stringify(exported(Math.floor(Date.now() / 1000))));
  const before = (await api.call("GET /api/sessions")).data.length;
  expect(before).toBeGreaterThan(5);
  await importFile(page, "shopping.json", '{"milk": 2}');
  await page.getByRole("dialog").getByRole("alert").waitFor();
  expect((await api.call("GET /api/sessions")).data.length).toBe(before);
});

test("one chat as Markdown", async () => {
  const { page, api, watch } = await scene.visitor("ann");
  watch.foresee(/\/preview/);
  const sessionId = await api.chat("A recipe", ["How do I bake bread?", "Knead, wait, **bake**."]);
  await page.goto(`/chat/${sessionId}`);
  await page.getByRole("button", { name: "Chat menu" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "Download as Markdown" }).click(),
  ]);
  const text = await read(download);
  expect(text).toContain("How do I bake bread?");
  expect(text).toContain("Knead, wait, **bake**.");
  expect(download.suggestedFilename()).toMatch(/\.md$/);
});
