/** A message that is said otherwise: a sibling, with an answer to it or without. */
import { useState } from "react";
import { call } from "@/api/client";
import type { PathMessageView } from "@/api/types.gen";
import type { SaidFrame } from "@/live/protocol";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { newId } from "../pending";

export function useEdit(message: PathMessageView, say: (frame: SaidFrame) => void) {
  const [isEditing, setEditing] = useState(false);
  const textOf = useErrorText();
  const { show } = useNotices();
  const save = async (content: string, { answers }: { answers: boolean }) => {
    const id = newId();
    if (answers) {
      setEditing(false);
      say({ type: "edit", message_id: message.message_id, content, client_message_id: id });
      return;
    }
    try {
      const path = { message_id: message.message_id };
      await call("POST /api/messages/{message_id}/edit", { path, body: { content, client_message_id: id, answers } });
      setEditing(false);
    } catch (error) {
      show({ text: textOf(error) }); // and the field keeps what was written
    }
  };
  return { isEditing, begin: () => setEditing(true), cancel: () => setEditing(false), save };
}
