/** Language and look: changed at once, kept after a reload, without a word of the other language left. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { field } from "./harness/chat";
import { settled } from "./harness/places";
import { stage } from "./harness/stage";

const scene = stage({ model: "none" });
const HANGUL = /\p{Script=Hangul}/u;
/** Names that are the same in every language. */
const NAMES = /^(?:bdchat|ann|English)$|Chrom|Linux|JSON|Markdown/;

async function pick(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: label }).click();
  await page.getByRole("option", { name: option }).click();
}

function textsOf(page: Page): Promise<string[]> {
  return page.locator("#root").evaluate((root) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found: string[] = [];
    while (walk.nextNode()) found.push(walk.currentNode.textContent?.trim() ?? "");
    return found;
  });
}

test("the language is switched, everywhere and for good", async () => {
  const { page } = await scene.visitor("ann");
  await page.goto("/settings");
  await pick(page, "Language", "한국어");
  await page.getByRole("heading", { name: "설정" }).waitFor();
  expect(await page.locator("html").getAttribute("lang")).toBe("ko");
  for (const path of ["/settings", "/profile", "/"]) {
    await page.goto(path);
    await page.locator("main").waitFor();
    await settled(page);
    const foreign = (await textsOf(page)).filter((text) => /[A-Za-z]{4,}/.test(text) && !HANGUL.test(text));
    expect(foreign.filter((text) => !NAMES.test(text))).toEqual([]);
  }
  await page.goto("/settings");
  await pick(page, "언어", "English");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
});

test("dark is dark, and stays so for the next visit", async () => {
  const { page } = await scene.visitor("ann");
  await page.goto("/settings");
  await pick(page, "Theme", "Dark");
  await page.locator("html[data-theme=dark]").waitFor();
  await page.goto("/");
  await field(page).waitFor();
  expect(await page.locator("html").getAttribute("data-theme")).toBe("dark"); // from the first drawing on
  const red = () => page.evaluate(() => Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0]));
  await expect.poll(red).toBeLessThan(60);
});
