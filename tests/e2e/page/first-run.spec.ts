/** A new server, a browser that was never there: the first account is made, and the first answer read at once. */
import { expect, test } from "vitest";
import { answered, field, messages, say, thread } from "./harness/chat";
import { stage } from "./harness/stage";

const scene = stage({ model: "default" });

test("the first account is made and one talks at once", async () => {
  const { page, api } = await scene.stranger();
  await page.goto("/");
  await page.getByRole("heading", { name: "Welcome" }).waitFor();
  await page.getByRole("textbox", { name: "Username" }).fill("ann");
  await page.getByRole("textbox", { name: "Password" }).fill("correct horse battery");
  await page.keyboard.press("Enter");
  await field(page).waitFor();
  await say(page, "Say hello in one short sentence.");
  await thread(page).getByText("Say hello in one short sentence.").waitFor();
  expect((await answered(page)).trim()).not.toBe("");
  expect(await messages(page).count()).toBe(2);
  expect((await api.call("GET /api/auth/me")).role).toBe("admin");
});

test("a password that is too short is said at its field, and the second account is no admin", async () => {
  const { page, api, watch } = await scene.stranger();
  watch.foresee(/status of 4\d\d/); // the browser itself notes a refused request
  await page.goto("/register");
  await page.getByRole("textbox", { name: "Username" }).fill("ben");
  const password = page.getByRole("textbox", { name: "Password" });
  await password.fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.locator("[aria-invalid=true]").waitFor();
  expect(await password.getAttribute("aria-invalid")).toBe("true");
  await password.fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  await field(page).waitFor();
  expect((await api.call("GET /api/auth/me")).role).toBe("user");
});

test("whoever is not signed in signs in, and comes where they were going", async () => {
  const owner = await scene.visitor("cora");
  const sessionId = await owner.api.chat("Where I was going", ["A question?", "An answer."]);
  const { page } = await scene.stranger();
  await page.goto(`/chat/${sessionId}`);
  await page.getByRole("textbox", { name: "Username" }).fill("cora");
  await page.getByRole("textbox", { name: "Password" }).fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Where I was going" }).waitFor();
  await thread(page).getByText("An answer.").waitFor();
});
