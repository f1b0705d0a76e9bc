import { expect, test } from "vitest";
import type { PullView } from "@/api/types.gen";
import { pullStage } from "./pull-stage";

function pull(state: PullView["state"], more: Partial<PullView> = {}): PullView {
  return { state, phase: null, num_bytes_done: 25, num_bytes_total: 100, bytes_per_s: null, ...more } as PullView;
}

test("a running download says how far it is and how long it will take", () => {
  expect(pullStage(pull("running", { phase: "download", bytes_per_s: 15 }))).toEqual({
    stage: "downloading",
    share: 0.25,
    leftMs: 5000,
  });
  expect(pullStage(pull("running", { phase: "download", num_bytes_total: null }))).toEqual({
    stage: "downloading",
    share: null,
    leftMs: null,
  });
});

test("checking the sum, waiting and pausing are told apart; what ended shows no bar", () => {
  expect(pullStage(pull("running", { phase: "verify" })).stage).toBe("verifying");
  expect(pullStage(pull("running"))).toEqual({ stage: "waiting", share: 0.25, leftMs: null });
  expect(pullStage(pull("paused"))).toEqual({ stage: "paused", share: 0.25, leftMs: null });
  expect(pullStage(pull("done")).share).toBeNull();
});
