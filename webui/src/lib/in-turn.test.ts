import { expect, test } from "vitest";
import { inTurn } from "./in-turn";

test("one begins when the one before has ended, however it ended", async () => {
  const said: string[] = [];
  const run = inTurn();
  const first = run(async () => {
    said.push("first begins");
    await Promise.resolve();
    said.push("first ends");
    throw new Error("failed");
  });
  const second = run(async () => said.push("second"));
  await expect(first).rejects.toThrow("failed");
  await second;
  expect(said).toEqual(["first begins", "first ends", "second"]);
});
