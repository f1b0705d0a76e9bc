/** axe's rules over what a page shows now. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { ROOT } from "./server";

const AXE = readFileSync(createRequire(join(ROOT, "webui/package.json")).resolve("axe-core/axe.min.js"), "utf8");

/** The rules whose outcome depends on colours: all that another theme can break. */
const COLOUR_RULES = ["color-contrast", "link-in-text-block"];

export interface Scope {
  /** A selector of the part that counts; the whole page without it. */
  part?: string | undefined;
  /** Only what another theme can break. */
  onlyColours?: boolean;
}

/** What axe finds, one line each: rule, how bad, where. Its own extras, "best practices", count too. */
export async function violations(page: Page, { part, onlyColours = false }: Scope = {}): Promise<string[]> {
  await atRest(page);
  // By the debugger: the page's Content-Security-Policy has no say in it.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const rules = onlyColours ? { runOnly: { type: "rule", values: COLOUR_RULES } } : {};
  const options = { resultTypes: ["violations"], ...rules };
  return page.evaluate(
    async ([where, how]) => {
      const axe = (window as unknown as { axe: { run: (part: string, options: object) => Promise<AxeResults> } }).axe;
      const { violations: found } = await axe.run(where, how);
      return found.flatMap(({ id, impact, nodes }) =>
        nodes.map(({ target, html }) => `${id} (${impact}): ${target.join(" ")} ${html.slice(0, 120)}`),
      );
    },
    [part ?? "html", options] as const,
  );
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
