/** What sending the draft would cost: asked when its writer pauses, and again when the thread has grown. */
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { useSettled } from "@/lib/use-settled";
import { memoryIn } from "./memory";

const PAUSE_MS = 500;
/** Until the model can be asked: it loads, or starts again. */
const LOADING_MS = 1_500;
const FAILED_MS = 15_000;
const NEXT_MS: Record<string, number> = { loading: LOADING_MS, restarting: LOADING_MS, failed: FAILED_MS };

export interface DraftPlace {
  sessionId: string;
  /** The message that the draft would answer. */
  leafId: string | undefined;
}

/** `place` null: nothing is asked. `isOfDraft`: it was asked of just this draft, not of one before it. */
export function usePreview(place: DraftPlace | null, draft: string) {
  const content = useSettled(draft, PAUSE_MS);
  const { data, isPlaceholderData } = usePreviewOf({
    sessionId: place?.sessionId ?? "",
    leafId: place?.leafId,
    content,
    isAsked: place !== null,
  });
  return { preview: place ? data : undefined, isOfDraft: content === draft && !isPlaceholderData };
}

interface Asked extends DraftPlace {
  content: string;
  isAsked: boolean;
}

export function usePreviewOf({ sessionId, leafId, content, isAsked }: Asked) {
  const queries = useQueryClient();
  return useQuery({
    queryKey: keys.preview(sessionId, leafId ?? "", isAsked ? content : ""), // else each letter would hash all of it
    queryFn: async ({ signal }) => {
      const preview = await call("POST /api/sessions/{session_id}/preview", {
        path: { session_id: sessionId },
        body: { content, ...(leafId ? { parent_id: leafId } : {}) },
        signal,
      });
      const memory = memoryIn(preview, leafId);
      if (memory) queries.setQueryData(keys.memory(sessionId), memory);
      return preview;
    },
    enabled: isAsked,
    placeholderData: keepPreviousData,
    staleTime: 0, // a draft that is as it was before begins the model's memory there again
    gcTime: 10_000, // one for each pause of the writer: old ones are worth nothing
    refetchInterval: ({ state }) => NEXT_MS[state.data?.state ?? ""] ?? false,
    retry: false, // it is a nicety, and asked again soon
  });
}
