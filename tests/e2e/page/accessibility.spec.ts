/** Every view in both themes and both languages, by axe's rules; and the chat by keyboard alone. */
import { beforeAll, expect, test } from "vitest";
import { violations } from "./harness/accessibility";
import { answered, field, lastAnswer, stopButton } from "./harness/chat";
import { unmarked } from "./harness/focus";
import { furnish, MENU, placesOf, publicPlacesOf, tour } from "./harness/places";
import { stage } from "./harness/stage";

const scene = stage({ model: "default" });
let ids = { sessionId: "", token: "" };
beforeAll(async () => {
  ids = await furnish(await scene.visitor("ann"));
});

// Between them the two visits have both languages, both themes, a desk and a phone; at the desk are the keys.
for (const { language, width, hasKeys } of [
  { language: "en", width: 1280, hasKeys: true },
  { language: "ko", width: 375, hasKeys: false },
] as const) {
  const law = "no view breaks a rule of accessibility, light or dark";
  test(`${law}${hasKeys ? ", and whoever moves by keyboard sees where" : ""} (${language}, ${width} px)`, async () => {
    const ann = await scene.visitor("ann", { language, width });
    const stranger = await scene.stranger({ language, width });
    const known = new Set<string>();
    const found: Record<string, string[]> = {};
    for (const { page, watch, places } of [
      { ...ann, places: placesOf(ids) },
      { ...stranger, places: publicPlacesOf(ids) },
    ]) {
      watch.foresee(/status of 404|WebSocket/); // two of the places are about what is not there
      for await (const { name, part } of tour(page, places)) {
        await page.emulateMedia({ colorScheme: "light" });
        await page.locator("html[data-theme=light]").waitFor();
        found[`${name}, light`] = await violations(page, { part });
        await page.emulateMedia({ colorScheme: "dark" });
        await page.locator("html[data-theme=dark]").waitFor();
        found[`${name}, dark`] = await violations(page, { part, onlyColours: true });
        if (hasKeys) found[`${name}, by keyboard`] = await unmarked(page, known, part === MENU ? "ArrowDown" : "Tab");
      }
    }
    expect(Object.fromEntries(Object.entries(found).filter(([, list]) => list.length > 0))).toEqual({});
    if (hasKeys) expect(known.size).toBeGreaterThan(50);
  });
}

test("everything by keyboard: a new chat, a message, Stop, another answer, and back to the list", async () => {
  const { page, api } = await scene.visitor("ann");
  const sessionId = await api.chat("By keyboard", []);
  await api.tune(sessionId, { max_tokens: 400 });
  await page.goto("/");
  await field(page).waitFor();
  await rowTo(page, "By keyboard");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/chat/${sessionId}`);
  await page.getByRole("heading", { name: "By keyboard" }).waitFor(); // what is typed before goes to the new chat
  await tabTo(page, "Write a message");
  await page.keyboard.type("Count from 1 to 500.");
  await page.keyboard.press("Enter");
  await stopButton(page).waitFor();
  await lastAnswer(page).waitFor();
  await tabTo(page, "Stop");
  await page.keyboard.press("Enter");
  await answered(page);
  await api.tune(sessionId, { max_tokens: 2 });
  await tabTo(page, "Regenerate");
  await page.keyboard.press("Enter");
  await page.getByText("2/2").waitFor();
  await rowTo(page, "By keyboard");
  await page.keyboard.press("Tab");
  expect(await focusedName(page)).toBe("Menu for By keyboard");
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  expect(await focusedName(page)).toContain("Menu for"); // the focus is where it was
});

test("an answer is announced at its beginning and its end, never by the word", async () => {
  const { page, api } = await scene.visitor("ann");
  const sessionId = await api.chat("Announced", []);
  const states = () => api.call("GET /v1/models").then(({ data }) => data.map(({ state }) => state));
  await expect.poll(states).toEqual(["ready"]); // else the page says that it loads
  await api.tune(sessionId, { max_tokens: 40 });
  await page.goto(`/chat/${sessionId}`);
  await field(page).waitFor();
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    const regions = "[role=status], [role=alert], [aria-live]:not([aria-live=off])";
    const note = () => {
      for (const region of document.querySelectorAll(regions)) {
        const text = region.textContent?.trim() ?? "";
        if (text && said.at(-1) !== text) said.push(text);
      }
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await field(page).fill("Write about the sea.");
  await page.keyboard.press("Enter");
  await answered(page);
  await page.getByText("The answer is complete.").waitFor({ state: "attached" });
  const said = await page.evaluate(() => (window as unknown as { said: string[] }).said);
  expect(said).toEqual(["Answering.", "The answer is complete."]);
});

test("for who asks for less motion nothing takes time to change", async () => {
  const { page } = await scene.visitor("ann");
  await page.goto(`/chat/${ids.sessionId}`);
  await lastAnswer(page).waitFor();
  const changing = () =>
    page.evaluate(
      () =>
        [...document.querySelectorAll("*")].filter((element) => {
          const { transitionProperty, transitionDuration } = getComputedStyle(element);
          return transitionProperty !== "none" && !/^0s(, 0s)*$/.test(transitionDuration);
        }).length,
    );
  expect(await changing()).toBe(0);
  await page.emulateMedia({ reducedMotion: "no-preference" });
  expect(await changing()).toBeGreaterThan(0);
});

type Page = Awaited<ReturnType<typeof scene.visitor>>["page"];

function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "";
  });
}

/** To a row of the list of chats, which is one stop for Tab: the arrows go on from there. */
async function rowTo(page: Page, name: string): Promise<void> {
  const isInList = () => page.evaluate(() => document.activeElement?.closest("[data-row]") !== null);
  for (let n = 0; n < 80 && !(await isInList()); n += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Home");
  for (let n = 0; n < 80; n += 1) {
    if ((await focusedName(page)) === name) return;
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`the arrows never come to "${name}"; last at "${await focusedName(page)}"`);
}

/** Presses Tab until that is focused: whatever can be clicked must be come to. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let n = 0; n < 80; n += 1) {
    if ((await focusedName(page)) === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never comes to "${name}"; last at "${await focusedName(page)}"`);
}
