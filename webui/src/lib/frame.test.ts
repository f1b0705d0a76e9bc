import { beforeEach, expect, test, vi } from "vitest";

let frames: (() => void)[] = [];
beforeEach(() => {
  frames = [];
  vi.resetModules();
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
});

test("all that waits for a frame is drawn in one turn; beside frames, what changes joins them", async () => {
  const { inFrame, besideFrames } = await import("./frame");
  const seen: string[] = [];
  besideFrames(() => seen.push("alone"));
  await new Promise((done) => setTimeout(done, 5));
  expect(seen).toEqual(["alone"]); // nothing is being drawn: it waits for no frame
  inFrame(() => seen.push("answer"));
  inFrame(() => seen.push("another"));
  expect(frames).toHaveLength(1);
  frames.pop()?.();
  expect(seen).toEqual(["alone", "answer", "another"]);
  besideFrames(() => seen.push("list"));
  inFrame(() => seen.push("answer"));
  expect([seen.length, frames.length]).toEqual([3, 1]);
  frames.pop()?.();
  expect(seen.slice(3)).toEqual(["list", "answer"]);
});
