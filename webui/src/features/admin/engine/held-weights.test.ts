import type { TFunction } from "i18next";
import { expect, test } from "vitest";
import { heldWeights } from "./held-weights";

const t = ((key: string, values?: object) =>
  values ? `${key} ${JSON.stringify(values)}` : key) as unknown as TFunction;
const number = (value: number) => value.toFixed(1);
const HELD = {
  is_open: false,
  is_encoded: true,
  encodings: { "Q4_1 → Q8_0": 150, "Q4_1 → BF16": 60 },
  mean_kl: 0.00452,
  speed_before: [300, 175, 244],
  speed_after: [660, 210, 298],
};

test("an encoding tells what it gained and what it changed", () => {
  expect(heldWeights(HELD, t, number)).toBe(
    'Q4_1 → Q8_0, Q4_1 → BF16 · admin.engine.weightsGain {"prompt":"2.2","answer":"1.2"} · ' +
      'admin.engine.weightsKl {"kl":"0.0045"}',
  );
});

test("what is not known yet, or stays, has words of its own", () => {
  const nothing = { ...HELD, is_encoded: false, encodings: {}, mean_kl: null, speed_before: null, speed_after: null };
  expect(heldWeights(nothing, t, number)).toBe("admin.engine.weightsOfFile");
  expect(heldWeights({ ...nothing, is_open: true }, t, number)).toBe("admin.engine.weightsOpen");
  expect(heldWeights(undefined, t, number)).toBe("–");
});
