/** Whoever moves by keyboard sees where: every control that the keys come to looks different while it has the focus. */
import type { Page } from "playwright-core";

/** Round a control, px: what a focus may draw there. The field for messages has its frame at 9 px. */
const MARGIN = 12;
const MAX_STEPS = 200;

interface Control {
  name: string;
  /** Controls of the same make, in the same kind of place, look alike. */
  make: string;
  clip: { x: number; y: number; width: number; height: number };
}

/**
 * The controls of a view whose pixels are the same with the focus and without it, in either theme.
 *
 * `known` holds the makes that were compared before; it is added to. `key` is what moves the focus here: a menu has
 * arrows and closes at Tab.
 */
export async function unmarked(page: Page, known: Set<string>, key: "Tab" | "ArrowDown"): Promise<string[]> {
  await page.evaluate(() => {
    Object.assign(window, { visited: new Set<Element>() });
  });
  const found: string[] = [];
  for (let step = 0; step < MAX_STEPS; step += 1) {
    await page.keyboard.press(key);
    const control = await page.evaluate(focused, MARGIN);
    if (control === "again") return found;
    if (control === null || known.has(control.make)) continue;
    known.add(control.make);
    for (const theme of ["light", "dark"] as const) {
      if (!(await isMarked(page, control.clip, theme))) found.push(`${control.name}, ${theme}`);
    }
  }
  throw new Error(`${key} never comes round`);
}

async function isMarked(page: Page, clip: Control["clip"], theme: "light" | "dark"): Promise<boolean> {
  await page.emulateMedia({ colorScheme: theme });
  await page.locator(`html[data-theme=${theme}]`).waitFor();
  const marked = await page.screenshot({ clip });
  await page.evaluate(() => {
    Object.assign(window, { left: document.activeElement });
    (document.activeElement as HTMLElement).blur();
  });
  const bare = await page.screenshot({ clip });
  await page.evaluate(() => (window as unknown as { left: HTMLElement }).left.focus());
  return !marked.equals(bare);
}

/** What has the focus; "again" if it had it before; null if nothing has it, or nothing that is in sight. */
function focused(margin: number): Control | "again" | null {
  const { visited } = window as unknown as { visited: Set<Element> };
  const element = document.activeElement;
  if (!element || element === document.body) {
    if (visited.has(document.body)) return "again";
    visited.add(document.body);
    return null;
  }
  if (visited.has(element)) return "again";
  visited.add(element);
  const box = element.getBoundingClientRect();
  const x = Math.max(0, box.left - margin);
  const y = Math.max(0, box.top - margin);
  const width = Math.min(innerWidth, box.right + margin) - x;
  const height = Math.min(innerHeight, box.bottom + margin) - y;
  if (width < 1 || height < 1) return null;
  const make = (each: Element | null) => `${each?.tagName} ${each?.getAttribute("type") ?? ""} ${each?.className}`;
  const name = element.getAttribute("aria-label") ?? element.textContent?.trim().slice(0, 40) ?? "";
  return {
    name: `${element.tagName.toLowerCase()} "${name}"`,
    make: `${make(element)} in ${make(element.parentElement)}`,
    clip: { x, y, width, height },
  };
}
