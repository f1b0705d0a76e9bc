/** A phone 360 px wide: nothing is cut off, nothing scrolls sideways, everything is under a thumb; in both languages. */
import { beforeAll, expect, test } from "vitest";
import { field, thread } from "./harness/chat";
import { DIALOG, furnish, placesOf, publicPlacesOf, tour } from "./harness/places";
import { stage } from "./harness/stage";
import * as texts from "./texts";

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

/** Controls that are narrower or lower than a finger. A link within a text is as low as its line. */
function small(): string[] {
  const FINGER = 40; // px
  const controls = "button, a[href], input, select, textarea, summary, [role=button], [role=menuitem], [role=tab]";
  return [...document.querySelectorAll(controls)]
    .map((element) => element.closest("label, .MuiButtonBase-root") ?? element)
    .filter((element) => {
      const style = getComputedStyle(element);
      const isSeen = element.checkVisibility({ visibilityProperty: true }) && style.clipPath === "none";
      const { width, height } = element.getBoundingClientRect();
      return (
        isSeen &&
        !element.matches(":disabled") &&
        style.display !== "inline" &&
        (width < FINGER - 0.5 || height < FINGER - 0.5)
      );
    })
    .map((element) => {
      const { width, height } = element.getBoundingClientRect();
      const name = element.getAttribute("aria-label") ?? element.textContent?.slice(0, 40);
      return `${element.tagName.toLowerCase()} "${name}" ${Math.round(width)} x ${Math.round(height)} px`;
    });
}

/** The lines that the text of `selector` is broken into, and which sides of it each line touches. */
function linesOf(selector: string): { text: string; isLeft: boolean; isRight: boolean }[] {
  return [...document.querySelectorAll(selector)].flatMap((element) => {
    const box = element.getBoundingClientRect();
    const lines: { text: string; top: number; left: number; right: number }[] = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const range = document.createRange();
      for (let at = 0; at < (node.textContent ?? "").length; at += 1) {
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const { top, left, right, width } = range.getBoundingClientRect();
        const last = lines.at(-1);
        if (width === 0) continue;
        if (!last || Math.abs(top - last.top) > 8) lines.push({ text: range.toString(), top, left, right });
        else {
          last.text += range.toString();
          last.left = Math.min(last.left, left);
          last.right = Math.max(last.right, right);
        }
      }
    }
    return lines.map(({ text, left, right }) => ({
      text,
      isLeft: left - box.left < 24,
      isRight: box.right - right < 24,
    }));
  });
}

