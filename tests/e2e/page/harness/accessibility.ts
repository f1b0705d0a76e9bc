/** axe's rules over what a page shows now. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { ROOT } from "./server";

const AXE = readFileSync(createRequire(join(ROOT, "webui/package.json")).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds, one line each: rule, how bad, where. Its own extras, "best practices", count too. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE); // by the debugger: the page's Content-Security-Policy has no say in it
  const { violations: found } = await page.evaluate(() => {
    const axe = (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe;
    return axe.run({ resultTypes: ["violations"] });
  });
  return found.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${node.target.join(" ")} ${node.html.slice(0, 120)}`),
  );
}
