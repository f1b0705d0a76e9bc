/** What sending the draft would cost: asked when its writer pauses, and again when the thread has grown. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { useSettled } from "@/lib/use-settled";

const PAUSE_MS = 500;

export function usePreview(sessionId: string, leafId: string | undefined, draft: string, model: string | null) {
  const content = useSettled(draft, PAUSE_MS);
  return useQuery({
    queryKey: keys.preview(sessionId, leafId ?? "", content, model ?? ""),
    queryFn: ({ signal }) =>
      call("POST /api/sessions/{session_id}/preview", {
        path: { session_id: sessionId },
        body: { content, ...(leafId ? { parent_id: leafId } : {}), ...(model ? { params: { model } } : {}) },
        signal,
      }),
    placeholderData: keepPreviousData,
    gcTime: 10_000, // one for each pause of the writer: old ones are worth nothing
    retry: false, // it is a nicety, and asked again soon
  });
}
