/** Whoever moves by keyboard sees where: every control that the keys come to looks different while it has the focus. */
import type { CDPSession, Page } from "playwright-core";

/** Round a control, px: what a focus may draw there. The field for messages has its frame at 9 px. */
const MARGIN = 12;
const MAX_STEPS = 200;

type Clip = Record<"x" | "y" | "width" | "height", number>;

interface Control {
  name: string;
  /** Controls of the same make, in the same kind of place, look alike. */
  make: string;
}

/**
 * The controls of a view whose pixels are the same with the focus and without it, in either theme.
 *
 * `known` holds the makes that were compared before; it is added to. `key` is what moves the focus here: a menu has
 * arrows and closes at Tab. The page is light before, and dark after if there was something new: all is compared in one
 * theme before the other, for the whole page is drawn anew at a change.
 */
export async function unmarked(page: Page, known: Set<string>, key: "Tab" | "ArrowDown"): Promise<string[]> {
  const camera = await page.context().newCDPSession(page);
  await page.evaluate(beginVisit);
  await inTheme(page, "light");
  const names: string[] = [];
  const found: string[] = [];
  const compare = async (number: number, theme: string) => {
    if (!(await isMarked(page, camera, number))) found.push(`${names[number]}, ${theme}`);
  };
  for (let step = 0; ; step += 1) {
    if (step === MAX_STEPS) throw new Error(`${key} never comes round`);
    await page.keyboard.press(key);
    const control = await page.evaluate(focused, [...known]);
    if (control === "again") break;
    if (control === null) continue;
    known.add(control.make);
    await compare(names.push(control.name) - 1, "light");
  }
  if (names.length > 0) await inTheme(page, "dark");
  for (const number of names.keys()) await compare(number, "dark");
  await camera.detach();
  return found;
}

async function inTheme(page: Page, theme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.locator(`html[data-theme=${theme}]`).waitFor();
}

async function isMarked(page: Page, camera: CDPSession, number: number): Promise<boolean> {
  const clip = await page.evaluate(withFocus, [number, MARGIN] as const);
  const marked = await picture(camera, clip);
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  const bare = await picture(camera, clip);
  await page.evaluate(withFocus, [number, MARGIN] as const);
  return marked !== bare;
}

/** As the browser itself takes it: Playwright's own prepares the page for each, which costs more than the picture. */
async function picture(camera: CDPSession, clip: Clip): Promise<string> {
  const { data } = await camera.send("Page.captureScreenshot", { clip: { ...clip, scale: 1 }, optimizeForSpeed: true });
  return data;
}

/** Nothing was visited yet; and no caret, which comes and goes: it is no mark of the focus. */
function beginVisit(): void {
  Object.assign(window, { visited: new Set<Element>(), compared: [] });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { caret-color: transparent !important }");
  document.adoptedStyleSheets = [sheet];
}

/** Gives the focus to a control that was compared before, and says where it is to be seen. */
function withFocus([number, margin]: readonly [number, number]): Clip {
  const { compared } = window as unknown as { compared: HTMLElement[] };
  const element = compared[number] as HTMLElement;
  if (document.activeElement !== element) element.focus();
  const box = element.getBoundingClientRect();
  const x = Math.max(0, box.left - margin);
  const y = Math.max(0, box.top - margin);
  const width = Math.min(innerWidth, box.right + margin) - x;
  const height = Math.min(innerHeight, box.bottom + margin) - y;
  return { x, y, width, height };
}

/** What has the focus and is new; "again" if it had it before; null if nothing has it that is new and in sight. */
function focused(known: string[]): Control | "again" | null {
  const { visited, compared } = window as unknown as { visited: Set<Element>; compared: Element[] };
  const element = document.activeElement ?? document.body;
  if (visited.has(element)) return "again";
  visited.add(element);
  const { top, left, right, bottom } = element.getBoundingClientRect();
  const isInSight = right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
  const say = (each: Element | null) => `${each?.tagName} ${each?.getAttribute("type") ?? ""} ${each?.className}`;
  const make = `${say(element)} in ${say(element.parentElement)}`;
  if (element === document.body || !isInSight || known.includes(make)) return null;
  compared.push(element);
  const name = element.getAttribute("aria-label") ?? element.textContent?.trim().slice(0, 40) ?? "";
  return { name: `${element.tagName.toLowerCase()} "${name}"`, make };
}
