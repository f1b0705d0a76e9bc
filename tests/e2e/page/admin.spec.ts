/** The administration: accounts come and go, an answer is ended, a backup is made, a model leaves and comes back. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answered, field, hasWritten, messages, say } from "./harness/chat";
import { stage } from "./harness/stage";

const scene = stage({ model: "default" });

const rowOf = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

async function choose(page: Page, name: string, action: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

test("an account is made, signs in by the link that was shown once, chooses a password, and is disabled while it is here", async () => {
  const { page } = await scene.visitor("ann");
  await page.goto("/admin/users");
  await page.getByRole("button", { name: "New account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Username", exact: true }).fill("ben");
  await dialog.getByRole("button", { name: "Create account" }).click();
  await dialog.getByText("Send this link to the person").waitFor();
  const link = new URL(await dialog.getByRole("textbox", { name: "Link" }).inputValue());
  await page.keyboard.press("Escape"); // it is shown once: a slip does not take it away
  await dialog.getByRole("button", { name: "Done" }).click();
  await rowOf(page, "ben").waitFor();

  const ben = await scene.stranger();
  ben.watch.foresee(/status of 401|WebSocket/);
  await ben.page.goto(link.pathname + link.hash);
  await ben.page.getByRole("button", { name: "Sign in" }).click();
  await ben.page.getByRole("textbox", { name: "New password" }).fill("correct horse battery");
  await ben.page.keyboard.press("Enter");
  await field(ben.page).waitFor();

  await choose(page, "ben", "Disable");
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await rowOf(page, "ben").getByText("Disabled").waitFor();
  await ben.page.getByText("You have been signed out.").waitFor();
  await ben.page.reload();
  await ben.page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("an answer that is being written is seen and ended; its reader keeps what there was", async () => {
  const ann = await scene.visitor("ann");
  const cora = await scene.visitor("cora");
  const sessionId = await cora.api.chat("Long", []);
  await cora.api.tune(sessionId, { max_tokens: 1500 });
  await ann.page.goto("/admin/engine");
  await ann.page.getByText("Nothing is running.").waitFor();
  await cora.page.goto(`/chat/${sessionId}`);
  await say(cora.page, "Count from 1 to 1000, one number per line.");
  await hasWritten(cora.page, 10);
  await ann.page.getByRole("button", { name: "Stop the answer for cora" }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Stop answer" }).click();
  expect((await answered(cora.page)).length).toBeGreaterThan(5);
  await messages(cora.page).last().getByText("Stopped").waitFor();
  await ann.page.getByText("Nothing is running.").waitFor();
});

test("a backup is made, taken away and deleted", async () => {
  const { page } = await scene.visitor("ann");
  await page.goto("/admin/storage");
  await page.getByRole("button", { name: "Create backup" }).click();
  await page.getByText("Backup created").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /^Download / }).click(),
  ]);
  const start = readFileSync(await download.path()).subarray(0, 15);
  expect(start.toString("latin1")).toBe("SQLite format 3");
  await page.getByRole("button", { name: /^Delete / }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("No backups yet.").waitFor();
});

test("what was done is in the audit log, and nobody else sees any of it", async () => {
  const ann = await scene.visitor("ann");
  await ann.page.goto("/admin/audit");
  await ann.page.getByRole("table").waitFor();
  await ann.page.getByRole("row").filter({ hasText: "ben" }).first().waitFor();
  const cora = await scene.visitor("cora");
  for (const path of ["/admin", "/admin/users", "/admin/audit"]) {
    await cora.page.goto(path);
    await cora.page.getByRole("heading", { name: "Admins only" }).waitFor();
  }
});

test("usage is counted for the days of the reader in Seoul, in both languages", async () => {
  for (const language of ["ko", "en"] as const) {
    const { page } = await scene.visitor("ann", { language });
    await page.goto("/admin/usage");
    const link = page.getByRole("link", { name: /CSV/ });
    expect(await link.getAttribute("href")).toContain("time_zone=Asia%2FSeoul");
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    const seoul = new Intl.DateTimeFormat("sv", { timeZone: "Asia/Seoul" }).format(Date.now());
    expect(download.suggestedFilename()).toMatch(new RegExp(`-${seoul}\\.csv$`));
  }
});

test("a model is unloaded, and answers again once it is loaded", async () => {
  const { page, api } = await scene.visitor("ann");
  await page.goto("/admin/models");
  await page.getByRole("button", { name: "Unload" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Unload" }).click();
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await page.getByText("Ready").waitFor();
  const sessionId = await api.chat("Back", []);
  await api.tune(sessionId, { max_tokens: 4 });
  await page.goto(`/chat/${sessionId}`);
  await say(page, "Hello?");
  expect(await answered(page)).not.toBe("");
});
