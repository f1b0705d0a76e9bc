/**
 * One turn per frame of the screen for what changes it: React draws at once what changed in one turn, and twice what
 * changed in two. Owned by the page.
 */

const RECENT_MS = 100;
const waiting: (() => void)[] = [];
let lastTurnMs = Number.NEGATIVE_INFINITY;

/** Runs `draw` just before the next frame. On a page that is out of sight there is none, until it is seen again. */
export function inFrame(draw: () => void): void {
  if (waiting.push(draw) === 1) requestAnimationFrame(takeTurn);
}

/** Soon; and while an answer is being drawn frame by frame, in its turn. */
export function besideFrames(draw: () => void): void {
  if (performance.now() - lastTurnMs < RECENT_MS && document.visibilityState === "visible") inFrame(draw);
  else setTimeout(draw, 0);
}

function takeTurn(): void {
  lastTurnMs = performance.now();
  for (const draw of waiting.splice(0)) draw();
}
