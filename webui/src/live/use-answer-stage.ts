/** How far an answer is, for who only wants to know that: its words are no news here. */
import type { LiveAnswer } from "./generations";
import { useLive } from "./live-context";
import { useOfAnswer } from "./use-live-answer";

/** "queued 3": third in the queue. */
export type AnswerStage = "idle" | "waiting" | `queued ${number}` | "writing";

/** `generationId`: of the answer that is being written; "": not known yet; null: none is. */
export function useAnswerStage(generationId: string | null): AnswerStage {
  const { generations } = useLive();
  return useOfAnswer(generations, generationId ?? "", (live) => (generationId === null ? "idle" : stageOf(live)));
}

function stageOf(live: LiveAnswer | undefined): AnswerStage {
  if (live?.text) return "writing";
  const progress = live?.progress;
  return progress?.type === "queue" && progress.position !== null ? `queued ${progress.position}` : "waiting";
}
