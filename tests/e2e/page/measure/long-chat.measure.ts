/** A chat of 1,000 messages: what it costs to open, and whether reading back through it ever jumps. */
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { messages, thread } from "../harness/chat";
import { RICH_ANSWER } from "../harness/places";
import { stage } from "../harness/stage";
import { report } from "./figures";
import { Processor } from "./processor";

const NUM_MESSAGES = Number(process.env.BDCHAT_MEASURED_MESSAGES ?? 1000);
const scene = stage({ model: "none" });
const LAST = `This is message ${NUM_MESSAGES}.`;
let sessionId = "";

beforeAll(async () => {
  const { api } = await scene.visitor("ann");
  const answer = RICH_ANSWER.slice(0, 900);
  const texts = Array.from({ length: NUM_MESSAGES }, (_, n) =>
    n % 2 === 0 ? `Question ${n + 1}?` : `This is message ${n + 1}.\n\n${n % 20 === 1 ? answer : answer.slice(0, 400)}`,
  );
  sessionId = await api.chat("A long chat", texts);
}, 300_000);

const painted = (page: Page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** A look that costs nothing: finding something by its role would cost as much as a part of what is measured. */
const lastIsThere = (page: Page) =>
  page.waitForFunction(
    (last) => [...document.querySelectorAll("[role=log] article")].at(-1)?.textContent?.includes(last),
    LAST,
    { polling: 50 },
  );

test("opening it", async () => {
  const { page, watch } = await scene.visitor("ann");
  watch.foresee(/\/preview/);
  await page.goto("/");
  await page.getByRole("link", { name: "A long chat" }).waitFor();
  await painted(page);
  const processor = await Processor.of(page);
  await processor.start();
  await page.evaluate(() => document.querySelector<HTMLElement>("nav li a")?.click());
  await lastIsThere(page);
  await painted(page);
  const inPage = await processor.spent();

  const fresh = await scene.visitor("ann");
  fresh.watch.foresee(/\/preview/);
  const cold = await Processor.of(fresh.page);
  await cold.start();
  await fresh.page.goto(`/chat/${sessionId}`);
  await lastIsThere(fresh.page);
  await painted(fresh.page);
  const fromNothing = await cold.spent();
  report("opening", {
    messages: NUM_MESSAGES,
    from_the_list_cpu_ms: inPage.total,
    from_the_list_script_ms: inPage.script,
    from_the_list_style_and_layout_ms: inPage.style + inPage.layout,
    from_nothing_cpu_ms: fromNothing.total,
    nodes: await fresh.page.evaluate(() => document.querySelectorAll("*").length),
  });
  expect(await fresh.page.getByText(LAST).isVisible()).toBe(true);
});

/** Scrolls up by `step` and says how far what stands in the middle of the screen then is from where it should be. */
async function jumpAfter(page: Page, step: number): Promise<number> {
  return page.evaluate(async (step) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const scroller = document.querySelector("[role=log]")?.parentElement;
    if (!scroller) throw new Error("no thread");
    const { top, height, left, width } = scroller.getBoundingClientRect();
    const inTheMiddle = () => document.elementFromPoint(left + width / 2, top + height / 2)?.closest("article");
    const place = (element: Element) => element.getBoundingClientRect().top;
    const isFar = step > height; // then what was seen is far below, and who reads is somewhere else
    let seen = inTheMiddle();
    let wanted = seen ? place(seen) + Math.min(step, scroller.scrollTop) : 0;
    scroller.scrollTop -= step;
    if (isFar) {
      for (let n = 0; n < 3; n += 1) await frame(); // messages that were never seen get their height
      seen = inTheMiddle();
      wanted = seen ? place(seen) : 0;
    }
    for (let n = 0; n < 12; n += 1) await frame(); // earlier messages come and are laid out
    return seen ? place(seen) - wanted : 0;
  }, step);
}

test("reading back to its beginning", { timeout: 600_000 }, async () => {
  const { page, watch } = await scene.visitor("ann");
  watch.foresee(/\/preview/);
  await page.goto(`/chat/${sessionId}`);
  await thread(page).getByText(LAST).waitFor();
  await painted(page);
  const jumps: number[] = [];
  const first = thread(page).getByText("Question 1?", { exact: true });
  const steps = [350, 700, 1200, 100_000]; // the last to the very top, again and again
  while ((await first.count()) === 0 && jumps.length < 2000) {
    jumps.push(await jumpAfter(page, steps[jumps.length % steps.length] ?? 0));
  }
  report("reading_back", {
    messages: await messages(page).count(),
    steps: jumps.length,
    jumps_over_2_px: jumps.filter((jump) => Math.abs(jump) > 2).length,
    largest_jump_px: Math.max(...jumps.map(Math.abs)),
  });
  expect(await first.count()).toBe(1);
});
