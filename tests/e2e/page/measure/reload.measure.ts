/** An answer whose page is loaded anew at twenty random moments: how soon its text is there again, and whether all is. */
import { expect, test } from "vitest";
import { answered, lastAnswer, say } from "../harness/chat";
import { stage } from "../harness/stage";
import { report } from "./figures";
import { percentile } from "./trace";

const NUM_RELOADS = 20;
const scene = stage({
  model: { numTokens: 5000, tokensPerS: 60 },
  settings: { "generations.makes_titles": "false" },
});

/** How much of the answer is there. Without formulas: they are drawn last, and hold their text twice. */
function numShown(): number {
  const answer = [...document.querySelectorAll(".md")].at(-1);
  const formulas = [...(answer?.querySelectorAll(".katex") ?? [])];
  const lengthOf = (element: Element | undefined) => element?.textContent?.length ?? 0;
  return lengthOf(answer) - formulas.reduce((sum, formula) => sum + lengthOf(formula), 0);
}

/** Notes when as much text is there as the page had before (`name` carries it over), and when the page was loaded. */
function noteWhenVisible(): void {
  const enough = Number(window.name || "0");
  const { numShown } = window as unknown as { numShown: () => number };
  const look = () => {
    const shown = numShown();
    if (shown > 0 && shown >= enough) Object.assign(window, { visibleAtMs: performance.now() });
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

test("twenty reloads of one answer", { timeout: 600_000 }, async () => {
  const { page, api } = await scene.visitor("ann");
  const sessionId = await api.chat("Reloads", []);
  await page.addInitScript(`window.numShown = ${numShown}`);
  await page.addInitScript(noteWhenVisible);
  await page.goto(`/chat/${sessionId}`);
  await say(page, "Go on.");
  await lastAnswer(page).waitFor();
  const afterLoad: number[] = [];
  const afterStart: number[] = [];
  for (let n = 0; n < NUM_RELOADS; n += 1) {
    await page.waitForTimeout(100 + 1900 * Math.random());
    await page.evaluate(() => {
      window.name = String((window as unknown as { numShown: () => number }).numShown());
    });
    await page.reload();
    await page.waitForFunction(() => "visibleAtMs" in window);
    const { visibleAtMs, loadedAtMs } = await page.evaluate(() => {
      const [load] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
      const { visibleAtMs } = window as unknown as { visibleAtMs: number };
      return { visibleAtMs, loadedAtMs: load?.loadEventEnd ?? 0 };
    });
    afterLoad.push(Math.max(0, visibleAtMs - loadedAtMs));
    afterStart.push(visibleAtMs);
  }
  expect(await page.getByRole("button", { name: "Stop", exact: true }).isVisible()).toBe(true); // all were in time
  const shown = await answered(page);
  await page.reload();
  await expect.poll(() => lastAnswer(page).innerText(), { timeout: 30_000 }).toBe(shown); // formulas are drawn last
  report("reload", {
    reloads: NUM_RELOADS,
    after_load_p50_ms: percentile(afterLoad, 0.5),
    after_load_max_ms: Math.max(...afterLoad),
    after_navigation_max_ms: Math.max(...afterStart),
  });
});
