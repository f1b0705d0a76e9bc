/** Where a download stands, for people. Pure. */
import type { PullView } from "@/api/types.gen";

export interface PullStage {
  stage: "waiting" | "downloading" | "verifying" | "paused" | "done" | "failed" | "cancelled";
  /** 0 to 1; null: there is nothing to show. */
  share: number | null;
  /** Until it is here, at this speed; null: nobody knows. */
  leftMs: number | null;
}

export function pullStage(pull: PullView): PullStage {
  const { state, phase, num_bytes_done: done, num_bytes_total: total, bytes_per_s: speed } = pull;
  const share = total ? Math.min(1, done / total) : null;
  if (state !== "running")
    return { stage: state, share: state === "paused" || state === "failed" ? share : null, leftMs: null };
  if (phase === "download") {
    const leftMs = total && speed && speed > 0 ? (Math.max(0, total - done) / speed) * 1000 : null;
    return { stage: "downloading", share, leftMs };
  }
  return { stage: phase === "verify" ? "verifying" : "waiting", share, leftMs: null };
}
