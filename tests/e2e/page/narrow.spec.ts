/** A phone 360 px wide: nothing is cut off, nothing scrolls sideways, everything is under a thumb; in both languages. */
import { beforeAll, expect, test } from "vitest";
import { field, thread } from "./harness/chat";
import { furnish, go, placesOf, publicPlacesOf } from "./harness/places";
import { stage } from "./harness/stage";

const scene = stage({ model: "none" });
const PHONE = { width: 360, height: 740, isPhone: true };
let ids = { sessionId: "", token: "" };
beforeAll(async () => {
  ids = await furnish(await scene.visitor("ann"));
});

/** What reaches over the right edge although nothing around it scrolls. */
function overhanging(): string[] {
  const width = document.documentElement.clientWidth;
  const scrolls = (element: Element | null): boolean => {
    if (!element || element === document.body) return false;
    return /auto|scroll|hidden|clip/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement);
  };
  return [...document.querySelectorAll("#root *")]
    .filter((element) => element.getBoundingClientRect().right > width + 1 && !scrolls(element.parentElement))
    .map((element) => `${element.tagName} ${element.className} ${element.textContent?.slice(0, 40)}`);
}

for (const language of ["en", "ko"] as const) {
  test(`no view scrolls sideways (${language})`, async () => {
    const ann = await scene.visitor("ann", { ...PHONE, language });
    const stranger = await scene.stranger({ ...PHONE, language });
    const wide: string[] = [];
    const inDrawer = new Set(["chat's menu", "account's menu", "news", "search", "models"]); // models: there are none here
    const places = placesOf(ids).filter(({ name }) => !inDrawer.has(name));
    for (const { page, watch, places: those } of [
      { ...ann, places },
      { ...stranger, places: publicPlacesOf(ids) },
    ]) {
      watch.foresee(/status of 404|WebSocket/);
      for (const place of those) {
        await go(page, place);
        const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
        if (scrollWidth > clientWidth) wide.push(`${place.name}: ${scrollWidth} px`);
        wide.push(...(await page.evaluate(overhanging)).map((element) => `${place.name}: ${element}`));
      }
    }
    expect(wide).toEqual([]);
  });
}

test("the list of chats is a drawer that closes when a chat is chosen", async () => {
  const { page, watch } = await scene.visitor("ann", PHONE);
  watch.foresee(/\/preview/); // there is no model that could say what a message would cost
  await page.goto("/");
  await field(page).waitFor();
  await page.getByRole("button", { name: "Open the sidebar" }).tap();
  await page.getByRole("link", { name: "A chat with everything" }).tap();
  await page.waitForURL(`**/chat/${ids.sessionId}`);
  await page.getByRole("navigation").waitFor({ state: "detached" });
  await thread(page).waitFor();
});

test("without a model a message waits with a reason, and is not lost", async () => {
  const { page, watch } = await scene.visitor("ann", PHONE);
  watch.foresee(/status of 4\d\d/);
  await page.goto(`/chat/${ids.sessionId}`);
  await field(page).fill("Is anybody there?");
  await page.getByRole("button", { name: "Send" }).tap(); // on a phone Enter breaks the line
  await page.getByRole("alert").waitFor();
  await thread(page).getByText("Is anybody there?").waitFor();
  await page.getByRole("button", { name: "Discard" }).tap();
  await thread(page).getByText("Is anybody there?").waitFor({ state: "detached" });
});
