/** Whatever happens to the page, the line or the server while an answer is written: its text just goes on. */
import { expect, test } from "vitest";
import { answered, field, hasWritten, lastText, messages, say, stopButton, storedText, thread } from "./harness/chat";
import { stage, type Visitor } from "./harness/stage";

const scene = stage({ model: "default" });
const STORY = "Write a long story about a lighthouse and the sea.";

async function answering(numTokens: number): Promise<Visitor & { sessionId: string }> {
  const visitor = await scene.visitor("ann");
  const sessionId = await visitor.api.chat("", []);
  await visitor.api.tune(sessionId, { max_tokens: numTokens });
  await visitor.page.goto(`/chat/${sessionId}`);
  await say(visitor.page, STORY);
  await hasWritten(visitor.page, 20);
  return { ...visitor, sessionId };
}

test("a page that is loaded anew shows all that was written, and the rest as it comes", async () => {
  const { page } = await answering(300);
  const before = (await lastText(page)).length;
  await page.reload();
  await hasWritten(page, before);
  expect(await stopButton(page).isVisible()).toBe(true); // it is still being written
  const shown = await answered(page);
  expect(await storedText(page)).toBe(shown);
  expect(await messages(page).count()).toBe(2);
});

test("a line that breaks is said after a moment, and the text goes on when it is back", async () => {
  const { page, context, watch } = await answering(300);
  watch.foresee(/ERR_INTERNET_DISCONNECTED|WebSocket/);
  await context.setOffline(true);
  await page.getByText("No connection.").waitFor();
  await context.setOffline(false);
  await page.getByText("No connection.").waitFor({ state: "hidden" });
  const shown = await answered(page);
  expect(await storedText(page)).toBe(shown);
});

test("what is written without a line waits, survives a reload, and is sent once when the line is back", async () => {
  const { page, context, watch, api } = await scene.visitor("ann");
  watch.foresee(/ERR_INTERNET_DISCONNECTED|WebSocket/);
  const sessionId = await api.chat("", []);
  await api.tune(sessionId, { max_tokens: 8 });
  await page.goto(`/chat/${sessionId}`);
  await field(page).waitFor();
  await context.setOffline(true);
  await page.getByText("No connection.").waitFor();
  await say(page, "written in a tunnel");
  await thread(page).getByText("written in a tunnel").waitFor();
  await context.setOffline(false);
  await page.reload();
  await answered(page);
  const { data } = await api.call("GET /api/sessions/{session_id}/messages", { path: { session_id: sessionId } });
  expect(data.map(({ role }) => role)).toEqual(["user", "assistant"]);
  expect(data[0]?.content).toBe("written in a tunnel");
});

test("a server that is killed in the middle of an answer goes on with it when it is back", async () => {
  const { page, watch, api, sessionId } = await answering(300);
  watch.foresee(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket/);
  await scene.server.kill();
  await page.getByText("No connection.").waitFor();
  const kept = await lastText(page);
  expect(kept.length).toBeGreaterThan(0); // what was there stays in sight
  await scene.server.start();
  await page.getByText("No connection.").waitFor({ state: "hidden" });
  const shown = await answered(page);
  const path = { session_id: sessionId };
  const [, answer] = (await api.call("GET /api/sessions/{session_id}/messages", { path })).data;
  expect(answer?.status).toBe("complete");
  expect(await storedText(page)).toBe(shown);
});

test("two tabs of one chat are in step, in the list too", async () => {
  const { page, context, api } = await scene.visitor("ann");
  const sessionId = await api.chat("Two tabs", []);
  await api.tune(sessionId, { max_tokens: 40 });
  const other = await context.newPage();
  for (const tab of [page, other]) {
    await tab.goto(`/chat/${sessionId}`);
    await field(tab).waitFor();
  }
  await say(page, "What is a tide?");
  await thread(other).getByText("What is a tide?").waitFor();
  await hasWritten(other, 1);
  expect(await answered(other)).toBe(await answered(page));
  await api.call("PATCH /api/sessions/{session_id}", { path: { session_id: sessionId }, body: { title: "Renamed" } });
  for (const tab of [page, other]) {
    await tab.getByRole("heading", { name: "Renamed" }).waitFor();
    await tab.getByRole("link", { name: "Renamed" }).waitFor();
  }
});
