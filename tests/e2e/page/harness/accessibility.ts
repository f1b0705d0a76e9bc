/** axe's rules over what a page shows now. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { ROOT } from "./server";

const AXE = readFileSync(createRequire(join(ROOT, "webui/package.json")).resolve("axe-core/axe.min.js"), "utf8");

/** An open menu hangs on the body, as it must to lie over everything: of no landmark, and gone with the next key. */
const IN_MENU = ".MuiMenu-root";

/** What axe finds, one line each: rule, how bad, where. Its own extras, "best practices", count too. */
export async function violations(page: Page): Promise<string[]> {
  await atRest(page);
  await page.evaluate(AXE); // by the debugger: the page's Content-Security-Policy has no say in it
  return page.evaluate(async (inMenu) => {
    const axe = (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe;
    const { violations: found } = await axe.run({ resultTypes: ["violations"], elementRef: true });
    return found.flatMap(({ id, impact, nodes }) =>
      nodes
        .filter(({ element }) => id !== "region" || !element?.closest(inMenu))
        .map(({ target, html }) => `${id} (${impact}): ${target.join(" ")} ${html.slice(0, 120)}`),
    );
  }, IN_MENU);
}

/** When no colour is on its way to another. With reduced motion that takes a frame: on a busy machine a long one. */
async function atRest(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    await frame();
    const willEnd = (each: Animation) => each.effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY;
    await Promise.allSettled(
      document
        .getAnimations()
        .filter(willEnd)
        .map((each) => each.finished),
    );
  });
}
