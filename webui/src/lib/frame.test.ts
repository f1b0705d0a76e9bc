import { expect, test, vi } from "vitest";
import { inFrame } from "./frame";

test("all that waits for a frame is drawn in one turn; what is asked for in it comes with the next", () => {
  const frames: (() => void)[] = [];
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
  const seen: string[] = [];
  inFrame(() => seen.push("answer"));
  inFrame(() => {
    seen.push("formula");
    inFrame(() => seen.push("later"));
  });
  expect(frames).toHaveLength(1);
  frames.shift()?.();
  expect(seen).toEqual(["answer", "formula"]);
  expect(frames).toHaveLength(1);
  frames.shift()?.();
  expect(seen).toEqual(["answer", "formula", "later"]);
  vi.unstubAllGlobals();
});