for (const language of ["en", "ko"] as const) {
  test(`a text is shown as it was meant (${language})`, async () => {
    const { page, api, watch } = await scene.visitor("ann", { ...PHONE, language });
    watch.foresee(/\/preview/);
    const { TILDES, DOLLARS, ADDRESSES, THOUGHT, ARABIC } = texts;
    const answers = [TILDES, DOLLARS, ADDRESSES, THOUGHT, ARABIC];
    const sessionId = await api.chat(
      "محادثة عن API",
      answers.flatMap((text) => [text, text]),
    );
    await page.goto(`/chat/${sessionId}`);
    await page.locator(".md .katex").first().waitFor({ state: "attached" });
    const inner = (selector: string) => page.locator(selector).allTextContents();
    expect(await inner(".md del")).toEqual(["취소"]);
    expect(await inner(".md annotation")).toEqual(["x^2"]);
    expect(await page.locator(".md a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))).toEqual(
      ["docs", "", "a", "b", "c"].map((path) => `https://example.com/${path}`),
    );
    expect(await inner(".md details div")).toEqual(["They ask for 17 × 23. That is 391."]);
    expect(await page.locator(".md details[open]").count()).toBe(0);

    const directions = (selector: string) =>
      page.locator(selector).evaluateAll((all) => all.map((one) => getComputedStyle(one).direction).join(" "));
    expect(await directions(".md:has(pre) > p")).toBe("rtl ltr rtl");
    expect(await directions(".md:has(pre) li")).toBe("rtl ltr");
    expect(await directions(".md:has(pre) :is(pre, code, figure)")).toBe("ltr ltr ltr ltr");
    expect(await directions(".md:has(pre) table")).toBe("rtl");
    expect(await directions("header h1")).toBe("rtl");
    const sides = (
      await page.evaluate(linesOf, "article:has(+ article pre) [lang], article:has(+ article pre) [dir]")
    ).filter(({ text }) => /عنصر|English again|واحد/.test(text));
    expect(sides.map(({ isLeft, isRight }) => [isLeft, isRight])).toEqual([
      [false, true],
      [true, false],
      [false, true],
    ]);
    const [name, value] = await page
      .locator(".md:has(pre) td")
      .evaluateAll((cells) =>
        cells.map((cell) => [cell.getBoundingClientRect().left, getComputedStyle(cell).textAlign] as const),
      );
    expect(name?.[0]).toBeGreaterThan(value?.[0] ?? 0);
    expect([name?.[1], value?.[1]]).toEqual(["right", "right"]);
    await page.locator("textarea").fill("سؤال (API)\nand English");
    expect(await directions("textarea")).toBe("rtl");
  });

  test(`lines break as the language of a text has it, and the longest word stays within (${language})`, async () => {
    const { page, api, watch } = await scene.visitor("ann", { ...PHONE, language });
    watch.foresee(/\/preview/);
    const { CHINESE, JAPANESE, KOREAN, LONG_FORMULA, LONG_WORD } = texts;
    const all = [CHINESE, JAPANESE, KOREAN, LONG_WORD, LONG_FORMULA];
    const sessionId = await api.chat(LONG_WORD, [
      ...all.flatMap((text) => [text, `${text}\n\n# ${text}\n\n- ${text}\n\n| ${text} | b |\n|-|-|\n| c | ${text} |`]),
      "on a line of its own",
      `$$\n${LONG_FORMULA.replaceAll("$", "")}\n$$`,
    ]);
    await page.goto(`/chat/${sessionId}`);
    await page.locator(".md").nth(3).waitFor();
    expect(await page.evaluate(overhanging)).toEqual([]);
    const formula = page.locator(".md p .md-formula");
    const [inner = 0, outer = 0] = await formula.evaluate((one) => [one.scrollWidth, one.clientWidth]);
    expect(inner).toBeGreaterThan(outer); // it scrolls by itself
    expect(outer).toBeLessThan(PHONE.width);
    await page.locator(".md > .md-formula[tabindex='0']").waitFor(); // and by keyboard
    expect(await formula.getAttribute("tabindex")).toBe("0");
    const words = new Set(KOREAN.split(" "));
    for (const [lang, selector] of [
      ["zh", "p"],
      ["ja", "p"],
      ["ko", "p"],
      ["zh", "div"],
      ["ja", "div"],
      ["ko", "div"],
    ]) {
      const lines = await page.evaluate(linesOf, `${selector}[lang=${lang}]`);
      expect(lines.length, `${lang} ${selector}`).toBeGreaterThan(3);
      if (lang === "ko") {
        const cut = lines
          .flatMap(({ text }) => text.trim().split(" "))
          .filter((word) => !words.has(word) && !LONG_WORD.includes(word));
        expect(cut, selector).toEqual([]);
      } else {
        expect(
          lines.filter(({ text }) => /^[。、，」？！ょっー]/.test(text)),
          `${lang} ${selector}`,
        ).toEqual([]);
        expect(
          lines.slice(0, 3).filter(({ isRight }) => !isRight),
          `${lang} ${selector}`,
        ).toEqual([]);
      }
    }
  });

  test(`no view scrolls sideways, and a finger meets every control (${language})`, async () => {
    const ann = await scene.visitor("ann", { ...PHONE, language });
    const stranger = await scene.stranger({ ...PHONE, language });
    const wide: string[] = [];
    const low: string[] = [];
    const places = placesOf(ids).filter(({ name, part }) => name !== "models" && part !== DIALOG); // there are no models here
    for (const { page, watch, places: those } of [
      { ...ann, places },
      { ...stranger, places: publicPlacesOf(ids) },
    ]) {
      watch.foresee(/status of 404|WebSocket/);
      for await (const place of tour(page, those)) {
        const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
        if (scrollWidth > clientWidth) wide.push(`${place.name}: ${scrollWidth} px`);
        wide.push(...(await page.evaluate(overhanging)).map((element) => `${place.name}: ${element}`));
        low.push(...(await page.evaluate(small)).map((element) => `${place.name}: ${element}`));
      }
    }
    expect(wide).toEqual([]);
    expect(low).toEqual([]);
  });
}

test("the list of chats is a drawer that closes when a chat is chosen", async () => {
  const { page, watch } = await scene.visitor("ann", PHONE);
  watch.foresee(/\/preview/); // there is no model that could say what a message would cost
  await page.goto("/");
  await field(page).waitFor();
  await page.getByRole("button", { name: "Open sidebar" }).tap();
  await page.getByRole("link", { name: "A chat with everything" }).tap();
  await page.waitForURL(`**/chat/${ids.sessionId}`);
  await page.getByRole("navigation").waitFor({ state: "detached" });
  await thread(page).waitFor();
});

test("without a model it is said why nothing can be sent, and what was written is not lost", async () => {
  const { page, watch } = await scene.visitor("ann", PHONE);
  watch.foresee(/status of 4\d\d/);
  await page.goto(`/chat/${ids.sessionId}`);
  await field(page).fill("Is anybody there?");
  await page.getByText("No model is loaded.").waitFor();
  expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  await page.reload();
  await page.getByText("No model is loaded.").waitFor();
  expect(await field(page).inputValue()).toBe("Is anybody there?");
});

test("every dialog keeps its buttons in sight on a window of 1280 × 720 at 200 %", async () => {
  const { page, watch } = await scene.visitor("ann", { width: 640, height: 360 });
  watch.foresee(/\/preview/);
  const hidden: string[] = [];
  let numSeen = 0;
  const dialogs = placesOf(ids).filter(({ part }) => part === DIALOG);
  for await (const place of tour(page, dialogs)) {
    const buttons = await page.locator("[role=dialog] .MuiDialogActions-root button").all();
    for (const button of buttons) {
      const box = await button.boundingBox();
      numSeen += 1;
      if (!box || box.y < 0 || box.y + box.height > 360) hidden.push(`${place.name}: ${await button.textContent()}`);
    }
  }
  expect(hidden).toEqual([]);
  expect(numSeen).toBeGreaterThan(10);
});
