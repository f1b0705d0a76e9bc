/** A chat of 1,000 messages: what it costs to open, and whether reading back through it ever jumps. */
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { messages, thread } from "../harness/chat";
import { longChat, readBack } from "../harness/long-chat";
import { stage } from "../harness/stage";
import { report } from "./figures";
import { Processor } from "./processor";

const NUM_MESSAGES = Number(process.env.BDCHAT_MEASURED_MESSAGES ?? 1000);
const scene = stage({ model: "none" });
const LAST = `This is message ${NUM_MESSAGES}.`;
let sessionId = "";

beforeAll(async () => {
  const { api } = await scene.visitor("ann");
  sessionId = await longChat(api, NUM_MESSAGES);
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

test("reading back to its beginning", { timeout: 600_000 }, async () => {
  const { page, watch } = await scene.visitor("ann");
  watch.foresee(/\/preview/);
  await page.goto(`/chat/${sessionId}`);
  await thread(page).getByText(LAST).waitFor();
  await painted(page);
  const jumps = await readBack(page);
  report("reading_back", {
    messages: await messages(page).count(),
    steps: jumps.length,
    jumps_over_2_px: jumps.filter((jump) => Math.abs(jump) > 2).length,
    largest_jump_px: Math.max(...jumps.map(Math.abs)),
  });
  expect(await messages(page).count()).toBe(NUM_MESSAGES);
});
