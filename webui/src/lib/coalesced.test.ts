import { expect, test } from "vitest";
import { coalesced } from "./coalesced";

test("however often it is asked for, one runs and one follows", async () => {
  let numRuns = 0;
  let numAtOnce = 0;
  const ask = coalesced(async () => {
    numRuns += 1;
    numAtOnce += 1;
    expect(numAtOnce).toBe(1);
    await Promise.resolve();
    numAtOnce -= 1;
  });
  await Promise.all([ask(), ask(), ask(), ask()]);
  expect(numRuns).toBe(2);
  await ask();
  expect(numRuns).toBe(3);
});

test("a run that failed does not stand in the way of the next", async () => {
  let numRuns = 0;
  const ask = coalesced(async () => {
    numRuns += 1;
    if (numRuns === 1) throw new Error("first");
  });
  await expect(ask()).rejects.toThrow("first");
  await ask();
  expect(numRuns).toBe(2);
});
