/** How far an answer is, for who only wants to know that: its words are no news here. */
import { useCallback, useSyncExternalStore } from "react";
import type { Generations } from "./generations";
import { useLive } from "./live-context";

/** "queued 3": third in the queue. */
export type AnswerStage = "idle" | "waiting" | `queued ${number}` | "writing";

/** `generationId`: of the answer that is being written; "": not known yet; null: none is. */
export function useAnswerStage(generationId: string | null): AnswerStage {
  const { generations } = useLive();
  const subscribe = useCallback(
    (listener: () => void) => generations.subscribe(generationId ?? "", listener),
    [generations, generationId],
  );
  return useSyncExternalStore(subscribe, () => (generationId === null ? "idle" : stageOf(generations, generationId)));
}

function stageOf(generations: Generations, generationId: string): AnswerStage {
  const live = generations.read(generationId);
  if (live?.text) return "writing";
  const progress = live?.progress;
  return progress?.type === "queue" && progress.position !== null ? `queued ${progress.position}` : "waiting";
}
