/** Where the model's memory of a chat begins, as the server says: what is older no longer fits. Pure. */
import type { PathMessageView, PreviewView } from "@/api/types.gen";

export interface Memory {
  numDropped: number;
  /** The first message that is sent; null: only the new one below `leafId`. */
  firstId: string | null;
  leafId: string | undefined;
}

/** null: the model could not be asked, or would not take the message at all. */
export function memoryIn(preview: PreviewView, leafId: string | undefined): Memory | null {
  if (preview.num_prompt_tokens === null || preview.too_long) return null;
  return { numDropped: preview.num_dropped_messages, firstId: preview.first_message_id, leafId };
}

/** How many of `messages` are forgotten; null: it begins further up, or nothing is. */
export function numForgotten(messages: readonly PathMessageView[], memory: Memory | undefined): number | null {
  if (!memory || memory.numDropped === 0) return null;
  const { firstId, leafId } = memory;
  const at = messages.findIndex((message) => message.message_id === (firstId ?? leafId));
  if (at < 0) return null;
  return firstId === null ? at + 1 : at;
}
