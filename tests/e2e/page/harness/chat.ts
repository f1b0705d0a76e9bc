/** What somebody does and sees in a chat, by the names that the page gives its parts. */
import type { Locator, Page } from "playwright-core";

export const field = (page: Page): Locator => page.getByRole("textbox", { name: "Write a message" });
export const thread = (page: Page): Locator => page.getByRole("log", { name: "Messages" });
export const messages = (page: Page): Locator => thread(page).getByRole("article");
export const stopButton = (page: Page): Locator => page.getByRole("button", { name: "Stop", exact: true });
/** Of answers alone: what people wrote is not set as markdown. */
export const answers = (page: Page): Locator => thread(page).locator(".md");
export const lastAnswer = (page: Page): Locator => answers(page).last();

export async function say(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

/** When at least that much of the last answer is there. */
export async function hasWritten(page: Page, numCharacters: number): Promise<void> {
  await page.waitForFunction(
    (enough) => ([...document.querySelectorAll<HTMLElement>(".md")].at(-1)?.innerText.length ?? 0) >= enough,
    numCharacters,
    { polling: 250 }, // seldom: it measures pages too
  );
}

/** The last answer's text once it is drawn: what has just come in has no `innerText` before its first frame. */
export function lastText(page: Page): Promise<string> {
  return lastAnswer(page).evaluate(async (answer: HTMLElement) => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    return answer.innerText;
  });
}

/** When nothing is being written any more and the last message is an answer; its text. */
export async function answered(page: Page): Promise<string> {
  await messages(page).last().getByRole("button", { name: "Regenerate" }).waitFor({ timeout: 120_000 });
  return lastText(page);
}

/** The text as the page shows it when all it knows comes from the store. */
export async function storedText(page: Page): Promise<string> {
  await page.reload();
  return answered(page);
}

export function sessionIdOf(page: Page): string {
  const found = /\/chat\/([^/?]+)/.exec(page.url());
  if (!found?.[1]) throw new Error(`${page.url()} is no chat's`);
  return found[1];
}
