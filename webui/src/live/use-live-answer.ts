/** An answer that is being written, for the one component that shows it. */
import { useCallback, useSyncExternalStore } from "react";
import type { Generations, LiveAnswer } from "./generations";

export function useLiveAnswer(generations: Generations, generationId: string): LiveAnswer | undefined {
  const subscribe = useCallback(
    (listener: () => void) => generations.subscribe(generationId, listener),
    [generations, generationId],
  );
  return useSyncExternalStore(subscribe, () => generations.read(generationId));
}
