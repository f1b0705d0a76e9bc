/** A chat that two people have open: each sees the other, that the other is writing, and what comes of it. */
import { expect, test } from "vitest";
import { answered, field, messages, say, thread } from "./harness/chat";
import { stage } from "./harness/stage";

const scene = stage({ model: "default" });

test("two people are in one chat: presence, typing, both read the same answer", async () => {
  const ann = await scene.visitor("ann");
  const ben = await scene.visitor("ben");
  const sessionId = await ann.api.chat("Together", []);
  await ann.api.tune(sessionId, { max_tokens: 30 });
  const path = { session_id: sessionId };
  await ann.api.call("POST /api/sessions/{session_id}/members", { path, body: { username: "ben", role: "writer" } });
  for (const { page } of [ann, ben]) {
    await page.goto(`/chat/${sessionId}`);
    await field(page).waitFor();
  }
  await ann.page.getByText("Here now: ben").waitFor();
  await ben.page.getByText("Here now: ann").waitFor();

  await field(ben.page).pressSequentially("What is a", { delay: 20 });
  await ann.page.getByText("ben is writing").waitFor();
  await say(ben.page, "What is a river?");
  await thread(ann.page).getByText("What is a river?").waitFor();
  expect(await answered(ann.page)).toBe(await answered(ben.page));
  expect(await messages(ann.page).count()).toBe(2);

  await ben.page.goto("/");
  await ann.page.getByText("Here now: ben").waitFor({ state: "hidden" });
});

test("a reader reads along and cannot write; a stranger learns nothing", async () => {
  const ann = await scene.visitor("ann");
  const cora = await scene.visitor("cora");
  const dan = await scene.visitor("dan");
  const sessionId = await ann.api.chat("For reading", ["A question?", "An answer."]);
  const path = { session_id: sessionId };
  await ann.api.call("POST /api/sessions/{session_id}/members", { path, body: { username: "cora", role: "reader" } });
  await cora.page.goto(`/chat/${sessionId}`);
  await thread(cora.page).getByText("An answer.").waitFor();
  expect(await field(cora.page).count()).toBe(0);
  dan.watch.foresee(/status of 404|WebSocket/);
  await dan.page.goto(`/chat/${sessionId}`);
  await dan.page.getByText("This chat is not here").waitFor();
});
