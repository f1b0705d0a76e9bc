/** An answer that is being written, for the components that show it or something of it. */
import { useCallback, useSyncExternalStore } from "react";
import type { Generations, LiveAnswer } from "./generations";

export function useLiveAnswer(generations: Generations, generationId: string): LiveAnswer | undefined {
  return useOfAnswer(generations, generationId, (live) => live);
}

/** What `of` makes of it: a value that can be compared, so that other news of the answer draws nothing. */
export function useOfAnswer<Value>(
  generations: Generations,
  generationId: string,
  of: (live: LiveAnswer | undefined) => Value,
): Value {
  const subscribe = useCallback(
    (listener: () => void) => generations.subscribe(generationId, listener),
    [generations, generationId],
  );
  return useSyncExternalStore(subscribe, () => of(generations.read(generationId)));
}
