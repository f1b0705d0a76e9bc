/**
 * Where the model's memory begins: as the last preview said, and while an answer is written as it was for that one. Who
 * sends at once, or comes while it is written, has no such preview yet: then the server is asked for it.
 */
import { skipToken, useQuery } from "@tanstack/react-query";
import { keys } from "@/api/keys";
import type { PathMessageView } from "@/api/types.gen";
import { useLive } from "@/live/live-context";
import { useOfAnswer } from "@/live/use-live-answer";
import type { Memory } from "./memory";
import { usePreviewOf } from "./use-preview";

/** `running`: the answer that is being written; `question`: what it answers. */
export function useMemory(
  sessionId: string,
  running: PathMessageView | undefined,
  question: PathMessageView | undefined,
): Memory | undefined {
  const { data } = useQuery<Memory>({ queryKey: keys.memory(sessionId), queryFn: skipToken });
  const { generations } = useLive();
  const numDropped = useOfAnswer(
    generations,
    running?.generation_id ?? "",
    (live) => (live?.model ? live.numDroppedMessages : null), // not known yet
  );
  const isOther = running !== undefined && (data ? numDropped !== null && numDropped !== data.numDropped : true);
  const leafId = question?.parent_id ?? undefined; // without one there is nothing to forget
  const isAsked = isOther && leafId !== undefined;
  usePreviewOf({ sessionId, leafId, content: question?.content ?? "", isAsked });
  return data;
}
