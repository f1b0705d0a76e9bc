/** A chat that is longer than what is loaded of it at once, and reading back through it. */
import type { Page } from "playwright-core";
import type { Api } from "./api";
import { thread } from "./chat";
import { RICH_ANSWER } from "./places";

/** Its id. The messages are numbered from 1; every tenth answer has one of everything. */
export function longChat(api: Api, numMessages: number): Promise<string> {
  const answer = RICH_ANSWER.slice(0, 900);
  const texts = Array.from({ length: numMessages }, (_, n) =>
    n % 2 === 0 ? `Question ${n + 1}?` : `This is message ${n + 1}.\n\n${n % 20 === 1 ? answer : answer.slice(0, 400)}`,
  );
  return api.chat("A long chat", texts);
}

/** Scrolls to its very first message; how far each step moved what was read from where it should be, in px. */
export async function readBack(page: Page): Promise<number[]> {
  const jumps: number[] = [];
  const first = thread(page).getByText("Question 1?", { exact: true });
  const steps = [350, 700, 1200, 100_000]; // the last to the very top, again and again
  while ((await first.count()) === 0 && jumps.length < 2000) {
    jumps.push(await jumpAfter(page, steps[jumps.length % steps.length] ?? 0));
  }
  if ((await first.count()) === 0) throw new Error("its beginning is never there");
  return jumps;
}

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
