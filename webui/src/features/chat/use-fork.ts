/** A new chat with the path down to a message, and to it. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

/** `messageId` absent: down to the end of what is shown. */
export function useFork(sessionId: string): (messageId?: string) => Promise<void> {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  return async (messageId) => {
    try {
      const body = messageId === undefined ? {} : { message_id: messageId };
      const forked = await call("POST /api/sessions/{session_id}/fork", { path: { session_id: sessionId }, body });
      queries.invalidateQueries({ queryKey: [...keys.sessions, "list"] });
      navigate(`/chat/${forked.session_id}`);
    } catch (error) {
      show({ text: textOf(error) });
    }
  };
}
