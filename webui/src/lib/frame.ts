/**
 * One turn per frame of the screen for what changes it: React draws at once what changed in one turn, and twice what
 * changed in two. Owned by the page.
 */
const waiting: (() => void)[] = [];

/** Runs `draw` just before the next frame. On a page that is out of sight there is none, until it is seen again. */
export function inFrame(draw: () => void): void {
  if (waiting.push(draw) === 1) requestAnimationFrame(takeTurn);
}

function takeTurn(): void {
  for (const draw of waiting.splice(0)) draw();
}
