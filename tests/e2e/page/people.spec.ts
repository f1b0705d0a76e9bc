/** A chat that two people have open: each sees the other, that the other is writing, and what comes of it. */
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { answered, field, messages, say, thread } from "./harness/chat";
import { stage } from "./harness/stage";

const scene = stage({ model: { numTokens: 30, tokensPerS: 30 } });

async function openSharing(page: Page): Promise<Locator> {
  await page.getByRole("button", { name: "Chat menu" }).click();
  await page.getByRole("menuitem", { name: "Share chat" }).click();
  return page.getByRole("dialog");
}

test("two people are in one chat: presence, typing, both read the same answer", async () => {
  const ann = await scene.visitor("ann");
  const ben = await scene.visitor("ben");
  const sessionId = await ann.api.chat("Together", []);
  await ann.api.tune(sessionId, { max_tokens: 30 });
  await ann.page.goto(`/chat/${sessionId}`);
  const dialog = await openSharing(ann.page);
  await dialog.getByRole("combobox", { name: "Username" }).fill("ben");
  await dialog.getByRole("combobox", { name: "Permission", exact: true }).selectOption("writer");
  await dialog.getByRole("button", { name: "Invite" }).click();
  await dialog.getByText("Invited, not accepted yet").waitFor();
  await ben.page.goto("/");
  await ben.page.getByText("ann invited you to read and write").waitFor();
  await ben.page.getByRole("button", { name: "Accept “Together”" }).press("Enter");
  await ben.page.waitForURL(`**/chat/${sessionId}`);
  for (const { page } of [ann, ben]) {
    await page.goto(`/chat/${sessionId}`);
    await field(page).waitFor();
  }
  await ann.page.getByRole("img", { name: "Viewing now: ben" }).waitFor();
  await ben.page.getByRole("img", { name: "Viewing now: ann" }).waitFor();

  await field(ben.page).pressSequentially("What is a", { delay: 20 });
  await ann.page.getByText("ben is typing").waitFor();
  await say(ben.page, "What is a river?");
  await thread(ann.page).getByText("What is a river?").waitFor();
  expect(await answered(ann.page)).toBe(await answered(ben.page));
  expect(await messages(ann.page).count()).toBe(2);
  for (const [page, name] of [
    [ann.page, "ben"],
    [ben.page, "You"],
  ] as const) {
    await messages(page).first().getByText(name, { exact: true }).waitFor();
  }

  await ben.page.goto("/");
  await ann.page.getByRole("img", { name: "Viewing now: ben" }).waitFor({ state: "hidden" });
});

test("a link is made and read by a stranger, until it is revoked", async () => {
  const ann = await scene.visitor("ann");
  const stranger = await scene.stranger();
  const sessionId = await ann.api.chat("By link", ["A question?", "An answer."]);
  await ann.page.goto(`/chat/${sessionId}`);
  const dialog = await openSharing(ann.page);
  await dialog.getByRole("button", { name: "Create link" }).click();
  await stranger.page.goto(await dialog.getByRole("textbox", { name: "Address" }).inputValue());
  await stranger.page.getByText("An answer.").waitFor();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).waitFor({ state: "detached" });
  stranger.watch.foresee(/status of 404/);
  await stranger.page.reload();
  await stranger.page.getByText("This link no longer works").waitFor();
});

test("a reader reads along and cannot write; a stranger learns nothing", async () => {
  const ann = await scene.visitor("ann");
  const cora = await scene.visitor("cora");
  const dan = await scene.visitor("dan");
  const sessionId = await ann.api.chat("For reading", ["A question?", "An answer."]);
  const path = { session_id: sessionId };
  const body = { username: "cora", role: "reader" } as const;
  const asked = await ann.api.call("POST /api/sessions/{session_id}/members", { path, body });
  const invitation = { invitation_id: asked.invitation_id ?? "" };
  await cora.api.call("POST /api/invitations/{invitation_id}/accept", { path: invitation });
  await cora.page.goto(`/chat/${sessionId}`);
  await thread(cora.page).getByText("An answer.").waitFor();
  await cora.page.getByText("ann shared this chat with you.").waitFor();
  expect(await field(cora.page).count()).toBe(0);
  expect(await cora.page.getByRole("button", { name: /^(Edit|Regenerate)$/ }).count()).toBe(0);
  await cora.page.getByRole("navigation").getByRole("link", { name: "For reading ann" }).waitFor();
  dan.watch.foresee(/status of 404|WebSocket/);
  await dan.page.goto(`/chat/${sessionId}`);
  await dan.page.getByText("Chat not found").waitFor();
});
