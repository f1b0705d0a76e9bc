/** How far an answer is, for who only wants to know that: its words are no news here. */
import type { LiveAnswer } from "./generations";
import { useLive } from "./live-context";
import { useOfAnswer } from "./use-live-answer";

/** "queued 3": third in the queue; "paused": it gave its place to others. */
export type AnswerStage = "idle" | "waiting" | `queued ${number}` | "paused" | "writing";

/** `generationId`: of the answer that is being written; "": not known yet; null: none is. */
export function useAnswerStage(generationId: string | null): AnswerStage {
  const { generations } = useLive();
  return useOfAnswer(generations, generationId ?? "", (live) => (generationId === null ? "idle" : stageOf(live)));
}

function stageOf(live: LiveAnswer | undefined): AnswerStage {
  const progress = live?.progress;
  if (progress?.type === "queue" && progress.is_paused) return "paused";
  if (live?.text) return "writing";
  return progress?.type === "queue" && progress.position !== null ? `queued ${progress.position}` : "waiting";
}
