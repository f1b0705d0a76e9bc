/** Below a path of its host (server.base_path): whatever the page asks for, opens or shows lies below it. */
import { expect, test } from "vitest";
import { answered, messages, say } from "./harness/chat";
import { stage } from "./harness/stage";

const BASE = "/tools/chat";
const scene = stage({ model: { numTokens: 12, tokensPerS: 200 }, settings: { "server.base_path": BASE } });

test("one talks, reloads and administers, and nothing is asked for beside the path", async () => {
  const { page } = await scene.visitor("ann");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("websocket", (socket) => asked.push(socket.url()));
  await page.goto(BASE);
  await say(page, "Hello below a path");
  await answered(page);
  expect(new URL(page.url()).pathname).toMatch(/^\/tools\/chat\/chat\/[\w-]+$/);
  await page.reload();
  await page.getByText("Hello below a path").first().waitFor();
  expect(await messages(page).count()).toBe(2);
  await page.goto(`${BASE}/admin`);
  await page.getByRole("link", { name: "Accounts" }).click();
  await page.getByRole("table").getByText("ann").first().waitFor();
  expect(new URL(page.url()).pathname).toBe(`${BASE}/admin/users`);
  const kinds = new Set(asked.map((url) => new URL(url).pathname.slice(BASE.length).split("/")[1]));
  expect(asked.filter((url) => !new URL(url).pathname.startsWith(BASE))).toEqual([]);
  expect(["assets", "api", "ws"].filter((kind) => !kinds.has(kind))).toEqual([]);
});

test("a page that is opened past the path goes there, and signing in stays below it", async () => {
  const { page } = await scene.stranger({ language: "ko" });
  await page.goto("/settings");
  await page.waitForURL(`${scene.server.url}${BASE}/login`);
  await page.getByRole("textbox", { name: "아이디" }).fill("ann");
  await page.getByRole("textbox", { name: "비밀번호" }).fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${scene.server.url}${BASE}/settings`);
});
